"""How far each model is on its way from stages to aliases, and what depends on stages."""
