"""How fast the commands are, side by side with the raw HTTP work that they cannot avoid."""
