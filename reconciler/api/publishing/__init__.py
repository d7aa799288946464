"""What is made from git and the registry for others to read."""
