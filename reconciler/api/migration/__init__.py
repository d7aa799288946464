"""From stages to aliases: what depends on stages, the steps, and what rewrites the code."""
