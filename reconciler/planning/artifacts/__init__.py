"""The bytes of versions: what a plan checks, and what drifted."""
