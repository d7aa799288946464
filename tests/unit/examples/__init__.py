"""Tests of what examples/ runs."""
