"""Findings about the bytes of versions that serve, by the digests in git and in the records."""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from reconciler.audit.evidence import Entry
from reconciler.audit.findings import Finding, FindingKind, Trail
from reconciler.audit.recorded_bytes import RecordedBytes
from reconciler.core.artifacts.model_files import short
from reconciler.core.policies import DigestRule
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration, DeclaredVersion, aliases, stages
from reconciler.core.transitions import Transition
from reconciler.planning.artifacts.bytes_drift import BytesDrift
from reconciler.policy.evaluation import covers

_NOTHING_DONE = ("never", "not yet")


def findings_of_bytes(trail: Trail, settings: Settings) -> tuple[Finding, ...]:
    """Return where a version served without a digest, or its approved bytes are not clear."""
    return (
        *(
            finding
            for history in trail.histories.values()
            for finding in (*_without_digest(history, trail, settings), *_changed(history, trail))
        ),
        *_read_otherwise(trail),
    )


def findings_of_files(drift: BytesDrift) -> tuple[Finding, ...]:
    """Return the versions whose files in the registry are not those that were approved."""
    return tuple(
        Finding("other-bytes", row.problem.message, row.pinned.model) for row in drift.different
    )


class _Lack(NamedTuple):
    """A serving version without a digest, and why it should have one."""

    version: int
    why: str


def _without_digest(
    history: Sequence[Entry], trail: Trail, settings: Settings
) -> Iterator[Finding]:
    """Yield each time in which a version served without a digest, where it should have one.

    A model that never had a digest has no finding: once a version of it has served with one, each
    that serves should have one, too, and so should each for which a policy requires one. What
    serves now is also held against the policies of now.
    """
    lacks: list[tuple[_Lack | None, Entry]] = []
    pinned: set[int] = set()
    for entry in history:
        lack = lacks[-1][0] if lacks else None
        if entry.apply_state not in _NOTHING_DONE:
            rules = [entry.step.by(settings), *([settings] if entry is history[-1] else [])]
            lack = _lack(entry, pinned, rules)
            pinned |= _serving_pinned(entry)
        lacks.append((lack, entry))
    runs = [(lack, next(run)[1]) for lack, run in groupby(lacks, lambda at: at[0])]
    ends = [start.time for _, start in runs[1:]]
    for (lack, start), end in zip(runs, [*ends, None], strict=True):
        if lack is not None and _overlaps(trail, start.time, end):
            serves = "serves" if end is None else f"served until {end:%Y-%m-%d %H:%M:%S}Z"
            message = f"v{lack.version} {serves} without a digest: {lack.why}"
            yield _finding("no-digest", message, start)


def _serving_pinned(entry: Entry) -> set[int]:
    digests = entry.step.after.digests if entry.step.after else {}
    return {*digests} & {entry.serving}


def _lack(entry: Entry, pinned: Collection[int], rules: Iterable[Settings]) -> _Lack | None:
    declaration, version = entry.step.after, entry.serving
    if declaration is None or version is None or version in declaration.digests:
        return None
    policy = next(filter(None, (_policy(declaration, version, rule) for rule in rules)), None)
    if policy is not None:
        return _Lack(version, f"the policy `{policy}` requires one")
    if version in pinned:
        return _Lack(version, "it had one")
    return _Lack(version, "a version before it had one") if pinned else None


def _policy(declaration: Declaration, version: int, settings: Settings) -> str | None:
    """Return the policy that requires a digest of a version where it is declared."""
    model, serving = declaration.model, settings.serving.of(declaration.model, declaration)
    places = [Transition(model, version, stage=stages(declaration.fields).get(version))]
    places += [
        Transition(model, version, alias=alias)
        for alias, held in aliases(declaration.fields).items()
        if held == version
    ]
    requiring = (rule for rule in settings.policies if isinstance(rule.requires, DigestRule))
    return next(
        (
            rule.name
            for rule in requiring
            if any(covers(rule, place, [serving]) for place in places)
        ),
        None,
    )


def _overlaps(trail: Trail, start: datetime, end: datetime | None) -> bool:
    since, until = trail.span.since, trail.span.until
    begins_before_the_end = until is None or start <= until
    return begins_before_the_end and (since is None or end is None or end > since)


def _changed(history: Sequence[Entry], trail: Trail) -> Iterator[Finding]:
    """Yield each merge that gave a version another digest than it was applied with.

    A version never changes by itself: other bytes under one number were put there, or one of the
    two approvals was wrong. Where run or source change with the digest, the number has a new
    version.
    """
    approved: dict[int, DeclaredVersion] = {}
    last: Entry | None = None
    for entry in history:
        declaration = entry.step.after
        for version, new in declaration.versions.items() if declaration else ():
            old = approved.get(version)
            if new.digest is None or (old and old.digest == new.digest):
                continue
            if old is not None and _is_one(old, new) and entry.time in trail.span:
                served = " while it served" if _served(version, last, entry) else ""
                move = f"{short(old.digest or '')} → {short(new.digest)}"
                what = f"the digest of v{version} was changed{served}: {move}, {_by_whom(entry)}"
                yield _finding("digest-changed", what, entry)
            if entry.apply_state not in _NOTHING_DONE:
                approved[version] = new
        last = entry if entry.apply_state not in _NOTHING_DONE else last


def _is_one(old: DeclaredVersion, new: DeclaredVersion) -> bool:
    """Return whether two entries are about one version, as far as their pins tell."""
    pins = ((old.run_id, new.run_id), (old.source, new.source))
    return all(None in pair or pair[0] == pair[1] for pair in pins)


def _served(version: int, before: Entry | None, entry: Entry) -> bool:
    return before is not None and version == before.serving == entry.serving


def _by_whom(entry: Entry) -> str:
    verified, claimed = (
        [approval.name for approval in entry.approvals if approval.kind == kind]
        for kind in ("verified", "claimed")
    )
    by = f"by {entry.step.commit.author}"
    if verified:
        return f"{by}, approved by {', '.join(verified)}"
    return f"{by}, no verified approval" + (
        f" (claimed by {', '.join(claimed)})" if claimed else ""
    )


def _read_otherwise(trail: Trail) -> Iterator[Finding]:
    """Yield each digest in a record that the applied commit does not declare for the version."""
    declared = _Declared(trail)
    for record in trail.applies:
        for row in record.bytes if record.time in trail.span else ():
            digest = declared.digest(record.commit, row)
            if digest is not None and digest != row.digest:
                read, declares = short(row.digest), short(digest)
                message = f"an apply read {read} for v{row.version}, its commit declares {declares}"
                model = trail.new_names.get(row.model, row.model)
                yield Finding("other-bytes", message, model, record.commit, record.time)


class _Declared:
    """The digests that commits declare: files are parsed only for the commits of branches."""

    def __init__(self, trail: Trail) -> None:
        self._trail = trail
        line = trail.records.line if trail.records else ()
        self._place = {commit: at for at, commit in enumerate(line)}
        self._places: dict[str, list[int]] = {}

    def digest(self, commit: str, row: RecordedBytes) -> str | None:
        """Return the digest that a commit declares for the version of a row."""
        records = self._trail.records
        if commit in self._place:
            declaration = self._on_line(commit, row.model)
        else:
            declaration = records.declared(commit, row.model) if records else None
        return declaration.digests.get(row.version) if declaration else None

    def _on_line(self, commit: str, name: str) -> Declaration | None:
        model = self._trail.new_names.get(name, name)
        history = self._trail.histories.get(model, ())
        if model not in self._places:
            self._places[model] = [self._place[entry.step.commit.id] for entry in history]
        past = bisect_right(self._places[model], self._place[commit])
        return history[past - 1].step.after if past else None


def _finding(kind: FindingKind, message: str, entry: Entry) -> Finding:
    return Finding(kind, message, entry.step.model, entry.step.commit.id, entry.time)
