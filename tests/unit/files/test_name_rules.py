"""What our rules take as a name, an alias or a tag key is what MLflow takes."""

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st
from mlflow.exceptions import MlflowException
from mlflow.utils.validation import (
    _validate_model_alias_name,
    _validate_model_alias_name_reserved,
    _validate_model_name,
    _validate_tag_name,
)

from reconciler.files.schema import name_rules

odd_texts = st.one_of(
    st.text(max_size=8),
    st.text("aV1/.:-_ \n", max_size=6),
    st.from_regex(r"[vV]?\d+\n?|latest|LATEST", fullmatch=True),
)


def is_taken(text: str, *checks: Callable[[str], None]) -> bool:
    """Return whether MLflow's own checks let a text through."""
    try:
        for check in checks:
            check(text)
    except MlflowException:
        return False
    return True


@settings(max_examples=300)
@given(odd_texts)
def test_a_model_name_is_what_mlflow_takes(text: str) -> None:
    assert (name_rules.model_name(text) is None) == is_taken(text, _validate_model_name)


@settings(max_examples=300)
@given(odd_texts.filter(lambda text: not text.endswith("\n")))
def test_aliases_and_tag_keys_are_what_mlflow_takes(text: str) -> None:
    mlflows = is_taken(text, _validate_model_alias_name, _validate_model_alias_name_reserved)
    assert (name_rules.alias(text) is None) == mlflows
    assert (name_rules.tag_key(text) is None) == (bool(text) and is_taken(text, _validate_tag_name))


def test_a_line_break_at_the_end_is_refused_where_mlflow_lets_it_through() -> None:
    assert is_taken("prod\n", _validate_model_alias_name, _validate_tag_name)
    assert name_rules.alias("prod\n") is not None
    assert name_rules.tag_key("prod\n") is not None
