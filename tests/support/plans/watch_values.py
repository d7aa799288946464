"""A look that failed and a proposal, for tests of what a watch remembers and says."""

from datetime import datetime, timedelta, timezone

from reconciler.policy.watching.looks import Look, Measurement, Proposed

NOON = datetime(2026, 11, 30, 12, tzinfo=timezone.utc)
MEASURED = Measurement(0.1, 812.0, NOON - timedelta(seconds=15))
LOOK = Look(
    "fraud",
    "error-rate",
    "ab12",
    3,
    NOON,
    MEASURED,
    0.02,
    is_usable=True,
    outcome="failing",
)
PROPOSED = Proposed("fraud", 3, 2, NOON, "rollback/fraud-v3-to-v2", 7, "https://forge/7")
