"""Edits that keep every other byte of a file."""
