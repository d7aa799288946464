"""The part of the documentation that the code makes: `make generated` writes `docs/reference/`."""
