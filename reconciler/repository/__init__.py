"""The git repository: commits, trees, what is not committed, and what was declared when."""
