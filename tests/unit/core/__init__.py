"""Tests of reconciler/core."""
