"""The schema of the files, and the rules that a schema cannot express."""
