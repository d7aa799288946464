"""What the tests of who loads what are made of."""
