"""Tests of reconciler/render."""
