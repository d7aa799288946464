"""From stages to aliases: what is left, the steps, and the patch for source code."""
