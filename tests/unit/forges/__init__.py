"""Tests of reconciler/forges that need no server."""
