"""Divide requests among the versions of an A/B test."""

import math
import secrets
from collections.abc import Mapping
from hashlib import sha256


def route(key: str | None, shares: Mapping[str, float]) -> str:
    """Return the version that a key belongs to, by weighted rendezvous hashing.

    The same key has the same version while the shares are the same; a request without one is drawn
    anew. Between two versions, a share that grows moves only the keys that it needs. The next test,
    of other versions, draws other keys.
    """
    key = key or secrets.token_hex()

    def distance(version: str) -> float:
        drawn = int.from_bytes(sha256(f"{version}/{key}".encode()).digest()[:8], "big")
        return -math.log((drawn + 1) / (2**64 + 1)) / shares[version]

    return min((version for version, share in shares.items() if share), key=distance)
