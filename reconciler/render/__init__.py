"""Turns plans, reports and tables into text, Markdown and JSON: every function returns `str`."""
