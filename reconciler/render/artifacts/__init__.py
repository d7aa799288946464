"""Renders the files of versions: their digests, and how files differ."""
