"""Files and what they declare: reading, checking, writing and editing YAML."""
