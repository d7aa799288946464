"""Edits a model file and keeps every byte that is not edited."""
