"""Tests of reconciler/apply."""
