"""A rollback that is proposed by a pull request, from a job that has something else checked out."""

from collections.abc import Iterator

import pytest

import reconciler
from reconciler.api.editing.edit import Edit
from reconciler.api.editing.proposing import (
    MadeProposal,
    ProposalPlace,
    ProposalText,
    rollback_branch,
)
from tests.support.forges.forge_lab import ForgeLab, github_lab
from tests.support.forges.forge_server import Commit, Fault, answer
from tests.support.registries.api_lab import opened
from tests.support.registries.lab import Lab
from tests.support.registries.servers import Answer
from tests.support.repositories.edit_lab import (  # noqa: F401  fixtures
    file_of,
    lab_fixture,
    model_fixture,
)

_WHY = "watch: error-rate: 3 of the last 5 looks failed"
_TRAILERS = ("Reconciler-Watch: error-rate",)


@pytest.fixture(name="forge")
def forge_fixture(lab: Lab) -> Iterator[ForgeLab]:
    """Start a forge whose repository is the hub of the lab's clone."""

    def brought(branch: str, _: int) -> list[Commit]:
        tip = lab.git.git("ls-remote", "origin", f"refs/heads/{branch}").split()[0]
        return [Commit(tip, None, None, "mlflow-reconciler@localhost")]

    with github_lab() as forge:
        forge.state.pushed = brought
        yield forge


def rollback(lab: Lab, model: str) -> Edit:
    return opened(lab).rollback(model, block=True, reason=_WHY)


def proposed(lab: Lab, forge: ForgeLab, model: str) -> MadeProposal:
    """Propose the rollback of a model from v2 to v1."""
    place = ProposalPlace(forge.forge, "origin", lab.git.git("rev-parse", "main"), "main")
    text = ProposalText(rollback_branch(model, 2, 1), "Roll back", "<!-- ours -->\nwhy", _TRAILERS)
    made = rollback(lab, model).propose(place, text)
    assert made is not None
    return made


def branches(lab: Lab) -> list[str]:
    """Return the hub's branches besides the main line."""
    rows = lab.git.git("ls-remote", "--heads", "origin").splitlines()
    names = [row.partition("refs/heads/")[2] for row in rows]
    return [name for name in names if name != "main"]


def test_a_rollback_is_proposed_beside_what_is_checked_out_and_history_has_its_reason(
    lab: Lab, model: str, forge: ForgeLab
) -> None:
    before = file_of(lab, model).read_bytes()
    lab.git.write({"half": "done"})
    head = lab.git.git("rev-parse", "HEAD")

    made = proposed(lab, forge, model)

    pull = forge.state.pulls[made.pull.number]
    assert made.branch.name == f"rollback/{model}-v2-to-v1"
    assert (pull.branch, pull.base, pull.head) == (made.branch.name, "main", made.branch.commit)
    assert forge.forge.open_pull_requests("<!-- ours -->") == (made.pull,)
    assert file_of(lab, model).read_bytes() == before
    assert lab.git.git("rev-parse", "HEAD") == head
    assert lab.git.git("status", "--porcelain") == "?? half"
    message = lab.git.git("log", "-1", "--format=%B", made.branch.commit)
    assert _WHY in message
    trailers = lab.git.git("log", "-1", "--format=%(trailers)", made.branch.commit).splitlines()
    assert trailers == [f"Reconciler-Rollback: {model} v2 → v1", *_TRAILERS]

    lab.git.merge(made.branch.commit)
    lab.git.push()
    told = lab.run("history", model)
    assert (told.code, _WHY in told.stdout) == (0, True), told


def test_a_forge_that_refuses_leaves_no_branch_however_often_it_is_asked(
    lab: Lab, model: str, forge: ForgeLab
) -> None:
    said = "GitHub Actions is not permitted to create or approve pull requests."
    forge.state.faults.append(Fault("POST", "/pulls", answer({"message": said}, 403), times=2))

    for _ in range(2):
        with pytest.raises(reconciler.ForgeError, match="not permitted"):
            proposed(lab, forge, model)
        assert branches(lab) == []

    assert proposed(lab, forge, model).branch.name == rollback_branch(model, 2, 1)


def test_a_pull_request_whose_answer_was_lost_is_not_opened_from_a_second_branch(
    lab: Lab, model: str, forge: ForgeLab
) -> None:
    lost = Fault("POST", "/pulls", Answer(502, b""), executed=True)
    forge.state.faults.append(lost)
    with pytest.raises(reconciler.ForgeError, match="502"):
        proposed(lab, forge, model)

    with pytest.raises(reconciler.OutOfStep, match=r"proposed the same meanwhile: .*/pull/1"):
        proposed(lab, forge, model)

    assert branches(lab) == [rollback_branch(model, 2, 1)]
    assert len(forge.state.pulls) == 1


def test_of_two_jobs_at_once_the_later_leaves_no_branch_and_closes_nothing(
    lab: Lab, model: str, forge: ForgeLab
) -> None:
    first = proposed(lab, forge, model)
    other_reason = opened(lab).rollback(model, block=True, reason=f"{_WHY}: value 0.2")
    head = lab.git.git("rev-parse", "main")
    place = ProposalPlace(forge.forge, "origin", head, "main")

    with pytest.raises(reconciler.OutOfStep, match="proposed the same meanwhile"):
        other_reason.propose(
            place, ProposalText(first.branch.name, "Roll back", "<!-- ours -->\nwhy")
        )
    with pytest.raises(reconciler.ForgeError, match="already exists"):
        rollback(lab, model).propose(
            place, ProposalText(first.branch.name, "Roll back", "<!-- not listed yet -->\nwhy")
        )

    assert branches(lab) == [first.branch.name]
    assert forge.forge.open_pull_requests("<!-- ours -->") == (first.pull,)


def test_a_commit_that_has_other_files_than_the_edit_was_made_of_is_not_built_on(
    lab: Lab, model: str, forge: ForgeLab
) -> None:
    older = lab.git.git("rev-parse", "main~1")
    place = ProposalPlace(forge.forge, "origin", older, "main")

    with pytest.raises(reconciler.OutOfStep, match=f"is not as commit {older[:12]} has it"):
        rollback(lab, model).propose(place, ProposalText("b", "t", ""))

    assert branches(lab) == []


def test_a_refused_rollback_is_not_proposed(lab: Lab, model: str, forge: ForgeLab) -> None:
    place = ProposalPlace(forge.forge, "origin", lab.git.git("rev-parse", "main"), "main")
    edit = opened(lab).rollback(model, to=3)

    with pytest.raises(reconciler.Refused):
        edit.propose(place, ProposalText("b", "t", ""))

    assert branches(lab) == []


def test_the_branch_of_a_long_name_is_one_that_a_file_system_can_hold() -> None:
    name = rollback_branch("模" * 200 + "/../ .lock", 12, 11)

    assert len(name.encode()) < 255
    assert name.endswith("-v12-to-v11")
