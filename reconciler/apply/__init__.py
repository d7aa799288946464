"""Carries out a plan through the registry's port, and reports what became of each change."""
