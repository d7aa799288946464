"""What a state folder declares, and what its settings and keys add to that."""
