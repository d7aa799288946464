"""`inventory:` says who answers for a model; nothing of it is a field of the registry."""

from datetime import date

import pytest

from reconciler.core.declaring.inventory import Inventory
from reconciler.errors import DeclarationError
from reconciler.files.loader import dump_declaration, parse_declaration

TEXT = """\
model: fraud
inventory:
  owner: payments
  purpose: Scores card transactions
  tier: 1
  review_by: 2027-03-31
  contacts: [payments@example.com, "#payments"]
"""
READ = Inventory(
    "payments",
    "Scores card transactions",
    "1",
    date(2027, 3, 31),
    ("payments@example.com", "#payments"),
)


def test_an_inventory_is_read_and_written() -> None:
    declaration = parse_declaration(TEXT.encode(), "fraud.yaml")
    assert declaration.inventory == READ
    assert declaration.fields == {}
    again = parse_declaration(dump_declaration(declaration).encode(), "fraud.yaml")
    assert again.inventory == READ


def test_a_review_is_due_after_its_last_day() -> None:
    assert not READ.is_due(date(2027, 3, 31))
    assert READ.is_due(date(2027, 4, 1))
    assert not Inventory().is_due(date(2099, 1, 1))


def test_what_a_complete_entry_has_is_told_in_the_order_of_the_file() -> None:
    assert READ.missing == ()
    assert Inventory(purpose="x").missing == ("owner", "tier", "review_by")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("review_by: soon", "is not a date"),
        ("review_by: 2027-02-30", "is not a date"),
        ("contacts: [a, a]", "listed twice"),
        ("contacts: a", "list"),
        ("ower: a", "owner"),
    ],
)
def test_a_wrong_entry_is_told_with_its_place(line: str, told: str) -> None:
    with pytest.raises(DeclarationError) as refused:
        parse_declaration(f"model: m\ninventory: {{{line}}}\n".encode(), "m.yaml")
    (problem,) = refused.value.problems
    assert told in f"{problem.message} {problem.hint}"
    assert problem.line == 2
