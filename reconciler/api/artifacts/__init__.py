"""The bytes of versions: reading them, and telling the caller how far that is."""
