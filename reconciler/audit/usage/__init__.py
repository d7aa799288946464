"""Who loads a model: in source code, and by the access log of a server."""
