"""The tables that a review of models asks for: every fact with its evidence, every gap a row."""
