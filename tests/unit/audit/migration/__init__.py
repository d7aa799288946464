"""Tests of reconciler/audit/migration."""
