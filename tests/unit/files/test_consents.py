"""Dated consent in a model's file: what it means, for how long, and what it cannot be about."""

from datetime import date
from pathlib import Path

import pytest

from reconciler.core.declaring.declared_state import DeclaredState
from reconciler.core.state import DatedConsent
from reconciler.errors import DeclarationError, ExitCode
from reconciler.files.editing.edits import YamlEdit
from reconciler.files.editing.yaml_editor import apply_edits
from reconciler.files.loader import dump_declaration, load, parse_declaration

TODAY = date(2026, 11, 21)
_A = "- {guard: a, until: 2026-12-01, reason: x}\n"
POLICIES = "policies: [{name: validated, signature: required}]"


def loaded(folder: Path, consent: str, settings: str = POLICIES) -> DeclaredState:
    folder.joinpath("reconciler.yaml").write_text(settings)
    folder.joinpath("m.yaml").write_text(f"accept:\n{consent}\n")
    return load(folder, "state", TODAY)


def complaints(folder: Path, consent: str, settings: str = POLICIES) -> list[str]:
    """Return what is wrong with consents, as `file:line:column message (hint)`."""
    with pytest.raises(DeclarationError) as caught:
        loaded(folder, consent, settings)
    return [f"{p.where} {p.message} ({p.hint})" for p in caught.value.problems]


def test_consent_names_a_guard_or_a_policy_and_says_until_when_and_why(tmp_path: Path) -> None:
    consent = (
        "- {guard: empty-serving, until: 2026-11-21, reason: the successor is late}\n"
        "- guard: validated\n  until: 2026-12-21\n  reason: 42"
    )
    desired = loaded(tmp_path, consent)
    assert desired.declarations["m"].accept == (
        DatedConsent("empty-serving", date(2026, 11, 21), "the successor is late"),
        DatedConsent("validated", date(2026, 12, 21), "42"),
    )
    assert desired.warnings == ()


@pytest.mark.parametrize(
    ("consent", "said"),
    [
        (
            "- {guard: empty-servin, until: 2026-11-30, reason: x}",
            "2:11 there is no guard or policy `empty-servin` (did you mean `empty-serving`?)",
        ),
        (
            "- {guard: valdated, until: 2026-11-30, reason: x}",
            "2:11 there is no guard or policy",
        ),
        (
            "- {guard: zzz, until: 2026-11-30, reason: x}",
            (
                "2:11 there is no guard or policy `zzz` (the names are `empty-serving`, "
                "`pinned-consumer`, `validated`)"
            ),
        ),
        (
            "- {guard: removals, until: 2026-11-30, reason: x}",
            "2:11 `removals` applies to a whole run, not to one model (for one run there",
        ),
        (
            "- {guard: off-main, until: 2026-11-30, reason: x}",
            "2:11 `off-main` applies to a whole run, not to one model",
        ),
        (
            "- {guard: dirty, until: 2026-11-30, reason: x}",
            "2:11 `dirty` applies to a run and cannot be accepted (commit the files)",
        ),
        (
            "- {guard: validated, until: 2026-12-22, reason: x}",
            "2:29 2026-12-22 is more than 30 days ahead (the latest date is 2026-12-21; ",
        ),
        (
            2 * _A,
            "3:11 consent to `a` is given twice (remove one of them)",
        ),
        ("- {guard: validated, until: 2026-13-01, reason: x}", "2:29 `2026-13-01` is not a date: "),
        ("- {guard: validated, until: 20261201, reason: x}", "2:29 `20261201` is not a date (writ"),
        (
            "- {guard: validated, until: tomorrow, reason: x}",
            "2:29 `tomorrow` is not a date (write",
        ),
        ("- {guard: validated, until: 2026-12-01}", "2:3 item 1 of `accept` needs the key `reaso"),
        ("- {guard: validated, reason: x}", "2:3 item 1 of `accept` needs the key `until` (add `"),
        ("- {until: 2026-12-01, reason: x}", "2:3 item 1 of `accept` needs the key `guard` (add"),
        ("- {guard: validated, until: 2026-12-01, reason: ''}", "2:49 `reason` is empty"),
        (
            "- {guard: validated, until: 2026-12-01, reason: ' '}",
            "2:49 a text may not be blank (sa",
        ),
        (
            "- {guard: validated, until: 2026-12-01, resaon: x}",
            "2:41 unknown key `resaon` (did you",
        ),
        ("- validated", "2:3 item 1 of `accept` must be a mapping, not text"),
        ("  guard: validated", "2:3 `accept` must be a list, not a mapping (write a list of `{gua"),
    ],
)
def test_wrong_consent_is_told_at_its_place(tmp_path: Path, consent: str, said: str) -> None:
    found = complaints(tmp_path, consent)
    assert any(each.startswith(f"state/m.yaml:{said}") for each in found), found


def test_everything_about_consents_is_said_at_once(tmp_path: Path) -> None:
    consent = (
        "- {guard: dirty, until: 2027-01-01, reason: x}\n"
        "- {guard: nosuch, until: 2027-01-01, reason: x}\n"
        "versions: {1: {stage: Live}}"
    )
    places = [each.partition(" ")[0] for each in complaints(tmp_path, consent)]
    assert places == [f"state/m.yaml:{p}" for p in ("2:11", "2:25", "3:11", "3:26", "4:23")]


def test_one_fault_in_a_consent_is_one_complaint(tmp_path: Path) -> None:
    assert len(complaints(tmp_path, "- {guard: validated, until: soon, reason: x}")) == 1


def test_wrong_settings_do_not_make_consent_to_a_policy_wrong(tmp_path: Path) -> None:
    settings = "policies: [{name: validated, signature: requird}]"
    consent = "- {guard: validated, until: 2026-11-30, reason: x}"
    (found,) = complaints(tmp_path, consent, settings)
    assert found.startswith("state/reconciler.yaml:")


def test_consent_that_is_over_is_a_warning(tmp_path: Path) -> None:
    desired = loaded(tmp_path, "- {guard: validated, until: 2026-11-20, reason: x}")
    (warning,) = desired.warnings
    assert warning.code == ExitCode.OK
    assert warning.where == "state/m.yaml:2:29"
    assert f"{warning.message}: {warning.hint}" == (
        "consent to `validated` ended on 2026-11-20: remove it"
    )
    assert len(desired.declarations["m"].accept) == 1


def test_without_a_date_today_is_the_clock_s(tmp_path: Path) -> None:
    tmp_path.joinpath("m.yaml").write_text(
        "accept: [{guard: empty-serving, until: 2000-01-01, reason: x}]"
    )
    assert "ended" in load(tmp_path, "state").warnings[0].message


def test_a_file_of_the_past_is_not_judged_by_today() -> None:
    text = b"accept: [{guard: long-gone, until: 2999-01-01, reason: x}]\nretired: true"
    (consent,) = parse_declaration(text, "m.yaml").accept
    assert consent == DatedConsent("long-gone", date(2999, 1, 1), "x")


def test_consent_does_not_change_what_is_declared() -> None:
    text = b"versions: {1: {stage: Production}}\n"
    consent = b"accept: [{guard: validated, until: 2026-11-30, reason: x}]\n"
    assert parse_declaration(text, "m.yaml") == parse_declaration(consent + text, "m.yaml")


def test_consent_is_written_as_people_write_it() -> None:
    text = (
        "model: fraud\naccept:\n- guard: validated\n  until: 2026-11-30\n  reason: 'on: fire'\n"
        "versions:\n  1: {}\n"
    )
    assert dump_declaration(parse_declaration(text.encode(), "fraud.yaml")) == text


@pytest.mark.parametrize(
    "consent",
    [
        "accept:\n- guard: validated  # why\n  until: 2026-11-30\n  reason: x\n",
        "accept: [{guard: validated, until: 2026-11-30, reason: x}]\n",
    ],
)
def test_an_edit_leaves_consent_as_it_is(consent: str) -> None:
    text = f"{consent}versions:\n    1:\n        stage: Staging\n"
    edits = [YamlEdit(("versions", "1", "tags", "k"), "v"), YamlEdit(("hold",), "wait")]
    after = apply_edits(text.encode(), edits, "m.yaml").decode()
    assert after == f"hold: wait\n{text}        tags:\n            k: v\n"
