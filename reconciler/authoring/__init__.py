"""Changes to the declared files, and their way into a commit."""
