"""Computes what the page shows of each model: its state, its holders and its timeline."""
