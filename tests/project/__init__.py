"""The repository's own files: imports, workflows, locks, pages."""
