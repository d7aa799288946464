"""Tests of reconciler/repository, with real git."""
