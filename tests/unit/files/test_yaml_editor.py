"""Edits to model files as different people write them: the diff is as small as a person's."""

import difflib

import pytest

from reconciler.errors import DeclarationError
from reconciler.files.editing.edits import YamlEdit
from reconciler.files.editing.yaml_editor import apply_edits
from tests.support.files.yaml_styles import DASHES, EMPTY, FILE, FLOW, MIXED, PLAIN, WIDE


def lines(*texts: str) -> str:
    return "".join(f"{text}\n" for text in texts)


def changed(text: str, *edits: tuple[str, str | None]) -> str:
    data = [YamlEdit(tuple(path.split("/")), value) for path, value in edits]
    return apply_edits(text.encode(), data, FILE).decode()


def diff(text: str, *edits: tuple[str, str | None]) -> str:
    """Return the lines that a review of the edits would show."""
    after = changed(text, *edits)
    found = difflib.unified_diff(text.splitlines(), after.splitlines(), n=0, lineterm="")
    return lines(*(line for line in found if not line.startswith(("---", "+++", "@@"))))


PROMOTE = (
    ("versions/4/stage", "Archived"),
    ("versions/3/stage", "Production"),
    ("versions/3/aliases/champion", ""),
)


def test_a_promotion_changes_the_lines_a_person_would_change() -> None:
    assert diff(PLAIN, *PROMOTE) == lines(
        "-    stage: Production  # since May",
        "-    aliases: [champion]",
        "+    stage: Archived  # since May",
        "-    stage: Archived",
        "+    stage: Production",
        "+    aliases: [champion]",
    )


@pytest.mark.parametrize(
    ("version", "above"),
    [("5", "versions:"), ("2", "    stage: Archived")],
)
def test_a_new_version_goes_where_its_number_belongs(version: str, above: str) -> None:
    after = changed(PLAIN, (f"versions/{version}/stage", "None")).splitlines()
    index = after.index(f"  {version}:")
    assert after[index - 1] == above
    assert after[index + 1] == "    stage: None"


def test_a_file_that_counts_up_goes_on_counting_up() -> None:
    assert diff(MIXED, ("versions/4/stage", "None")) == lines("+", "+  4: {stage: None}")


def test_putting_an_alias_on_a_version_takes_it_from_another() -> None:
    assert diff(MIXED, ("versions/2/aliases/champion", "")) == lines(
        '-  2: { stage: "Production" }   # good',
        '+  2: { stage: "Production", aliases: [champion] }   # good',
        "-  3:   {aliases: [canary,champion] , stage: None}",
        "+  3:   {aliases: [canary] , stage: None}",
    )


def test_a_list_that_becomes_empty_goes_unless_a_comment_speaks_of_it() -> None:
    text = "versions:\n  4:\n    stage: None\n    aliases:{0}\n      - champion\n"
    edit = ("versions/4/aliases/champion", None)
    assert changed(text.format(""), edit) == "versions:\n  4:\n    stage: None\n"
    assert changed(text.format("  # for batch"), edit) == (
        "versions:\n  4:\n    stage: None\n    aliases: []  # for batch\n"
    )


@pytest.mark.parametrize(
    "alone",
    [
        "\n      - champion{0}\n",
        "\n    - champion{0}\n",
        " [champion]{0}\n",
        ' [ "champion" ]{0}\n',
    ],
)
def test_the_last_alias_takes_its_list_and_its_comment_along(alone: str) -> None:
    text = f"versions:\n  4:\n    stage: Staging\n  3:\n    stage: None\n    aliases:{alone}"
    moved = changed(text.format("  # by the board"), ("versions/4/aliases/champion", ""))
    assert moved.endswith("  3:\n    stage: None\n")
    assert next(line for line in moved.splitlines() if "champion" in line).endswith(
        "# by the board"
    )
    gone = changed(text.format("  # by the board"), ("versions/3/aliases/champion", None))
    assert gone == "versions:\n  4:\n    stage: Staging\n  3:\n    stage: None\n"


def test_one_alias_of_a_list_takes_its_own_comment_along() -> None:
    text = lines(
        *("versions:", "  4:", "    aliases:", "    - next", "  3:", "    aliases:  # all of 3"),
        *(
            "    - champion # serves",
            "    # and",
            "    - stable  # for batch",
            "  2: {aliases: []}",
        ),
    )
    assert diff(text, ("versions/4/aliases/champion", "")) == lines(
        "+    - champion # serves", "-    - champion # serves"
    )
    assert diff(text, ("versions/2/aliases/champion", "")) == lines(
        "-    - champion # serves", "-  2: {aliases: []}", "+  2: {aliases: [champion]}"
    )
    both = (("versions/4/aliases/champion", ""), ("versions/4/aliases/stable", ""))
    assert diff(text, *both) == lines(
        *("+    - champion # serves", "+    - stable  # for batch"),
        *("-    aliases:  # all of 3", "-    - champion # serves", "+    aliases: []  # all of 3"),
        "-    - stable  # for batch",
    )


def test_a_new_version_is_laid_out_like_the_others() -> None:
    new = (
        ("versions/3/aliases/next", ""),
        ("versions/3/tags/risk", "low"),
        ("versions/3/description", "One\n\n  two\n"),
    )
    assert diff(WIDE, *new) == lines(
        "+    '3':",
        "+        aliases:",
        "+            - next",
        "+        tags:",
        "+            risk: low",
        "+        description: |",
        "+            One",
        "+",
        "+              two",
        "+",
    )


@pytest.mark.parametrize(
    ("text", "edit", "expected"),
    [
        (
            PLAIN,
            ("tags/team", "a, b"),
            ["-tags: {owner: payments-ml}", "+tags: {owner: payments-ml, team: 'a, b'}"],
        ),
        (PLAIN, ("tags/owner", None), ["-tags: {owner: payments-ml}", "+tags: {}"]),
        (PLAIN, ("hold", "wait"), ["+hold: wait"]),
        (PLAIN, ("description", None), ["-description: Scores card transactions  # shown on top"]),
        (
            PLAIN,
            ("description", "a\nb"),
            [
                "-description: Scores card transactions  # shown on top",
                "+description: |-  # shown on top",
                "+  a",
                "+  b",
            ],
        ),
        (
            PLAIN,
            ("versions/4/description", "short"),
            ["-      Adds merchant-risk", "-      features", "+      short"],
        ),
        (
            PLAIN,
            ("versions/4/description", ""),
            [
                "-    description: >-",
                "-      Adds merchant-risk",
                "-      features",
                '+    description: ""',
            ],
        ),
        (PLAIN, ("versions/4/tags/data", "3.0"), ['-      data: "2.10"', '+      data: "3.0"']),
        (
            PLAIN,
            ("versions/4/tags/risk", "true"),
            ["-      risk: high   # by the board", "+      risk: 'true'   # by the board"],
        ),
        (PLAIN, ("versions/4/tags/new", "x"), ["+      new: x"]),
        (PLAIN, ("versions/4/source", "models:/m-1"), ["+    source: models:/m-1"]),
        (PLAIN, ("versions/3/stage", None), ["-  3:", "-    stage: Archived", "+  3: {}"]),
        (PLAIN, ("versions/3", None), ["-  3:", "-    stage: Archived"]),
        (
            WIDE,
            ("versions/2/stage", "None"),
            ["-        stage: 'Staging'", "+        stage: 'None'"],
        ),
        (WIDE, ("versions/2/aliases/canary", None), ["-            - canary"]),
        (WIDE, ("versions/2/aliases/next", ""), ["+            - next"]),
        (
            WIDE,
            ("versions/1/tags/risk", "it's high"),
            ["-            \"risk\": 'it''s low'", "+            \"risk\": 'it''s high'"],
        ),
        (
            WIDE,
            ("versions/1/description", "# New\n"),
            [
                "-            # Title",
                "-",
                "-            A text",
                "-              with shape.",
                "+            # New",
            ],
        ),
        (
            MIXED,
            ("versions/3/aliases/canary", None),
            ["-  3:   {aliases: [canary,champion] , ", "+  3:   {aliases: [champion] , "],
        ),
        (
            MIXED,
            ("versions/1/tags/risk", None),
            ["-  1: {stage: Archived, tags: { risk: low }}", "+  1: {stage: Archived}"],
        ),
        (MIXED, ("tags/owner", None), ["-  owner: payments,  # who pays"]),
        (DASHES, ("versions/10/aliases/champion", None), ["-  aliases:", "-  - champion"]),
        (DASHES, ("versions/10/stage", "None"), ["-   Production", "+   None"]),
        (DASHES, ("description", "new"), ["-  over the", "-  next lines", "+  new"]),
        (DASHES, ("versions/9/stage", "None"), ["- 9: {}", "+ 9:", "+  stage: None"]),
        (DASHES, ("retired", "true"), ["-retired: false", "+retired: true"]),
        (EMPTY, ("tags/a", "b"), ["-tags: {}", "+tags: {a: b}"]),
        (
            EMPTY,
            ("versions/1/stage", "None"),
            ["-versions: {}  # none yet", "+versions:  # none yet", "+  1:", "+    stage: None"],
        ),
    ],
)
def test_one_edit_is_a_small_diff(
    text: str, edit: tuple[str, str | None], expected: list[str]
) -> None:
    shown = diff(text, edit).splitlines()
    assert [line[: len(start)] for line, start in zip(shown, expected, strict=True)] == expected


def test_a_version_goes_with_the_empty_line_that_sets_it_apart() -> None:
    text = "versions:\n  3: {}\n\n  2: {}\n\n  1: {}\n"
    assert changed(text, ("versions/2", None)) == "versions:\n  3: {}\n\n  1: {}\n"
    assert changed(text, ("versions/1", None)) == "versions:\n  3: {}\n\n  2: {}\n"
    assert changed(text[:-1], ("versions/1", None)) == "versions:\n  3: {}\n\n  2: {}"


def test_an_edit_that_changes_nothing_leaves_every_byte() -> None:
    same = (("versions/4/stage", "Production"), ("versions/9", None), ("tags/team", None))
    assert changed(PLAIN, *same, ("versions/4/aliases/champion", "")) == PLAIN


def test_a_block_at_the_open_end_of_a_file_keeps_its_meaning() -> None:
    text = "versions:\n  4:\n    description: |\n      text"
    assert changed(text, ("versions/4/run_id", "1f0c")) == (
        "versions:\n  4:\n    description: |-\n      text\n    run_id: 1f0c"
    )


def test_a_digest_stands_after_the_other_pins_and_moves_nothing_else() -> None:
    digest = f"sha256:{'0f' * 32}"
    line = f"    digest: {digest}\n"
    pinned = changed(PLAIN, ("versions/4/digest", digest))
    assert pinned == PLAIN.replace("    run_id: 1f0c\n", f"    run_id: 1f0c\n{line}")
    assert changed(pinned, ("versions/4/source", "s3://x")) == PLAIN.replace(
        "    run_id: 1f0c\n", f"    run_id: 1f0c\n    source: s3://x\n{line}"
    )
    assert changed(pinned, ("versions/4/digest", None)) == PLAIN
    assert changed("versions: {4: {stage: None}}\n", ("versions/4/digest", digest)) == (
        f"versions: {{4: {{stage: None, digest: {digest}}}}}\n"
    )


def test_a_file_that_is_one_flow_mapping_stays_one() -> None:
    edits = (("versions/4/aliases/canary", None), ("versions/3/stage", "None"), ("hold", "a: b"))
    assert changed(FLOW, *edits) == (
        "{model: fraud, hold: 'a: b', versions: "
        "{4: {stage: Production, aliases: [champion]}, 3: {stage: None}, 2: {}}}\n"
    )


def test_a_file_that_is_wrong_is_not_edited() -> None:
    with pytest.raises(DeclarationError):
        changed("versions: {4: {stage: production}}", ("versions/4/stage", "None"))


def test_an_edit_that_would_make_the_file_wrong_is_refused() -> None:
    with pytest.raises(DeclarationError) as refused:
        changed(PLAIN, ("versions/3/aliases/latest", ""))
    (problem,) = refused.value.problems
    assert "`latest`" in problem.message
    assert problem.where == FILE


@pytest.mark.parametrize(
    "text",
    [
        "? model\n: m\n? versions\n: 4: {}\n",
        "model: m\rversions:\r  4:\r    stage: None\r",
        "versions: {4: {tags: {}\n  , stage: None # then\n  , aliases: []}}\n",
    ],
)
def test_a_layout_that_cannot_be_edited_is_refused_and_not_spoiled(text: str) -> None:
    with pytest.raises(DeclarationError) as refused:
        changed(text, ("versions/4/stage", None), ("versions/4/tags/a", "b"))
    assert [problem.message for problem in refused.value.problems] == [
        "the layout of this file cannot be edited in place"
    ]
