"""What the auditor is told of digests: what served without one, and which were changed."""

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

import pytest

from reconciler.audit.apply_record import ApplyRecord, RecordedApproval, RecordedChange
from reconciler.audit.bytes_findings import findings_of_bytes
from reconciler.audit.declared_steps import steps
from reconciler.audit.entered_bytes import EnteredBytes
from reconciler.audit.evidence import Entry, Records, entries
from reconciler.audit.findings import Span, Trail
from reconciler.audit.merged_changes import MergedCommit, MergedFiles
from reconciler.audit.recorded_bytes import RecordedBytes
from reconciler.core.policies import DigestRule, Lineage, On, Policy
from reconciler.core.settings import ServingRules, Settings
from reconciler.core.state import Declaration, Serving
from reconciler.files.loader import parse_declaration

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
STATE = "registry-state"
ONE, TWO, SIX = (f"sha256:{digit * 64}" for digit in "126")
CHANGED = "the digest of v4 was changed"
UNTIL_TWO = "v5 served until 2026-03-01 14:00:00Z without a digest: a version before it had one"
MOVE = "sha256:11111111… → sha256:22222222…"


def serving(version: int, *entries: str) -> str:
    """Return a file in which a version is in Production, with more entries."""
    return "\n".join(["versions:", f"  {version}: {{stage: Production}}", *entries])


def pinned(version: int, digest: str, stage: str = "Production", more: str = "") -> str:
    return f"versions:\n  {version}: {{stage: {stage}, digest: '{digest}'{more}}}"


def at(hour: int) -> datetime:
    return NOON + timedelta(hours=hour)


def declares(content: str) -> Declaration:
    return parse_declaration(content.encode(), f"{STATE}/fraud.yaml")


def merged(number: int, content: str) -> MergedFiles:
    person = ("Ada", "ada@example.com")
    commit = MergedCommit(f"c{number}", (), at(number), *person, *person, "change")
    return MergedFiles(commit, {"fraud.yaml": declares(content)})


def applied(number: int, *rows: RecordedBytes, **values: object) -> ApplyRecord:
    made = {"models": ("fraud",), "bytes": rows, **values}
    return ApplyRecord(at(number), "prod", STATE, f"c{number}", **made)  # type: ignore[arg-type]


def read(digest: str, version: int = 4, files: int = 12) -> RecordedBytes:
    return RecordedBytes("fraud", version, digest, files, 3_400_000)


def trail(
    *contents: str, records: Sequence[ApplyRecord] | None = None, settings: Settings | None = None
) -> Trail:
    """Return what git knows after these files were merged, one an hour."""
    rules = settings or Settings()
    followed = steps([merged(number, content) for number, content in enumerate(contents)], rules)
    made = None
    if records is not None:
        by_commit: dict[str, list[ApplyRecord]] = {}
        for record in records:
            by_commit.setdefault(record.commit, []).append(record)
        line = [f"c{number}" for number in range(len(contents))]
        branch = declares(pinned(4, TWO))
        made = Records(by_commit, line, [STATE], {"side": "c0"}, lambda *_: branch)
    histories = {model: entries(own, rules, made) for model, own in followed.items()}
    return Trail(histories, made)


def found(value: Trail, settings: Settings | None = None) -> list[tuple[str, str | None, str]]:
    return [
        (finding.kind, finding.commit, finding.message)
        for finding in findings_of_bytes(value, settings or Settings())
    ]


def since(value: Trail, hour: float | None, until: float | None = None) -> Trail:
    ends = (None if end is None else NOON + timedelta(hours=end) for end in (hour, until))
    return Trail(value.histories, value.records, span=Span(*ends))


# --- no-digest


def test_who_never_used_digests_is_told_nothing() -> None:
    assert found(trail(serving(3), serving(4))) == []


def test_who_begins_with_digests_is_told_nothing_of_what_served_before() -> None:
    staged = f"  4: {{stage: Staging, digest: '{ONE}'}}"
    assert found(trail(serving(3), serving(3, staged), pinned(4, ONE))) == []


def test_once_a_version_served_with_a_digest_the_next_one_should() -> None:
    assert found(trail(pinned(4, ONE), serving(5), serving(6))) == [
        ("no-digest", "c1", UNTIL_TWO),
        ("no-digest", "c2", "v6 serves without a digest: a version before it had one"),
    ]


def test_a_digest_that_is_taken_out_while_its_version_serves_is_found() -> None:
    assert found(trail(pinned(4, ONE), serving(4))) == [
        ("no-digest", "c1", "v4 serves without a digest: it had one")
    ]


def test_a_digest_that_came_later_ends_the_time_without_one() -> None:
    assert found(trail(pinned(4, ONE), serving(5), pinned(5, SIX))) == [
        ("no-digest", "c1", UNTIL_TWO),
    ]


def test_what_no_apply_made_live_never_served() -> None:
    files = (pinned(4, ONE), serving(5), pinned(6, SIX))
    assert found(trail(*files, records=[applied(0), applied(2)])) == []
    assert [kind for kind, *_ in found(trail(*files, records=[applied(n) for n in range(3)]))] == [
        "no-digest"
    ]


def test_a_time_without_a_digest_is_found_whenever_it_overlaps_what_is_asked_about() -> None:
    value = trail(pinned(4, ONE), serving(5), pinned(6, SIX), serving(7))
    assert [commit for _, commit, _ in found(since(value, 1.5, 2.5))] == ["c1"]
    assert [commit for _, commit, _ in found(since(value, 9))] == ["c3"], "it serves to this day"
    assert found(since(value, 2.5, 2.9)) == []
    assert found(since(value, None, 0.5)) == []


def test_what_serves_is_what_the_settings_say() -> None:
    by_alias = Settings(serving=ServingRules(Serving(stage=None, alias="live")))
    value = trail(
        f"versions: {{4: {{aliases: [live], digest: '{ONE}'}}}}",
        f"versions: {{4: {{digest: '{ONE}', stage: Production}}, 5: {{aliases: [live]}}}}",
        settings=by_alias,
    )
    assert found(value, by_alias) == [
        ("no-digest", "c1", "v5 serves without a digest: a version before it had one")
    ]


@pytest.mark.parametrize(
    ("on", "content"),
    [
        (On(stages=("Production",)), serving(4)),
        (On(serving=True, models=("fr*",)), serving(4)),
        (On(aliases=("champion",)), "versions: {4: {stage: Production, aliases: [champion]}}"),
    ],
)
def test_a_policy_requires_a_digest_of_every_version_that_serves(on: On, content: str) -> None:
    rules = Settings(policies=(Policy("pinned-bytes", on, DigestRule()),))
    now = [
        ("no-digest", "c0", "v4 serves without a digest: the policy `pinned-bytes` requires one")
    ]
    assert found(trail(content, settings=rules), rules) == now
    assert found(trail(content), rules) == now, "what serves now, by the policies of now"
    assert found(trail(content, serving(5)), rules) != now, "and not what served before them"
    assert found(trail(pinned(4, ONE), settings=rules), rules) == []


def test_a_policy_about_other_places_or_models_requires_none() -> None:
    others = (On(stages=("Staging",)), On(stages=("Production",), models=("churn",)))
    rules = Settings(policies=tuple(Policy("pinned", on, DigestRule()) for on in others))
    assert found(trail(serving(4), settings=rules), rules) == []
    lineage = Settings(policies=(Policy("data", On(stages=("Production",)), Lineage(("a",))),))
    assert found(trail(serving(4), settings=lineage), lineage) == []


# --- digest-changed


def test_a_digest_that_was_changed_while_its_version_served_is_found_with_who_did_it() -> None:
    assert found(trail(pinned(4, ONE), pinned(4, TWO))) == [
        ("digest-changed", "c1", f"{CHANGED} while it served: {MOVE}, by Ada, no verified approval")
    ]


def test_it_says_who_approved_the_change() -> None:
    approvals = (RecordedApproval("bob", "h", "2026-03-01T13:00:00Z", "c1"),)
    records = [applied(0), applied(1, approvals=approvals)]
    [(_, _, message)] = found(trail(pinned(4, ONE), pinned(4, TWO), records=records))
    assert message == f"{CHANGED} while it served: {MOVE}, by Ada, approved by bob"


def test_a_detour_without_a_digest_or_through_the_archive_does_not_hide_the_change() -> None:
    detours = [pinned(4, ONE, "Archived"), serving(5), pinned(4, TWO)]
    changed = [row for row in found(trail(pinned(4, ONE), *detours)) if row[0] == "digest-changed"]
    assert changed == [("digest-changed", "c3", f"{CHANGED}: {MOVE}, by Ada, no verified approval")]


@pytest.mark.parametrize("pin", ["run_id", "source"])
def test_another_version_under_the_same_number_has_other_bytes_by_right(pin: str) -> None:
    old, new = (pinned(4, digest, more=f", {pin}: '{name}'") for digest, name in _RUNS)
    assert found(trail(old, new)) == []
    assert found(trail(old, pinned(4, TWO, more=f", {pin}: 'a'"))) != []
    assert found(trail(old, pinned(4, TWO))) != [], "a pin that is gone tells of no other version"


_RUNS = ((ONE, "a"), (TWO, "b"))


def test_a_wrong_digest_that_no_apply_took_is_mended_without_a_finding() -> None:
    files = (serving(3), pinned(4, ONE), pinned(4, TWO))
    assert found(trail(*files, records=[applied(0), applied(2)])) == []


def test_a_digest_that_is_added_to_a_serving_version_is_none() -> None:
    assert found(trail(serving(4), pinned(4, ONE))) == []


# --- other-bytes


def test_a_record_with_another_digest_than_its_commit_declares_is_found() -> None:
    records = [applied(0, read(TWO)), applied(1, read(SIX, version=5))]
    assert found(trail(pinned(4, ONE), pinned(5, SIX), records=records)) == [
        ("other-bytes", "c0", f"an apply read {TWO[:15]}… for v4, its commit declares {ONE[:15]}…")
    ]


def test_a_later_change_of_the_digest_is_no_contradiction_to_the_record() -> None:
    records = [applied(0, read(ONE)), applied(1, read(TWO))]
    kinds = [kind for kind, *_ in found(trail(pinned(4, ONE), pinned(4, TWO), records=records))]
    assert kinds == ["digest-changed"]


def test_a_record_on_a_branch_is_compared_with_what_that_commit_declares() -> None:
    side = ApplyRecord(at(1), "prod", STATE, "side", models=("fraud",), bytes=(read(ONE),))
    assert [kind for kind, *_ in found(trail(pinned(4, ONE), records=[side]))] == ["other-bytes"]


def test_a_version_that_the_commit_does_not_pin_contradicts_nothing() -> None:
    records = [applied(0, read(ONE, version=9))]
    assert found(trail(pinned(4, ONE), records=records)) == []


# --- what entered


def entered(value: Trail) -> list[tuple[EnteredBytes, ...]]:
    return [entry.bytes for entry in history(value)]


def history(value: Trail) -> Sequence[Entry]:
    return value.histories["fraud"]


def test_a_merged_change_has_the_digests_of_what_it_put_into_use() -> None:
    both = f"versions:\n  4: {{stage: Archived, digest: '{ONE}'}}\n  5: {{stage: Staging}}"
    value = trail(pinned(4, ONE, "Archived"), pinned(4, ONE), pinned(4, TWO), both)
    assert entered(value) == [(), (EnteredBytes(4, ONE),), (EnteredBytes(4, TWO),), ()]


def test_an_alias_puts_a_version_into_use_as_a_stage_does() -> None:
    value = trail(f"versions: {{4: {{aliases: [shadow], digest: '{ONE}'}}}}")
    assert entered(value) == [(EnteredBytes(4, ONE),)]


def test_number_and_size_come_from_the_apply_that_read_them() -> None:
    row = RecordedChange("fraud", 4, "stage", None, "None", "Production", "declared", "applied")
    partly = applied(0, read(ONE), models=(), changes=(row,))
    rest = ApplyRecord(at(1), "prod", STATE, "c0", models=("fraud",))
    value = trail(pinned(4, ONE), records=[partly, rest])
    assert entered(value) == [(EnteredBytes(4, ONE, 12, 3_400_000),)]
    [done] = history(value)[0].applied
    assert (done.time, done.bytes) == (at(1), (read(ONE),))


def test_bytes_that_were_read_by_another_digest_are_not_those_of_this_one() -> None:
    assert entered(trail(pinned(4, ONE), records=[applied(0, read(TWO))])) == [
        (EnteredBytes(4, ONE),)
    ]
