"""Tests of reconciler/files."""
