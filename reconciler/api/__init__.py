"""What a program can do: the one implementation behind every command."""
