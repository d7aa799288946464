"""Makes pages, reviews and cards from git and the registry."""
