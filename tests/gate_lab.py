"""How a test has its plans judged, where it is about something else: as everybody's are."""

from datetime import datetime, timezone
from typing import Final

from reconciler.planning.checks import Gate
from reconciler.policy.cel.adapter import CelConditions
from reconciler.policy.evaluation import Court

GATE: Final = Gate(Court(CelConditions(), datetime(2026, 1, 5, 12, tzinfo=timezone.utc)))
