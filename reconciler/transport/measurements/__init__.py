"""Measures a value of a version that serves: by Prometheus, in a JSON document, of a run."""
