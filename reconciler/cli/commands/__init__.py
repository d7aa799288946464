"""One module a command: it parses, calls the API, prints and exits."""
