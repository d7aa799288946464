"""What the main line says: its history with the records of applies, and the pinned registry."""
