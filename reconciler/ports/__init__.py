"""The protocols that adapters implement: registry, forge and history."""
