"""Renders a review of models as files: CSV for machines, a page for people, and their sums."""
