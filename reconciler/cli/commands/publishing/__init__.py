"""Commands that make what others read."""
