"""`watch`: looks at what is measured of versions that serve, and proposes the way back."""
