"""Values and their laws: pure, and known to everybody above."""
