"""What `promote`, `rollback` and `discover` write of digests, and what they leave out."""

from pathlib import Path

import pytest

from tests.support.registries.lab import Hand, Lab
from tests.support.registries.model_folders import MODEL, ModelFolders, digest_of
from tests.support.registries.servers import Answer, Request, proxy
from tests.support.repositories.edit_lab import file_of, lab_fixture  # noqa: F401  a fixture

_SERVING = "versions: {1: {stage: Production}}\n"
_TOO_LARGE = 2_100_000_000


@pytest.fixture(name="proxied")
def proxied_fixture(lab: Lab) -> ModelFolders:
    """Train where the server passes the files on."""
    return ModelFolders(lab.hand)


@pytest.fixture(name="local")
def local_fixture(lab: Lab, tmp_path: Path) -> ModelFolders:
    """Train where the files are on this disk."""
    return ModelFolders(lab.hand, tmp_path / "store")


def serving(lab: Lab, folders: ModelFolders, versions: int = 2) -> str:
    """Register versions with files; the first serves, and is declared."""
    model = lab.model(0)
    for number in range(1, versions + 1):
        folders.register(model, {**MODEL, "number": b"%d" % number})
    lab.declare(model, _SERVING)
    lab.git.push()
    return model


def digest(number: int) -> str:
    return digest_of({**MODEL, "number": b"%d" % number})


# --- promote


def test_a_promotion_declares_the_digest_of_the_version_that_enters(
    lab: Lab, proxied: ModelFolders
) -> None:
    model = serving(lab, proxied)
    done = lab.run("promote", model, "2", "--quiet")
    assert (done.code, done.stderr) == (0, "")
    assert f"digest: {digest(2)}" in file_of(lab, model).read_text()
    assert file_of(lab, model).read_text().count("digest") == 1, "the other one does not enter"


def test_a_digest_that_is_declared_is_read_on_request_alone_and_never_replaced(
    lab: Lab, proxied: ModelFolders
) -> None:
    model = serving(lab, proxied)
    assert lab.run("promote", model, "2").code == 0
    proxied.put(model, 2, "number", b"another")
    promoted = file_of(lab, model).read_bytes()
    done = lab.run("promote", model, "2", "--alias", "champion")
    assert (done.code, done.stderr) == (0, "")
    assert "@champion" in done.stdout
    file_of(lab, model).write_bytes(promoted)
    done = lab.run("promote", model, "2", "--alias", "champion", "--digest")
    assert done.code == 3
    now = digest_of({**MODEL, "number": b"another"})
    assert f"does not have the approved bytes: their digest is {now}" in done.stderr
    assert f"git declares {digest(2)}" in done.stderr
    assert file_of(lab, model).read_bytes() == promoted


def test_what_cannot_be_read_from_here_is_promoted_without_a_digest_and_said_in_a_line(
    lab: Lab,
) -> None:
    model = lab.model(2)  # in a bucket for which there are no credentials
    lab.declare(model, _SERVING)
    done = lab.run("promote", model, "2", "--digest")
    assert done.code == 6
    assert f"registry-state/{model}.yaml: the digest of `{model}` v2 is not known: " in done.stderr
    assert file_of(lab, model).read_text() == _SERVING
    done = lab.run("promote", model, "2")
    assert done.code == 0, done.text
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"no digest is written for `{model}` v2: `s3://bucket/2`")
    assert "source: s3://bucket/2" in file_of(lab, model).read_text()
    assert "digest" not in file_of(lab, model).read_text()


def test_more_than_two_gigabytes_are_not_read_without_being_asked_for(
    lab: Lab, local: ModelFolders
) -> None:
    model = serving(lab, local)
    with (local.folder(model, 2) / "large").open("wb") as file:
        file.truncate(_TOO_LARGE)  # its bytes are nowhere
    done = lab.run("promote", model, "2")
    assert done.code == 0, done.text
    assert done.stderr == (
        f"no digest is written for `{model}` v2: its files have 2.1 GB, more than 2 GB "
        "(`--digest` reads them all the same)\n"
    )
    assert "digest" not in file_of(lab, model).read_text()


def test_without_a_digest_no_file_is_listed(lab: Lab, proxied: ModelFolders) -> None:
    model, seen = serving(lab, proxied), list[str]()

    def note(request: Request) -> Answer | None:
        seen.append(request.path)
        return None

    with proxy(lab.uri, before=note) as server:
        done = lab.run("promote", model, "2", "--no-digest", "--registry-uri", server.uri)
    assert (done.code, done.stderr) == (0, "")
    assert seen
    assert not [path for path in seen if "artifacts" in path or "runs/" in path]


def test_what_is_refused_is_refused_before_a_file_is_listed(
    lab: Lab, proxied: ModelFolders
) -> None:
    model, seen = serving(lab, proxied), list[str]()
    lab.declare(model, "versions: {1: {stage: Production}, 2: {run_id: another}}\n")

    def note(request: Request) -> Answer | None:
        seen.append(request.path)
        return None

    with proxy(lab.uri, before=note) as server:
        done = lab.run("promote", model, "2", "--digest", "--registry-uri", server.uri)
    assert done.code == 3
    assert not [path for path in seen if "artifacts" in path]


def test_without_a_registry_that_is_said_once_unless_the_digest_is_required(lab: Lab) -> None:
    lab = Lab(lab.git, "", Hand(""))
    lab.declare("fraud", _SERVING)
    done = lab.run("promote", "fraud", "2")
    assert done.code == 0
    (line,) = done.stderr.splitlines()
    assert line.startswith("not checked against a registry: no registry is named")
    done = lab.run("promote", "fraud", "2", "--digest")
    assert (done.code, done.stdout) == (1, "")
    assert "not checked" not in done.stderr
    away = ("--registry-uri", "http://127.0.0.1:9")
    assert lab.run("promote", "fraud", "2", "--digest", *away).code == 6


def test_the_winner_of_a_test_gets_a_digest_and_its_control_only_on_request(
    lab: Lab, proxied: ModelFolders
) -> None:
    model = serving(lab, proxied)
    tested = "versions: {1: {stage: Production, traffic: 0.9}, 2: {stage: Staging, traffic: 0.1}}\n"
    lab.declare(model, tested)
    assert lab.run("promote", model, "1", "--winner").code == 0
    assert "digest" not in file_of(lab, model).read_text()
    lab.git.write({f"registry-state/{model}.yaml": tested})
    assert lab.run("promote", model, "1", "--winner", "--digest").code == 0
    assert f"digest: {digest(1)}" in file_of(lab, model).read_text()
    lab.git.write({f"registry-state/{model}.yaml": tested})
    assert lab.run("promote", model, "2", "--winner").code == 0
    assert f"digest: {digest(2)}" in file_of(lab, model).read_text()


# --- rollback


def test_a_rollback_takes_the_digest_of_then_without_reading_a_file(
    lab: Lab, proxied: ModelFolders
) -> None:
    model = serving(lab, proxied)
    old = f"sha256:{'0' * 64}"  # so that nobody can have read it
    pinned = f"versions: {{1: {{stage: Production, aliases: [champion], digest: '{old}'}}}}\n"
    lab.declare(model, pinned)
    lab.declare(model, "versions: {2: {stage: Production, aliases: [champion]}}\n")
    lab.git.push()
    after = file_of(lab, model).read_bytes()
    done = lab.run("rollback", model)
    assert done.code == 0, done.text
    assert old in file_of(lab, model).read_text()
    file_of(lab, model).write_bytes(after)
    done = lab.run("rollback", model, "--digest")
    assert done.code == 3
    assert old in done.stderr
    assert digest(1) in done.stderr


def test_a_rollback_declares_the_digests_of_all_that_enter(lab: Lab, proxied: ModelFolders) -> None:
    model = serving(lab, proxied, 3)
    before = "{1: {stage: Production, aliases: [champion]}, 3: {aliases: [shadow]}}"
    lab.declare(model, f"versions: {before}\n")
    moved = "{1: {}, 2: {stage: Production, aliases: [champion, shadow]}, 3: {}}"
    lab.declare(model, f"versions: {moved}\n")
    lab.git.push()
    done = lab.run("rollback", model)
    assert (done.code, done.stderr.count("no digest")) == (0, 0), done.text
    written = file_of(lab, model).read_text()
    assert f"digest: {digest(1)}" in written
    assert f"digest: {digest(3)}" in written
    assert digest(2) not in written


# --- discover


def test_each_version_that_is_added_has_a_digest_where_its_files_can_be_read(
    lab: Lab, proxied: ModelFolders
) -> None:
    model, away = serving(lab, proxied), lab.model(2)
    lab.declare(away, _SERVING)
    lab.git.push()
    done = lab.run("discover", model, away, "--digest")
    assert done.code == 6
    assert f"the digest of `{away}` v2 is not known: " in done.stderr
    assert "digest" not in file_of(lab, model).read_text()
    done = lab.run("discover", model, away)
    assert done.code == 0, done.text
    assert done.stderr.count("no digest is written for") == 1
    assert f"digest: {digest(2)}" in file_of(lab, model).read_text()
    assert "2: {stage: Staging, source: s3://bucket/2}" in file_of(lab, away).read_text()


def test_a_policy_that_requires_a_digest_keeps_out_what_gets_none(
    lab: Lab, proxied: ModelFolders
) -> None:
    model, away = serving(lab, proxied), lab.model(2)
    lab.declare(away, _SERVING)
    policy = "policies: [{name: pinned, on: {stage: Staging}, digest: required}]\n"
    settings = f"branch: main\nexclusive: [Production, Staging]\n{policy}"
    lab.git.commit({"registry-state/reconciler.yaml": settings}, "require digests")
    lab.git.push()
    done = lab.run("discover", model, away, "--format", "json")
    assert done.code == 0, done.text
    outcomes = {row["model"]: row["outcome"] for row in done.document["versions"]}
    assert outcomes == {model: "added", away: "refused"}
    assert f"digest: {digest(2)}" in file_of(lab, model).read_text()
    assert file_of(lab, away).read_text() == _SERVING


# --- import


def test_an_import_declares_the_digests_of_what_is_in_use_and_names_what_it_cannot_read(
    lab: Lab, proxied: ModelFolders
) -> None:
    model, away = lab.model(0), lab.model(1)
    for number in (1, 2, 3):
        proxied.register(model, {**MODEL, "number": b"%d" % number})
    lab.hand.stage(model, 1, "Production")
    lab.hand.alias(model, "next", 2)
    lab.hand.stage(away, 1, "Staging")
    done = lab.run("import", model, away, "--versions", "all", "--digests")
    assert done.code == 6
    assert done.stderr.count("is not known") == 1
    assert f"the digest of `{away}` v1 is not known: `s3://bucket/1`" in done.stderr
    written = file_of(lab, model).read_text()
    assert written.index(digest(2)) < written.index(digest(1)), "each at its version"
    assert "  3:\n" in written
    assert written.count("digest:") == 2, "nobody uses the third"
    assert "digest" not in file_of(lab, away).read_text()
    assert lab.run("plan", "--detailed-exitcode").code == 0


def test_an_update_adds_digests_and_leaves_those_that_differ_to_whoever_names_the_model(
    lab: Lab, proxied: ModelFolders
) -> None:
    model = serving(lab, proxied)
    lab.hand.stage(model, 1, "Production")
    lab.hand.alias(model, "next", 2)
    other = f"sha256:{'0' * 64}"
    lab.git.write({f"registry-state/{model}.yaml": f"versions: {{2: {{digest: {other}}}}}\n"})
    before = file_of(lab, model).read_bytes()
    shown = lab.run("import", model, "--digests")
    assert (shown.code, "`--update --digests` adds this" in shown.stdout) == (0, True)
    assert file_of(lab, model).read_bytes() == before, "it is only shown"
    done = lab.run("import", model, "--update", "--digests")
    assert done.code == 0, done.text
    assert f"their digest is {digest(2)}, and the file pins {other}" in done.stderr
    assert "`--pins --digests` does, which approves these files" in done.stderr
    written = file_of(lab, model).read_text()
    assert digest(1) in written
    assert other in written
    assert digest(2) not in written
    done = lab.run("import", model, "--update", "--pins", "--digests")
    assert f"{model} v2 digest  {other} → {digest(2)}" in done.stdout
    assert other not in file_of(lab, model).read_text()
