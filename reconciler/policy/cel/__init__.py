"""Conditions in CEL: static checks of their text and names, evaluation, and explanations."""
