"""The schema of a model file, for validation and for JSON Schema.

The values are the texts of a file's scalars, so every leaf is a string here. A key that is absent
from a file is absent from the value: it is not managed.
"""

from typing import Annotated, Any, Final

from pydantic import AfterValidator, ConfigDict, Field, with_config
from typing_extensions import Required, TypedDict

from reconciler.core.state import Stage
from reconciler.files.schema.file_schema import FileSchema
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
    Loads,
    ModelName,
    ModelTag,
    NonEmpty,
    Reason,
    SemVer,
    TagKey,
    Traffic,
    VersionKey,
    VersionTag,
    each_once,
    rejected,
)
from reconciler.files.schema.watch_schema import MOST_RULES, SourceEntry, WatchEntry, countable

ONE_KEY: Final = {"minProperties": 1, "maxProperties": 1}


def one_of_both(serving: "ServingEntry") -> "ServingEntry":
    """Refuse a `serving` with a stage and an alias, or neither."""
    if len(serving) != 1:
        raise rejected(
            "`serving` names either a stage or an alias",
            "write `{stage: Production}` or `{alias: champion}`",
        )
    return serving


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
    semver: Annotated[
        SemVer,
        Field(description="Its semantic version, which is written as the tag `semver`, too."),
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


@with_config(ConfigDict(extra="forbid", title="Consumer"))
class ConsumerEntry(TypedDict, total=False):
    """A program that loads this model."""

    name: Required[Annotated[NonEmpty, Field(max_length=250, description="Its name.")]]
    owner: Annotated[NonEmpty, Field(max_length=250, description="The team that it belongs to.")]
    loads: Required[
        Annotated[
            Loads,
            Field(description="What it loads: an alias (`@champion`), a stage, or a version."),
        ]
    ]
    code: Annotated[
        NonEmpty, Field(max_length=2_000, description="Where its code is: a URL or a path.")
    ]


@with_config(ConfigDict(extra="forbid", title="Inventory"))
class InventoryEntry(TypedDict, total=False):
    """What an inventory of models needs to know; nothing of it is written to the registry."""

    owner: Annotated[NonEmpty, Field(max_length=250, description="The team that answers for it.")]
    purpose: Annotated[NonEmpty, Field(max_length=5_000, description="What it is used for.")]
    tier: Annotated[
        NonEmpty, Field(max_length=250, description="How much depends on it, in your own words.")
    ]
    review_by: Annotated[Day, Field(description="The last day until which its review holds.")]
    contacts: Annotated[
        list[Annotated[NonEmpty, Field(max_length=250)]],
        Field(
            max_length=100,
            json_schema_extra=dict(UNIQUE),
            description="Addresses or channels of people who answer questions about it.",
        ),
        AfterValidator(each_once),
    ]


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
        AfterValidator(one_of_both),
        Field(
            description="What serving means for this model; by default what the settings say.",
            json_schema_extra=dict(ONE_KEY),
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
    consumers: Annotated[
        list[ConsumerEntry],
        Field(max_length=1_000, description="The programs that load this model."),
    ]
    inventory: Annotated[
        InventoryEntry,
        Field(description="Who answers for this model, what it is for, and its next review."),
    ]
    watch: Annotated[
        list[Annotated[WatchEntry, AfterValidator(countable)]],
        Field(
            max_length=MOST_RULES,
            description="Measurements by which the version that serves fails; a rule replaces one "
            "of the settings with the same name.",
        ),
    ]


MODEL = FileSchema(
    ModelFile,
    {
        "versions": VersionEntry,
        "serving": ServingEntry,
        "accept": AcceptEntry,
        "consumers": ConsumerEntry,
        "inventory": InventoryEntry,
        "watch": WatchEntry,
        "source": SourceEntry,
    },
)


def model_schema() -> dict[str, Any]:
    """Return the JSON Schema of a model file."""
    return MODEL.schema()
