"""The two kinds of file as pydantic types: one definition behind validation and JSON Schema.

What a file says reaches these types as the text of its scalars, so every leaf is a string here.
A key that is absent from a file is absent from the value: absent means not managed.
"""

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Generic, Literal, TypeAlias, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    GetJsonSchemaHandler,
    Tag,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
    with_config,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, ErrorDetails, PydanticCustomError
from typing_extensions import Required, TypedDict

from reconciler.files import text_rules
from reconciler.files.file_complaints import Fault, Within
from reconciler.files.text_rules import Broken, quoted
from reconciler.state import Stage

FileT = TypeVar("FileT")
Checked: TypeAlias = tuple[FileT | None, tuple[Fault, ...]]


def _must(rule: Callable[[str], Broken | None]) -> AfterValidator:
    """Return the validator that refuses a text which breaks a rule."""

    def judge(text: str) -> str:
        broken = rule(text)
        if broken is not None:
            raise _rejected(*broken)
        return text

    return AfterValidator(judge)


def _rejected(rule: str, hint: str) -> PydanticCustomError:
    return PydanticCustomError("rule", "{rule}", {"rule": rule, "hint": hint})


def _truth(text: object) -> object:
    return {"true": True, "false": False}.get(text, text) if isinstance(text, str) else text


def _each_once(items: list[str]) -> list[str]:
    seen: set[str] = set()
    for item in items:
        if item in seen:
            raise _rejected(f"{quoted(item)} is listed twice", "remove one of them")
        seen.add(item)
    return items


def _one_of_both(serving: "ServingEntry") -> "ServingEntry":
    if len(serving) != 1:
        raise _rejected(
            "`serving` names either a stage or an alias",
            "write `serving: {stage: Production}` or `serving: {alias: champion}`",
        )
    return serving


def _shape(value: object) -> str:
    """Tell the forms of a setting apart; the names cannot be keys of a settings file."""
    if isinstance(value, dict):
        return "(mapping)"
    return "(list)" if isinstance(value, list) else "(text)"


_SHAPES = ("(mapping)", "(list)", "(text)")


class _AnyScalar:
    """Tells an editor that a number or a boolean is fine: its text is what counts."""

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(core_schema), "type": ["string", "number", "boolean"]}


_UNIQUE = {"uniqueItems": True}
_TAG_KEYS = {"propertyNames": {"minLength": 1, "maxLength": 250}}

_NonEmpty = Annotated[str, Field(min_length=1), _AnyScalar()]
_Description = Annotated[str, Field(max_length=5_000), _AnyScalar()]
_ModelTag = Annotated[str, Field(max_length=5_000), _AnyScalar()]
_VersionTag = Annotated[str, Field(max_length=100_000), _AnyScalar()]
_TagKey = Annotated[str, Field(max_length=250), _must(text_rules.tag_key)]
_VersionKey = Annotated[str, Field(pattern=r"^[1-9][0-9]*$"), _must(text_rules.version_number)]
_Bool = Annotated[
    bool, Field(strict=True), BeforeValidator(_truth), WithJsonSchema({"type": "boolean"})
]
_ModelName = Annotated[
    str,
    Field(max_length=256, json_schema_extra={"minLength": 1, "pattern": "^[^/:]*$"}),
    _must(text_rules.model_name),
    _AnyScalar(),
]
_Alias = Annotated[
    str,
    Field(
        max_length=255,
        json_schema_extra={
            "minLength": 1,
            # Letters of any script may follow; what no alias has is what editors can tell.
            "pattern": r"^[^\s.,;:/\\@%?#&+=!'\"()<>|*]+$",
            "not": {"pattern": r"^([vV][0-9]+|[lL][aA][tT][eE][sS][tT])$"},
        },
    ),
    _must(text_rules.alias),
    _AnyScalar(),
]
_Aliases = Annotated[
    list[_Alias], Field(json_schema_extra=dict(_UNIQUE)), AfterValidator(_each_once)
]
_Globs = Annotated[
    list[_NonEmpty], Field(json_schema_extra=dict(_UNIQUE)), AfterValidator(_each_once)
]
_ServingStage = Literal["Staging", "Production"]
_Uri = Annotated[str, Field(min_length=1), _must(text_rules.without_password)]
_Uris = Annotated[
    Annotated[_Uri, Tag("(text)")] | Annotated[list[_Uri], Field(min_length=1), Tag("(list)")],
    Discriminator(_shape),
]


@with_config(ConfigDict(extra="forbid", title="Model version"))
class VersionEntry(TypedDict, total=False):
    """What is declared for one version; a key that is left out is not managed."""

    stage: Annotated[Stage, Field(description="The stage of this version, spelled exactly so.")]
    aliases: Annotated[_Aliases, Field(description="The aliases that resolve to this version.")]
    tags: Annotated[
        dict[_TagKey, _VersionTag],
        Field(
            description="Tags of this version. A value is the text as it is written here.",
            json_schema_extra=dict(_TAG_KEYS),
        ),
    ]
    description: Annotated[
        _Description, Field(description='Markdown shown with this version; "" clears it.')
    ]
    run_id: Annotated[
        _NonEmpty,
        Field(description="Pin: refused when the live version comes from another run."),
    ]
    source: Annotated[
        _NonEmpty,
        Field(description="Pin: refused when the live version has another source."),
    ]
    blocked: Annotated[
        _NonEmpty,
        Field(description="Why this version may be neither in Staging or Production nor aliased."),
    ]


@with_config(ConfigDict(extra="forbid", title="Registered model"))
class ModelFile(TypedDict, total=False):
    """What git declares for one registered model of an MLflow Model Registry."""

    model: Annotated[
        _ModelName,
        Field(description="Name of the registered model; the file's stem when it is left out."),
    ]
    description: Annotated[
        _Description, Field(description='Markdown shown with the model; "" clears it.')
    ]
    tags: Annotated[
        dict[_TagKey, _ModelTag],
        Field(
            description="Tags of the model. A value is the text as it is written here.",
            json_schema_extra=dict(_TAG_KEYS),
        ),
    ]
    versions: Annotated[
        dict[_VersionKey, VersionEntry],
        Field(
            description="The versions that git speaks for, by number.",
            json_schema_extra={"additionalProperties": False},
        ),
    ]
    retired: Annotated[
        _Bool, Field(description="True when no serving version is expected any more.")
    ]
    hold: Annotated[
        _NonEmpty,
        Field(description="Why nothing is written for this model until this key is removed."),
    ]


@with_config(ConfigDict(extra="forbid", title="Registry"))
class RegistryEntry(TypedDict, total=False):
    """The registry that this state folder belongs to."""

    uri: Required[Annotated[_Uris, Field(description="Its URI, or several equivalent ones.")]]
    name: Annotated[
        _NonEmpty, Field(description="The name that plans and records use instead of the URI.")
    ]


@with_config(ConfigDict(extra="forbid", title="Serving"))
class ServingEntry(TypedDict, total=False):
    """What "serving" means: the version in a stage, or the version under an alias."""

    stage: Annotated[_ServingStage, Field(description="The stage whose version serves.")]
    alias: Annotated[_Alias, Field(description="The alias whose version serves.")]


@with_config(ConfigDict(extra="forbid", title="Guards"))
class GuardsEntry(TypedDict, total=False):
    """What may not be lost without saying so."""

    aliases: Annotated[_Aliases, Field(description="Aliases that may not end up on no version.")]


@with_config(ConfigDict(extra="forbid", title="Ignore"))
class IgnoreEntry(TypedDict, total=False):
    """Globs for what is never read, imported, compared or removed."""

    models: Annotated[_Globs, Field(description="Globs for model names.")]
    tags: Annotated[
        _Globs, Field(description="Globs for tag keys, besides mlflow.* and reconciler.*.")
    ]
    aliases: Annotated[_Globs, Field(description="Globs for aliases.")]


@with_config(ConfigDict(extra="forbid", title="Settings of a state folder"))
class SettingsFile(TypedDict, total=False):
    """The settings of a state folder, `reconciler.yaml`."""

    registry: Annotated[
        Annotated[_Uri, Tag("(text)")] | Annotated[RegistryEntry, Tag("(mapping)")],
        Discriminator(_shape),
        Field(description="The registry this folder belongs to; any other one is refused."),
    ]
    branch: Annotated[
        _NonEmpty,
        Field(description="The main line; what origin/HEAD names when it is left out."),
    ]
    exclusive: Annotated[
        list[_ServingStage],
        AfterValidator(_each_once),
        Field(
            description="Stages that hold one version of a model.",
            json_schema_extra={**_UNIQUE, "default": ["Production"]},
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


class Kind(Generic[FileT]):
    """A kind of file, ready to check: its type, and the types of the mappings in it by key."""

    def __init__(self, top: type[FileT], inner: Mapping[str, type]) -> None:
        self._adapter = TypeAdapter(top)
        self._keys = {name: tuple(each.__annotations__) for name, each in inner.items()}
        self._top = tuple(top.__annotations__)

    def check(self, content: object) -> Checked[FileT]:
        """Return `content` as its type, None where it does not fit, and every fault in it."""
        try:
            return self._adapter.validate_python(content), ()
        except ValidationError as failure:
            return None, tuple(self._fault(error) for error in failure.errors(include_url=False))

    def check_parts(self, content: object) -> Checked[FileT]:
        """Return the part of `content` that fits, None where there is none, and every fault.

        What is at fault is taken out of `content`, so that the rest can still be looked at.
        """
        fitting, found = self.check(content)
        faults = found
        while found:
            taken_out = [_take_out(content, fault.path) for fault in found]
            if not any(taken_out):
                return None, faults
            fitting, found = self.check(content)
            faults += found
        return fitting, faults

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema that an editor checks this kind of file by."""
        dialect = "https://json-schema.org/draft/2020-12/schema"
        return {"$schema": dialect, **self._adapter.json_schema()}

    def _fault(self, error: ErrorDetails) -> Fault:
        path = tuple(part for part in error["loc"] if part not in _SHAPES)
        at_key = path[-1:] == ("[key]",)
        path = path[:-1] if at_key else path
        facts = error.get("ctx", {})
        choices: tuple[str, ...] = ()
        if error["type"] == "extra_forbidden":
            choices = self._keys[str(path[0])] if path[1:] else self._top
        elif error["type"] == "literal_error":
            choices = tuple(re.findall(r"'(\w+)'", facts["expected"]))
        return Fault(
            path,
            error["type"],
            error["input"],
            at_key=at_key or error["type"] == "extra_forbidden",
            choices=choices,
            limit=facts.get("max_length", 0),
            rule=facts.get("rule", ""),
            hint=facts.get("hint"),
        )


MODEL = Kind(ModelFile, {"versions": VersionEntry})
SETTINGS = Kind(
    SettingsFile,
    {
        "registry": RegistryEntry,
        "serving": ServingEntry,
        "guards": GuardsEntry,
        "ignore": IgnoreEntry,
    },
)


def model_schema() -> dict[str, Any]:
    """Return the JSON Schema of a model file."""
    return MODEL.schema()


def settings_schema() -> dict[str, Any]:
    """Return the JSON Schema of `reconciler.yaml`."""
    return SETTINGS.schema()


def _take_out(content: object, path: Within) -> bool:
    """Remove the innermost mapping entry on a path; say whether it was still there."""
    inside: tuple[dict[str | int, object], str | int] | None = None
    for part in path:
        if isinstance(content, dict):
            if part not in content:
                return False
            inside = (content, part)
            content = content[part]
        elif isinstance(content, list):
            content = content[int(part)]
    if inside is None:
        return False
    del inside[0][inside[1]]
    return True
