"""When a model is the same one under another name, and when it only looks like it."""

from dataclasses import replace

import pytest

from reconciler.core.settings import ServingRules, Settings
from reconciler.core.state import (
    COMMIT_TAG,
    OWNER_TAG,
    Declaration,
    DeclaredVersion,
    Field,
    Serving,
)
from reconciler.planning.planner import PlanRequest
from reconciler.planning.same_model import is_another, paired
from tests.support.plans.planner_lab import OWNER, Lab, serving

OLD = Field("alias", None, "old")


def aliased(model: str, **aliases: int) -> Declaration:
    fields = {Field("alias", None, alias): version for alias, version in aliases.items()}
    versions = {version: DeclaredVersion() for version in aliases.values()}
    return Declaration(model, fields, versions, file=f"{model}.yaml")


def renamed(lab: Lab, old: str, new: str) -> None:
    """Rename a live model, as MLflow does: tags, aliases and versions go along."""
    live = lab.registry.read()[old]
    lab.registry.create_model(new, tags={COMMIT_TAG: live.commit or "", OWNER_TAG: OWNER})
    for version in sorted(live.versions):
        lab.registry.create_version(new, run_id=live.versions[version].identity.run_id)
    for address, value in live.fields.items():
        if address.name == "alias":
            lab.registry.set_alias(new, address.key or "", int(value))
        elif address.name == "stage" and address.version is not None:
            lab.registry.set_stage(new, address.version, str(value))
    lab.registry.delete_model(old)


def changes(lab: Lab) -> list[str]:
    return [f"{row.model} {row.field} {row.cause}" for row in lab.plan().changes]


def problems(lab: Lab, ask: PlanRequest | None = None) -> list[str]:
    return [problem.message for problem in lab.plan(*([ask] if ask else [])).problems]


def test_a_file_in_the_same_place_is_the_same_model() -> None:
    lab = Lab(m=1, other=1)
    lab.apply(aliased("m", champion=1, old=1), aliased("other", x=1))
    lab.commit(Declaration("n", {}, {1: DeclaredVersion()}, file="registry-state/m.yaml"))
    renamed(lab, "m", "n")
    lab.registry.delete_model("other")
    assert changes(lab) == ["n @champion removed", "n @old removed"]


def test_an_alias_that_the_renaming_commit_takes_out_is_removed() -> None:
    lab = Lab()
    lab.apply(aliased("m", champion=1, old=1))
    lab.commit(aliased("n", champion=1))
    renamed(lab, "m", "n")
    assert changes(lab) == ["n @old removed"]
    (model,) = lab.plan(PlanRequest(models=frozenset({"n"}))).models
    assert model.messages == ("renamed from `m`: what git declared under that name is the base",)


def test_a_rename_does_not_lose_what_served_under_the_old_name() -> None:
    by_alias = Serving(None, "old")
    rules = ServingRules(Serving(), (("m", by_alias),))
    for settings, own in ((Settings(), by_alias), (Settings(serving=rules), None)):
        lab = Lab()
        lab.settings = settings
        lab.apply(replace(aliased("m", champion=1, old=1), serving=own))
        lab.commit(aliased("n", champion=1))
        renamed(lab, "m", "n")
        (violation,) = lab.plan().violations
        assert violation.message == "no version would be serving (@old); now it is v1"


def test_a_renamed_model_that_serves_by_its_own_alias_is_not_judged_by_the_folder() -> None:
    lab = Lab()
    own, staged = Serving(None, "champion"), {Field("stage", 1): "Production"}
    was, now = aliased("m", champion=1, old=1), aliased("n", champion=1)
    lab.apply(replace(was, fields={**was.fields, **staged}, serving=own))
    archived = {Field("stage", 1): "Archived"}
    lab.commit(replace(now, fields={**now.fields, **archived}, serving=own))
    renamed(lab, "m", "n")
    assert changes(lab) == ["n v1 stage declared", "n @old removed"]
    assert lab.plan().violations == ()


def test_the_record_of_a_renamed_model_moves_on_with_it() -> None:
    lab = Lab()
    lab.apply(aliased("m", champion=1))
    lab.commit(aliased("n", champion=1))
    renamed(lab, "m", "n")
    lab.apply(aliased("n", champion=1))
    assert lab.registry.read()["n"].recorded == (lab.heads[-1],)
    assert not any(model.writes or model.messages for model in lab.plan().models)


def test_of_several_that_are_gone_the_one_that_is_alike_is_taken_and_else_none() -> None:
    lab = Lab(m=2, other=2)
    lab.apply(aliased("m", champion=1, old=1), aliased("other", a=1, b=2))
    lab.commit(aliased("n", champion=1))
    renamed(lab, "m", "n")
    lab.registry.delete_model("other")
    assert changes(lab) == ["n @old removed"]
    lab.commit(aliased("n", c=1))
    assert changes(lab) == ["n @c declared"]


def test_a_former_name_in_the_file_decides() -> None:
    lab = Lab(m=2, other=2)
    lab.apply(aliased("m", champion=1, old=1), aliased("other", a=1))
    declared = aliased("n", c=1)
    told = Declaration("n", declared.fields, declared.versions, renamed_from="m")
    lab.commit(told)
    renamed(lab, "m", "n")
    lab.registry.delete_model("other")
    assert changes(lab) == ["n @c declared", "n @champion removed", "n @old removed"]


def test_a_model_that_was_released_and_is_declared_again_has_no_other_name() -> None:
    lab = Lab(n=1, m=1)
    lab.apply(aliased("n", old=1), aliased("m", old=1))
    lab.apply(aliased("m", old=1))
    assert lab.registry.read()["n"].recorded == (lab.heads[-1],)
    lab.registry.delete_model("m")
    lab.commit(aliased("n"))
    assert changes(lab) == []


def test_versions_of_other_runs_make_another_model() -> None:
    lab = Lab(m=1)
    pinned = Declaration("m", {OLD: 1}, {1: DeclaredVersion(run_id="run-1")})
    lab.apply(pinned)
    lab.commit(aliased("n", champion=1))
    renamed(lab, "m", "n")
    lab.registry.delete_version("n", 1)
    lab.registry.create_version("n", run_id="another")
    lab.registry.set_alias("n", "old", 2)
    assert changes(lab) == []
    assert problems(lab) == ["`n` has no version 1"]


def test_what_only_git_has_renamed_waits_and_is_not_released() -> None:
    lab = Lab()
    lab.apply(aliased("m", champion=1, old=1))
    lab.commit(aliased("n", champion=1))
    waits = "model `n` is not in the registry: it is `m` there"
    assert problems(lab) == [waits]
    assert [model.model for model in lab.plan().models] == ["n"]
    assert problems(lab, PlanRequest(models=frozenset({"n", "m"}))) == [waits]


def test_two_that_go_and_two_that_come_alike_are_not_paired() -> None:
    went = {name: aliased(name, champion=1) for name in ("a", "b")}
    came = {name: aliased(name, champion=1) for name in ("x", "y")}
    assert paired(went, came) == {}
    assert paired({"a": went["a"]}, {"x": came["x"]}) == {"x": "a"}
    assert paired({"a": went["a"]}, {"x": serving(2, model="x")}) == {}


@pytest.mark.parametrize(
    ("was", "now", "another"),
    [
        (DeclaredVersion(digest="sha256:a"), DeclaredVersion(digest="sha256:b"), True),
        (DeclaredVersion(digest="sha256:a"), DeclaredVersion(digest="sha256:a"), False),
        (DeclaredVersion(digest="sha256:a"), DeclaredVersion(run_id="b"), False),
        # Other bytes were approved for the same version.
        (DeclaredVersion("a", None, "sha256:a"), DeclaredVersion("a", None, "sha256:b"), False),
        # A second run can make the same bytes.
        (DeclaredVersion("a", None, "sha256:a"), DeclaredVersion("b", None, "sha256:a"), True),
    ],
)
def test_digests_tell_models_apart_where_no_other_pin_does(
    was: DeclaredVersion, now: DeclaredVersion, *, another: bool
) -> None:
    old, new = (replace(aliased("m", old=1), versions={1: entry}) for entry in (was, now))
    assert is_another(old, new) is another


def pinned(model: str, run: str, **aliases: int) -> Declaration:
    declared = aliased(model, **aliases)
    return replace(declared, versions={1: DeclaredVersion(run_id=run)})


def registered(lab: Lab, model: str, run: str) -> None:
    lab.registry.create_model(model)
    lab.registry.create_version(model, run_id=run)


@pytest.mark.parametrize(("run", "told"), [("run-a", ": it is `n` there"), ("another", "")])
def test_what_only_the_registry_has_renamed_is_told_where_pins_hold(run: str, told: str) -> None:
    lab = Lab(gone=0)
    registered(lab, "m", "run-a")
    lab.apply(pinned("m", "run-a", champion=1))
    commit = lab.registry.read()["m"].commit or ""
    lab.registry.create_model("n", tags={COMMIT_TAG: commit, OWNER_TAG: OWNER})
    lab.registry.create_version("n", run_id=run)
    lab.registry.delete_model("m")
    assert problems(lab) == [f"model `m` is not in the registry{told}"]


def test_a_model_that_took_the_name_of_another_has_its_own_past() -> None:
    lab = Lab(gone=0)
    registered(lab, "a", "run-a")
    registered(lab, "c", "run-c")
    lab.apply(pinned("a", "run-a", champion=1, x=1), pinned("c", "run-c", champion=1, old=1))
    lab.registry.set_alias("c", "x", 1)  # in no file; git only had one of that name on `a`
    lab.commit(pinned("b", "run-a", champion=1), pinned("a", "run-c", champion=1))
    renamed(lab, "a", "b")
    renamed(lab, "c", "a")
    assert changes(lab) == ["a @old removed", "b @x removed"]


def test_two_models_that_swapped_names_keep_what_git_never_declared_of_them() -> None:
    lab = Lab(gone=0)
    registered(lab, "a", "run-a")
    registered(lab, "c", "run-c")
    lab.apply(pinned("a", "run-a", champion=1, x=1), pinned("c", "run-c", champion=1))
    lab.registry.set_alias("c", "x", 1)
    lab.commit(pinned("c", "run-a", champion=1), pinned("a", "run-c", champion=1))
    renamed(lab, "a", "t")
    renamed(lab, "c", "a")
    renamed(lab, "t", "c")
    assert [row for row in changes(lab) if not row.startswith("c ")] == []


def test_a_model_that_only_is_gone_as_well_is_not_a_former_name() -> None:
    lab = Lab(a=1, x=1)
    lab.apply(aliased("a", champion=1, one=1), aliased("x", champion=1, two=1, three=1, four=1))
    lab.registry.set_alias("a", "two", 1)
    lab.commit(aliased("a", champion=1, one=1), aliased("b", champion=1, one=1))
    renamed(lab, "a", "b")  # git still has `a`, too
    lab.registry.delete_model("x")
    assert changes(lab) == []


def test_without_all_of_the_history_a_former_name_is_not_guessed() -> None:
    lab = Lab(n=1, m=1)
    lab.apply(aliased("n", old=1), aliased("m", old=1))
    lab.apply(aliased("m", old=1))
    lab.registry.delete_model("m")
    lab.commit(aliased("n"))
    lab.cut_before = lab.heads[1]
    assert changes(lab) == []
