"""YAML styles, and hostile files."""
