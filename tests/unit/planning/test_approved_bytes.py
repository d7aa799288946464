"""Which bytes a plan reads, and what it says of those that are not the approved ones."""

import json
import threading
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256

import pytest

from reconciler.apply.executor import apply
from reconciler.core.artifacts.bytes_check import ApprovedFiles, BytesCheck
from reconciler.core.artifacts.model_files import ModelFiles
from reconciler.core.plan import AdmittedPlan
from reconciler.core.settings import Settings, VerifyAt
from reconciler.core.state import Declaration, DeclaredVersion
from reconciler.errors import ExitCode, Forbidden
from reconciler.planning.artifacts.approved_bytes import (
    BytesReading,
    checked_otherwise,
    through,
)
from reconciler.planning.checks import judge
from reconciler.planning.planner import PlanRequest, compare
from tests.support.plans.bytes_lab import (
    PinnedLab,
    digest_of,
    files_of,
    hashed,
    pinned,
    pinned_as,
)
from tests.support.plans.gate_lab import GATE
from tests.support.plans.planner_lab import ASK, REF, Lab, serving

SERVES_ONE = pinned({1: "Production"}, {"champion": 1})
PROMOTES = pinned({2: "Production", 1: "Archived"}, {"champion": 2})


@pytest.fixture
def lab() -> PinnedLab:
    """Return a registry where v1 serves, applied from git, with its bytes not read since."""
    lab = PinnedLab()
    lab.apply(SERVES_ONE)
    lab.read.clear()
    return lab


def outcomes(checks: tuple[BytesCheck, ...]) -> dict[int, str]:
    return {check.version: check.outcome for check in checks}


def test_the_version_that_enters_is_read_once_and_the_one_that_leaves_is_not(
    lab: PinnedLab,
) -> None:
    lab.commit(PROMOTES)
    model = lab.only()
    assert lab.read == [("m", 2)]
    assert model.outcome == "changes"
    (check,) = model.bytes
    assert (check.outcome, check.digest) == ("same", digest_of(2))
    assert check.read == hashed(files_of(2))


def test_a_version_with_other_bytes_excludes_its_model_and_names_its_place(lab: PinnedLab) -> None:
    lab.swap(2)
    lab.commit(PROMOTES)
    model = lab.only()
    assert (model.outcome, model.changes, model.record, model.writes) == ("error", (), None, False)
    (problem,) = model.problems
    assert problem.code is ExitCode.DECLARATION
    assert (problem.file, problem.line, problem.model) == ("m.yaml", 2, "m")
    assert problem.message.startswith("`m` v2 does not have the approved bytes: its digest is ")
    assert digest_of(2)[:15] in problem.message
    assert "`reconciler rollback m`" in (problem.hint or "")
    assert outcomes(model.bytes) == {2: "different"}
    assert lab.plan().exit_code() is ExitCode.DECLARATION


def test_bytes_that_cannot_be_read_exclude_the_model_with_the_words_of_the_store(
    lab: PinnedLab,
) -> None:
    def refuse(read: str) -> None:
        if read == "artifacts":
            raise Forbidden("AccessDenied on s3://models", hint="log in to AWS")

    lab.registry.before_read = refuse
    lab.commit(PROMOTES)
    model = lab.only()
    (problem,) = model.problems
    assert (model.outcome, model.changes, problem.code) == ("error", (), ExitCode.REGISTRY)
    assert problem.message.endswith(
        "`m` v2 has the approved bytes is not known: AccessDenied on s3://models (log in to AWS)"
    )
    assert "verify" in (problem.hint or "")
    assert outcomes(model.bytes) == {2: "unreadable"}


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), OSError()])
def test_a_full_disk_is_not_an_approval(lab: PinnedLab, error: OSError) -> None:
    def full(read: str) -> None:
        if read == "artifacts":
            raise error

    lab.registry.before_read = full
    lab.commit(PROMOTES)
    assert outcomes(lab.only().bytes) == {2: "unreadable"}
    assert lab.plan().exit_code() is ExitCode.REGISTRY


def test_a_version_without_any_file_is_unreadable_even_where_that_is_pinned(lab: PinnedLab) -> None:
    nothing = ModelFiles(())
    lab.commit(pinned_as(PROMOTES, 2, nothing.digest))
    knows = ApprovedFiles({("m", 2, nothing.digest): nothing})
    for reading in (
        BytesReading(lambda *_: nothing),
        BytesReading(lambda *_: nothing, lambda: knows),
    ):
        gate = replace(GATE, reading=reading)
        (model,) = lab.plan(gate=gate).models
        assert (model.outcome, outcomes(model.bytes)) == ("error", {2: "unreadable"})


def test_only_the_model_with_other_bytes_is_excluded() -> None:
    lab = PinnedLab(m=2, n=2)
    lab.swap(1)
    lab.commit(SERVES_ONE, pinned({1: "Production"}, model="n"))
    models = {model.model: model for model in lab.plan().models}
    assert (models["m"].outcome, models["n"].outcome) == ("error", "changes")
    assert models["n"].record is not None


@pytest.mark.parametrize(
    ("declared", "read"),
    [
        (pinned({2: "Staging", 1: "Production"}, {"champion": 1}), [2]),
        (pinned({1: "Production"}, {"champion": 1, "shadow": 2}), [2]),
        (pinned({1: "Production"}, {"champion": 1, "shadow": 1}), [1]),
        (pinned({1: "Production", 2: "Archived"}, {"champion": 1}), []),
        (pinned({1: "Archived", 2: "Staging", 3: "Production"}, {"champion": 3}), [2, 3]),
        (pinned({1: "Production"}, {"champion": 1}, tags={"team": "x"}), []),
        (pinned({1: "Production"}), []),  # an alias goes, and nothing enters
        (pinned({2: "Production", 1: "Staging"}, {"champion": 2}), [1, 2]),
        (pinned({2: "Production", 1: "Archived"}, {"champion": 2}, without=frozenset({2})), []),
    ],
)
def test_what_enters_an_active_stage_or_gets_an_alias_is_read(
    lab: PinnedLab, declared: Declaration, read: list[int]
) -> None:
    lab.commit(declared)
    model = lab.only()
    assert sorted(version for _, version in lab.read) == read
    assert outcomes(model.bytes) == dict.fromkeys(read, "same")


def test_a_swap_of_two_aliases_reads_both() -> None:
    lab = PinnedLab()
    lab.apply(pinned({}, {"champion": 1, "challenger": 2}))
    lab.read.clear()
    lab.swap(1)
    lab.commit(pinned({}, {"champion": 2, "challenger": 1}))
    model = lab.only()
    assert sorted(lab.read) == [("m", 1), ("m", 2)]
    assert outcomes(model.bytes) == {1: "different", 2: "same"}
    assert (model.outcome, model.changes) == ("error", ())


def test_drift_that_is_put_back_is_read_as_well(lab: PinnedLab) -> None:
    lab.registry.set_alias("m", "champion", 2)
    lab.swap(1)
    model = lab.only()
    assert lab.read == [("m", 1)]
    assert model.outcome == "error"


@pytest.mark.parametrize("is_swapped", [False, True])
def test_what_serves_once_another_version_leaves_its_stage_is_read(is_swapped: bool) -> None:  # noqa: FBT001
    lab = PinnedLab()
    lab.apply(pinned({2: "Production", 1: "Archived"}))
    lab.registry.set_stage("m", 1, "Production")  # by an apply that was cut off, or by hand
    lab.read.clear()
    if is_swapped:
        lab.swap(1)
    lab.commit(pinned({1: "Production", 2: "Archived"}))
    model = lab.only()
    assert lab.read == [("m", 1)]
    assert outcomes(model.bytes) == {1: "different" if is_swapped else "same"}
    left = [] if is_swapped else [(2, "Archived")]
    assert [(change.field.version, change.after) for change in model.changes] == left
    if not is_swapped:
        plan = AdmittedPlan(lab.plan(replace(ASK, planning=False)))
        lab.swap(1)
        lab.registry.writes.clear()
        assert apply(plan, lab.registry).exit_code() is ExitCode.DECLARATION
        assert lab.registry.writes == []
        lab.registry.set_files("m", 1, files_of(1))
        assert apply(plan, lab.registry).exit_code() == ExitCode.OK


def test_what_stays_in_a_stage_without_a_digest_is_planned_as_before() -> None:
    lab = PinnedLab()
    lab.apply(pinned({2: "Production", 1: "Archived"}))
    lab.registry.set_stage("m", 1, "Production")
    lab.commit(pinned({1: "Production", 2: "Archived"}, without=frozenset({1})))
    model = lab.only()
    assert model.bytes == ()
    assert model.seen is not None
    assert set(model.seen.identities) == {2}


def test_what_is_on_hold_or_in_step_is_not_read(lab: PinnedLab) -> None:
    lab.swap(1)
    lab.swap(2)
    assert lab.only().outcome == "in-sync"
    lab.commit(replace(PROMOTES, hold="incident 12"))
    assert lab.only().outcome == "held"
    assert lab.read == []


def test_comparing_alone_reads_no_bytes_and_says_so(lab: PinnedLab) -> None:
    lab.commit(PROMOTES)
    compared = compare(lab.checked_out(), lab.registry, REF, PlanRequest())
    (model,) = compared.plan.models
    assert lab.read == []
    assert outcomes(model.bytes) == {2: "unchecked"}
    assert model.bytes[0].why == "only `plan` and `apply` read it"


def test_without_a_digest_a_plan_asks_nothing_more_and_keeps_its_digest() -> None:
    plain, bare = Lab(), PinnedLab()
    for lab in (plain, bare):
        lab.commit(serving(1))
    assert plain.plan().digest == bare.plan().digest
    assert plain.registry.requests == bare.registry.requests
    assert bare.read == []


def test_the_digest_of_a_plan_has_the_approved_bytes_of_what_enters(lab: PinnedLab) -> None:
    lab.commit(PROMOTES)
    with_both = lab.plan().digest
    lab.commit(pinned({2: "Production", 1: "Archived"}, {"champion": 2}, without=frozenset({1})))
    assert lab.plan().digest == with_both, "what leaves is not approved by this plan"
    lab.commit(pinned({2: "Production", 1: "Archived"}, {"champion": 2}, without=frozenset({2})))
    without = lab.plan().digest
    lab.registry.set_files("m", 2, files_of(3))
    lab.commit(pinned_as(PROMOTES, 2, digest_of(3)))
    assert len({with_both, without, lab.plan().digest}) == 3


def test_the_digest_of_a_plan_tells_whose_bytes_are_approved_and_of_what_enters_alone() -> None:
    lab = PinnedLab(m=1, n=1)
    lab.registry.set_files("n", 1, files_of(1))
    one, other = (pinned({1: "Production"}, model=name) for name in "mn")
    bare = [replace(d, versions={1: DeclaredVersion()}) for d in (one, other)]
    digests = set()
    for declared in ((one, bare[1]), (bare[0], other), bare, (one, other)):
        lab.commit(*declared)
        digests.add(lab.plan().digest)
    assert len(digests) == 4
    (model, _) = lab.plan().models
    nothing_enters = replace(model, changes=())
    assert nothing_enters.digest(REF) == replace(nothing_enters, bytes=()).digest(REF)


def test_a_plan_without_digests_has_the_digest_that_it_had_before_there_were_any() -> None:
    lab = PinnedLab()
    lab.commit(serving(1))
    plan = lab.plan()
    (model,) = plan.models
    assert model.seen is not None
    rows = [[model.model, *change.field, change.before, change.after] for change in plan.changes]
    seen = [
        [model.model, number, [i.run_id, i.source, i.created]]
        for number, i in model.seen.identities.items()
        if i is not None
    ]
    document = {"registry": REF.key, "changes": rows, "identities": seen}
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    assert plan.digest == f"sha256:{sha256(text.encode()).hexdigest()}"


@pytest.mark.parametrize("steps", [("apply",), ()])
def test_settings_can_leave_the_reading_to_apply_and_the_plan_says_so(
    lab: PinnedLab, steps: tuple[VerifyAt, ...]
) -> None:
    lab.settings = Settings(verify=steps)
    lab.commit(SERVES_ONE)
    lab.commit(PROMOTES)
    model = lab.only()
    assert lab.read == []
    assert outcomes(model.bytes) == {2: "unchecked"}
    assert model.bytes[0].why == "`digests: verify` in the settings does not name `plan`"
    assert model.outcome == "changes"


def test_a_change_cannot_loosen_what_its_own_plan_reads(lab: PinnedLab) -> None:
    lab.settings = Settings(verify=("apply",))
    lab.commit(PROMOTES)
    assert outcomes(lab.only().bytes) == {2: "same"}
    assert "`digests: verify` still reads the bytes in `plan`" in lab.plan().notes


def renamed(files: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """Return the files with one name changed that keeps their order."""
    return {path.replace("model.pkl", "model.pk2"): data for path, data in files.items()}


def approving(
    lab: PinnedLab, files: ModelFiles, digest: str | None = None, model: str = "m"
) -> BytesReading:
    pin = digest or files.digest
    known = ApprovedFiles({(model, 2, pin): files}, {pin: files})
    return replace(through(lab.registry), approved=lambda: known)


def test_files_that_differ_are_named_with_their_sizes_where_a_record_knows_them(
    lab: PinnedLab,
) -> None:
    now = dict(files_of(2)) | {"MLmodel": b"evil and longer\n", "extra.py": b"import os\n"}
    del now["version"]
    lab.registry.set_files("m", 2, now)
    lab.commit(PROMOTES)
    gate = replace(GATE, reading=approving(lab, hashed(files_of(2))))
    (problem,) = lab.plan(gate=gate).problems
    assert problem.message == (
        "`m` v2 does not have the approved bytes: `MLmodel` changed, `extra.py` added, "
        "`version` missing"
    )
    assert problem.contrasts == (
        ("MLmodel", "9 bytes", "16 bytes"),
        ("extra.py", "no such file", "10 bytes"),
        ("version", "1 byte", "missing"),
    )


def test_many_files_are_counted(lab: PinnedLab) -> None:
    more = {f"shard-{number:02}": b"x" for number in range(58)}
    lab.registry.set_files("m", 2, {**files_of(2), **more})
    lab.commit(PROMOTES)
    gate = replace(GATE, reading=approving(lab, hashed(files_of(2))))
    (problem,) = lab.plan(gate=gate).problems
    assert problem.message.endswith(": 58 files differ (58 added)")
    assert len(problem.contrasts) == 21
    assert problem.contrasts[-1] == ("and 38 more", "", "")


def test_a_renamed_file_keeps_the_digest_and_is_still_a_difference(lab: PinnedLab) -> None:
    now = renamed(files_of(2))
    assert hashed(now).digest == digest_of(2)
    lab.registry.set_files("m", 2, now)
    lab.commit(PROMOTES)
    assert lab.only().outcome == "changes", "nobody knows the names that were approved"
    gate = replace(GATE, reading=approving(lab, hashed(files_of(2))))
    (problem,) = lab.plan(gate=gate).problems
    assert problem.code is ExitCode.DECLARATION
    assert "`data/model.pk2` added, `data/model.pkl` missing" in problem.message
    assert "the same" in problem.message
    assert "would approve" not in (problem.hint or ""), "the digest is the declared one"
    another = replace(GATE, reading=approving(lab, hashed(files_of(2)), model="another"))
    assert lab.plan(gate=another).problems == (), "its files may have other names"
    lab.swap(2)
    (problem,) = lab.plan(gate=another).problems
    assert "`MLmodel` changed" in problem.message, "those of a former name tell what differs"


def test_a_list_that_is_not_that_of_its_digest_approves_and_denies_nothing(lab: PinnedLab) -> None:
    lab.commit(PROMOTES)
    gate = replace(GATE, reading=approving(lab, hashed(files_of(3)), digest_of(2)))
    assert lab.plan(gate=gate).problems == ()
    lab.swap(2)
    (problem,) = lab.plan(gate=gate).problems
    assert problem.contrasts == ()


def test_what_was_not_reached_before_a_stop_is_not_approved(lab: PinnedLab) -> None:
    stop = threading.Event()
    stop.set()
    lab.commit(PROMOTES)
    gate = replace(GATE, reading=replace(through(lab.registry), stop=stop))
    (model,) = lab.plan(gate=gate).models
    assert lab.read == []
    assert (model.outcome, outcomes(model.bytes)) == ("error", {2: "unreadable"})
    assert model.bytes[0].why == "interrupted before it was read"


def test_a_plan_is_held_against_the_digests_that_a_later_checkout_declares_for_what_enters(
    lab: PinnedLab,
) -> None:
    unpinned = pinned({2: "Production", 1: "Archived"}, {"champion": 2}, without=frozenset({1, 2}))

    def told(planned: Declaration, now: Declaration) -> list[str]:
        lab.commit(planned)
        problems = checked_otherwise(lab.plan(), {now.model: now})
        assert all(p.code is ExitCode.OUT_OF_STEP and p.file == "m.yaml" for p in problems)
        return [problem.message for problem in problems]

    assert told(PROMOTES, PROMOTES) == told(unpinned, unpinned) == told(PROMOTES, unpinned) == []
    assert told(unpinned, PROMOTES) == [f"the plan does not check `m` v2 for {digest_of(2)}"]
    other = pinned_as(PROMOTES, 2, digest_of(3))
    assert told(PROMOTES, other) == [f"the plan does not check `m` v2 for {digest_of(3)}"]
    assert told(PROMOTES, pinned_as(PROMOTES, 1, digest_of(3))) == [], "v1 only leaves"
    assert told(PROMOTES, replace(other, model="n")) == []


def test_a_model_with_other_bytes_still_tells_which_versions_were_deleted(lab: PinnedLab) -> None:
    lab.apply(pinned({1: "Production", 3: "Archived"}, {"champion": 1}))
    lab.registry.delete_version("m", 3)
    lab.swap(2)
    lab.commit(pinned({2: "Production", 1: "Archived", 3: "Archived"}, {"champion": 2}))
    model = lab.only()
    assert (model.outcome, model.deleted) == ("error", (3,))


def test_a_part_of_a_plan_reads_its_own_versions_alone(lab: PinnedLab) -> None:
    lab.commit(PROMOTES)
    compared = compare(lab.checked_out(), lab.registry, REF, replace(ASK, planning=False))
    (model,) = compared.plan.models
    part = compared.narrowed([replace(model, changes=(), outcome="in-sync")])
    asks_for_no_record = replace(
        GATE, reading=BytesReading(through(lab.registry).read, pytest.fail)
    )
    (judged,) = judge(part, lab.registry, asks_for_no_record).models
    assert (lab.read, judged.bytes) == ([], ())
