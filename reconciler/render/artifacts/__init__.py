"""What is shown of the files of versions: digests, and how files differ."""
