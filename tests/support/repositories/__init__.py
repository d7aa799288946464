"""Real git repositories, and a history in memory."""
