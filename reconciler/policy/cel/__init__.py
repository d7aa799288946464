"""Conditions in CEL: their text, their names, and the one module that has them evaluated."""
