"""Changes to the files: promote, rollback, discover, import and init, each written on request."""
