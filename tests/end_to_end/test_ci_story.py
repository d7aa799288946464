"""One story from `init` in an empty folder to a rollback; GitHub runs the workflows it wrote."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.forges.ci_lab import CiLab, ci_lab
from tests.support.forges.forge_server import Pull
from tests.support.forges.hub_lab import READER, Hub, guarded, left_out
from tests.support.registries.lab import Hand, Lab
from tests.support.registries.servers import mlflow_server
from tests.support.repositories.git_lab import GitLab
from tests.support.workflows.workflow_files import ACTION, EXAMPLES
from tests.support.workflows.workflow_runner import Run

_MODEL = "fraud detection"
_STATE = "registry-state"
# test_workflow_shell.py runs both: installing reaches for a package index, and has one of its own
# there; the page comes from `init --pages`, which this story does without.
_LEFT_OUT = ["page.yml: Make the page", "action.yml: Install the reconciler"]
_PLANNED = {"validate": "success", "plan": "success"}


@dataclass
class Story:
    """What happens at one repository, and what the registry has."""

    hub: Hub
    ci: CiLab
    hand: Hand

    @property
    def values(self) -> dict[str, object]:
        return self.hand.values(_MODEL)

    def comment(self, pull: Pull, kind: str = "plan") -> str:
        """Return our comment on a pull request, of which there is one."""
        (found,) = self.ci.comments(pull, kind)
        return found

    def propose(self, branch: str, **tags: str) -> Pull:
        """Open a pull request that tags the model, and have it planned."""
        self.ci.branch(branch)
        self.tag(**tags)
        self.ci.lab.git.commit(message=branch)
        pull, ran = self.hub.open()
        assert ran["plan"].jobs == _PLANNED, ran["plan"].log
        return pull

    def tag(self, **tags: str) -> None:
        """Write tags of the model into its file, in the place of those it has."""
        file = self.ci.lab.git.root / _STATE / f"{_MODEL}.yaml"
        text = re.sub(r"\ntags: .*", "", file.read_text(encoding="utf-8").rstrip())
        named = ", ".join(f"{key}: {value}" for key, value in tags.items())
        file.write_text(f"{text}\ntags: {{{named}}}\n", encoding="utf-8")

    def apply(self, ran: dict[str, Run]) -> Run:
        """Return the one run that a merge started, which succeeded."""
        (run,) = ran.values()
        assert (run.name, run.code) == ("apply", 0), run.log
        return run


@pytest.fixture
def desk(sqlite_template: Path, tmp_path: Path) -> Iterator[Lab]:
    """Set up an empty folder, and a registry of its own: `init` reads all that there is."""
    database = shutil.copy(sqlite_template, tmp_path / "server.db")
    git = GitLab(tmp_path / "repo", tmp_path / "home")
    git.root.mkdir()
    git.home.mkdir()
    names = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")
    with mlflow_server(tmp_path, f"sqlite:///{database}") as server, guarded(server) as registry:
        yield Lab(git, registry, Hand(server), dict(zip(names, READER, strict=True)))


def test_from_an_empty_folder_to_a_rollback(desk: Lab, tmp_path: Path) -> None:
    desk.hand.register(_MODEL, 3)
    desk.hand.stage(_MODEL, 1, "Production")
    desk.hand.alias(_MODEL, "champion", 1)
    assert list(desk.git.root.iterdir()) == []
    begun = desk.run("init")
    assert begun.code == 0, begun.text
    with ci_lab(desk, tmp_path) as ci:
        # The settings that `init` wrote name the registry: no environment has to.
        story = Story(Hub(ci, tmp_path / "github"), ci, desk.hand)
        what_init_wrote_is_pushed_and_recorded(story)
        a_form_opens_a_pull_request_whose_comment_follows_its_head(story)
        the_approved_promotion_is_applied_and_told(story)
        of_two_merges_the_older_comes_too_late(story)
        another_head_than_the_shown_one_is_applied_by_hand_alone(story)
        tampering_keeps_one_issue_open_until_it_is_put_right(story)
        the_form_rolls_back_through_the_merge_queue(story)
        a_fork_gets_no_plan(story)
        written = sorted((desk.git.root / ".github" / "workflows").iterdir())
        assert len(written) == 5
        assert left_out(story.hub.ran, *written, *EXAMPLES, ACTION) == _LEFT_OUT


def what_init_wrote_is_pushed_and_recorded(story: Story) -> None:
    ci = story.ci
    before = story.values
    ci.lab.git.commit(message="Declare what is live")
    run = story.apply(story.hub.push())
    assert run.outputs("run")["changes"] == "0"
    assert story.values == before
    assert story.hand.recorded(_MODEL) == ci.head


def a_form_opens_a_pull_request_whose_comment_follows_its_head(story: Story) -> None:
    ci, hub = story.ci, story.hub
    hub.variables["RECONCILER_APP_CLIENT_ID"] = "Iv1.app"  # its pull requests start workflows
    asked = {"state": _STATE, "model": _MODEL, "version": "2", "alias": "champion"}
    ran = hub.fill_in("promote", reason="it is better", **asked)
    assert ran["promote"].jobs == {"promote": "success", "plan": "skipped"}, ran["promote"].log
    assert ran["plan"].jobs == _PLANNED, ran["plan"].log
    (pull,) = ci.state.pulls.values()
    assert [commit.author for commit in pull.commits] == ["ann"]
    shown = story.comment(pull)
    assert "v1 → v2" in shown
    assert (ran["plan"].artifacts[f"reconciler-{_STATE}"] / "plan.md").exists()
    ci.lab.git.git("fetch", "--quiet", "origin")
    (branch,) = ci.remote.git(
        "for-each-ref", "--format=%(refname:short)", "refs/heads/promote"
    ).split()
    ci.lab.git.git("checkout", "--quiet", branch)
    story.tag(seen="twice")
    ci.lab.git.commit(message="say more")
    again = hub.push_to(pull)["plan"]
    assert again.jobs == _PLANNED, again.log
    assert "seen" not in shown
    assert "seen" in story.comment(pull)
    assert story.values["@champion"] == 1


def the_approved_promotion_is_applied_and_told(story: Story) -> None:
    ci, hub = story.ci, story.hub
    (pull,) = ci.state.pulls.values()
    reviewed = hub.review(pull, "bob")["plan"]
    assert reviewed.jobs == _PLANNED, reviewed.log
    assert "v1 → v2" in story.comment(pull)
    story.apply(hub.merge(pull))
    assert story.values["@champion"] == 2
    assert (story.values["v1 stage"], story.values["v2 stage"]) == ("Archived", "Production")
    assert "4 applied" in story.comment(pull, "apply")
    assert "bob" in ci.remote.git("notes", "--ref=reconciler", "show", ci.head)
    history = ci.lab.run("history", _MODEL, "--fetch-notes", "origin", "--format", "json")
    (row,) = [one for one in history.document["changes"] if one["commit"] == ci.head]
    assert row["approvals"]["verified"] == ["bob"]


def of_two_merges_the_older_comes_too_late(story: Story) -> None:
    merged = []
    for step in ("first", "second"):
        pull = story.propose(step, step=step)
        merged.append(story.hub.merge_unseen(pull))
    older, newer = merged
    story.apply(story.hub.pushed(newer))
    late = story.apply(story.hub.pushed(older))
    assert "superseded" in late.log
    again = story.hub.pushed(older, attempt=2)["apply"]
    assert again.code == 5
    assert "superseded" in again.log
    looked = story.hub.clock(older)["drift"]
    assert (looked.code, story.ci.state.issues) == (0, {}), looked.log
    assert story.values["tag step"] == "second"
    assert story.hand.recorded(_MODEL) == newer


def another_head_than_the_shown_one_is_applied_by_hand_alone(story: Story) -> None:
    ci, hub = story.ci, story.hub
    pull = story.propose("unseen", step="shown")
    ci.state.review(pull, "bob")
    ci.lab.run("promote", _MODEL, "3", "--alias", "champion")
    ci.lab.git.commit(message="nobody was shown this")
    ci.lab.git.git("push", "--quiet", "origin", f"HEAD:refs/pull/{pull.number}/head")
    ci.state.push(pull, ci.head)
    refused = hub.merge(pull)["apply"]
    assert refused.code == 5
    assert "unapproved" in refused.log
    assert (story.values["@champion"], story.values["tag step"]) == (2, "second")
    digest = re.search(r"--digest (sha256:\w+)", refused.log)
    assert digest is not None
    asked = {"state": _STATE, "model": _MODEL}
    other = hub.fill_in("apply", digest="sha256:" + "0" * 64, **asked)["apply"]
    assert other.code == 5
    assert story.values["@champion"] == 2
    story.apply(hub.fill_in("apply", digest=digest[1], **asked))
    assert (story.values["@champion"], story.values["tag step"]) == (3, "shown")
    assert "bob" not in ci.remote.git("notes", "--ref=reconciler", "show", ci.head)


def tampering_keeps_one_issue_open_until_it_is_put_right(story: Story) -> None:
    hub, hand, issues = story.hub, story.hand, story.ci.state.issues
    hand.alias(_MODEL, "champion", 1)
    assert hub.clock()["drift"].code == 2
    (issue,) = issues.values()
    told = issue.body
    assert issue.is_open
    hand.tag(_MODEL, None, "step", "by hand")
    assert hub.clock()["drift"].code == 2
    assert list(issues.values()) == [issue]
    assert issue.is_open
    assert "by hand" in issue.body
    assert "by hand" not in told
    hand.alias(_MODEL, "champion", 3)
    hand.tag(_MODEL, None, "step", "shown")
    assert hub.clock()["drift"].code == 0
    assert not issue.is_open


def the_form_rolls_back_through_the_merge_queue(story: Story) -> None:
    ci, hub = story.ci, story.hub
    hub.variables.clear()  # without the App the form's own run plans what it opens
    asked = {"state": _STATE, "model": _MODEL, "reason": "it recommends hats"}
    ran = hub.fill_in("rollback", block="false", **asked)
    assert set(ran) == {"rollback"}
    assert ran["rollback"].jobs == {"rollback": "success", "plan": "success"}, ran["rollback"].log
    pull = ci.state.pulls[max(ci.state.pulls)]
    shown = story.comment(pull)
    assert "v3 → v2" in shown
    queued = hub.queue(pull)["plan"]
    assert queued.jobs == _PLANNED, queued.log
    assert (ci.check().commit, ci.check().conclusion) == (ci.head, "success")
    assert story.comment(pull) == shown
    story.apply(hub.merge(pull))
    assert (story.values["@champion"], story.values["v2 stage"]) == (2, "Production")


def a_fork_gets_no_plan(story: Story) -> None:
    pull = story.ci.open(author="eve")
    run = story.hub.from_fork(pull)["plan"]
    assert run.jobs == {"validate": "success", "plan": "skipped"}, run.log
    assert "a fork gets no registry credential" in run.summary
    assert story.ci.comments(pull) == []
