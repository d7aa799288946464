"""Two versions beside each other."""

from reconciler.core.comparison import (
    Comparison,
    side,
)
from reconciler.core.facts import NO_FACTS, Facts
from reconciler.core.state import Field, Identity, Live, LiveVersion

_DAY = 86_400_000
LIVE = Live(
    "fraud",
    {
        Field("stage", 1): "Archived",
        Field("stage", 2): "Production",
        Field("stage", 3): "Production",
        Field("stage", 4): "Staging",
        Field("alias", None, "champion"): 3,
        Field("alias", None, "lost"): 9,
        Field("tag", 4, "validated"): "true",
        Field("tag", 4, "mlflow.user"): "eve",
        Field("tag", 3, "validated"): "",
        Field("description", 4): "Better",
    },
    {
        number: LiveVersion(Identity(f"run{number}", "s3://key:secret@bucket", number * _DAY))
        for number in (1, 2, 3, 4)
    },
)


def beside(candidate: Facts, incumbent: Facts | None) -> Comparison:
    facts = {4: candidate, 3: incumbent or NO_FACTS}
    other = None if incumbent is None else side(LIVE, 3, facts)
    return Comparison("fraud", ("Production",), side(LIVE, 4, facts), other)
