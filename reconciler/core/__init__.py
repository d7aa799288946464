"""Values and the rules between them. Pure; every other package may import them."""
