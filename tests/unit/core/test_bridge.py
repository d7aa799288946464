"""The bridge between stages and aliases: one declaration, both words."""

from pathlib import Path

import pytest

from reconciler.core.declaring.implied import as_written
from reconciler.core.diff import diff
from reconciler.core.state import Base, Declaration, Field, Identity, Live, LiveVersion
from reconciler.errors import DeclarationError
from reconciler.files.loader import dump_declaration, load

BRIDGE = "bridge: {Production: champion}\n"
STAGE, ALIAS = Field("stage", 4), Field("alias", None, "champion")


def loaded(folder: Path, text: str, settings: str = BRIDGE) -> Declaration:
    folder.joinpath("reconciler.yaml").write_text(settings)
    folder.joinpath("m.yaml").write_text(text)
    return load(folder, "state").declarations["m"]


def complaints(folder: Path, text: str, settings: str = BRIDGE) -> list[str]:
    with pytest.raises(DeclarationError) as caught:
        loaded(folder, text, settings)
    return [f"{p.line}:{p.column} {p.message}" for p in caught.value.problems]


@pytest.mark.parametrize(
    "entry",
    [
        "{stage: Production}",
        "{aliases: [champion]}",
        "{stage: Production, aliases: [champion]}",
    ],
)
def test_one_word_declares_both(tmp_path: Path, entry: str) -> None:
    declared = loaded(tmp_path, f"versions: {{4: {entry}, 3: {{}}}}\n")
    assert declared.fields == {STAGE: "Production", ALIAS: 4}
    assert set(declared.implied) == {STAGE, ALIAS} - set(as_written(declared).fields)
    written = dump_declaration(declared)
    assert ("stage" in written, "champion" in written) == ("stage" in entry, "champion" in entry)


def test_a_change_that_only_the_bridge_makes_says_so(tmp_path: Path) -> None:
    declared = loaded(tmp_path, "versions: {4: {stage: Production}, 3: {stage: Archived}}\n")
    live = Live(
        "m",
        {Field("stage", 3): "Production", STAGE: "None", ALIAS: 3},
        {n: LiveVersion(Identity(None, None, None)) for n in (3, 4)},
    )
    base = Base(first={Field("stage", 3): "Production", ALIAS: 3})
    changes = diff(base, declared, live, exclusive=["Production"]).changes
    assert {str(change.field): change.cause for change in changes} == {
        "v4 stage": "declared",
        "v3 stage": "replaced",
        "@champion": "bridge",
    }
    drifted = diff(Base(first=declared.fields), declared, live, exclusive=["Production"]).changes
    assert {change.cause for change in drifted} == {"drift"}


def test_a_contradiction_is_told_at_both_places(tmp_path: Path) -> None:
    text = "versions:\n  4: {stage: Production}\n  3:\n    aliases: [other, champion]\n"
    assert complaints(tmp_path, text) == [
        (
            "2:14 `bridge` makes `Production` and @champion one, but version 4 is in `Production`, "
            "not version 3"
        ),
        (
            "4:22 `bridge` makes `Production` and @champion one, but version 3 has @champion, not "
            "version 4"
        ),
    ]
    text = "versions:\n  4: {stage: Archived, aliases: [champion]}\n"
    assert complaints(tmp_path, text) == [
        (
            "2:14 `bridge` makes `Production` and @champion one, but version 4, which has "
            "@champion, is in `Archived`"
        ),
        (
            "2:34 `bridge` makes `Production` and @champion one, but version 4 has @champion "
            "and is in `Archived`"
        ),
    ]


def test_a_version_is_not_in_two_stages_by_its_aliases(tmp_path: Path) -> None:
    settings = "exclusive: [Production, Staging]\nbridge: {Production: a, Staging: b}\n"
    found = complaints(tmp_path, "versions: {4: {aliases: [a, b]}}\n", settings)
    assert found == [
        (
            "1:29 `bridge` makes `Staging` and @b one, but version 4 has @a, which is another "
            "stage's, too"
        )
    ]


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        (
            "bridge: {Staging: challenger}\n",
            "`Staging` is not exclusive: an alias names one version, and it can hold several",
        ),
        (
            "exclusive: [Production, Staging]\nbridge: {Production: a, Staging: a}\n",
            "alias `a` is that of `Production` already",
        ),
        (
            "ignore: {aliases: [a*]}\nbridge: {Production: a}\n",
            "alias `a` is ignored by `ignore.aliases`",
        ),
    ],
)
def test_a_bridge_that_cannot_hold_is_refused(
    tmp_path: Path, settings: str, complaint: str
) -> None:
    assert [found.partition(" ")[2] for found in complaints(tmp_path, "{}\n", settings)] == [
        complaint
    ]
