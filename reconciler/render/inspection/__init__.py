"""Renders what the history, the audit and a version show, as text, JSON, CSV and Markdown."""
