"""The schemas of the two kinds of file, for validation and for JSON Schema.

The values are the texts of a file's scalars, so every leaf is a string here. A key that is absent
from a file is absent from the value: it is not managed.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, ConfigDict, Discriminator, Field, Tag, with_config
from typing_extensions import Required, TypedDict

from reconciler.core.settings import VerifyAt
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
    Digest,
    Globs,
    ModelName,
    ModelTag,
    NonEmpty,
    Reason,
    TagKey,
    Traffic,
    Uri,
    Uris,
    VariableName,
    VersionKey,
    VersionTag,
    each_once,
    rejected,
    shape,
)

_ONE_KEY: Final = {"minProperties": 1, "maxProperties": 1}


def _one_of_both(serving: "ServingEntry") -> "ServingEntry":
    if len(serving) != 1:
        raise rejected(
            "`serving` names either a stage or an alias",
            "write `{stage: Production}` or `{alias: champion}`",
        )
    return serving


def _one_of_both_at_most(serving: "ServingRulesEntry") -> "ServingRulesEntry":
    if not serving or ("stage" in serving and "alias" in serving):
        raise rejected(
            "`serving` names either a stage or an alias",
            "write `serving: {stage: Production}` or `serving: {alias: champion}`; what differs "
            "is below `models`, by glob",
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

    stage: Annotated[
        Stage, Field(description="The stage of this version, with this exact spelling.")
    ]
    aliases: Annotated[Aliases, Field(description="The aliases that point to this version.")]
    traffic: Annotated[
        Traffic,
        Field(description="Its part of the traffic in an A/B test; the parts sum to 1."),
    ]
    tags: Annotated[
        dict[TagKey, VersionTag],
        Field(
            description="Tags of this version. A value is the text as written here.",
            json_schema_extra=dict(TAG_KEYS),
        ),
    ]
    description: Annotated[
        Description, Field(description='Markdown shown with this version; "" clears it.')
    ]
    run_id: Annotated[
        NonEmpty,
        Field(description="Pin: the model is refused when the live version has another run."),
    ]
    source: Annotated[
        NonEmpty,
        Field(description="Pin: the model is refused when the live version has another source."),
    ]
    digest: Annotated[
        Digest,
        Field(
            description="Pin: the model is refused when the digest of all its files is another, "
            "before this version enters Staging or Production or takes an alias."
        ),
    ]
    blocked: Annotated[
        NonEmpty,
        Field(description="Why this version may have no alias, nor be in Staging or Production."),
    ]


@with_config(ConfigDict(extra="forbid", title="Dated consent"))
class AcceptEntry(TypedDict, total=False):
    """Consent, for a limited time, to what a guard or a policy would refuse for this model."""

    guard: Required[Annotated[NonEmpty, Field(description="The name of the guard or the policy.")]]
    until: Required[
        Annotated[Day, Field(description="The last day on which it holds; at most 30 days ahead.")]
    ]
    reason: Required[Annotated[Reason, Field(description="Why it is acceptable.")]]


@with_config(ConfigDict(extra="forbid", title="Serving"))
class ServingEntry(TypedDict, total=False):
    """What "serving" means: the version in a stage, or the version under an alias."""

    stage: Annotated[ActiveStage, Field(description="The stage whose version serves.")]
    alias: Annotated[Alias, Field(description="The alias whose version serves.")]


@with_config(ConfigDict(extra="forbid", title="Registered model"))
class ModelFile(TypedDict, total=False):
    """What git declares for one registered model of an MLflow Model Registry."""

    model: Annotated[
        ModelName,
        Field(description="Name of the registered model; the file's stem by default."),
    ]
    description: Annotated[
        Description, Field(description='Markdown shown with the model; "" clears it.')
    ]
    tags: Annotated[
        dict[TagKey, ModelTag],
        Field(
            description="Tags of the model. A value is the text as written here.",
            json_schema_extra=dict(TAG_KEYS),
        ),
    ]
    versions: Annotated[
        dict[VersionKey, VersionEntry],
        Field(
            description="The versions that git manages, by number.",
            json_schema_extra={"additionalProperties": False},
        ),
    ]
    retired: Annotated[
        Bool, Field(description="True when the model is expected to have no serving version.")
    ]
    hold: Annotated[
        NonEmpty,
        Field(description="Why this model is not written to until this key is removed."),
    ]
    serving: Annotated[
        ServingEntry,
        AfterValidator(_one_of_both),
        Field(
            description="What serving means for this model; by default what the settings say.",
            json_schema_extra=dict(_ONE_KEY),
        ),
    ]
    renamed_from: Annotated[
        ModelName,
        Field(description="The former name of the model, whose history goes on under this one."),
    ]
    accept: Annotated[
        list[AcceptEntry],
        Field(
            max_length=200,
            description="What this model may violate for a limited time, each with a reason.",
        ),
    ]


@with_config(ConfigDict(extra="forbid", title="Registry"))
class RegistryEntry(TypedDict, total=False):
    """The registry that this state folder belongs to."""

    uri: Required[Annotated[Uris, Field(description="Its URI, or several equivalent ones.")]]
    name: Annotated[
        NonEmpty, Field(description="The name in plans and records, instead of the URI.")
    ]
    workspace: Annotated[
        NonEmpty,
        Field(
            description="The workspace of the server, as in MLFLOW_WORKSPACE; on Databricks the "
            "URL of the host."
        ),
    ]


@with_config(ConfigDict(extra="forbid", title="Serving of a folder"))
class ServingRulesEntry(TypedDict, total=False):
    """What "serving" means in a folder, and for the models of a glob."""

    stage: Annotated[ActiveStage, Field(description="The stage whose version serves.")]
    alias: Annotated[Alias, Field(description="The alias whose version serves.")]
    models: Annotated[
        dict[
            NonEmpty,
            Annotated[
                ServingEntry,
                AfterValidator(_one_of_both),
                Field(json_schema_extra=dict(_ONE_KEY)),
            ],
        ],
        Field(
            max_length=200,
            description="Globs for model names, each with what serves there; the first counts.",
        ),
    ]


@with_config(ConfigDict(extra="forbid", title="Guards"))
class GuardsEntry(TypedDict, total=False):
    """What may not be removed without explicit consent."""

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
    """A webhook for applies, by the environment variable that holds its URL."""

    slack: Annotated[
        VariableName, Field(description="The variable with the URL; receives Slack messages.")
    ]
    json: Annotated[
        VariableName, Field(description="The variable with the URL; receives plain JSON.")
    ]


@with_config(ConfigDict(extra="forbid", title="Digests"))
class DigestsEntry(TypedDict, total=False):
    """When the files of versions with a digest are read."""

    verify: Annotated[
        list[VerifyAt],
        Field(
            min_length=1,
            description="The commands that read the files and compare: `plan`, `apply` or both.",
            json_schema_extra={**UNIQUE, "default": ["plan", "apply"]},
        ),
        AfterValidator(each_once),
    ]


@with_config(ConfigDict(extra="forbid", title="Settings of a state folder"))
class SettingsFile(TypedDict, total=False):
    """The settings of a state folder, `reconciler.yaml`."""

    registry: Annotated[
        Annotated[Uri, Tag("(text)")] | Annotated[RegistryEntry, Tag("(mapping)")],
        Discriminator(shape),
        Field(description="The registry that this folder belongs to; any other is refused."),
    ]
    branch: Annotated[
        NonEmpty,
        Field(description="The main line; by default the branch that origin/HEAD names."),
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
        ServingRulesEntry,
        AfterValidator(_one_of_both_at_most),
        Field(
            description="What serving means for guards, rollback, history and audit.",
            json_schema_extra={
                "minProperties": 1,
                "maxProperties": 2,
                "not": {"required": ["stage", "alias"]},
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
    ignore: Annotated[IgnoreEntry, Field(description="What is ignored, besides the defaults.")]
    policies: Annotated[
        list[PolicyEntry],
        Field(
            max_length=MOST_POLICIES,
            description="Rules that versions must meet to enter a stage or take an alias.",
        ),
    ]
    apply: Annotated[
        Literal["approved", "fresh"],
        Field(
            description="What `ci apply` writes: what a pull request showed, or all declared.",
            json_schema_extra={"default": "approved"},
        ),
    ]
    heal: Annotated[
        Bool,
        Field(description="True when `ci apply` reverts drift of unchanged models too."),
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
            description="Webhooks that are notified of every model that an apply changed.",
            json_schema_extra=dict(UNIQUE),
        ),
    ]
    digests: Annotated[
        DigestsEntry, Field(description="How the digests that versions declare are checked.")
    ]


MODEL = FileSchema(
    ModelFile, {"versions": VersionEntry, "serving": ServingEntry, "accept": AcceptEntry}
)
SETTINGS = FileSchema(
    SettingsFile,
    {
        "registry": RegistryEntry,
        "serving": ServingRulesEntry,
        "guards": GuardsEntry,
        "ignore": IgnoreEntry,
        "policies": PolicyEntry,
        "on": OnEntry,
        "notify": NotifyEntry,
        "digests": DigestsEntry,
    },
)


def model_schema() -> dict[str, Any]:
    """Return the JSON Schema of a model file."""
    return MODEL.schema()


def settings_schema() -> dict[str, Any]:
    """Return the JSON Schema of `reconciler.yaml`."""
    return SETTINGS.schema()
