"""What a file may say: the schema, and the rules that a schema cannot express."""
