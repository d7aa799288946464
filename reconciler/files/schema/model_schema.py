"""The two kinds of file as pydantic types: one definition behind validation and JSON Schema.

What a file says reaches these types as the text of its scalars, so every leaf is a string here.
A key that is absent from a file is absent from the value: absent means not managed.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Discriminator, Field, Tag, with_config
from typing_extensions import Required, TypedDict

from reconciler.core.state import Stage
from reconciler.files.schema.file_schema import FileSchema
from reconciler.files.schema.policy_schema import MOST_POLICIES, OnEntry, PolicyEntry
from reconciler.files.schema.scalar_types import (
    TAG_KEYS,
    UNIQUE,
    ActiveStage,
    Alias,
    Aliases,
    Bool,
    Day,
    Description,
    Globs,
    ModelName,
    ModelTag,
    NonEmpty,
    Reason,
    TagKey,
    Traffic,
    Uri,
    Uris,
    Variable,
    VersionKey,
    VersionTag,
    each_once,
    rejected,
    shape,
)


def _one_of_both(serving: "ServingEntry") -> "ServingEntry":
    if len(serving) != 1:
        raise rejected(
            "`serving` names either a stage or an alias",
            "write `serving: {stage: Production}` or `serving: {alias: champion}`",
        )
    return serving


def _one_form(webhook: "NotifyEntry") -> "NotifyEntry":
    if len(webhook) != 1:
        raise rejected(
            "a webhook has one form, `slack` or `json`",
            "write `{slack: SLACK_WEBHOOK_URL}` or `{json: AUDIT_WEBHOOK_URL}`",
        )
    return webhook


def _each_webhook_once(webhooks: list["NotifyEntry"]) -> list["NotifyEntry"]:
    each_once([str(variable) for webhook in webhooks for variable in webhook.values()])
    return webhooks


@with_config(ConfigDict(extra="forbid", title="Model version"))
class VersionEntry(TypedDict, total=False):
    """What is declared for one version; a key that is left out is not managed."""

    stage: Annotated[Stage, Field(description="The stage of this version, spelled exactly so.")]
    aliases: Annotated[Aliases, Field(description="The aliases that resolve to this version.")]
    traffic: Annotated[
        Traffic,
        Field(description="Its part of the traffic in an A/B test; the parts sum to 1."),
    ]
    tags: Annotated[
        dict[TagKey, VersionTag],
        Field(
            description="Tags of this version. A value is the text as it is written here.",
            json_schema_extra=dict(TAG_KEYS),
        ),
    ]
    description: Annotated[
        Description, Field(description='Markdown shown with this version; "" clears it.')
    ]
    run_id: Annotated[
        NonEmpty,
        Field(description="Pin: refused when the live version comes from another run."),
    ]
    source: Annotated[
        NonEmpty,
        Field(description="Pin: refused when the live version has another source."),
    ]
    blocked: Annotated[
        NonEmpty,
        Field(description="Why this version may be neither in Staging or Production nor aliased."),
    ]


@with_config(ConfigDict(extra="forbid", title="Dated consent"))
class AcceptEntry(TypedDict, total=False):
    """Consent to what a guard or a policy would refuse for this model, for a while."""

    guard: Required[Annotated[NonEmpty, Field(description="The name of the guard or the policy.")]]
    until: Required[
        Annotated[Day, Field(description="The last day that it holds; at most 30 days ahead.")]
    ]
    reason: Required[Annotated[Reason, Field(description="Why it is fine.")]]


@with_config(ConfigDict(extra="forbid", title="Registered model"))
class ModelFile(TypedDict, total=False):
    """What git declares for one registered model of an MLflow Model Registry."""

    model: Annotated[
        ModelName,
        Field(description="Name of the registered model; the file's stem when it is left out."),
    ]
    description: Annotated[
        Description, Field(description='Markdown shown with the model; "" clears it.')
    ]
    tags: Annotated[
        dict[TagKey, ModelTag],
        Field(
            description="Tags of the model. A value is the text as it is written here.",
            json_schema_extra=dict(TAG_KEYS),
        ),
    ]
    versions: Annotated[
        dict[VersionKey, VersionEntry],
        Field(
            description="The versions that git speaks for, by number.",
            json_schema_extra={"additionalProperties": False},
        ),
    ]
    retired: Annotated[
        Bool, Field(description="True when no serving version is expected any more.")
    ]
    hold: Annotated[
        NonEmpty,
        Field(description="Why nothing is written for this model until this key is removed."),
    ]
    accept: Annotated[
        list[AcceptEntry],
        Field(
            max_length=200,
            description="What this model may violate for a while, each by name and with why.",
        ),
    ]


@with_config(ConfigDict(extra="forbid", title="Registry"))
class RegistryEntry(TypedDict, total=False):
    """The registry that this state folder belongs to."""

    uri: Required[Annotated[Uris, Field(description="Its URI, or several equivalent ones.")]]
    name: Annotated[
        NonEmpty, Field(description="The name that plans and records use instead of the URI.")
    ]


@with_config(ConfigDict(extra="forbid", title="Serving"))
class ServingEntry(TypedDict, total=False):
    """What "serving" means: the version in a stage, or the version under an alias."""

    stage: Annotated[ActiveStage, Field(description="The stage whose version serves.")]
    alias: Annotated[Alias, Field(description="The alias whose version serves.")]


@with_config(ConfigDict(extra="forbid", title="Guards"))
class GuardsEntry(TypedDict, total=False):
    """What may not be lost without saying so."""

    aliases: Annotated[Aliases, Field(description="Aliases that may not end up on no version.")]


@with_config(ConfigDict(extra="forbid", title="Ignore"))
class IgnoreEntry(TypedDict, total=False):
    """Globs for what is never read, imported, compared or removed."""

    models: Annotated[Globs, Field(description="Globs for model names.")]
    tags: Annotated[
        Globs, Field(description="Globs for tag keys, besides mlflow.* and reconciler.*.")
    ]
    aliases: Annotated[Globs, Field(description="Globs for aliases.")]


@with_config(ConfigDict(extra="forbid", title="Webhook"))
class NotifyEntry(TypedDict, total=False):
    """Who is told of what was applied, by the environment variable that holds the URL."""

    slack: Annotated[Variable, Field(description="The variable with the URL; told as Slack is.")]
    json: Annotated[Variable, Field(description="The variable with the URL; told in plain JSON.")]


@with_config(ConfigDict(extra="forbid", title="Settings of a state folder"))
class SettingsFile(TypedDict, total=False):
    """The settings of a state folder, `reconciler.yaml`."""

    registry: Annotated[
        Annotated[Uri, Tag("(text)")] | Annotated[RegistryEntry, Tag("(mapping)")],
        Discriminator(shape),
        Field(description="The registry this folder belongs to; any other one is refused."),
    ]
    branch: Annotated[
        NonEmpty,
        Field(description="The main line; what origin/HEAD names when it is left out."),
    ]
    exclusive: Annotated[
        list[ActiveStage],
        AfterValidator(each_once),
        Field(
            description="Stages that hold one version of a model.",
            json_schema_extra={**UNIQUE, "default": ["Production"]},
        ),
    ]
    serving: Annotated[
        ServingEntry,
        AfterValidator(_one_of_both),
        Field(
            description="What serving means for guards, rollback, history and audit.",
            json_schema_extra={
                "minProperties": 1,
                "maxProperties": 1,
                "default": {"stage": "Production"},
            },
        ),
    ]
    guards: Annotated[
        GuardsEntry,
        Field(
            description="Losses that are refused unless the run accepts them by name.",
            json_schema_extra={"default": {"aliases": ["champion"]}},
        ),
    ]
    ignore: Annotated[
        IgnoreEntry, Field(description="What is none of our business, besides the defaults.")
    ]
    policies: Annotated[
        list[PolicyEntry],
        Field(
            max_length=MOST_POLICIES,
            description="What versions must meet before they enter a stage or take an alias.",
        ),
    ]
    apply: Annotated[
        Literal["approved", "fresh"],
        Field(
            description="What `ci apply` writes: what a pull request showed, or what is declared.",
            json_schema_extra={"default": "approved"},
        ),
    ]
    heal: Annotated[
        Bool,
        Field(description="True when `ci apply` puts back what drifted of unchanged models, too."),
    ]
    notify: Annotated[
        list[
            Annotated[
                NotifyEntry,
                AfterValidator(_one_form),
                Field(json_schema_extra={"minProperties": 1, "maxProperties": 1}),
            ]
        ],
        AfterValidator(_each_webhook_once),
        Field(
            max_length=10,
            description="Webhooks that are told of every model that an apply changed.",
            json_schema_extra=dict(UNIQUE),
        ),
    ]


MODEL = FileSchema(ModelFile, {"versions": VersionEntry, "accept": AcceptEntry})
SETTINGS = FileSchema(
    SettingsFile,
    {
        "registry": RegistryEntry,
        "serving": ServingEntry,
        "guards": GuardsEntry,
        "ignore": IgnoreEntry,
        "policies": PolicyEntry,
        "on": OnEntry,
        "notify": NotifyEntry,
    },
)


def model_schema() -> dict[str, Any]:
    """Return the JSON Schema of a model file."""
    return MODEL.schema()


def settings_schema() -> dict[str, Any]:
    """Return the JSON Schema of `reconciler.yaml`."""
    return SETTINGS.schema()
