"""Judges changes: guards, policies and freeze windows. Pure."""
