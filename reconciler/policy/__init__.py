"""Guards, policies and freeze windows, which judge changes. Pure."""
