"""Fixtures of the contract tests."""

from tests.support.measurements.prometheus_server import prometheus  # noqa: F401  a fixture
from tests.support.registries.backends import backend  # noqa: F401  a fixture
from tests.support.registries.tls import certificate, encrypted_uri  # noqa: F401  fixtures
