"""That an apply reads the bytes once more, and writes nothing for a model whose bytes differ."""

import threading
from dataclasses import replace

import pytest

from reconciler.apply.executor import Stop, apply
from reconciler.core.artifacts.bytes_check import ApprovedFiles, BytesCheck
from reconciler.core.artifacts.model_files import ModelFiles
from reconciler.core.plan import AdmittedPlan, JudgedPlan
from reconciler.core.report import ApplyReport
from reconciler.core.settings import Settings
from reconciler.errors import ExitCode, Forbidden, Unavailable
from reconciler.planning.artifacts.approved_bytes import BytesReading, through
from reconciler.planning.planner import not_read_again
from tests.support.plans.bytes_lab import PinnedLab, digest_of, files_of, hashed, pinned
from tests.support.plans.executor_lab import once
from tests.support.plans.planner_lab import ASK, serving
from tests.support.registries.fake_registry import Write

SERVES_ONE = pinned({1: "Production"}, {"champion": 1})
PROMOTES = pinned({2: "Production", 1: "Archived"}, {"champion": 2})
APPLYING = replace(ASK, planning=False)


@pytest.fixture
def lab() -> PinnedLab:
    """Return a registry where v1 serves, and a commit that promotes v2; nothing is read since."""
    lab = PinnedLab()
    lab.apply(SERVES_ONE)
    lab.commit(PROMOTES)
    lab.registry.writes.clear()
    lab.read.clear()
    return lab


def applied(lab: PinnedLab, plan: JudgedPlan, reading: BytesReading | None = None) -> ApplyReport:
    return apply(AdmittedPlan(plan), lab.registry, reading=reading, timeout=5)


def errors(report: ApplyReport) -> set[tuple[str, str | None]]:
    return {(result.outcome, result.error) for result in report.results}


def test_what_is_as_approved_is_written_and_reported(lab: PinnedLab) -> None:
    report = applied(lab, lab.plan(APPLYING))
    assert report.exit_code() == 0
    (model,) = report.models
    assert model.bytes == (BytesCheck(2, digest_of(2), "same", hashed(files_of(2))),)
    assert lab.read == [("m", 2)] * 2, "once by the plan, and once right before the first write"


def test_a_swap_between_plan_and_apply_writes_nothing_not_even_the_record(lab: PinnedLab) -> None:
    plan = lab.plan(APPLYING)
    lab.swap(2)
    report = applied(lab, plan)
    assert lab.registry.writes == []
    assert report.exit_code() == ExitCode.DECLARATION
    ((outcome, error),) = errors(report)
    assert outcome == "failed"
    assert (error or "").startswith(
        "nothing was written: `m` v2 does not have the approved bytes: its digest is sha256:"
    )
    (model,) = report.models
    assert [check.outcome for check in model.bytes] == ["different"]
    assert model.bytes[0].read == hashed({**files_of(2), "MLmodel": b"evil\n"})


def test_a_swap_before_drift_is_put_back_writes_nothing() -> None:
    lab = PinnedLab()
    lab.apply(SERVES_ONE)
    lab.registry.set_alias("m", "champion", 2)
    plan = lab.plan(APPLYING)
    assert [(change.cause, change.after) for change in plan.changes] == [("drift", 1)]
    lab.swap(1)
    lab.registry.writes.clear()
    assert applied(lab, plan).exit_code() == ExitCode.DECLARATION
    assert lab.registry.writes == []


def test_bytes_that_cannot_be_read_again_write_nothing(lab: PinnedLab) -> None:
    plan = lab.plan(APPLYING)

    def refuse(read: str) -> None:
        if read == "artifacts":
            raise Forbidden("AccessDenied", hint="log in to AWS")

    lab.registry.before_read = refuse
    report = applied(lab, plan)
    assert lab.registry.writes == []
    assert report.exit_code() == ExitCode.REGISTRY
    ((outcome, error),) = errors(report)
    assert outcome == "failed"
    assert (error or "").startswith("nothing was written: whether `m` v2 has the approved bytes")
    assert (error or "").endswith(" is not known: AccessDenied (log in to AWS)")


def test_one_model_with_other_bytes_does_not_stop_the_others() -> None:
    lab = PinnedLab(m=2, n=2)
    lab.commit(SERVES_ONE, pinned({1: "Production"}, {"champion": 1}, model="n"))
    plan = lab.plan(APPLYING)
    lab.swap(1)
    report = applied(lab, plan)
    assert {write.model for write in lab.registry.writes} == {"n"}
    assert report.exit_code() == ExitCode.PARTIAL


def test_both_versions_of_a_swap_of_aliases_are_read_again() -> None:
    lab = PinnedLab()
    lab.apply(pinned({}, {"champion": 1, "challenger": 2}))
    lab.commit(pinned({}, {"champion": 2, "challenger": 1}))
    plan = lab.plan(APPLYING)
    lab.swap(1)
    lab.registry.writes.clear()
    report = applied(lab, plan)
    assert lab.registry.writes == []
    assert [check.outcome for check in report.models[0].bytes] == ["different", "same"]


def test_every_version_that_is_refused_is_told_and_what_cannot_be_read_has_the_code() -> None:
    lab = PinnedLab()
    lab.commit(pinned({1: "Production", 2: "Staging"}))
    plan = lab.plan(APPLYING)
    lab.swap(1)

    def read(model: str, version: int) -> ModelFiles:
        if version == 2:
            raise Forbidden("AccessDenied")
        return through(lab.registry).read(model, version)

    report = applied(lab, plan, BytesReading(read))
    assert (report.exit_code(), lab.registry.writes) == (ExitCode.REGISTRY, [])
    ((_, error),) = errors(report)
    assert "`m` v1 does not have the approved bytes: " in (error or "")
    assert "; whether `m` v2 has the approved bytes is not known" in (error or "")


def test_names_are_compared_again_where_they_are_known(lab: PinnedLab) -> None:
    known = ApprovedFiles({("m", 2, digest_of(2)): hashed(files_of(2))})
    reading = replace(through(lab.registry), approved=lambda: known)
    plan = lab.plan(APPLYING)
    now = {path.replace("model.pkl", "model.pk2"): data for path, data in files_of(2).items()}
    lab.registry.set_files("m", 2, now)
    report = applied(lab, plan, reading)
    assert lab.registry.writes == []
    assert report.exit_code() == ExitCode.DECLARATION


def test_the_model_is_looked_at_after_the_reading_which_takes_long(lab: PinnedLab) -> None:
    plan = lab.plan(APPLYING)

    def slowly(model: str, version: int) -> ModelFiles:
        files = through(lab.registry).read(model, version)
        lab.registry.set_alias("m", "champion", 3)  # somebody else, meanwhile
        lab.registry.writes.clear()
        return files

    report = applied(lab, plan, BytesReading(slowly))
    assert lab.registry.writes == []
    assert {outcome for outcome, _ in errors(report)} == {"stale"}
    assert report.exit_code() == ExitCode.OUT_OF_STEP


def test_a_version_that_was_replaced_is_stale_whatever_its_bytes(lab: PinnedLab) -> None:
    plan = lab.plan(APPLYING)
    lab.registry.delete_version("m", 2)
    report = applied(lab, plan)
    assert lab.registry.writes == []
    assert {outcome for outcome, _ in errors(report)} == {"stale"}


def test_the_time_of_the_writes_begins_after_the_reading(lab: PinnedLab) -> None:
    plan = lab.plan(APPLYING)

    def slowly(model: str, version: int) -> ModelFiles:
        threading.Event().wait(0.85)
        return through(lab.registry).read(model, version)

    lab.registry.before_write = once(Unavailable("503"), lambda _: True)  # waits, if there is time
    reading = BytesReading(slowly)
    report = apply(AdmittedPlan(plan), lab.registry, reading=reading, timeout=0.8)
    assert report.exit_code() == 0


def test_a_stop_while_bytes_are_read_ends_the_model_before_its_first_write(lab: PinnedLab) -> None:
    plan, stop = lab.plan(APPLYING), Stop(threading.Event())

    def interrupted(model: str, version: int) -> ModelFiles:
        stop(15)
        return through(lab.registry).read(model, version)

    requests = lab.registry.requests
    reading = BytesReading(interrupted, stop=stop.event)
    report = apply(AdmittedPlan(plan), lab.registry, reading=reading, stop=stop)
    assert lab.registry.writes == []
    assert errors(report) == {("skipped", "interrupted before it was sent")}
    assert report.exit_code() == 128 + 15
    assert lab.registry.requests == requests + 1, "of the reading; none after the signal"


def test_the_settings_of_now_say_whether_an_apply_reads(lab: PinnedLab) -> None:
    plan = lab.plan(APPLYING)
    assert not_read_again(plan, lab.checked_out()) == frozenset()
    lab.settings = Settings(verify=("plan",))
    lab.commit(PROMOTES)
    assert not_read_again(plan, lab.checked_out()) == frozenset(), "the change came with it"
    lab.commit(SERVES_ONE)
    lab.apply(SERVES_ONE)
    lab.commit(PROMOTES)
    later = lab.plan(APPLYING)
    assert not_read_again(later, lab.checked_out()) == {"m"}
    lab.read.clear()
    report = apply(AdmittedPlan(later), lab.registry, unread={"m"})
    assert (report.exit_code(), lab.read) == (0, [])
    assert report.models[0].bytes == later.models[0].bytes, "what the plan read"


def test_what_is_left_unread_of_one_model_is_read_of_the_others() -> None:
    lab = PinnedLab(m=1, n=1)
    lab.commit(pinned({1: "Production"}), pinned({1: "Production"}, model="n"))
    plan = lab.plan(APPLYING)
    lab.swap(1, "m")
    lab.swap(1, "n")
    report = apply(AdmittedPlan(plan), lab.registry, unread={"n"})
    assert {write.model for write in lab.registry.writes} == {"n"}
    assert report.exit_code() == ExitCode.PARTIAL


def test_a_model_without_a_digest_does_not_wait_for_the_reading_of_others() -> None:
    lab, written = PinnedLab(a=1, b=1, c=1), threading.Event()
    lab.commit(*(pinned({1: "Staging"}, model=m) for m in "ab"), serving(1, model="c"))
    plan = lab.plan(APPLYING)

    def waiting(model: str, version: int) -> ModelFiles:
        assert written.wait(5), "`c` was not written meanwhile"
        return through(lab.registry).read(model, version)

    report = apply(
        AdmittedPlan(plan),
        lab.registry,
        reading=BytesReading(waiting),
        on_model=lambda model: written.set() if model == "c" else None,
    )
    assert report.exit_code() == 0


def test_what_a_saved_plan_left_to_apply_is_read_though_the_settings_now_leave_it_to_plan(
    lab: PinnedLab,
) -> None:
    def under(settings: Settings) -> None:
        lab.settings = settings
        lab.apply(pinned({1: "Production"}, {"champion": 1}, tags={"n": str(settings.verify)}))

    under(Settings(verify=("apply",)))
    under(Settings(verify=("apply",)))
    lab.commit(PROMOTES)
    saved = lab.plan(APPLYING)
    assert [check.outcome for check in saved.models[0].bytes] == ["unchecked"]
    lab.settings = Settings(verify=("plan",))
    for _ in range(3):
        lab.commit(PROMOTES)
    reread = replace(lab.checked_out(), base_settings=lab.settings)
    assert not_read_again(saved, reread) == frozenset()
    nothing = replace(reread, base_settings=Settings(verify=()))
    desired = replace(reread.desired, settings=Settings(verify=()))
    assert not_read_again(saved, replace(nothing, desired=desired)) == {"m"}


def test_without_a_digest_an_apply_asks_nothing_more() -> None:
    def requests(lab: PinnedLab) -> int:
        lab.commit(serving(1))
        plan = lab.plan(APPLYING)
        before = lab.registry.requests
        assert applied(lab, plan).exit_code() == 0
        return lab.registry.requests - before

    bare, blind = PinnedLab(), PinnedLab()

    def unreadable(read: str) -> None:
        assert read != "artifacts"

    blind.registry.before_read = unreadable
    assert requests(bare) == requests(blind)
    assert bare.read == []


def test_the_version_that_leaves_still_leaves_last(lab: PinnedLab) -> None:
    order: list[Write] = []
    lab.registry.before_write = order.append
    assert applied(lab, lab.plan(APPLYING)).exit_code() == 0
    stages = [(write.version, write.value) for write in order if write.method == "set_stage"]
    assert stages == [(2, "Production"), (1, "Archived")]


def test_few_models_are_read_at_a_time() -> None:
    names = {f"m{number}": 1 for number in range(6)}
    lab = PinnedLab(**names)
    lab.commit(*(pinned({1: "Production"}, model=name) for name in names))
    plan, lock = lab.plan(APPLYING), threading.Lock()
    running: list[int] = [0]
    most: list[int] = [0]

    def counted(model: str, version: int) -> ModelFiles:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        threading.Event().wait(0.02)
        with lock:
            running[0] -= 1
        return through(lab.registry).read(model, version)

    report = applied(lab, plan, BytesReading(counted))
    assert report.exit_code() == 0
    assert most == [2]
