"""What the reconciler asks of the outside: a registry, a forge, a history."""
