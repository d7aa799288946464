"""The files of versions: where they are, what is listed there, and what their bytes hash to."""
