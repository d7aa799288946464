"""The settings that a change is judged by: no change can loosen its own."""

import pytest

from reconciler.core.declaring.bridge import Bridge
from reconciler.core.declaring.watch import RunMetric, WatchRule
from reconciler.core.settings import Settings, VerifyAt, Webhook, effective_settings

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


def test_a_bridge_that_goes_still_has_guards_and_policies_see_one() -> None:
    base = Settings(bridge=Bridge((("Production", "champion"),)))
    other = Settings(bridge=Bridge((("Production", "live"),)))
    effective = effective_settings(other, base)
    assert effective.bridged == (("Production", "live"), ("Production", "champion"))
    assert effective.deferred == (
        "`bridge` still makes Production and @champion one for guards and policies",
    )
    assert effective.settings.bridge == other.bridge, "what is declared is the change's own"
    assert effective_settings(base, Settings()).deferred == ()


@pytest.mark.parametrize(
    "other",
    [
        Settings(watch=(WatchRule("auc", RunMetric("auc"), "value < 0.5"),)),
        Settings(notify=(Webhook("slack", "SLACK_URL"),)),
    ],
)
def test_who_is_told_and_what_is_watched_is_judged_by_nothing(other: Settings) -> None:
    for own, base in ((other, Settings()), (Settings(), other)):
        effective = effective_settings(own, base)
        assert (effective.settings, effective.base, effective.deferred) == (own, None, ())
