"""Values that plans are made of."""
