"""The page: what is live, what is declared and who put it there, of one state folder or of two."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import reconciler
from tests.support.registries.api_lab import opened
from tests.support.registries.lab import Hand, Lab
from tests.support.registries.servers import Answer, Request, proxy
from tests.support.repositories.git_lab import GitLab

_NOW = ("--now", "2100-01-31T12:00Z")
_V1 = "versions: {1: {stage: Production, aliases: [champion]}, 2: {stage: Staging}}\n"
_V2 = "versions: {1: {stage: Archived}, 2: {stage: Production, aliases: [champion]}}\n"
_BOB = "Bob <bob@example.com>"
_DEAD = "http://127.0.0.1:9"


@dataclass(frozen=True)
class Story:
    """A registry with a model in each state; `promoted` is the merge that put `steady` on v2."""

    lab: Lab
    names: dict[str, str]
    promoted: str

    def page(self, *arguments: str, out: str = "public", **env: str) -> dict[str, Any]:
        arguments = ("page", "--out", out, "--format", "json", *_NOW, *arguments)
        result = self.lab.run(*arguments, env=env)
        assert result.code == 0, result.text
        return result.document

    def models(self, document: dict[str, Any], number: int = 0) -> dict[str, dict[str, Any]]:
        """Return the models of the story by what they are for; the registry is shared."""
        found = {row["model"]: row for row in document["environments"][number]["models"]}
        return {key: found[name] for key, name in self.names.items() if name in found}

    def files(self, out: str = "public") -> dict[str, bytes]:
        root = self.lab.git.root / out
        paths = (path for path in root.rglob("*") if path.is_file())
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}


@pytest.fixture(name="story", scope="module")
def story_fixture(mlflow_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Tell the story once: a page writes nothing to the registry."""
    lab = Lab(GitLab.new(tmp_path_factory.mktemp("page")), mlflow_uri, Hand(mlflow_uri))
    lab.git.git("remote", "add", "origin", "https://ada:s3cret@github.com/acme/models.git")
    keys = ("steady", "drifted", "pending", "held", "refused", "gone", "unmanaged")
    names = {key: lab.model(2) for key in keys}

    def files(content: str, *of: str) -> dict[str, str | None]:
        return {f"registry-state/team/{names[key]}.yaml": content for key in of}

    where = f"{{stage: Production, models: [{names['refused']}]}}"
    freeze = f"{{name: closed, freeze: 2100-01-01 - 2100-12-30 UTC, on: {where}}}"
    settings = f"branch: main\nregistry: {lab.uri}\npolicies: [{freeze}]\n"
    first = files(_V1, *keys[:5])
    lab.git.commit({"registry-state/reconciler.yaml": settings, **first}, "Declare (#1)")
    lab.environ = {"MLFLOW_TRACKING_URI": ""}
    assert lab.run("apply", "--yes", "--record").code == 0
    lab.git.git("switch", "--quiet", "--create", "promote")
    lab.git.commit(files(_V2, "steady"), "Serve v2")
    lab.git.git("switch", "--quiet", "main")
    message = f"Merge pull request #7 from acme/promote\n\nReviewed-by: {_BOB}"
    lab.git.git("merge", "--quiet", "--no-ff", "-m", message, "promote")
    assert lab.run("apply", "--yes", "--record").code == 0
    promoted = lab.git.git("rev-parse", "HEAD")
    missing = _V2.replace("1: ", "9: {stage: Staging}, 1: ")
    hold = f"hold: the auditors look at it\n{_V2}"
    later = files(_V2, "pending", "refused") | files(hold, "held") | files(missing, "gone")
    lab.git.commit(later, "Serve v2 (#8)")
    lab.hand.alias(names["drifted"], "champion", 2)
    lab.hand.stage(names["unmanaged"], 1, "Production")
    return Story(lab, names, promoted)


def test_each_model_has_its_state_why_and_who_put_there_what_serves(story: Story) -> None:
    document = story.page()
    models = story.models(document)
    assert {key: row["state"] for key, row in models.items()} == {
        "steady": "in sync",
        "drifted": "drifted",
        "pending": "pending",
        "held": "held",
        "refused": "refused",
        "gone": "blocked",
        "unmanaged": "unmanaged",
    }
    assert {row["group"] for key, row in models.items() if key != "unmanaged"} == {"team"}
    steady = models["steady"]["serving"]
    records = story.lab.git.git("notes", "--ref=refs/notes/reconciler", "show", story.promoted)
    since = steady.pop("since")
    assert since[:19] in records
    [*_, last] = story.lab.run(*("history", story.names["steady"], "--format", "json")).document[
        "changes"
    ]
    assert since == last["applied"][0]["time"], "both documents write a moment alike"
    assert steady == {
        "name": "Production",
        "version": 2,
        "declared": 2,
        "applied": True,
        "commit": story.promoted,
        "pull_request": 7,
        "approved_by": [{"name": _BOB, "kind": "claimed"}],
    }
    pending = models["pending"]["serving"]
    assert (pending["version"], pending["declared"], pending["pull_request"]) == (1, 2, 1)
    assert models["drifted"]["why"] == ["@champion: v2 by hand, and git declares v1"]
    assert "v2 stage: Staging → Production is pending" in models["pending"]["why"]
    assert models["held"]["why"][0].startswith("held: the auditors look at it")
    assert models["refused"]["why"][0].startswith("closed: ")
    assert "has no version 9" in models["gone"]["why"][0]
    assert models["unmanaged"]["why"] == ["git does not declare this model", "v1 is in Production"]
    assert models["unmanaged"]["serving"]["commit"] is None
    counts = document["environments"][0]["counts"]
    assert (counts["refused"], counts["blocked"], counts["held"]) == (1, 1, 1)
    assert document["files"] == sorted(story.files())
    assert {row["page"] for row in models.values()} <= {*document["files"]}
    page = story.files()[models["steady"]["page"]].decode()
    assert f"https://github.com/acme/models/commit/{story.promoted}" in page
    assert "https://github.com/acme/models/pull/7" in page
    assert "s3cret" not in page
    drawn = {name: story.files()[row["page"]].decode() for name, row in models.items()}
    assert 'class="span by-hand"' in drawn["drifted"]
    assert "v2 in @champion: by hand" in drawn["drifted"]
    assert 'class="span pending"' in drawn["pending"]
    assert 'class="span by-hand"' not in drawn["steady"]


def test_the_same_moment_makes_the_same_bytes_and_a_page_before_is_replaced(story: Story) -> None:
    story.page()
    first, held = story.files(), story.lab.hand.holds(story.names["pending"])
    story.page(out="other")
    assert story.lab.hand.holds(story.names["pending"]) == held, "it writes nothing there"
    assert story.files("other") == first
    stale = story.lab.git.root / "public" / "models" / "gone-by-now.html"
    stale.write_bytes(first["index.html"])
    kept = stale.with_name("somebodys.html")
    kept.write_text("<p>not ours</p>")
    story.page()
    assert story.files() == {**first, "models/somebodys.html": b"<p>not ours</p>"}
    r = opened(story.lab)
    page = r.page(now="2100-01-31T12:00Z")
    assert (page.files, page.out) == (first, None)
    assert page._repr_html_().startswith("<iframe ")
    [day] = r.page(offline=True, now="2100-01-31").overviews
    assert f"{day.now:%d %H:%M:%S}" == "31 23:59:59", "a day is all of it, as for a report"
    assert story.lab.run("page", "--out", "other", "--offline", "--now", "2100-01-31").code == 0
    assert b"2100-01-31 23:59 UTC" in story.files("other")["index.html"], "also as an option"


def test_without_apply_records_the_commit_in_the_registry_tells_what_was_not_applied(
    story: Story,
) -> None:
    git, notes = story.lab.git, "refs/notes/reconciler"
    kept = git.git("rev-parse", notes)
    git.git("update-ref", "-d", notes)
    try:
        [overview] = opened(story.lab).page().overviews
    finally:
        git.git("update-ref", notes, kept)
    [pending] = [model for model in overview.models if model.model == story.names["pending"]]
    [production] = [lane for lane in pending.lanes if lane.name == "Production"]
    found = [(span.kind, span.version, span.end) for span in production.spans]
    assert found == [("merged", 1, None), ("pending", 2, None)]


def test_offline_nothing_of_the_registry_is_read_or_shown(story: Story) -> None:
    document = story.page("--offline", out="offline", MLFLOW_REGISTRY_URI=_DEAD)
    models = story.models(document)
    assert {row["state"] for row in models.values()} == {"not read"}
    assert "unmanaged" not in models, "git does not know it"
    steady = models["steady"]["serving"]
    assert (steady["version"], steady["declared"], steady["commit"]) == (None, 2, story.promoted)
    [environment] = document["environments"]
    assert (document["offline"], environment["registry"]) == (True, None)
    pages = story.files("offline").values()
    assert all(b"not read" in page for page in pages)
    assert not any(b"v2 is in Staging" in page for page in pages)


def test_a_registry_that_cannot_be_read_makes_no_page_and_a_model_that_cannot_one_without_it(
    lab: Lab,
) -> None:
    lab.git.commit({"registry-state/m.yaml": _V1, "registry-state/reconciler.yaml": "branch: main"})
    lab.environ = {"MLFLOW_TRACKING_URI": _DEAD}
    failed = lab.run("page", "--out", "public")
    assert failed.code == int(reconciler.ExitCode.REGISTRY)
    assert "`--offline` makes the page from git alone" in failed.stderr
    assert not (lab.git.root / "public").exists()
    forbidden = {"error_code": "PERMISSION_DENIED", "message": "Permission denied"}
    answer = Answer(403, json.dumps(forbidden).encode())

    def forbid(request: Request) -> Answer | None:
        return answer if "registered-models/get" in request.path else None

    with proxy(lab.uri, before=forbid) as hidden:
        partly = lab.run("page", "--out", "public", "--registry-uri", hidden.uri, "-o", "json")
    assert partly.code == int(reconciler.ExitCode.REGISTRY)
    [error] = partly.document["errors"]
    assert error["model"] == "m"
    [environment] = partly.document["environments"]
    [model] = [row for row in environment["models"] if row["model"] == "m"]
    assert (model["state"], model["serving"]["version"]) == ("not read", None)
    assert "model `m` cannot be read" in model["why"][0]
    assert (lab.git.root / "public" / model["page"]).is_file()


def test_each_of_several_environments_has_its_own_registry(story: Story) -> None:
    lab, name = story.lab, story.names["unmanaged"]
    pin = f"{{uri: '{lab.uri.replace('127.0.0.1', 'localhost')}', name: staging}}"
    lab.git.commit(
        {
            "envs/staging/reconciler.yaml": f"branch: main\nregistry: {pin}\n",
            f"envs/staging/{name}.yaml": "versions: {1: {stage: Production}}\n",
        },
        "A second environment",
    )
    both = ("--state", "registry-state", "--state", "envs/staging")
    document = story.page(*both, out="both", MLFLOW_REGISTRY_URI=_DEAD)
    assert [each["state"] for each in document["environments"]] == [
        "registry-state",
        "envs/staging",
    ]
    assert document["environments"][1]["registry"]["name"] == "staging"
    assert story.models(document)["steady"]["state"] == "in sync"
    staging = story.models(document, 1)
    assert staging["unmanaged"]["state"] == "in sync"
    assert staging["steady"]["state"] == "unmanaged"
    assert {"index.html", *(row["page"] for row in staging.values())} <= {*document["files"]}
    refused = lab.run("page", "--out", "public", "--registry-uri", lab.uri, *both)
    assert refused.code == int(reconciler.ExitCode.USAGE)
    assert "is pinned to another" in refused.stderr
    twice = lab.run(
        "page", "--out", "twice", "--state", "envs/staging", "--state", "./envs/staging"
    )
    assert twice.code == int(reconciler.ExitCode.USAGE)
    assert "the state folder `envs/staging` is named twice" in twice.stderr


def test_what_is_checked_out_is_not_taken_for_what_is_merged(story: Story) -> None:
    git = story.lab.git
    here = git.git("rev-parse", "--abbrev-ref", "HEAD")
    git.git("switch", "--quiet", "--detach", story.promoted)
    try:
        [environment] = story.page("--offline", out="before")["environments"]
    finally:
        git.git("switch", "--quiet", here)
    [said] = environment["unread"]
    assert said.startswith(f"{story.promoted[:12]} is checked out, and `main` is at ")
    assert story.page("--offline", out="tip")["environments"][0]["unread"] == []


def test_without_a_repository_no_value_is_said_to_be_by_hand(story: Story, tmp_path: Path) -> None:
    shutil.copytree(story.lab.git.root / "registry-state", tmp_path / "registry-state")
    result = story.lab.run("page", "--out", "public", *_NOW, cwd=tmp_path)
    assert result.code == 0, result.text
    pages = [path.read_text() for path in (tmp_path / "public/models").iterdir()]
    assert len(pages) >= len(story.names)
    assert not any("by hand, since some time before" in page for page in pages)
    assert not any("git has never declared it" in page for page in pages)


def test_what_the_settings_ignore_is_not_on_a_page(story: Story) -> None:
    lab, model = story.lab, story.names["steady"]
    lab.hand.tag(model, None, "hidden.note", "SECRET")
    lab.hand.tag(model, 2, "hidden.note", "SECRET")
    lab.hand.alias(model, "hidden-alias", 2)
    ignore = "ignore: {tags: [hidden.*], aliases: [hidden-*]}\n"
    path = lab.git.root / "registry-state/reconciler.yaml"
    lab.git.commit({"registry-state/reconciler.yaml": path.read_text() + ignore}, "Ignore")
    document = story.page(out="ignored")
    assert story.models(document)["steady"]["state"] == "in sync"
    page = story.files("ignored")[story.models(document)["steady"]["page"]]
    assert b"SECRET" not in page
    assert b"@hidden-alias" not in page
