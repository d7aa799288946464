"""How commits are made and get to a remote: of the work tree's files, or beside it."""
