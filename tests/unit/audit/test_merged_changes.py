"""What a step meant, who claims to have approved it, and what the apply records make of it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from reconciler.audit.apply_record import ApplyRecord, RecordedApproval, RecordedChange
from reconciler.audit.declared_steps import steps
from reconciler.audit.evidence import Records, answer, entries
from reconciler.audit.merged_changes import (
    MergeApproval,
    MergedCommit,
    MergedFiles,
    Step,
    claimed_approvals,
    pull_request,
    serving,
)
from reconciler.audit.step_words import concerns, meaning
from reconciler.core.declaring.implied import complete
from reconciler.core.settings import ServingRules, Settings
from reconciler.core.state import Declaration, Identity, Serving
from reconciler.files.loader import parse_declaration

_DIGEST = f"sha256:{'0' * 64}"
_NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
_BY_ALIAS = Settings(serving=ServingRules(Serving(stage=None, alias="live")))


def _commit(
    number: int = 0, subject: str = "change", body: str = "", *trailers: str
) -> MergedCommit:
    return MergedCommit(
        id=f"c{number}",
        parents=(),
        time=_NOON + timedelta(hours=number),
        author="Ada",
        author_email="ada@example.com",
        committer="Forge",
        committer_email="noreply@example.com",
        subject=subject,
        body=body,
        trailers=tuple((line.split(": ")[0], line.split(": ")[1]) for line in trailers),
    )


def _declares(content: str, model: str = "fraud") -> Declaration:
    return parse_declaration(content.encode(), f"state/{model}.yaml")


def _step(before: str | None, after: str | None) -> Step:
    old, new = (None if text is None else _declares(text) for text in (before, after))
    return Step(_commit(), "fraud", old, new)


# --- the commit


@pytest.mark.parametrize(
    ("subject", "body", "number"),
    [
        ("Merge pull request #12 from team/promote", "Promote", 12),
        ("Promote fraud (#13)", "", 13),
        ("Merge branch 'x' into 'main'", "Promote\n\nSee merge request team/models!14", 14),
        ("Merged in promote (pull request #15)", "", 15),
        ("Revert (#16) by hand", "", None),
        ("Fix #17", "See merge request in the wiki", None),
    ],
)
def test_the_pull_request_is_read_from_what_forges_write(
    subject: str, body: str, number: int | None
) -> None:
    assert pull_request(_commit(0, subject, body)) == number


def test_claims_are_read_from_the_three_trailers_and_never_from_a_sign_off() -> None:
    commit = _commit(
        0,
        "x",
        "",
        "Reviewed-by: Bo <bo@example.com>",
        "approved-by: Cy",
        "Acked-by: Di <di@example.com>",
        "Reviewed-by: Bo <bo@example.com>",
        "Signed-off-by: Ed <ed@example.com>",
    )
    assert claimed_approvals(commit) == (
        MergeApproval("Bo <bo@example.com>", "claimed"),
        MergeApproval("Cy", "claimed"),
        MergeApproval("Di <di@example.com>", "claimed"),
    )


@pytest.mark.parametrize(
    "claim",
    ["Ada <other@example.com>", "A. L. <ADA@example.com>", "ada", "Co <co@example.com>"],
)
def test_nobody_approves_what_they_wrote_alone_or_together(claim: str) -> None:
    together = "Co-authored-by: Co Writer <co@example.com>"
    assert claimed_approvals(_commit(0, "x", "", together, f"Approved-by: {claim}")) == ()


# --- what it meant


_THREE = "versions: {3: {stage: Production, aliases: [champion]}, 4: {stage: Staging}}"
_FOUR = "versions: {4: {stage: Production, aliases: [champion]}, 3: {stage: Archived}}"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (_THREE, _FOUR, ("v4 Staging → Production", "v3 Production → Archived", "@champion 3 → 4")),
        (None, "versions: {1: {stage: Production}}", ("declared", "v1 → Production")),
        (None, "versions: {1: {}}", ("declared", "v1 declared")),
        (
            "versions: {1: {stage: Production, tags: {a: b}, aliases: [x]}, 2: {tags: {a: b}}}",
            "versions: {1: {aliases: [x]}}",
            (
                "v1 Production → no stage declared",
                'v1 tag a "b" → removed',
                "v2 no longer declared",
            ),
        ),
        (
            "tags: {a: b}\nversions: {1: {stage: Production, aliases: [x]}}",
            None,
            ("no longer declared", "v1 Production → no longer declared", "@x 1 → removed"),
        ),
        ("versions: {1: {}}", "versions: {1: {tags: {k: v}}}", ('v1 tag k → "v"',)),
        ("description: a", "description: b\ntags: {k: v}", ("description changed", 'tag k → "v"')),
        ("versions: {1: {}}", "versions: {1: {blocked: bad}}", ("v1 blocked: bad",)),
        ("versions: {1: {blocked: bad}}", "versions: {1: {}}", ("v1 no longer blocked",)),
        ("versions: {1: {}}", "versions: {1: {run_id: abc}}", ("v1 run_id added",)),
        ("versions: {1: {}}", f"versions: {{1: {{digest: {_DIGEST}}}}}", ("v1 digest added",)),
        (
            f"versions: {{1: {{digest: {_DIGEST}}}}}",
            f"versions: {{1: {{digest: {_DIGEST[:-1]}1}}}}",
            ("v1 digest changed",),
        ),
        (
            f"versions: {{1: {{digest: {_DIGEST}}}}}",
            "versions: {1: {}}",
            ("v1 digest no longer declared",),
        ),
        ("hold: wait", "retired: true", ("retired", "hold lifted")),
    ],
)
def test_a_step_is_told_in_a_few_words(
    before: str | None, after: str | None, said: tuple[str, ...]
) -> None:
    assert meaning(_step(before, after), Settings()) == said


def test_a_long_tag_is_cut() -> None:
    (said,) = meaning(_step("tags: {k: x}", f"tags: {{k: {'y' * 5000}}}"), Settings())
    assert len(said) < 100


def test_where_an_alias_serves_it_is_told_first() -> None:
    before = "versions: {1: {stage: Production, aliases: [a, live]}, 2: {}}"
    after = "versions: {1: {stage: Archived}, 2: {stage: Production, aliases: [a, live]}}"
    assert meaning(_step(before, after), _BY_ALIAS)[0] == "@live 1 → 2"


def test_serving_follows_the_settings() -> None:
    declared = _declares("versions: {1: {stage: Production}, 2: {aliases: [live]}}")
    assert serving(declared, Settings()) == 1
    assert serving(declared, _BY_ALIAS) == 2
    assert serving(None, Settings()) is None
    assert serving(_declares("versions: {1: {stage: Archived}}"), Settings()) is None


def test_a_file_that_says_what_serves_is_followed_where_it_says_it_anew() -> None:
    before = "versions: {1: {stage: Production}, 2: {aliases: [live]}}"
    step = _step(before, f"serving: {{alias: live}}\n{before}")
    assert step.served(Settings()) == (1, 2)
    assert meaning(step, Settings())[0] == "serving is @live, not Production"
    assert _step(before, before.replace("live", "x")).redefinition is None


@pytest.mark.parametrize(("version", "said"), [(3, True), (4, True), (5, False)])
def test_a_step_concerns_the_versions_that_it_changed(*, version: int, said: bool) -> None:
    base = "versions: {3: {aliases: [x]}, 4: {}, 5: {stage: Staging}}"
    moved = "versions: {3: {}, 4: {aliases: [x]}, 5: {stage: Staging}}"
    assert concerns(_step(base, moved), version) is said


# --- steps


def _merged(number: int, files: Mapping[str, str | None]) -> MergedFiles:
    declared = {
        path: None if text is None else _declares(text, path.removesuffix(".yaml"))
        for path, text in files.items()
    }
    return MergedFiles(_commit(number), declared)


def test_a_step_is_a_change_of_meaning_of_one_model() -> None:
    found = steps(
        [
            _merged(0, {"a.yaml": "versions: {1: {}}", "b.yaml": "versions: {1: {}}"}),
            _merged(1, {"a.yaml": "# a comment\nversions: {1: {}}"}),
            _merged(2, {"b.yaml": "versions: {2: {}}"}),
        ]
    )
    assert {model: [step.commit.id for step in of] for model, of in found.items()} == {
        "a": ["c0"],
        "b": ["c0", "c2"],
    }
    assert found["b"][1].before == found["b"][0].after


def test_a_model_is_followed_by_its_name_from_file_to_file() -> None:
    found = steps(
        [
            _merged(0, {"a.yaml": "versions: {1: {}}"}),
            _merged(1, {"a.yaml": None, "team.yaml": "model: a\nversions: {1: {}}"}),
            _merged(2, {"team.yaml": "model: a\nversions: {2: {}}"}),
            _merged(3, {"team.yaml": "model: b\nversions: {2: {}}"}),
        ]
    )
    assert [(step.commit.id, step.model) for step in found["b"]] == [
        *(("c0", "a"), ("c2", "a"), ("c3", "b"))
    ]
    assert set(found) == {"b"}


_DISTINCT = "{description: nothing of this is in the other file}"


def test_apply_records_prove_a_rename_that_git_cannot_see_at_once_or_later() -> None:
    at_once = [
        _merged(0, {"a.yaml": "versions: {1: {}}"}),
        _merged(1, {"a.yaml": None, "b.yaml": _DISTINCT}),
    ]
    later = [
        _merged(0, {"a.yaml": "versions: {1: {}}"}),
        _merged(1, {"a.yaml": None}),
        _merged(2, {"b.yaml": _DISTINCT}),
    ]
    proof = {name: {1: Identity("run", "s3://1", 7)} for name in "ab"}
    for merged in (at_once, later):
        assert set(steps(merged)) == {"a", "b"}
        found = steps(merged, identities=proof)
        assert set(found) == {"b"}
        assert [step.commit.id for step in found["b"]] == [f"c{n}" for n in range(len(merged))]


def test_apply_records_prove_that_two_files_alike_are_two_models() -> None:
    merged = [
        _merged(0, {"a.yaml": "versions: {1: {}}"}),
        _merged(1, {"a.yaml": None, "b.yaml": "versions: {1: {}}"}),
    ]
    assert set(steps(merged)) == {"b"}
    other = {"a": {1: Identity("run", None, 7)}, "b": {1: Identity("run", None, 8)}}
    assert set(steps(merged, identities=other)) == {"a", "b"}


# --- apply records

_LINE = ("c0", "c1", "c2", "c3", "c4")


def _record(commit: str, hour: int, *models: str, registry: str = "prod") -> ApplyRecord:
    time = _NOON + timedelta(hours=hour)
    by = RecordedApproval(f"of-{commit}", "head", "2026-01-01T00:00:00Z", merged=commit)
    return ApplyRecord(time, registry, "state", commit, approvals=(by,), models=models)


def _history(*made: ApplyRecord, at: tuple[int, ...] = (0, 2, 4)) -> list[str]:
    """Return what became of three steps, merged by those commits."""
    by_commit: dict[str, tuple[ApplyRecord, ...]] = {}
    for record in made:
        by_commit[record.commit] = (*by_commit.get(record.commit, ()), record)
    records = Records(by_commit, _LINE, {"state"})
    found = steps(_merged(n, {"a.yaml": f"versions: {{{n + 1}: {{}}}}"}) for n in at)["a"]
    return [
        f"{entry.apply_state} {' '.join(f'{one.commit}@{one.registry}' for one in entry.applied)}"
        for entry in entries(found, Settings(), records)
    ]


def test_a_change_was_applied_by_its_commit_or_a_later_one_before_the_next_change() -> None:
    made = [_record("c0", 0, "a"), _record("c3", 3, "a"), _record("c4", 4, "b")]
    assert _history(*made) == ["applied c0@prod", "applied c3@prod", "not yet "]


def test_a_change_that_another_overtook_was_never_applied() -> None:
    assert _history(_record("c0", 0, "a"), _record("c4", 4, "a")) == [
        "applied c0@prod",
        "never ",
        "applied c4@prod",
    ]


def test_records_that_begin_later_do_not_say_never() -> None:
    assert _history(_record("c4", 4, "a")) == ["unknown ", "unknown ", "applied c4@prod"]


def test_the_first_apply_counts_for_each_registry() -> None:
    made = (
        *(_record("c0", 1, "a", registry="eu"), _record("c0", 0, "a")),
        _record("c1", 2, "a"),
    )
    assert _history(*made)[0] == "applied c0@prod c0@eu"


_BROKE_OFF = RecordedChange("a", 1, "stage", None, None, "Production", "declared", "applied")


@pytest.mark.parametrize(
    ("made", "standings"),
    [
        ((_record("c0", 0, "a"),), ["applied", "never", "applied", "never", "applied"]),
        (
            (_record("c0", 0, "a"), _record("c4", 4, "a")),
            ["applied", "never", "applied", "never", "applied"],
        ),
        (
            (_record("c0", 0, "a"), _record("c1", 1, "a")),
            ["applied", "applied", "never", "applied", "not yet"],
        ),
        (
            (_record("c0", 0, "a"), replace(_record("c1", 1), changes=(_BROKE_OFF,))),
            ["applied", "partly", "never", "never", "not yet"],
        ),
        ((_record("c1", 1, "a"),), ["unknown", "applied", "never", "applied", "not yet"]),
    ],
)
def test_what_takes_back_only_what_never_was_applied_has_nothing_to_apply(
    made: tuple[ApplyRecord, ...], standings: list[str]
) -> None:
    by_commit = {record.commit: (record,) for record in made}
    back_and_forth = [_merged(n, {"a.yaml": f"versions: {{{n % 2 + 1}: {{}}}}"}) for n in range(5)]
    found = steps(back_and_forth)["a"]
    history = entries(found, Settings(), Records(by_commit, _LINE, {"state"}))
    assert [entry.apply_state for entry in history] == standings


def test_a_record_of_another_state_folder_says_nothing() -> None:
    strange = replace(_record("c0", 0, "a"), state="other")
    assert _history(strange) == ["unknown ", "unknown ", "unknown "]


def test_an_apply_that_broke_off_is_told_as_such() -> None:
    assert _history(replace(_record("c0", 0), changes=(_BROKE_OFF,)))[0] == "partly "


def test_only_the_commits_own_record_verifies_it() -> None:
    found = steps([_merged(0, {"a.yaml": "versions: {1: {}}"})])["a"]
    records = Records({"c1": [_record("c1", 1, "a")]}, _LINE, {"state"})
    (entry,) = entries(found, Settings(), records)
    assert entry.approvals == ()
    records = Records({"c0": [_record("c0", 1, "a")]}, _LINE, {"state"})
    (entry,) = entries(found, Settings(), records)
    assert entry.approvals == (MergeApproval("of-c0", "verified"),)


def test_an_answer_names_the_commit_that_began_the_present_run() -> None:
    found = steps(
        [
            _merged(0, {"a.yaml": "versions: {1: {stage: Production, aliases: [x]}}"}),
            _merged(1, {"a.yaml": "versions: {2: {stage: Production, aliases: [x]}}"}),
            _merged(2, {"a.yaml": "versions: {1: {stage: Production}, 2: {aliases: [x]}}"}),
            _merged(3, {"a.yaml": "description: d\nversions: {1: {stage: Production}}"}),
        ]
    )["a"]
    history = entries(found, Settings(), None)

    def told(hour: float) -> list[tuple[str, int | None, str]]:
        said = answer(history, _NOON + timedelta(hours=hour), Settings())
        return [(held.name, held.version, held.since.step.commit.id) for held in said.held]

    assert told(-1) == []
    assert told(0) == [("serving (Production)", 1, "c0"), ("@x", 1, "c0")]
    assert told(2.5) == [("serving (Production)", 1, "c2"), ("@x", 2, "c1")]
    assert told(9) == [("serving (Production)", 1, "c2")]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("{}", "{semver: 2.1.0}", "v4 semver 2.1.0"),
        ("{semver: 2.1.0}", "{semver: 2.1.1}", "v4 semver 2.1.0 → 2.1.1"),
        ("{semver: 2.1.0}", "{}", "v4 semver 2.1.0 → no longer declared"),
    ],
)
def test_a_semantic_version_is_told_once_and_not_as_a_tag_too(
    before: str, after: str, told: str
) -> None:
    old, new = (complete(_declares(f"versions: {{4: {x}}}"), Settings()) for x in (before, after))
    step = Step(_commit(), "fraud", old, new)
    assert meaning(step, Settings()) == (told,)
    assert concerns(step, 4)
