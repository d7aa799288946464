"""Tests of reconciler/audit/overview."""
