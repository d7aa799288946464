"""Registry URIs are shown without credentials and compared by where they lead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.uris import misspelt, safe_uri, same_registry, scheme_of


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("http://mlflow:5000", "http://mlflow:5000"),
        ("https://ann:s3cret@mlflow/prefix?x=1", "https://mlflow/prefix?x=1"),
        ("https://s3cret@mlflow", "https://mlflow"),
        ("http://ann:s3c@ret@mlflow/a@b", "http://mlflow/a@b"),
        ("http://host:5000/a@b", "http://host:5000/a@b"),
        ("http://ann:s3cret@[::1]:5000/", "http://[::1]:5000/"),
        ("http://[::1]:5000/a@b", "http://[::1]:5000/a@b"),
        ("postgresql://ann:s3cret@db:5432/ml", "postgresql://db:5432/ml"),
        ("postgresql+psycopg://ann:s3/cret@db/ml", "postgresql+psycopg://db/ml"),
        ("postgresql://ann:1s3/cret@db/ml", "postgresql://db/ml"),
        ("postgresql://db/ml?user=ann&password=s3cret&sslmode=on", "postgresql://db/ml?sslmode=on"),
        ("postgresql://db/ml?Password=s3cret", "postgresql://db/ml"),
        ("sqlite:////data/a@b.db", "sqlite:////data/a@b.db"),
        ("databricks://profile", "databricks://profile"),
        ("databricks", "databricks"),
        ("http://[broken:s3cret@host", "http://host"),
    ],
)
def test_a_uri_is_shown_without_credentials(uri: str, shown: str) -> None:
    assert safe_uri(uri) == shown


@given(
    st.sampled_from(["http", "https", "postgresql", "mysql+pymysql"]),
    st.text(st.characters(categories=["L", "N"]), min_size=1),
    st.text(st.characters(exclude_characters="/?#@:"), min_size=4),
)
def test_no_password_is_ever_shown(scheme: str, user: str, password: str) -> None:
    assert safe_uri(f"{scheme}://{user}:{password}@host/path") == f"{scheme}://host/path"


@given(st.text())
def test_no_text_is_too_odd_to_be_shown_or_compared(text: str) -> None:
    assert same_registry(text, text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://MLflow:80/", "HTTP://mlflow"),
        ("https://ann:pw@mlflow:443", "https://mlflow/"),
        ("postgresql://ann:pw@DB:5432/ml", "postgresql://db/ml"),
        ("http://mlflow/prefix/", "http://mlflow/prefix"),
        ("databricks-uc", "databricks-uc"),
    ],
)
def test_these_lead_to_the_same_registry(one: str, other: str) -> None:
    assert same_registry(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://mlflow", "https://mlflow"),
        ("http://mlflow:5000", "http://mlflow"),
        ("http://mlflow/a", "http://mlflow/A"),
        ("http://mlflow:8080", "http://mlflow:80"),
        ("sqlite:///a.db", "sqlite:////a.db"),
        ("databricks", "databricks-uc"),
    ],
)
def test_these_lead_to_different_registries(one: str, other: str) -> None:
    assert not same_registry(one, other)


@pytest.mark.parametrize(
    ("uri", "scheme"),
    [
        ("HTTPS://x", "https"),
        ("postgresql+psycopg://x", "postgresql"),
        ("databricks-uc", "databricks-uc"),
        ("databricks://profile", "databricks"),
        ("file:///x", "file"),
        ("./mlruns", ""),
        ("/mlruns", ""),
    ],
)
def test_a_scheme_is_named_without_its_driver(uri: str, scheme: str) -> None:
    assert scheme_of(uri) == scheme


@pytest.mark.parametrize(
    ("uri", "hint"),
    [
        ("http://h/#/models", "use `http://h`"),
        ("http://h:5000/#/", "use `http://h:5000`"),
        ("https://h/mlflow/#/models/m/versions/3", "use `https://h/mlflow`"),
        ("http://h/ajax-api", "use `http://h`"),
        ("http://h/api/2.0", "use `http://h`"),
        ("http://h/p/api/2.0/mlflow", "use `http://h/p`"),
        ("http://h/ajax-api/2.0/mlflow/", "use `http://h`"),
        ("ftp://h/x", "write the URI of the MLflow server, like `http://mlflow:5000`"),
        ("s3://bucket/x", "write the URI of the MLflow server, like `http://mlflow:5000`"),
        ("models:/m/1", "write the URI of the MLflow server, like `http://mlflow:5000`"),
        ("localhost:5000", "did you mean `http://localhost:5000`?"),
        ("mlflow:5000/p", "did you mean `http://mlflow:5000/p`?"),
        ("localhost", "did you mean `http://localhost`?"),
        ("10.0.0.7", "did you mean `http://10.0.0.7`?"),
        ("mlflow.example.com/p", "did you mean `http://mlflow.example.com/p`?"),
        ("http//h:5000", "did you mean `http://h:5000`?"),
        ("http:/h:5000", "did you mean `http://h:5000`?"),
        ("https:h", "did you mean `https://h`?"),
        ("http://", "write the URI of the MLflow server, like `http://mlflow:5000`"),
        ("https:///mlflow", "write the URI of the MLflow server, like `http://mlflow:5000`"),
        (
            "http://ann:s3cret@:5000",
            "write the URI of the MLflow server, like `http://mlflow:5000`",
        ),
        ("htp://h:5000", "did you mean `http://h:5000`?"),
        ("htpps://h", "did you mean `https://h`?"),
        ("databrick", "did you mean `databricks`?"),
        ("'http://h'", "write `http://h`"),
        ("http://ann:s3cret@h/#/models", "use `http://h`"),
    ],
)
def test_a_misspelt_uri_is_told_with_what_to_write(uri: str, hint: str) -> None:
    wrong = misspelt(uri)
    assert wrong is not None
    assert wrong[1] == hint
    assert "s3cret" not in wrong[0]


@pytest.mark.parametrize(
    "uri",
    [
        "http://h",
        "https://h:443/",
        "http://h/api-gateway/mlflow",
        "http://h/apis",
        "http://ann:pw@h:5000/a/b",
        "http://[::1]:5000",
        "https://adb-1.azuredatabricks.net",
        "sqlite:///a.db",
        "sqlite:////data/a#b.db",
        "postgresql+psycopg://u:p@db/ml",
        "mssql+pyodbc://db/ml",
        "databricks",
        "databricks://profile",
        "databricks-uc://profile:x",
        "uc:https://h",
        "file:///mlruns",
        "./mlruns",
        "mlruns",
        "/data/mlruns",
        "../mlruns.old/x",
        "C:/mlruns",
        "my-plugin://x",
        "http-with-tokens://h",
    ],
)
def test_what_may_be_a_registry_is_left_to_mlflow(uri: str) -> None:
    assert misspelt(uri) is None


@given(st.text())
def test_no_text_is_too_odd_to_be_checked(text: str) -> None:
    misspelt(text)
