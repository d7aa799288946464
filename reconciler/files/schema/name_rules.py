"""The rules for names: which model names, aliases, tag keys, dates and URIs are valid.

Each rule returns the broken rule and the remedy, or None when the text is valid.
"""

import posixpath
import re
from datetime import date
from functools import lru_cache
from typing import Final, NamedTuple

from reconciler.core.state import STAGES
from reconciler.core.uris import misspelt

LAST_VERSION: Final = 2_147_483_647


class Broken(NamedTuple):
    """The rule that a text breaks, in words, and the remedy."""

    rule: str
    hint: str


_LONGEST_QUOTE = 60
_LONGEST_URI: Final = 2_000  # the search for a password takes quadratic time


def quoted(text: str) -> str:
    """Return a text between backticks, cut where it is long."""
    cut = text if len(text) <= _LONGEST_QUOTE else f"{text[: _LONGEST_QUOTE - 1]}…"
    return f"`{cut}`"


def model_name(name: str) -> Broken | None:
    """Check the name of a registered model."""
    hint = "write `model:` with the name of the registered model"
    if not name.strip():
        return Broken("a model name may not be blank", hint)
    if "/" in name or ":" in name:
        return Broken(
            f"{quoted(name)} is not a model name: MLflow allows neither `/` nor `:`", hint
        )
    if not _is_normal_path(name):
        return Broken(f"{quoted(name)} is not a model name: MLflow reads it as a path", hint)
    return None


@lru_cache(maxsize=4096)  # Thousands of files share a few aliases.
def alias(name: str) -> Broken | None:
    """Check an alias; unlike MLflow's own check, refuse a trailing line break."""
    hint = "rename the alias"
    if not name:
        return Broken("an alias may not be empty", "write a name, or remove the item")
    if not re.fullmatch(r"[\w\-]+", name):
        rule = "only letters, digits, `_` and `-` are allowed"
        return Broken(f"{quoted(name)} is not an alias: {rule}", hint)
    if name.lower() == "latest" or re.fullmatch(r"[vV]\d+", name):
        rule = "`latest`, and `v` before a number, mean versions"
        return Broken(f"alias {quoted(name)} is reserved by MLflow: {rule}", hint)
    return None


@lru_cache(maxsize=4096)
def tag_key(key: str) -> Broken | None:
    """Check the key of a tag."""
    hint = "rename the tag"
    if not key:
        return Broken("the key of a tag may not be empty", "write a key, or remove the tag")
    if not re.fullmatch(r"[/\w.\- :]+", key):
        rule = "only letters, digits, space and any of `_-.:/` are allowed"
        return Broken(f"{quoted(key)} is not a tag key: {rule}", hint)
    if not _is_normal_path(key):
        rule = "MLflow reads it as a path, and allows no `.`, `..`, `//` or `/` at an end"
        return Broken(f"{quoted(key)} is not a tag key: {rule}", hint)
    return None


def version_number(digits: str) -> Broken | None:
    """Check the size of a version number."""
    if len(digits) <= len(str(LAST_VERSION)) and int(digits) <= LAST_VERSION:
        return None
    rule = f"{quoted(digits)} is not a version number: the highest is {LAST_VERSION}"
    return Broken(rule, "write the number of a version that exists")


def traffic(text: str) -> Broken | None:
    """Check a part of the traffic; with at most ten decimals the sum is exact."""
    if re.fullmatch(r"0(\.[0-9]{1,10})?|1(\.0{1,10})?", text):
        return None
    rule = f"{quoted(text)} is not a part of the traffic: a plain decimal from 0 to 1"
    return Broken(rule, "write it like `0.1`, with at most ten decimals")


def day(text: str) -> Broken | None:
    """Check a date."""
    hint = "write it as YYYY-MM-DD"
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return Broken(f"{quoted(text)} is not a date", hint)
    try:
        date.fromisoformat(text)
    except ValueError as error:
        return Broken(f"{quoted(text)} is not a date: {error}", hint)
    return None


def loads(text: str) -> Broken | None:
    """Check what a consumer loads: an alias after `@`, a stage, or the number of a version."""
    hint = 'write `"@champion"`, `Production` or `3`'
    if text.startswith("@"):
        return alias(text[1:])
    if text in STAGES:
        return None
    if re.fullmatch(r"[1-9][0-9]*", text):
        return version_number(text)
    near = next((stage for stage in STAGES if stage.lower() == text.lower()), None)
    rule = f"{quoted(text)} is not an alias, a stage or a version"
    return Broken(rule, f"did you mean {quoted(near)}?" if near else hint)


def not_blank(text: str) -> Broken | None:
    """Check that a text for people is not blank."""
    return None if text.strip() else Broken("a text may not be blank", "say why")


def without_password(uri: str) -> Broken | None:
    """Check that a registry's URI has no password; the message never repeats the URI."""
    if len(uri) > _LONGEST_URI:
        return Broken(f"a registry URI has at most {_LONGEST_URI:,} characters", "shorten it")
    # Only the colon of a port, before a path, may come before a later `@`.
    if not re.search(r"://[^@/:]*:(?!\d{1,5}/)[^@]*@|[?&;]password=", uri, re.IGNORECASE):
        return None
    return Broken(
        "a registry URI with a password does not belong in a file",
        "write the URI without it, and set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD "
        "(for a database: the full URI in MLFLOW_REGISTRY_URI)",
    )


def registry_uri(uri: str) -> Broken | None:
    """Check a registry's URI; a message repeats it only once it is known to have no password."""
    wrong = without_password(uri)
    if wrong is not None:
        return wrong
    found = misspelt(uri)
    return Broken(*found) if found else None


def secret_variable(text: str) -> Broken | None:
    """Check the name of a variable for a secret URL; the message never repeats it."""
    hint = "write the name of an environment variable, and put the URL into that variable"
    if re.search(r"[:/.]", text):
        rule = "the URL of a webhook is a secret and does not belong in a file"
        return Broken(rule, f"{hint}; if it was pushed, replace the webhook")
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,254}", text):
        return Broken("this is not the name of an environment variable", hint)
    return None


def _is_normal_path(name: str) -> bool:
    """Return whether a name, read as a path by MLflow, is already in normal form."""
    return posixpath.normpath(name) == name and name != "." and not name.startswith(("..", "/"))
