"""Registry URIs are shown without credentials and compared by where they lead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.uris import safe_uri, same_registry, scheme_of


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
