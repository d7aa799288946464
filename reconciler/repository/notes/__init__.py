"""What git notes keep beside the commits: apply records, and what `watch` remembers."""
