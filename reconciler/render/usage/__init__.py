"""Who loads a model, and by what, as text, Markdown and JSON."""
