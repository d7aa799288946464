"""Reading the files that say who loads a model."""
