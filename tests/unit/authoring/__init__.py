"""Tests of reconciler/authoring."""
