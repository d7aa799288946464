"""Tests of reconciler/registries that need no server."""
