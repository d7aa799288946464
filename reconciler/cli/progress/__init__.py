"""How far a run is: a line of stderr that goes again, or now and then a line in a log."""
