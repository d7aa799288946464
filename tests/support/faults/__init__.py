"""Faults at every request, and two writers."""
