"""The cluster that the tests of the manifests share."""

from tests.support.kubernetes.manifests import cluster

__all__ = ["cluster"]
