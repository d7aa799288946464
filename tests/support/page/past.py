"""The merged history of one model for samples: declarations, their commits and their evidence."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from reconciler.audit.evidence import Applied, ApplyState, Entry, entries
from reconciler.audit.merged_changes import MergeApproval, MergedCommit, Step
from reconciler.audit.overview.lane_history import lanes
from reconciler.audit.overview.lanes import Lane
from reconciler.audit.overview.recorded_applies import RecordedApplies
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration, DeclaredVersion, Field, Fields, Live, Value

NOW = datetime(2026, 11, 29, 22, 0, tzinfo=timezone.utc)
REGISTRY = "prod-eu"
SETTINGS = Settings()


def sha(text: str) -> str:
    """Return what looks like the id of a commit."""
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def digest_of(model: str, version: int) -> str:
    """Return what looks like the digest of a version."""
    return f"sha256:{hashlib.sha256(f'{model}{version}'.encode()).hexdigest()}"


def declared(
    model: str,
    stages: Mapping[int, str] | None = None,
    aliases: Mapping[str, int] | None = None,
    *,
    semvers: Mapping[int, str] | None = None,
    digests: Sequence[int] = (),
    **keys: object,
) -> Declaration:
    """Return what a file declares: stages and aliases, and anything else by its key."""
    stages, aliases, semvers = stages or {}, aliases or {}, semvers or {}
    fields: dict[Field, Value] = {Field("stage", v): stage for v, stage in stages.items()}
    fields |= {Field("alias", None, alias): v for alias, v in aliases.items()}
    implied = {Field("tag", v, "semver"): text for v, text in semvers.items()}
    fields |= implied
    numbers = sorted({*stages, *aliases.values(), *semvers})
    versions = {
        v: DeclaredVersion(
            run_id=sha(f"{model} run {v}")[:32],
            semver=semvers.get(v),
            digest=digest_of(model, v) if v in digests else None,
            traffic=Decimal(0) if v < 0 else None,
        )
        for v in numbers
    }
    file = f"registry-state/{model}.yaml"
    plain = Declaration(model, fields, versions, implied=implied, file=file)
    return replace(plain, **keys)  # type: ignore[arg-type]


@dataclass
class Past:
    """The history of a model, grown merge by merge."""

    model: str
    entries: list[Entry] = field(default_factory=list)
    _before: Declaration | None = None

    def merge(
        self,
        days: float,
        after: Declaration | None,
        subject: str,
        author: str,
        *,
        pull_request: int | None = None,
        verified: Sequence[str] = (),
        claimed: Sequence[str] = (),
        state: ApplyState = "applied",
        minutes: int = 4,
        accepted: Sequence[str] = (),
    ) -> Entry:
        """Merge a declaration so many days ago; it was applied some minutes later."""
        at = NOW - timedelta(days=days)
        mail = f"{author.partition(' ')[0].lower()}@acme.example"
        text = subject if pull_request is None else f"{subject} (#{pull_request})"
        identity = sha(f"{self.model}{days}{subject}")
        commit = MergedCommit(identity, (), at, author, mail, author, mail, text, signature="good")
        step = Step(commit, self.model, self._before, after)
        bare = entries([step], SETTINGS, None)[0]
        applied = Applied(
            at + timedelta(minutes=minutes),
            REGISTRY,
            identity,
            "deploy-bot",
            "https://github.example/acme/registry/actions/runs/4711",
            accepted=tuple(accepted),
        )
        entry = replace(
            bare,
            approvals=(
                *(MergeApproval(name, "verified") for name in verified),
                *(MergeApproval(name, "claimed") for name in claimed),
            ),
            apply_state=state,
            applied=(applied,) if state == "applied" else (),
        )
        self.entries.append(entry)
        self._before = after
        return entry

    @property
    def last(self) -> Entry:
        """The newest change."""
        return self.entries[-1]

    def lanes(self, live: Live | None) -> tuple[Lane, ...]:
        """Return the lanes of the model, by these entries and what is live."""
        applies = RecordedApplies((), REGISTRY)
        return lanes(self.entries, settings=SETTINGS, applies=applies, live=live, now=NOW, place={})


def fields_of(declaration: Declaration) -> Fields:
    """Return what a registry holds that is as the declaration says."""
    return dict(declaration.fields)
