"""The schema of `reconciler.yaml`, for validation and for JSON Schema."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Discriminator, Field, Tag, with_config
from typing_extensions import Required, TypedDict

from reconciler.core.settings import VerifyAt
from reconciler.files.schema.file_schema import FileSchema
from reconciler.files.schema.model_schema import ONE_KEY, ServingEntry, one_of_both
from reconciler.files.schema.policy_schema import MOST_POLICIES, OnEntry, PolicyEntry
from reconciler.files.schema.scalar_types import (
    UNIQUE,
    ActiveStage,
    Alias,
    Aliases,
    Bool,
    Globs,
    NonEmpty,
    Uri,
    Uris,
    VariableName,
    each_once,
    rejected,
    shape,
)
from reconciler.files.schema.watch_schema import (
    MOST_RULES,
    FolderWatchEntry,
    SourceEntry,
    countable,
)


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
                AfterValidator(one_of_both),
                Field(json_schema_extra=dict(ONE_KEY)),
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
    bridge: Annotated[
        dict[ActiveStage, Alias],
        Field(
            min_length=1,
            description="Exclusive stages, each with its alias: a version in one has the other.",
            json_schema_extra={"minProperties": 1},
        ),
    ]
    aliases_from_semver: Annotated[
        Bool,
        Field(description="True: the alias `major-2` names the newest 2.x that was promoted."),
    ]
    watch: Annotated[
        list[Annotated[FolderWatchEntry, AfterValidator(countable)]],
        Field(
            max_length=MOST_RULES,
            description="Measurements by which a version that serves fails.",
        ),
    ]


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
        "watch": FolderWatchEntry,
        "source": SourceEntry,
    },
)


def settings_schema() -> dict[str, Any]:
    """Return the JSON Schema of `reconciler.yaml`."""
    return SETTINGS.schema()
