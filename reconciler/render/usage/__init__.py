"""Who loads a model, and what depends on stages, as text, Markdown and JSON."""
