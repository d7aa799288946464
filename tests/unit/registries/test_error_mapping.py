"""Whom a refusal is about: a user that the registry knows, or nobody."""

import pytest

from reconciler.errors import Forbidden
from reconciler.registries.error_mapping import (
    LOG_IN_HINT,
    PERMISSION_HINT,
    from_code,
    from_status,
)


@pytest.mark.parametrize(
    ("code", "status", "is_known", "hint"),
    [
        ("PERMISSION_DENIED", 403, True, PERMISSION_HINT),
        ("UNAUTHENTICATED", 401, False, LOG_IN_HINT),
    ],
)
def test_a_refusal_says_whether_the_user_is_known(
    *, code: str, status: int, is_known: bool, hint: str
) -> None:
    for error in (from_code(code, "no"), from_status("http://h", status, {}, b"")):
        assert isinstance(error, Forbidden)
        assert (error.is_known, error.hint) == (is_known, hint)
