"""Applies a plan through the registry port, and reports the outcome of each change."""
