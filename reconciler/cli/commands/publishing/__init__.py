"""Commands that make pages and cards."""
