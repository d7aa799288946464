"""YAML files and what they declare: reads, checks, writes and edits them."""
