"""Tests without a server or a network; by package, file names follow modules."""
