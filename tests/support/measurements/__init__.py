"""Real sources of measurements."""
