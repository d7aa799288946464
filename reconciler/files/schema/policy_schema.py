"""The schema of the entries of `policies:`, each with exactly one requirement."""

import re
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
    with_config,
)
from typing_extensions import Required, TypedDict

from reconciler.core.durations import parse_duration
from reconciler.core.policies import MAX_APPROVALS
from reconciler.core.state import Stage
from reconciler.files.schema.name_rules import Broken, quoted
from reconciler.files.schema.scalar_types import (
    UNIQUE,
    ActiveStage,
    Alias,
    Aliases,
    Bool,
    Globs,
    NonEmpty,
    each_once,
    must,
    readable,
    rejected,
    shape,
)
from reconciler.policy.freeze_windows import parse_freeze
from reconciler.policy.guards import DIRTY, GUARDS

REQUIREMENTS: Final = (
    "require",
    "transitions",
    "soak",
    "freeze",
    "lineage",
    "signature",
    "digest",
    "semver",
    "inventory",
    "approvals",
    "self_approval",
)

_NAME: Final = "[a-z0-9][a-z0-9-]*"
_LINEAGE: Final = r"(params|tags|run\.tags)\..+"
MOST_POLICIES: Final = 200


def _name(text: str) -> Broken | None:
    if not re.fullmatch(_NAME, text):
        rule = "only lower-case letters, digits and `-` are allowed"
        return Broken(f"{quoted(text)} is not a policy's name: {rule}", "rename the policy")
    if text in (*GUARDS, DIRTY):
        return Broken(f"{quoted(text)} is the name of a guard", "rename the policy")
    return None


def _lineage(text: str) -> Broken | None:
    if re.fullmatch(_LINEAGE, text):
        return None
    hint = "write `params.NAME`, `tags.NAME` (of the version) or `run.tags.NAME`"
    return Broken(f"{quoted(text)} does not say where the name is looked up", hint)


def _count(text: object) -> object:
    if not isinstance(text, str):
        return text
    if not re.fullmatch("[1-9][0-9]?", text) or int(text) > MAX_APPROVALS:
        rule = f"{quoted(text)} is not a number of approvals"
        raise rejected(rule, f"write a whole number from 1 to {MAX_APPROVALS}")
    return int(text)


def _yes(value: bool) -> bool:  # noqa: FBT001  pydantic passes it by position
    if not value:
        raise rejected("this rule can only be `true`", "leave the rule out")
    return value


def _no(value: bool) -> bool:  # noqa: FBT001  pydantic passes it by position
    if value:
        raise rejected("self-approval can only be forbidden", "leave the rule out")
    return value


_ActiveStages = Annotated[
    Annotated[ActiveStage, Tag("(text)")]
    | Annotated[
        list[ActiveStage],
        Field(min_length=1, json_schema_extra=dict(UNIQUE)),
        AfterValidator(each_once),
        Tag("(list)"),
    ],
    Discriminator(shape),
]
_Aliases = Annotated[
    Annotated[Alias, Tag("(text)")] | Annotated[Aliases, Field(min_length=1), Tag("(list)")],
    Discriminator(shape),
]


@with_config(ConfigDict(extra="forbid", title="When a policy is evaluated"))
class OnEntry(TypedDict, total=False):
    """The transitions for which a policy is evaluated."""

    stage: Annotated[_ActiveStages, Field(description="A stage that a version enters, or several.")]
    alias: Annotated[_Aliases, Field(description="An alias that a version takes, or several.")]
    models: Annotated[
        Globs, Field(min_length=1, description="Globs for model names; all by default.")
    ]


@with_config(
    ConfigDict(
        extra="forbid",
        title="Policy",
        json_schema_extra={"oneOf": [{"required": [key]} for key in REQUIREMENTS]},
    )
)
class PolicyEntry(TypedDict, total=False):
    """A rule that versions must meet before they enter a stage or take an alias."""

    name: Required[
        Annotated[
            str,
            Field(
                max_length=100,
                description="Its name in `--accept` and in reports.",
                json_schema_extra={"pattern": f"^{_NAME}$"},
            ),
            must(_name),
        ]
    ]
    on: Annotated[
        OnEntry,
        Field(description="When it is evaluated; by default, when a version starts to serve."),
    ]
    require: Annotated[NonEmpty, Field(description="A condition in CEL that must be true.")]
    transitions: Annotated[
        list[Stage],
        Field(
            min_length=2,
            description="Stages in order: each is entered from the one before it only.",
            json_schema_extra=dict(UNIQUE),
        ),
        AfterValidator(each_once),
    ]
    soak: Annotated[
        NonEmpty,
        Field(max_length=60),
        readable(parse_duration),
        Field(description="The least time in the previous stage, like `24h`."),
    ]
    freeze: Annotated[
        NonEmpty,
        Field(max_length=200),
        readable(parse_freeze),
        Field(description="When changes are refused, like `Fri 16:00 - Mon 08:00 Europe/Berlin`."),
    ]
    lineage: Annotated[
        list[Annotated[str, Field(json_schema_extra={"pattern": f"^{_LINEAGE}$"}), must(_lineage)]],
        Field(
            min_length=1,
            description="Names that need a value: `params.X`, `tags.X` or `run.tags.X`.",
            json_schema_extra=dict(UNIQUE),
        ),
        AfterValidator(each_once),
    ]
    signature: Annotated[
        Literal["required", "compatible"],
        Field(description="Required, or compatible with the input of the incumbent too."),
    ]
    digest: Annotated[
        Literal["required"],
        Field(description="Required: the version's entry declares the digest of its files."),
    ]
    semver: Annotated[
        Bool,
        AfterValidator(_yes),
        WithJsonSchema({"const": True}),
        Field(description="True: its semantic version rises as its signature needs it to."),
    ]
    inventory: Annotated[
        Bool,
        AfterValidator(_yes),
        WithJsonSchema({"const": True}),
        Field(description="True: the model has a complete `inventory`, and its review holds."),
    ]
    approvals: Annotated[
        int,
        BeforeValidator(_count),
        WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MAX_APPROVALS}),
        Field(description="How many people must have approved, confirmed by the forge."),
    ]
    self_approval: Annotated[
        Bool,
        AfterValidator(_no),
        WithJsonSchema({"const": False}),
        Field(description="False: somebody other than the author must have approved."),
    ]
    enforce: Annotated[
        Literal["deny", "warn"],
        Field(
            description="Whether a violation stops the run, or is only reported.",
            json_schema_extra={"default": "deny"},
        ),
    ]
    message: Annotated[
        NonEmpty, Field(max_length=1_000, description="What to do about a violation.")
    ]
