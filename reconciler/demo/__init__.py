"""The demonstration: one model's life on an embedded registry, in a temporary folder."""
