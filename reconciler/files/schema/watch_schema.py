"""The schema of the entries of `watch:`, in the settings and in a model's file."""

import re
from typing import Annotated, Final, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, WithJsonSchema, with_config
from typing_extensions import Required, TypedDict

from reconciler.core.declaring.watch import WatchMode
from reconciler.core.durations import parse_duration
from reconciler.files.schema.name_rules import Broken, quoted
from reconciler.files.schema.scalar_types import (
    Globs,
    NonEmpty,
    must,
    readable,
    rejected,
)

WatchT = TypeVar("WatchT", bound="WatchEntry")

MOST_RULES: Final = 20
LARGEST_WINDOW: Final = 50
_NAME: Final = "[a-z0-9][a-z0-9-]*"
_COUNTS: Final = r"([1-9][0-9]?) of ([1-9][0-9]?)"
_VARIABLE: Final = "[A-Za-z_][A-Za-z0-9_]{0,254}"
# Whoever writes a model's file chooses the server that a token is sent to.
_OWN_TOKENS: Final = ("MLFLOW_", "RECONCILER_", "DATABRICKS_", "AWS_", "AZURE_", "GOOGLE_")
_TOKENS_OF_CI: Final = ("GITHUB_", "GH_", "ACTIONS_", "GITLAB_", "CI_", "GIT_")
_ANY_HOST: Final = r"(^|\.)\$model$"  # a name alone may also be an address in one number
_KINDS: Final = ("prometheus", "json", "metric")
# Each kind of source, with the keys that it needs and those that it may have.
_NEEDS: Final = {"prometheus": {"query"}, "json": {"value"}, "metric": set[str]()}
_MAY_HAVE: Final = {
    "prometheus": {"samples", "token"},
    "json": {"samples", "time", "token"},
    "metric": {"samples", "experiment"},
}


def _name(text: str) -> Broken | None:
    if re.fullmatch(_NAME, text):
        return None
    rule = "only lower-case letters, digits and `-` are allowed"
    return Broken(f"{quoted(text)} is not a rule's name: {rule}", "rename the rule")


def _address(text: str) -> Broken | None:
    hint = "write it like `https://prometheus.example.com`"
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https"):
        return Broken(f"{quoted(text)} is not an http or https URL", hint)
    if "@" in parts.netloc:
        # The file is public to all who read the repository, so the text is not repeated.
        return Broken("a URL in a file holds no credentials", "name a variable with `token:`")
    if re.search(_ANY_HOST, host):
        rule = "lets whoever names a model choose the server"
        return Broken(f"{quoted(text)} {rule}", "write it like `https://$model.example.com`")
    return None


def _token(text: str) -> Broken | None:
    if not re.fullmatch(_VARIABLE, text):
        # It may be a token, so the text is not repeated.
        hint = "write the name of one, and put the token into it; revoke a token that was pushed"
        return Broken("`token` is not the name of an environment variable", hint)
    if text.upper().startswith((*_OWN_TOKENS, *_TOKENS_OF_CI)):
        rule = "is sent to the registry, the forge or a cloud only"
        return Broken(f"{quoted(text)} {rule}", "give the source a token of its own")
    return None


def _place(text: str) -> Broken | None:
    if "://" in text:
        return _address(text)
    if text.startswith("/") or ".." in text.split("/"):
        hint = "write a path from the repository's root, or a URL"
        return Broken(f"{quoted(text)} leads out of the repository", hint)
    return None


def _counts(text: str) -> Broken | None:
    hint = "write it like `3 of 5`: how many of the last looks"
    match = re.fullmatch(_COUNTS, text)
    if match is None:
        return Broken(f"{quoted(text)} does not say how many looks of how many", hint)
    needed, window = int(match[1]), int(match[2])
    if needed > window:
        return Broken(f"{quoted(text)} can never be: {needed} is more than {window}", hint)
    if window > LARGEST_WINDOW:
        return Broken(f"{quoted(text)} needs more than {LARGEST_WINDOW} looks", hint)
    return None


def parse_counts(text: str) -> tuple[int, int]:
    """Return the two numbers of a text like `3 of 5` that the schema accepted."""
    needed, _, window = text.partition(" of ")
    return int(needed), int(window)


def _samples(text: object) -> object:
    if not isinstance(text, str):
        return text
    if not re.fullmatch("[1-9][0-9]{0,8}", text):
        raise rejected(f"{quoted(text)} is not a number of samples", "write a whole number from 1")
    return int(text)


def _one_kind(source: "SourceEntry") -> "SourceEntry":
    kinds = [kind for kind in _KINDS if kind in source]
    if len(kinds) != 1:
        raise rejected(
            "`source` has one of `prometheus`, `json` and `metric`",
            "write `{prometheus: URL, query: …}`, `{json: URL, value: KEY}` or `{metric: NAME}`",
        )
    kind, keys = kinds[0], set(source) - {kinds[0]}
    for key in sorted(_NEEDS[kind] - keys):
        raise rejected(f"a `source` with `{kind}` needs `{key}`", f"add `{key}`")
    for key in sorted(keys - _NEEDS[kind] - _MAY_HAVE[kind]):
        raise rejected(f"a `source` with `{kind}` has no `{key}`", f"take out `{key}`")
    return source


def countable(rule: WatchT) -> WatchT:
    """Refuse a rule that asks for samples which its source does not tell."""
    if "min_samples" in rule and "samples" not in rule["source"]:
        raise rejected(
            "`min_samples` needs a source that tells how many samples there are",
            "add `samples` to `source`, or take out `min_samples`",
        )
    return rule


_Duration = Annotated[NonEmpty, Field(max_length=60), readable(parse_duration)]


@with_config(
    ConfigDict(
        extra="forbid",
        title="Source of a measurement",
        json_schema_extra={"oneOf": [{"required": [kind]} for kind in _KINDS]},
    )
)
class SourceEntry(TypedDict, total=False):
    """Where a value comes from: Prometheus, a JSON document, or a metric of an MLflow run."""

    prometheus: Annotated[
        NonEmpty, must(_address), Field(description="The URL of a Prometheus server.")
    ]
    query: Annotated[
        NonEmpty,
        Field(
            max_length=10_000,
            description="The query, whose result is one number; `$model` and `$version` stand for "
            "the version that serves.",
        ),
    ]
    json: Annotated[
        NonEmpty,
        must(_place),
        Field(
            max_length=2_000,
            description="The URL of a JSON document, or its path in the repository; `$model` and "
            "`$version` stand for the version that serves.",
        ),
    ]
    value: Annotated[NonEmpty, Field(description="Where the value is: keys, separated by dots.")]
    time: Annotated[
        NonEmpty, Field(description="Where the time of the value is: keys, separated by dots.")
    ]
    metric: Annotated[
        NonEmpty,
        Field(
            max_length=250,
            description="A metric of an MLflow run: the version's own, or one of `experiment`.",
        ),
    ]
    experiment: Annotated[
        NonEmpty,
        Field(
            max_length=500,
            description="The experiment whose newest run with the tags `model` and `version` has "
            "the metric.",
        ),
    ]
    samples: Annotated[
        NonEmpty,
        Field(
            max_length=10_000,
            description="How many samples the value is made of: a query, keys or a metric, as the "
            "value is.",
        ),
    ]
    token: Annotated[
        str,
        Field(
            description="The environment variable with a bearer token.",
            json_schema_extra={"pattern": f"^{_VARIABLE}$"},
        ),
        must(_token),
    ]


# `for` is a word of Python, which a class cannot have as an attribute.
_Counted = TypedDict(
    "_Counted",
    {
        "for": Annotated[
            str,
            Field(
                description="How many of the last looks must fail, like `3 of 5`.",
                json_schema_extra={"pattern": f"^{_COUNTS}$", "default": "3 of 5"},
            ),
            must(_counts),
        ]
    },
    total=False,
)


@with_config(ConfigDict(extra="forbid", title="Rule of a watch"))
class WatchEntry(_Counted, total=False):
    """When a version that serves fails, by a value that is measured while it serves."""

    name: Required[
        Annotated[
            str,
            Field(
                max_length=100,
                description="Its name in reports and pull requests.",
                json_schema_extra={"pattern": f"^{_NAME}$"},
            ),
            must(_name),
        ]
    ]
    source: Required[
        Annotated[
            SourceEntry, AfterValidator(_one_kind), Field(description="Where the value comes from.")
        ]
    ]
    fail: Required[
        Annotated[
            NonEmpty,
            Field(
                description="A condition in CEL over `value`, `baseline` and `samples` that is "
                "true when the version fails."
            ),
        ]
    ]
    grace: Annotated[
        _Duration,
        Field(
            description="How long after an apply nothing counts.",
            json_schema_extra={"default": "15m"},
        ),
    ]
    cooldown: Annotated[
        _Duration,
        Field(
            description="The least time between two proposals for a model.",
            json_schema_extra={"default": "24h"},
        ),
    ]
    max_age: Annotated[
        _Duration,
        Field(
            description="The greatest age of a measurement; an older one counts as none.",
            json_schema_extra={"default": "1h"},
        ),
    ]
    min_samples: Annotated[
        int,
        BeforeValidator(_samples),
        WithJsonSchema({"type": "integer", "minimum": 1}),
        Field(description="A value of fewer samples counts as none."),
    ]
    baseline: Annotated[
        _Duration,
        Field(
            description="How long before the promotion the values of the incumbent count for "
            "`baseline`.",
            json_schema_extra={"default": "24h"},
        ),
    ]
    mode: Annotated[
        WatchMode,
        Field(
            description="`propose` opens the rollback; `observe` only says that it would.",
            json_schema_extra={"default": "propose"},
        ),
    ]


@with_config(ConfigDict(extra="forbid", title="Rule of a watch, for models"))
class FolderWatchEntry(WatchEntry, total=False):
    """A rule of a watch in the settings, for all models or for those of globs."""

    models: Annotated[
        Globs, Field(min_length=1, description="Globs for model names; all by default.")
    ]
