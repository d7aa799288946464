"""Which declared consumer a place in source code is, and a client in an access log."""

from datetime import datetime, timezone

import pytest

from reconciler.audit.usage.declared_loads import (
    DeclaredConsumer,
    ModelUsage,
    found_load,
    not_seen,
    to_declare,
    with_clients,
    with_declared,
)
from reconciler.audit.usage.loads import Load, SeenLoad
from reconciler.core.state import Consumer

CHAMPION = "@champion"


def consumer(name: str, loads: str = CHAMPION, code: str | None = None) -> DeclaredConsumer:
    return DeclaredConsumer("fraud", Consumer(name, loads, code=code), 3, "fraud.yaml")


def load(file: str, loads: str | None = CHAMPION, model: str | None = "fraud") -> Load:
    return Load(file, 1, 1, "uri", f"models:/{model}{loads}", model, loads)


def declared_as(consumers: list[DeclaredConsumer], *files: str) -> list[str | None]:
    found = [found_load(load(file), ["."]) for file in files]
    return [one.declared_as for one in with_declared(found, consumers)]


def seen(
    client: str, loads: str | None = CHAMPION, count: int = 1, model: str = "fraud"
) -> SeenLoad:
    moment = datetime(2026, 11, 20, 8, tzinfo=timezone.utc)
    return SeenLoad(model, loads, client, moment, moment, count)


@pytest.mark.parametrize(
    ("file", "scanned", "name", "place"),
    [
        ("checkout/api/serve.py", ".", "checkout", "checkout"),
        ("apps/checkout/api/serve.py", "apps", "checkout", "apps/checkout"),
        ("serve.py", ".", "serve", "serve.py"),
        ("apps/serve.py", "apps", "serve", "apps/serve.py"),
        ("apps/serve.py", "apps/serve.py", "serve", "apps/serve.py"),
        ("/srv/checkout/api/serve.py", "/srv", "checkout", None),
    ],
)
def test_a_program_is_the_first_folder_below_what_is_scanned_or_the_file(
    file: str, scanned: str, name: str, place: str | None
) -> None:
    found = found_load(load(file), ["elsewhere", scanned])
    assert (found.name, found.place) == (name, place)


def test_the_only_consumer_that_loads_the_same_is_meant_whatever_its_name() -> None:
    others = [consumer("nightly", "Production"), consumer("ledger", "3")]
    assert declared_as([*others, consumer("checkout-api")], "src/serve.py") == ["checkout-api"]
    assert declared_as(others, "src/serve.py") == [None]


def test_a_consumer_that_is_another_program_is_not_meant() -> None:
    both = ["checkout/serve.py", "batch/score.py"]
    assert declared_as([consumer("checkout")], *both) == ["checkout", None]
    assert declared_as([consumer("checkout-api")], *both) == ["checkout-api", "checkout-api"]


def test_of_several_consumers_the_name_or_the_code_says_which_is_meant() -> None:
    consumers = [
        consumer("checkout"),
        consumer("scores", code="batch/"),
        consumer("web", code="https://git.example.com/shop/storefront.git"),
    ]
    files = ["checkout/serve.py", "batch/a/score.py", "storefront/x.py", "other/x.py"]
    assert declared_as(consumers, *files) == ["checkout", "scores", "web", None]


def test_a_client_is_a_consumer_by_its_name_or_as_the_only_one() -> None:
    consumers = [consumer("checkout"), consumer("batch"), consumer("nightly", "Production")]
    rows = [
        seen("checkout"),
        seen("10.0.0.7"),
        seen("10.0.0.7", None),
        seen("x", model="m"),
    ]
    clients = with_clients(rows, consumers)
    assert [one.declared_as for one in clients] == ["checkout", None, "nightly", None]


def test_not_seen_is_what_no_client_loaded() -> None:
    consumers = [consumer("checkout"), consumer("nightly", "Production"), consumer("ledger", "3")]

    def missing(*rows: SeenLoad) -> list[str]:
        return [one.consumer.name for one in not_seen(rows, consumers)]

    assert missing() == ["checkout", "nightly", "ledger"]
    assert missing(seen("a"), seen("b", "3", count=0)) == ["nightly", "ledger"]
    assert missing(seen("a", None)) == ["checkout", "ledger"], "the log does not tell which stage"
    assert missing(seen("a", "2"), seen("a", model="m")) == ["checkout", "nightly", "ledger"]


def test_what_is_to_be_declared_is_new_once_and_can_be_declared() -> None:
    consumers = (consumer("checkout"),)
    found = with_declared(
        [
            found_load(one, ["."])
            for one in (
                load("checkout/a.py"),
                load("batch/a.py"),
                load("batch/b.py"),
                load("batch/c.py", "latest"),
                load("nightly/a.py", "Staging"),
                load("batch/d.py", "1", model="nobodys"),
            )
        ],
        consumers,
    )
    clients = with_clients(
        [
            seen("10.0.0.7", "2"),
            seen("10.0.0.8", "3", count=0),
            seen("10.0.0.9", None),
            seen("10.0.0.6", "Staging"),
        ],
        consumers,
    )
    usage = ModelUsage(consumers, frozenset({"fraud"}), found=found, seen=clients)
    assert to_declare(usage) == {
        "fraud": (
            Consumer("batch", CHAMPION, code="batch"),
            Consumer("nightly", "Staging", code="nightly"),
            Consumer("10.0.0.7", "2"),
        )
    }
