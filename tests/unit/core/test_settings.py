"""The settings that a change is judged by: no change can loosen its own."""

import pytest

from reconciler.core.settings import Settings, VerifyAt, effective_settings

BOTH = ("plan", "apply")


@pytest.mark.parametrize(
    ("own", "base", "verify", "deferred"),
    [
        (("apply",), BOTH, BOTH, ("`digests: verify` still reads the bytes in `plan`",)),
        (("plan",), BOTH, BOTH, ("`digests: verify` still reads the bytes in `apply`",)),
        (("plan",), ("apply",), BOTH, ("`digests: verify` still reads the bytes in `apply`",)),
        (BOTH, ("apply",), BOTH, ()),
        (("apply",), ("apply",), ("apply",), ()),
        (("apply",), None, ("apply",), ()),
    ],
)
def test_a_change_cannot_drop_a_step_that_reads_the_bytes(
    own: tuple[VerifyAt, ...],
    base: tuple[VerifyAt, ...] | None,
    verify: tuple[VerifyAt, ...],
    deferred: tuple[str, ...],
) -> None:
    before = None if base is None else Settings(verify=base)
    effective = effective_settings(Settings(verify=own), before)
    assert set(effective.settings.verify) == set(verify)
    assert effective.deferred == deferred
