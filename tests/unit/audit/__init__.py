"""Tests of reconciler/audit."""
