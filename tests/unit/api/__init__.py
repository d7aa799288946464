"""Tests of reconciler/api."""
