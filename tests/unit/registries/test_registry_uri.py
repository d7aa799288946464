"""Which registry a run talks to: whatever selects one besides its URL is in its identity."""

from pathlib import Path

import pytest

from reconciler.core.plan import RegistryRef
from reconciler.core.settings import RegistryPin
from reconciler.core.uris import same_registry
from reconciler.errors import Refused, RegistryError, UsageError
from reconciler.registries.registry_uri import (
    RegistryAddress,
    held_pin,
    registry_address,
    registry_environ,
    registry_ref,
)

_SERVER = "http://mlflow:5000"
_PROFILES = """\
[DEFAULT]
host = https://ADB-0.azuredatabricks.net/
token = %secret
[prod]
host = adb-1.azuredatabricks.net
[bare]
token = x
"""


def _ref(
    uri: str | None = None,
    environ: dict[str, str] | None = None,
    pin: RegistryPin | None = None,
    *,
    root: Path = Path("/desk"),
    fallback: RegistryRef | None = None,
) -> RegistryRef:
    chosen = registry_address(uri, environ or {}, pin, root=root, fallback=fallback)
    return registry_ref(chosen, pin, root)


@pytest.fixture(name="home")
def home_fixture(tmp_path: Path) -> dict[str, str]:
    (tmp_path / ".databrickscfg").write_text(_PROFILES)
    return {"HOME": str(tmp_path)}


@pytest.mark.parametrize(
    ("pinned", "named", "chosen"),
    [
        (None, "", None),
        (None, " team-a ", "team-a"),
        (None, "default", "default"),
        ("team-a", "", "team-a"),
        ("team-a", "team-a", "team-a"),
    ],
)
def test_a_workspace_is_the_variables_or_the_pinned_one(
    pinned: str | None, named: str, chosen: str | None
) -> None:
    pin = RegistryPin((_SERVER,), workspace=pinned)
    assert _ref(_SERVER, {"MLFLOW_WORKSPACE": named}, pin) == RegistryRef(_SERVER, workspace=chosen)


def test_the_variables_of_the_registry_have_its_workspace_and_its_path() -> None:
    root, tracking = Path("/desk"), {"MLFLOW_TRACKING_URI": "sqlite:///mlflow.db", "A": "b"}
    pinned = registry_environ(tracking, RegistryAddress(_SERVER, "team-a"), root)
    located = {"MLFLOW_TRACKING_URI": "sqlite:////desk/mlflow.db", "A": "b"}
    assert pinned == {**located, "MLFLOW_WORKSPACE": "team-a"}
    assert registry_environ(tracking, RegistryAddress("databricks", "https://h"), root) == located


def test_another_workspace_than_the_pinned_one_is_refused_naming_both() -> None:
    pin = RegistryPin((_SERVER,), workspace="team-a")
    with pytest.raises(Refused, match="pinned to the workspace `team-a`, not to `team-b`"):
        _ref(None, {"MLFLOW_WORKSPACE": "team-b"}, pin)


@pytest.mark.parametrize("uri", ["sqlite:////a.db", "/mlruns", "databricks-server", "uc:http://h"])
def test_only_a_server_has_workspaces(uri: str) -> None:
    with pytest.raises(UsageError, match="only a server has workspaces: `team-a`") as refused:
        _ref(uri, {"MLFLOW_WORKSPACE": "team-a"})
    assert refused.value.hint == "unset MLFLOW_WORKSPACE"
    pin = RegistryPin((uri,), workspace="team-a")
    with pytest.raises(UsageError, match="only a server has workspaces"):
        _ref(uri, {}, pin)


def test_the_key_without_a_workspace_is_what_it_always_was() -> None:
    assert RegistryRef(_SERVER).key == _SERVER
    assert RegistryRef(_SERVER, "prod").key == "prod"


def test_two_workspaces_have_two_keys_also_under_one_name() -> None:
    names = (None, "prod")
    keys = {RegistryRef(_SERVER, name, ws).key for name in names for ws in (None, "a", "b")}
    assert len(keys) == len(names) * 3


def test_a_saved_plan_names_the_registry_only_where_nothing_else_does() -> None:
    planned = RegistryRef(_SERVER, workspace="team-a")
    assert _ref(fallback=planned) == planned
    assert _ref(_SERVER, fallback=planned) == RegistryRef(_SERVER)
    assert _ref(None, {"MLFLOW_WORKSPACE": "team-b"}, fallback=planned).workspace == "team-b"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("http://h/prefix", "http://H:80/prefix/", True),
        ("http://h/prefix", "http://h", False),
        ("http://h/prefix", "http://h/other", False),
        ("http://h/Prefix", "http://h/prefix", False),
        ("databricks://prod", "databricks://prod/", True),
        ("databricks://prod", "databricks://PROD", False),
        ("databricks://prod", "databricks-uc://prod", False),
        ("uc:http://H:8080", "uc:http://h:8080/", True),
    ],
)
def test_spellings_of_one_address(one: str, other: str, same: bool) -> None:  # noqa: FBT001  a table's column
    assert same_registry(one, other) is same


@pytest.mark.parametrize(
    ("uri", "ref"),
    [
        ("sqlite:///mlflow.db", "sqlite:////desk/mlflow.db"),
        ("sqlite:///./a/../mlflow.db?x=1", "sqlite:////desk/mlflow.db?x=1"),
        ("sqlite:////data/mlflow.db", "sqlite:////data/mlflow.db"),
        ("sqlite+pysqlite:///mlflow.db", "sqlite+pysqlite:////desk/mlflow.db"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("mlruns", "/desk/mlruns"),
        ("./mlruns", "/desk/mlruns"),
        ("/data/mlruns", "/data/mlruns"),
        ("file:mlruns", "file:///desk/mlruns"),
        ("file:/data/mlruns", "file:///data/mlruns"),
        ("file:///data/my%20runs", "file:///data/my%20runs"),
        ("postgresql://u:p@H/db", "postgresql://h/db"),
    ],
)
def test_a_local_registry_is_known_by_its_absolute_path(uri: str, ref: str) -> None:
    assert _ref(uri).uri == ref
    assert _ref(None, {}, RegistryPin((uri,))).uri == ref


def test_a_relative_path_elsewhere_is_another_registry() -> None:
    uri = "sqlite:///mlflow.db"
    assert _ref(uri).key != _ref(uri, root=Path("/other")).key
    with pytest.raises(Refused):
        _ref("sqlite:////other/mlflow.db", {}, RegistryPin((uri,)))
    assert _ref("sqlite:////desk/mlflow.db", {}, RegistryPin((uri,))) == _ref(uri)


@pytest.mark.parametrize("scheme", ["databricks", "databricks-uc"])
@pytest.mark.parametrize(
    ("rest", "environ", "host"),
    [
        ("", {"DATABRICKS_HOST": "https://Adb-9.azuredatabricks.net/?o=1"}, "https://adb-9"),
        ("", {"DATABRICKS_HOST": "adb-9.azuredatabricks.net"}, "https://adb-9"),
        ("", {}, "https://adb-0"),
        ("", {"DATABRICKS_CONFIG_PROFILE": "prod"}, "https://adb-1"),
        ("://prod", {}, "https://adb-1"),
        ("://prod", {"DATABRICKS_CONFIG_PROFILE": "bare"}, "https://adb-1"),
        ("://bare", {}, "profile bare"),
        ("://gone", {}, "profile gone"),
        ("://scope:prefix", {"DATABRICKS_HOST": "https://adb-9"}, None),
    ],
)
def test_the_host_of_databricks_is_its_workspace(
    home: dict[str, str], scheme: str, rest: str, environ: dict[str, str], host: str | None
) -> None:
    found = _ref(f"{scheme}{rest}", home | environ)
    shown = (found.workspace or "").removesuffix(".azuredatabricks.net") or None
    assert (found.uri, shown) == (f"{scheme}{rest}", host)


def test_a_databricks_without_any_host_has_no_workspace(tmp_path: Path) -> None:
    assert _ref("databricks", {"HOME": str(tmp_path)}) == RegistryRef("databricks")


def test_two_hosts_at_once_are_refused(home: dict[str, str]) -> None:
    with pytest.raises(UsageError, match=r"names https://other, and the profile `prod` names"):
        _ref("databricks://prod", home | {"DATABRICKS_HOST": "https://other"})


def test_a_pinned_databricks_host_refuses_another_and_none(
    home: dict[str, str], tmp_path: Path
) -> None:
    pin = RegistryPin(("databricks-uc",), workspace="https://ADB-0.azuredatabricks.net/")
    assert _ref(None, home, pin).workspace == "https://adb-0.azuredatabricks.net"
    for environ, named in (
        (home | {"DATABRICKS_HOST": "https://adb-9"}, "`https://adb-9`"),
        ({"HOME": str(tmp_path / "nobody")}, "none"),
    ):
        with pytest.raises(Refused, match=f"not to {named}") as refused:
            _ref(None, environ, pin)
        assert "DATABRICKS_HOST" in (refused.value.hint or "")


def test_a_broken_profile_file_does_not_tell_its_tokens(tmp_path: Path) -> None:
    (tmp_path / "odd").write_text("token = dapi-secret\n")
    with pytest.raises(RegistryError, match="cannot be read as an ini file") as error:
        _ref("databricks", {"DATABRICKS_CONFIG_FILE": str(tmp_path / "odd")})
    assert "dapi" not in f"{error.value} {error.value.__cause__}"


_OLD = RegistryPin(("http://a", "http://b"), workspace="team-a")


@pytest.mark.parametrize(
    ("own", "merged", "held"),
    [
        (None, None, None),
        (_OLD, None, _OLD),
        (None, _OLD, _OLD),
        (_OLD, _OLD, _OLD),
        (RegistryPin(("http://evil",)), _OLD, _OLD),
        (
            RegistryPin(("http://evil", "http://b"), "prod", "team-a"),
            _OLD,
            RegistryPin(("http://b",), "prod", "team-a"),
        ),
        (RegistryPin(_OLD.uris, workspace="team-b"), _OLD, _OLD),
        (_OLD, RegistryPin(_OLD.uris), RegistryPin(_OLD.uris)),
    ],
)
def test_a_pin_that_is_not_merged_selects_nothing_new(
    own: RegistryPin | None, merged: RegistryPin | None, held: RegistryPin | None
) -> None:
    assert held_pin(own, merged) == held


def test_the_chosen_address_keeps_the_credentials_and_the_identity_does_not() -> None:
    uri = "http://user:secret@h/p"
    assert registry_address(uri, {}, None, root=Path("/")) == RegistryAddress(uri)
    assert "secret" not in repr(_ref(uri))


@pytest.mark.parametrize(
    ("named", "hint"),
    [
        ("localhost", "did you mean `http://localhost`?"),
        ("mlflow.example.com/p", "did you mean `http://mlflow.example.com/p`?"),
        ("http//h:5000", "did you mean `http://h:5000`?"),
    ],
)
def test_a_misspelt_server_is_not_taken_for_a_folder(named: str, hint: str) -> None:
    for given, environ in ((named, {}), (None, {"MLFLOW_TRACKING_URI": named})):
        with pytest.raises(UsageError) as caught:
            _ref(given, environ)
        assert caught.value.hint == hint
