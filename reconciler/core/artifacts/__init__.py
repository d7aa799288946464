"""The files of a version: their digest, and the signature that they declare."""
