"""What was declared at a commit, wherever the file and the folder were then."""

import gc
import json
import subprocess
from functools import partial
from pathlib import Path

import pytest

from reconciler.core.state import Declaration, Field, stages
from reconciler.errors import DeclarationError, ExitCode
from reconciler.files import loader
from reconciler.files.state_folder import contents
from reconciler.ports.history import History
from reconciler.repository.declared_history import Past
from reconciler.repository.objects import blob_id
from tests.support.repositories.git_lab import GitLab, opened
from tests.support.repositories.past_lab import (
    PARSERS,
    STATE,
    model,
    past,
    past_of,
    place_of,
    since,
)

WATCHED = "{name: auc, source: {metric: auc}, fail: value < 0.5}"
NAMED = "registry: {uri: 'http://mlflow:5000', name: prod-eu}\n"


def versions(declaration: Declaration | None) -> tuple[int, ...] | None:
    return None if declaration is None else tuple(declaration.versions)


def test_a_model_is_read_as_each_commit_declared_it(lab: GitLab) -> None:
    one = lab.commit({f"{STATE}/fraud.yaml": model(1), f"{STATE}/churn.yaml": model(7)})
    two = lab.commit({f"{STATE}/fraud.yaml": model(2)})
    with past(lab) as history:
        at_one = history.declared(one, STATE, "fraud")
        assert at_one is not None
        assert stages(at_one.fields) == {1: "Production"}
        assert versions(history.declared(two, STATE, "fraud")) == (2,)
        assert history.declared(one, STATE, "churn") == history.declared(two, STATE, "churn")
        assert history.declared(one, STATE, "nobody") is None


def test_it_is_the_history_that_planning_asks(lab: GitLab) -> None:
    base = lab.commit({f"{STATE}/fraud.yaml": model(1)})
    lab.branch("feature")
    feature = lab.commit({f"{STATE}/fraud.yaml": model(2)})
    with opened(lab) as repo:
        history: History = past_of(repo, main=base)
        assert (history.head, history.is_shallow) == (feature, False)
        assert history.knows(base)
        assert history.merge_base(base, feature) == base
        assert history.is_ancestor(base, feature)
        assert history.main_contains(base)
        assert not history.main_contains(feature)
        assert past_of(repo, main=None).main_contains(feature)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("fraud.yaml", "teams/payments/fraud.yaml"),
        ("teams/fraud.yaml", "fraud.yml"),
        ("anything.yaml", "fraud.yaml"),
    ],
)
def test_a_file_that_moved_or_was_renamed_is_the_same_models(
    lab: GitLab, old: str, new: str
) -> None:
    first = lab.commit({f"{STATE}/{old}": model(1, "fraud")})
    lab.move(f"{STATE}/{old}", f"{STATE}/{new}")
    with past(lab) as history:
        assert versions(history.declared(first, STATE, "fraud")) == (1,)


def test_a_file_that_another_model_took_over_is_not_that_models(lab: GitLab) -> None:
    first = lab.commit({f"{STATE}/a.yaml": model(1, "fraud"), f"{STATE}/b.yaml": model(2, "churn")})
    lab.commit({f"{STATE}/a.yaml": model(2, "churn"), f"{STATE}/b.yaml": model(1, "fraud")})
    with past(lab) as history:
        assert versions(history.declared(first, STATE, "fraud")) == (1,)
        assert versions(history.declared(first, STATE, "churn")) == (2,)


def test_the_same_bytes_under_another_name_are_another_model(lab: GitLab) -> None:
    first = lab.commit({f"{STATE}/fraud.yaml": model(1)})
    lab.move(f"{STATE}/fraud.yaml", f"{STATE}/churn.yaml")
    with past(lab) as history:
        assert versions(history.declared(first, STATE, "fraud")) == (1,)
        assert history.declared(first, STATE, "churn") is None
        assert history.declared(history.head, STATE, "fraud") is None


def test_a_model_whose_file_is_gone_is_still_read_from_before(lab: GitLab) -> None:
    first = lab.commit({f"{STATE}/fraud.yaml": model(1), f"{STATE}/churn.yaml": model(7)})
    second = lab.commit({f"{STATE}/fraud.yaml": None})
    with past(lab) as history:
        assert versions(history.declared(first, STATE, "fraud")) == (1,)
        assert history.declared(second, STATE, "fraud") is None


def test_the_recorded_folder_is_read_also_when_the_state_has_moved(lab: GitLab) -> None:
    first = lab.commit({f"{STATE}/fraud.yaml": model(1)})
    second = lab.move(STATE, "deploy/models")
    with past(lab, "deploy/models") as history:
        assert versions(history.declared(first, STATE, "fraud")) == (1,)
        assert history.declared(second, STATE, "fraud") is None
        assert versions(history.declared(second, "deploy/models", "fraud")) == (1,)


def test_two_state_folders_do_not_mix(lab: GitLab) -> None:
    commit = lab.commit({f"{STATE}/fraud.yaml": model(1), "staging/fraud.yaml": model(2)})
    with past(lab) as history:
        assert versions(history.declared(commit, STATE, "fraud")) == (1,)
        assert versions(history.declared(commit, "staging", "fraud")) == (2,)


def test_the_root_of_a_repository_can_be_the_state_folder(lab: GitLab) -> None:
    first = lab.commit({"fraud.yaml": model(1), ".github/workflows/ci.yaml": "on: push"})
    lab.commit({"fraud.yaml": model(2)})
    with past(lab, ".") as history:
        assert versions(history.declared(first, ".", "fraud")) == (1,)
        assert history.declared(first, ".", "ci") is None


def test_a_named_registrys_state_is_found_where_it_was(lab: GitLab) -> None:
    first = lab.commit({"eu/reconciler.yaml": NAMED, "eu/fraud.yaml": model(1)})
    lab.commit({"us/reconciler.yaml": NAMED.replace("eu", "us"), "us/fraud.yaml": model(9)})
    second = lab.move("eu", STATE)
    lab.commit({f"{STATE}/fraud.yaml": model(2)})
    with past(lab) as history:
        assert versions(history.declared(first, "prod-eu", "fraud")) == (1,)
        assert versions(history.declared(second, "prod-eu", "fraud")) == (1,)
        assert versions(history.declared(history.head, "prod-eu", "fraud")) == (2,)
        assert versions(history.declared(history.head, "prod-us", "fraud")) == (9,)
        assert history.declared(first, "prod-us", "fraud") is None


@pytest.mark.parametrize("owner", ["../outside", "/etc", "", "HEAD", "a\nb", "./registry-state"])
def test_an_owner_that_is_no_folder_declared_nothing(lab: GitLab, owner: str) -> None:
    commit = lab.commit({f"{STATE}/fraud.yaml": model(1)})
    with past(lab) as history:
        assert history.declared(commit, owner, "fraud") is None
        assert history.declared(commit, STATE, "fraud") is not None


def test_layout_comments_and_line_ends_are_no_difference(lab: GitLab) -> None:
    first = lab.commit({f"{STATE}/fraud.yaml": model(1)})
    text = model(1, "fraud", comment="# reviewed\n").replace("\n", "\r\n")
    second = lab.commit({f"{STATE}/fraud.yaml": text})
    with past(lab) as history:
        assert history.declared(first, STATE, "fraud") == history.declared(second, STATE, "fraud")


def test_a_file_that_cannot_be_read_and_may_be_the_models_is_named_with_its_commit(
    lab: GitLab,
) -> None:
    broken = lab.commit({f"{STATE}/teams/x.yaml": "model: [", f"{STATE}/churn.yaml": model(7)})
    lab.commit({f"{STATE}/teams/x.yaml": model(1, "fraud")})
    with past(lab) as history:
        assert versions(history.declared(broken, STATE, "churn")) == (7,)
        with pytest.raises(DeclarationError) as failure:
            history.declared(broken, STATE, "fraud")
    (problem,) = failure.value.problems
    assert problem.file == f"{STATE}/teams/x.yaml@{broken[:12]}"
    assert problem.code == ExitCode.DECLARATION


def test_settings_and_links_are_not_taken_for_models(lab: GitLab) -> None:
    (lab.root / STATE).mkdir()
    (lab.root / STATE / "link.yaml").symlink_to("fraud.yaml")
    first = lab.commit({f"{STATE}/reconciler.yaml": NAMED, f"{STATE}/fraud.yaml": model(1)})
    lab.commit({f"{STATE}/link.yaml": None})
    with past(lab) as history:
        assert history.declared(first, STATE, "nobody") is None
        assert history.declared(first, STATE, "reconciler") is None
        assert history.declared(first, STATE, "link") is None


def test_a_shallow_clone_does_not_know_what_was_applied(lab: GitLab, tmp_path: Path) -> None:
    applied = lab.commit({f"{STATE}/fraud.yaml": model(1)})
    lab.commit({f"{STATE}/fraud.yaml": model(2)})
    with past(lab.clone(tmp_path / "copy", depth=1)) as history:
        assert history.is_shallow
        assert not history.knows(applied)


# --- plan --since


def test_since_a_commit_only_what_means_something_else_has_changed(lab: GitLab) -> None:
    base = lab.commit(
        {f"{STATE}/{name}.yaml": model(1) for name in ("same", "changed", "gone", "layout", "read")}
        | {f"{STATE}/moved.yaml": model(1, "moved")}
    )
    lab.move(f"{STATE}/moved.yaml", f"{STATE}/teams/other.yaml")
    lab.commit(
        {
            f"{STATE}/changed.yaml": model(2),
            f"{STATE}/gone.yaml": None,
            f"{STATE}/layout.yaml": model(1, comment="# said\n"),
            f"{STATE}/new.yaml": model(1),
            f"{STATE}/read.yaml": model(1) + "consumers: [{name: api, loads: 1}]\n",
            f"{STATE}/same.yaml": model(1) + f"watch: [{WATCHED}]\n",
        }
    )
    assert since(lab, base) == {"changed", "gone", "new", "read"}


def test_since_a_commit_a_file_that_was_renamed_is_another_model(lab: GitLab) -> None:
    base = lab.commit({f"{STATE}/fraud.yaml": model(1)})
    lab.move(f"{STATE}/fraud.yaml", f"{STATE}/churn.yaml")
    assert since(lab, base) == {"fraud", "churn"}


def test_since_a_commit_a_dirty_file_counts(lab: GitLab) -> None:
    base = lab.commit({f"{STATE}/fraud.yaml": model(1), f"{STATE}/churn.yaml": model(1)})
    lab.write({f"{STATE}/fraud.yaml": model(2)})
    with opened(lab) as repo:
        dirty = repo.dirty(lab.root / STATE)
    assert since(lab, base, dirty=dirty) == {"fraud"}
    assert since(lab, base) == set()


def test_since_a_commit_whose_state_was_elsewhere_everything_is_new(lab: GitLab) -> None:
    base = lab.commit({f"{STATE}/fraud.yaml": model(1)})
    lab.move(STATE, "models")
    assert since(lab, base, "models") == {"fraud"}


def test_since_a_commit_a_named_state_that_moved_has_not_changed(lab: GitLab) -> None:
    base = lab.commit(
        {
            f"{STATE}/reconciler.yaml": NAMED,
            f"{STATE}/fraud.yaml": model(1),
            f"{STATE}/churn.yaml": model(1),
        }
    )
    lab.move(STATE, "models")
    lab.commit({"models/churn.yaml": model(2)})
    assert since(lab, base, "models") == {"churn"}


@pytest.mark.parametrize(
    ("before", "after", "everything"),
    [
        (None, "exclusive: [Production, Staging]\n", True),
        ("exclusive: [Production, Staging]\n", None, True),
        (None, "# nothing\nexclusive: [Production]\n", False),
        ("branch: main\n", "branch: trunk\n", False),
        (None, "notify: [{slack: SLACK_URL}]\n", False),
        (None, f"watch: [{WATCHED}]\n", False),
        (f"watch: [{WATCHED}]\n", f"watch: [{WATCHED.replace('0.5', '0.6')}]\n", False),
        ("exclusive: [Producton]\n", "exclusive: [Production]\n", True),
    ],
)
def test_since_a_commit_with_other_settings_every_model_has_changed(
    lab: GitLab, *, before: str | None, after: str | None, everything: bool
) -> None:
    settings = f"{STATE}/reconciler.yaml"
    base = lab.commit({f"{STATE}/fraud.yaml": model(1)} | ({settings: before} if before else {}))
    lab.commit({settings: after})
    assert since(lab, base) == (None if everything else set())


def test_since_a_commit_with_a_broken_file_its_model_has_changed(lab: GitLab) -> None:
    base = lab.commit({f"{STATE}/fraud.yaml": "versions: [", f"{STATE}/churn.yaml": model(1)})
    lab.commit({f"{STATE}/fraud.yaml": model(1)})
    assert since(lab, base) == {"fraud"}


# --- how much work it is


def import_models(lab: GitLab, count: int) -> list[str]:
    """Commit one model at a time, quickly, and return the commits."""
    stream = []
    for number in range(count):
        text = model(number + 1)
        stream.append(
            f"commit refs/heads/main\nmark :{number + 1}\n"
            f"committer Ada <ada@example.com> {1_700_000_000 + number} +0000\ndata 1\nx\n"
            f"M 100644 inline {STATE}/model-{number}.yaml\ndata {len(text)}\n{text}\n"
        )
    subprocess.run(
        ["git", "fast-import", "--quiet"],
        cwd=lab.root,
        env=lab.env,
        input="".join(stream).encode(),
        check=True,
    )
    lab.git("reset", "--quiet", "--hard")
    return lab.git("rev-list", "--reverse", "main").split()


def started(trace: Path) -> list[str]:
    events = [json.loads(line) for line in trace.read_text().splitlines()]
    return [" ".join(event["argv"][3:]) for event in events if event["event"] == "start"]


def test_models_recorded_at_as_many_commits_take_a_handful_of_git_processes(
    lab: GitLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits = import_models(lab, 200)
    trace = tmp_path / "trace"
    monkeypatch.setenv("GIT_TRACE2_EVENT", str(trace))
    with past(lab) as history:
        for number, commit in enumerate(commits):
            assert history.knows(commit)
            found = history.declared(commit, STATE, f"model-{number}")
            assert found is not None
            assert found.fields[Field("stage", number + 1)] == "Production"
    reading = [line for line in started(trace) if not line.startswith("rev-parse")]
    assert reading == ["cat-file --batch"]
    with past(lab) as history:
        assert all(history.merge_base(commit, history.head) == commit for commit in commits)
    walking = [line for line in started(trace) if line.startswith(("merge-base", "rev-list"))]
    assert 1 < len(walking) < 20


def test_content_that_many_commits_share_is_parsed_once(lab: GitLab) -> None:
    commits = import_models(lab, 60)
    lab.move(STATE, "gone")
    lab.commit({f"{STATE}/other.yaml": model(1)})
    parsed: list[str] = []

    def counting(data: bytes, file: str) -> Declaration:
        parsed.append(file)
        return loader.parse_declaration(data, file)

    with opened(lab) as repo:
        assert repo.head is not None
        place = place_of(loader.load(lab.root / STATE, STATE))
        history = Past(
            repo, PARSERS._replace(declaration=counting), place, head=repo.head, main=None
        )
        for number, commit in enumerate(commits):
            assert history.declared(commit, STATE, f"model-{number}") is not None
            assert history.declared(commit, STATE, f"model-{number + 1}") is None
    assert len(parsed) == len(set(parsed)) == 60


def test_what_the_checkout_has_as_well_is_neither_read_from_git_nor_parsed_again(
    lab: GitLab,
) -> None:
    ab_test = "versions: {1: {stage: Production, traffic: 0.5}, 2: {traffic: 0.5}}\n"
    same = {f"{STATE}/fraud.yaml": model(1), f"{STATE}/ab.yaml": ab_test}
    old = lab.commit({**same, f"{STATE}/churn.yaml": model(1)})
    lab.commit({f"{STATE}/churn.yaml": model(2), f"{STATE}/copy.yaml": model(1)})
    parsed: list[str] = []

    def noting(data: bytes, file: str) -> Declaration:
        parsed.append(file)
        return loader.parse_declaration(data, file)

    with opened(lab) as repo:
        assert repo.head is not None
        desired = loader.load_contents(
            contents(str(lab.root / STATE), STATE),
            STATE,
            identify=partial(blob_id, like=repo.head),
        )
        parsers = PARSERS._replace(declaration=noting)
        history = Past(repo, parsers, place_of(desired), head=repo.head, main=None)
        with past(lab) as other:
            for name in ("fraud", "copy", "churn", "ab"):
                assert history.declared(old, STATE, name) == other.declared(old, STATE, name)
    assert parsed == ["churn.yaml"]


def test_a_change_that_came_and_went_is_seen_also_through_merges_and_renames(lab: GitLab) -> None:
    one = lab.commit({f"{STATE}/fraud.yaml": model(1), f"{STATE}/churn.yaml": model(7)})
    lab.branch("topic")
    lab.checkout("topic")
    two = lab.commit({f"{STATE}/fraud.yaml": model(2)})
    lab.checkout("main")
    merged = lab.merge("topic")
    lab.commit({f"{STATE}/fraud.yaml": model(1, comment="# back\n")})
    last = lab.move(f"{STATE}/fraud.yaml", f"{STATE}/teams/fraud.yaml")
    with past(lab) as history:
        fraud = history.declared(last, STATE, "fraud")
        churn = history.declared(last, STATE, "churn")
        assert history.declared_otherwise(one, STATE, fraud, "fraud")
        assert not history.declared_otherwise(one, STATE, churn, "churn")
        assert history.declared_otherwise(merged, STATE, churn, "fraud")
        assert not history.declared_otherwise(last, STATE, fraud, "fraud")
        assert not history.declared_otherwise(two, STATE, fraud, "fraud"), (
            "it is not on the main line"
        )


def test_what_is_watched_is_nothing_that_is_declared_otherwise(lab: GitLab) -> None:
    one = lab.commit({f"{STATE}/fraud.yaml": model(1)})
    watched = f"watch: [{WATCHED}]\n"
    files = {f"{STATE}/fraud.yaml": model(1) + watched, f"{STATE}/reconciler.yaml": watched}
    two = lab.commit(dict(files))
    with past(lab) as history:
        fraud = history.declared(two, STATE, "fraud")
        assert fraud == history.declared(one, STATE, "fraud")
        assert not history.declared_otherwise(one, STATE, fraud, "fraud")


def test_a_file_that_went_and_came_back_is_seen_and_costs_the_other_models_nothing(
    lab: GitLab,
) -> None:
    files = {f"{STATE}/{name}.yaml": model(1) for name in ("fraud", "churn", "gone")}
    one = lab.commit(files)
    lab.commit({f"{STATE}/fraud.yaml": None})
    lab.commit({f"{STATE}/fraud.yaml": model(1), f"{STATE}/gone.yaml": None})
    parsed: list[str] = []

    def noting(data: bytes, file: str) -> Declaration:
        parsed.append(file)
        return loader.parse_declaration(data, file)

    with opened(lab) as repo:
        assert repo.head is not None
        desired = loader.load(lab.root / STATE, STATE)
        parsers = PARSERS._replace(declaration=noting)
        history = Past(repo, parsers, place_of(desired), head=repo.head, main=None)
        assert not history.declared_otherwise(one, STATE, desired.declarations["churn"], "churn")
        assert parsed == []
        assert history.declared_otherwise(one, STATE, desired.declarations["fraud"], "fraud")


def test_what_was_parsed_is_not_all_kept(lab: GitLab) -> None:
    revisions = 9000
    with subprocess.Popen(
        ["git", "fast-import", "--quiet"], cwd=lab.root, env=lab.env, stdin=subprocess.PIPE
    ) as importing:
        assert importing.stdin is not None
        for number in range(1, revisions + 1):
            text = f"versions: {{{number}: {{stage: Production}}}}"
            importing.stdin.write(
                f"commit refs/heads/main\ncommitter Ada <ada@example.com> {number} +0000\n"
                "data 1\nx\n"
                f"M 100644 inline {STATE}/fraud.yaml\ndata {len(text)}\n{text}\n".encode()
            )
    lab.git("reset", "--quiet", "--hard")
    with past(lab) as history:
        commits = lab.git("rev-list", "--reverse", "HEAD").split()
        for number, commit in enumerate(commits, start=1):
            assert versions(history.declared(commit, STATE, "fraud")) == (number,)
        kept = sum(isinstance(it, Declaration) for it in gc.get_objects())
        assert kept < revisions - 500
        assert versions(history.declared(commits[0], STATE, "fraud")) == (1,)
