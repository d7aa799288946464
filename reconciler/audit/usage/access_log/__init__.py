"""Which models a server's or a proxy's access log says were loaded, and by whom."""
