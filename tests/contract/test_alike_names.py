"""What tags and aliases may be called, where case counts and where it does not."""

from collections.abc import Callable

import pytest

from reconciler.core.state import Field, aliases
from reconciler.errors import Rejected
from reconciler.registries.rest import MlflowRest
from tests.support.registries.backends import Backend
from tests.support.registries.servers import MlflowSeeds, proxy


@pytest.mark.needs_mlflow("2.22", "colons in the keys of tags")
def test_a_tags_key_may_have_colons(
    backend: Backend,
    name: Callable[..., str],
) -> None:
    model = backend.model(name())

    backend.registry.set_tag(model, None, "a:b", "c")

    assert backend.live(model).fields == {Field("tag", None, "a:b"): "c"}


@pytest.mark.needs_database(("sqlite", "postgresql"), "a database that tells case apart")
def test_names_that_differ_only_in_case_are_two(
    backend: Backend,
    name: Callable[..., str],
) -> None:
    model, registry = backend.model(name(), versions=2), backend.registry
    registry.set_alias(model, "champion", 1)
    registry.set_tag(model, None, "owner", "ann")
    backend.live(model)

    registry.set_alias(model, "Champion", 2)
    registry.set_tag(model, None, "Owner", "ben")
    registry.delete_tag(model, None, "owner")

    live = backend.live(model)
    assert aliases(live.fields) == {"champion": 1, "Champion": 2}
    assert live.fields[Field("tag", None, "Owner")] == "ben"
    assert Field("tag", None, "owner") not in live.fields


def test_where_a_model_is_found_in_another_case_an_aliass_other_spelling_is_not_overwritten(
    mlflow_uri: str, name: Callable[..., str]
) -> None:
    model = name()
    seeds = MlflowSeeds(mlflow_uri)
    seeds.create_model(model)
    for _ in range(2):
        seeds.create_version(model)

    # As if the database compared without case, which MariaDB's do: test_mariadb.py.
    with proxy(mlflow_uri, rewrite=lambda path: path.replace(model.swapcase(), model)) as server:
        registry = MlflowRest(server.uri, environ={})
        registry.set_alias(model, "champion", 1)
        with pytest.raises(Rejected, match="@CHAMPION would overwrite @champion"):
            registry.set_alias(model, "CHAMPION", 2)
        registry.set_alias(model, "CHAMPION", 1)
        registry.delete_alias(model, "champion")

        assert [path.rpartition("/")[2] for _, path, _ in server.writes] == ["alias", "alias"]
