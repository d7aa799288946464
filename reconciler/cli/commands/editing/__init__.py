"""The commands that edit the declared files."""
