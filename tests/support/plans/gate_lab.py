"""How a test has its plans judged, where it is about something else: as everybody's are."""

from datetime import datetime, timezone
from typing import Final

from reconciler.planning.checks import Judging
from reconciler.policy.cel.adapter import CelConditions
from reconciler.policy.evaluation import PolicyContext

GATE: Final = Judging(PolicyContext(CelConditions(), datetime(2026, 1, 5, 12, tzinfo=timezone.utc)))
