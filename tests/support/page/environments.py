"""Three environments of one fleet: the same models, of which production lags behind."""

from dataclasses import replace
from datetime import timedelta

from reconciler.audit.overview.model_overview import Holder, ModelOverview, Overview
from reconciler.core.plan import RegistryRef
from reconciler.core.state import Field, Live
from tests.support.page.fleet import fleet
from tests.support.page.past import NOW


def environments() -> tuple[Overview, ...]:
    """Return development, staging and production; some models serve older versions in each."""
    own = fleet(state="states/production")
    return (
        _environment(own, "states/development", "dev", ahead={"churn": 2, "spam-filter": 1}),
        _environment(own, "states/staging", "staging", ahead={"churn": 2}),
        own,
    )


def _environment(own: Overview, state: str, name: str, ahead: dict[str, int]) -> Overview:
    models = tuple(
        _moved(model, ahead.get(model.model, 0))
        for model in own.models
        if name != "dev" or model.model != "legacy-scorer"
    )
    registry = RegistryRef(f"https://mlflow-{name}.acme.example", name)
    return replace(own, state=state, registry=registry, models=models, unread=())


def _moved(model: ModelOverview, by: int) -> ModelOverview:
    if not by or model.live is None:
        return model
    holders = tuple(_later(holder, by) for holder in model.holders)
    return replace(model, live=_more(model.live, by), holders=holders, state="in sync", why=())


def _later(holder: Holder, by: int) -> Holder:
    version = None if holder.version is None else holder.version + by
    return replace(holder, version=version, declared=version, since=NOW - timedelta(days=by + 1))


def _more(live: Live, by: int) -> Live:
    """Return a registry that has more versions than another one, the older ones with their runs."""
    last = max(live.versions)
    versions = dict(live.versions)
    fields = dict(live.fields)
    for number in range(last + 1, last + by + 1):
        identity = replace(live.versions[last].identity, run_id=f"{number:032x}")
        versions[number] = replace(live.versions[last], identity=identity)
        fields[Field("stage", number)] = "None"
    return replace(live, versions=versions, fields=fields)
