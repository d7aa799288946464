"""The demonstration: the life of one model on a local registry, in a temporary folder."""
