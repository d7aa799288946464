"""Files that somebody changed after their version was approved: `drift`, `--bytes`, `ci drift`."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import reconciler
from reconciler.core.facts import Signature
from tests.support.forges.ci_lab import CiLab, System, ci_lab
from tests.support.registries.api_lab import cli, opened
from tests.support.registries.lab import Lab, Result
from tests.support.registries.servers import MlflowSeeds, proxy
from tests.support.repositories.git_lab import GitLab

pytestmark = pytest.mark.needs_mlflow("3.0", "logged models, and artifacts that it serves")

_WEIGHTS = b"weights"


@dataclass(frozen=True)
class Served:
    """A model whose v1 serves, and v2 is at rest: both have files, and a digest in git."""

    name: str
    lab: Lab
    folders: tuple[Path, ...]

    @property
    def declared(self) -> str:
        """The file of the model, with the digests of now."""
        rows = opened(self.lab).digest([f"{self.name}/1", f"{self.name}/2"]).to_dict()["digests"]
        serving, resting = (row["digest"] for row in rows)
        return (
            f"versions:\n  1: {{stage: Production, aliases: [champion], digest: '{serving}'}}\n"
            f"  2: {{stage: Archived, digest: '{resting}'}}\n"
        )

    def restored(self) -> None:
        """Put back the approved files."""
        for folder in self.folders:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            (folder / "MLmodel").write_text("flavors: {}\n")
            (folder / "model.pkl").write_bytes(_WEIGHTS)


def register(lab: Lab) -> Served:
    name = lab.model(0)
    folders = []
    for version in (1, 2):
        MlflowSeeds(lab.uri).log_version(name, signature=Signature(), model_metrics={"auc": 0.9})
        path = "model-versions/get-download-uri"
        answer = lab.hand.call("GET", path, name=name, version=str(version))
        folders.append(Path(urlsplit(answer["artifact_uri"]).path))
    served = Served(name, lab, tuple(folders))
    served.restored()
    return served


@pytest.fixture(name="served")
def _served(lab: Lab) -> Served:
    """Register a model with files, and apply it with a record."""
    served = register(lab)
    lab.declare(served.name, served.declared)
    done = lab.run("apply", "--yes", "--record")
    assert done.code == 0, done.text
    return served


def swap(served: Served, content: bytes, tmp_path: Path) -> None:
    """Replace the weights of what serves through MLflow's own API, as whoever may log can."""
    from mlflow import MlflowClient  # noqa: PLC0415  1.1 s, for who needs it

    path = "model-versions/get"
    version = served.lab.hand.call("GET", path, name=served.name, version="1")["model_version"]
    (tmp_path / "model.pkl").write_bytes(content)
    client = MlflowClient(served.lab.uri, served.lab.uri)
    client.log_model_artifact(
        version["source"].removeprefix("models:/"), str(tmp_path / "model.pkl")
    )


def found(result: Result) -> list[tuple[int, str, list[str]]]:
    """Return the version, outcome and differing files of each row."""
    return [
        (row["version"], row["outcome"], [f"{d['kind']} {d['path']}" for d in row["differences"]])
        for row in result.document["bytes"]
    ]


def drift(served: Served, *arguments: str) -> Result:
    return served.lab.run("drift", *arguments, "--format", "json")


def test_sizes_tell_what_was_added_removed_or_resized_and_reading_tells_the_rest(
    served: Served, tmp_path: Path
) -> None:
    lab, folder = served.lab, served.folders[0]
    assert (drift(served).code, drift(served).document["bytes"]) == (0, [])
    assert "bytes: none (1 version compared by the names and sizes" in lab.run("drift").stdout

    swap(served, b"Weights", tmp_path)
    assert drift(served).code == 0, "the size is the same"
    read = drift(served, "--bytes")
    assert (read.code, found(read)) == (2, [(1, "different", ["changed model.pkl"])])
    assert read.document["exit"] == {"code": 2, "reason": "changes"}
    assert read.document["bytes"][0] | {"digest": "", "differences": []} == {
        "model": served.name, "version": 1, "digest": "", "outcome": "different",
        "files": 2, "size": 19, "differences": [], "why": None,
    }  # fmt: skip
    document = cli(lab, "drift", "--bytes=serving")
    assert opened(lab).drift(bytes="serving").to_dict() == document

    swap(served, b"longer weights", tmp_path)
    assert found(drift(served)) == [(1, "different", ["changed model.pkl"])]
    (folder / "extra.py").write_text("import os")
    (folder / "MLmodel").unlink()
    sized = drift(served)
    all_of_them = ["missing MLmodel", "added extra.py", "changed model.pkl"]
    assert (sized.code, found(sized)) == (2, [(1, "different", all_of_them)])
    assert found(drift(served, "--bytes")) == found(sized)
    text = lab.run("drift").stdout
    for part in ("bytes: 1 version differs (1 version compared", "extra.py"):
        assert part in text
    assert f"go back with `reconciler rollback {served.name}`" in text
    assert f"what `reconciler digest {served.name}/1` prints" in text

    served.restored()
    assert [drift(served, *how).code for how in ((), ("--bytes",), ("--bytes=all",))] == [0, 0, 0]


def test_what_is_at_rest_is_read_with_all_that_is_declared(served: Served) -> None:
    (served.folders[1] / "model.pkl").write_bytes(b"swapped")
    assert (drift(served).code, drift(served, "--bytes").code) == (0, 0)
    read = drift(served, "--bytes=all", "--model", served.name)
    assert (read.code, found(read)) == (2, [(2, "different", ["changed model.pkl"])])
    text = served.lab.run("drift", served.name, "--bytes=all").stdout
    assert "v2" in text
    assert "where it serves, go back with `reconciler rollback" in text, "v2 does not"


def test_what_cannot_be_read_is_never_fine_where_it_was_to_be_read(served: Served) -> None:
    other = register(served.lab)
    served.lab.declare(other.name, other.declared)
    assert served.lab.run("apply", "--yes").code == 0
    shutil.rmtree(served.folders[0])
    (other.folders[0] / "extra.py").write_text("import os")
    sized = served.lab.run("drift", "--format", "json")
    assert (sized.code, found(sized)) == (2, [(1, "different", ["added extra.py"])])
    assert sized.stderr.count("cannot be listed") == 1
    read = served.lab.run("drift", "--bytes", "--format", "json")
    assert read.code == 6
    assert sorted(outcome for _, outcome, _ in found(read)) == ["different", "unreadable"]
    (error,) = read.document["errors"]
    assert (error["model"], error["file"], error["line"]) == (
        served.name, f"registry-state/{served.name}.yaml", 2,
    )  # fmt: skip
    assert error["message"] in read.stderr


def test_a_clone_without_records_says_what_it_did_not_compare_and_how_to(
    served: Served, tmp_path: Path
) -> None:
    far = GitLab.new(tmp_path / "far", "--bare")
    served.lab.git.git("push", "--quiet", str(far.root), "HEAD:refs/heads/main", "refs/notes/*")
    clone = served.lab.at(GitLab.new(tmp_path / "clone"))
    clone.git.git("remote", "add", "origin", str(far.root))
    clone.git.git("pull", "--quiet", "origin", "main")
    (served.folders[0] / "extra.py").write_text("import os")
    bare = clone.run("drift")
    assert bare.code == 0
    assert "`--fetch-notes REMOTE` fetches the records" in bare.stderr
    assert "bytes: not compared (1 version)" in bare.stdout
    alone = served.lab.at(served.lab.git.clone(tmp_path / "alone"))
    alone.git.git("remote", "remove", "origin")
    assert "`--bytes` reads them, `apply --record` keeps such records" in alone.run("drift").stderr
    assert clone.run("drift", "--bytes").code == 2
    assert clone.run("drift", "--fetch-notes", "origin").code == 2
    assert clone.run("drift").code == 2, "the records are here now"


def test_where_nothing_that_serves_has_a_digest_nothing_more_is_asked(lab: Lab) -> None:
    served = register(lab)
    at_rest = served.declared.replace("stage: Production, aliases: [champion], ", "")
    lab.declare(served.name, at_rest.replace("Archived", "None"))
    with proxy(lab.uri) as server:
        seen = lab.at(lab.git)
        seen.uri = server.uri
        result = seen.run("drift")
        assert (result.code, len(server.log)) == (0, 2), result.text
        assert "bytes" not in result.text
        read = seen.run("drift", "--bytes")
        assert (read.code, len(server.log)) == (0, 4)
    assert "bytes: none (no version that serves has a digest)" in read.stdout


def test_what_is_to_be_read_is_one_of_two_words(lab: Lab) -> None:
    lab.git.commit()
    for look in (opened(lab).drift, opened(lab).ci.drift):
        with pytest.raises(reconciler.UsageError, match="one of serving, all"):
            look(bytes="everything")  # type: ignore[arg-type]


def test_a_glob_behind_bytes_is_told_where_it_stands(lab: Lab) -> None:
    lab.git.commit()
    result = lab.run("drift", "--bytes", "fraud-*")
    assert result.code == 1
    assert "a GLOB stands before --bytes" in result.text
    audit = lab.run("audit", "--bytes", "foo")
    assert (audit.code, "GLOB" in audit.text) == (1, False), "it takes none"


@pytest.fixture(name="ci", params=["github", "gitlab"])
def _ci(lab: Lab, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[CiLab]:
    system: System = request.param
    with ci_lab(lab, tmp_path, system) as made:
        yield made


def issues(ci: CiLab) -> dict[str, Any]:
    """Return the issues that are open, by what they are about."""
    return {
        issue.body.partition(" ")[2].partition(" ")[0]: issue
        for issue in ci.state.issues.values()
        if issue.is_open
    }


def test_an_issue_of_what_was_read_is_closed_by_reading_alone(ci: CiLab) -> None:
    served = register(ci.lab)
    ci.settle()
    ci.declare(served.name, served.declared)
    ci.push()
    assert ci.apply().code == 0
    ci.lab.git.git("update-ref", "-d", "refs/notes/reconciler")  # as in a job's clone
    assert ci.drift("--bytes").code == 0
    assert issues(ci) == {}

    (served.folders[0] / "model.pkl").write_bytes(b"Weights")
    assert ci.drift().code == 0
    result = ci.drift("--bytes")
    assert (result.code, [*issues(ci)]) == (2, ["reconciler:bytes-serving"])
    assert ci.drift().code == 0
    (issue,) = issues(ci).values()
    assert "the files of 1 version are not as approved" in issue.title
    for part in (served.name, "model.pkl", "other content", "rollback"):
        assert part in issue.body
    if ci.system == "github":
        assert f"::error file=registry-state/{served.name}.yaml,line=2" in result.stderr

    (served.folders[0] / "extra.py").write_text("import os")
    assert ci.drift().code == 2
    assert set(issues(ci)) == {"reconciler:bytes-serving", "reconciler:bytes-sizes"}
    assert "extra.py" in issues(ci)["reconciler:bytes-sizes"].body
    if ci.system == "github":
        assert "extra.py" in ci.summary
    shutil.rmtree(served.folders[0])
    assert ci.drift().code == 0
    assert len(issues(ci)) == 2, "what cannot be listed proves nothing"
    served.restored()
    assert ci.drift().code == 0
    assert [*issues(ci)] == ["reconciler:bytes-serving"]
    assert ci.drift("--bytes").code == 0
    assert issues(ci) == {}


def test_what_waits_for_an_apply_is_not_told_as_bytes_that_nobody_read(served: Served) -> None:
    swapped = served.declared.replace("1: {stage: Production", "1: {stage: Staging")
    served.lab.declare(served.name, swapped.replace("stage: Archived", "stage: Production"))
    result = drift(served, "--bytes")
    assert (result.code, result.document["bytes"]) == (2, [])
    assert [model["bytes"] for model in result.document["models"]] == [[]]
    text = served.lab.run("drift", "--bytes").stdout
    assert "bytes: none (2 versions read)" in text
    assert "not read" not in text
