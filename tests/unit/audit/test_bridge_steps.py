"""What merged commits meant under a bridge."""

from datetime import datetime, timedelta, timezone

from reconciler.audit.declared_steps import steps
from reconciler.audit.evidence import entries
from reconciler.audit.merged_changes import MergedCommit, MergedFiles
from reconciler.core.declaring.bridge import Bridge
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration
from reconciler.files.loader import parse_declaration

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
BRIDGED = Settings(bridge=Bridge((("Production", "champion"),)))
PLAIN = Settings()
STAGE_3 = "versions: {3: {stage: Production}, 4: {}}"
BOTH_3 = "versions: {3: {stage: Production, aliases: [champion]}, 4: {}}"
STAGE_4 = "versions: {4: {stage: Production}, 3: {stage: Archived}}"
ALIAS_4 = "versions: {4: {aliases: [champion]}, 3: {stage: Archived}}"
NONE = "versions: {4: {}, 3: {stage: Archived}}"


def commit(number: int) -> MergedCommit:
    when = NOON + timedelta(hours=number)
    return MergedCommit(f"c{number}", (), when, "Ada", "a@x", "Forge", "f@x", "change")


def declares(content: str) -> Declaration:
    return parse_declaration(content.encode(), "state/fraud.yaml")


def told(*merged: tuple[str | None, Settings | None]) -> list[tuple[str, ...]]:
    """Return what each commit meant, by its new file and its new settings."""
    changes = [
        MergedFiles(commit(n), {"fraud.yaml": declares(file)} if file else {}, settings)
        for n, (file, settings) in enumerate(merged)
    ]
    made = steps(changes, PLAIN)["fraud"]
    return [entry.meaning for entry in entries(made, PLAIN, None)]


def test_a_commit_that_only_changes_the_bridge_is_a_step_and_says_so() -> None:
    assert told((STAGE_3, None), (None, BRIDGED), (None, PLAIN)) == [
        ("declared", "v3 → Production", "v4 declared"),
        ("@champion → 3 (bridge)",),
        ("@champion 3 → no longer declared (bridge)",),
    ]


def test_a_promotion_names_both_words_and_which_the_bridge_gave() -> None:
    found = told((STAGE_3, BRIDGED), (STAGE_4, None), (NONE, None))
    assert found[1] == (
        "v4 → Production",
        "v3 Production → Archived",
        "@champion 3 → 4 (bridge)",
    )
    assert found[2] == ("v4 Production → no stage declared", "@champion 4 → removed (bridge)")
    assert told((ALIAS_4, BRIDGED), (NONE, None))[1] == (
        "v4 Production → no stage declared (bridge)",
        "@champion 4 → removed",
    )


def test_who_makes_room_for_an_alias_is_not_told_apart() -> None:
    files = ("versions: {3: {aliases: [champion]}}", "versions: {4: {aliases: [champion]}, 3: {}}")
    found = told((files[0], BRIDGED), (files[1], None))
    assert found[1] == ("v4 → Production (bridge)", "@champion 3 → 4")


def test_a_word_that_a_file_drops_or_takes_up_is_a_step() -> None:
    found = told((BOTH_3, BRIDGED), (STAGE_3, None), (BOTH_3, None))
    assert found[1:] == [
        ("@champion 3 is declared by the bridge, not the file",),
        ("@champion 3 is declared by the file, not the bridge",),
    ]
