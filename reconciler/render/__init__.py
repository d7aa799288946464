"""Renders plans, reports, histories and tables as text, Markdown, CSV and JSON values."""
