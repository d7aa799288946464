"""Tests of reconciler/authoring/migration."""
