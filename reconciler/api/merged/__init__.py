"""The main line: its history with the records of applies, and the registry that it pins."""
