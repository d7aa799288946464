"""The types of the scalars in a file, each with its rule and its JSON Schema.

A scalar is read as text; a number or a boolean is parsed from that text.
"""

from collections.abc import Callable
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    GetJsonSchemaHandler,
    Tag,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from reconciler.core.declaring.semantic_versions import parse_semver
from reconciler.core.parse_error import ParseError
from reconciler.files.schema import digest_rule, name_rules
from reconciler.files.schema.name_rules import Broken, quoted


def must(rule: Callable[[str], Broken | None]) -> AfterValidator:
    """Return a validator that refuses a text which breaks a rule."""

    def judge(text: str) -> str:
        broken = rule(text)
        if broken is not None:
            raise rejected(*broken)
        return text

    return AfterValidator(judge)


def readable(read: Callable[[str], object]) -> AfterValidator:
    """Return a validator that refuses a text which `read` cannot parse."""

    def judge(text: str) -> str:
        try:
            read(text)
        except ParseError as broken:
            raise rejected(broken.rule, broken.hint) from broken
        return text

    return AfterValidator(judge)


def rejected(rule: str, hint: str) -> PydanticCustomError:
    """Return an error that names the broken rule and the remedy."""
    return PydanticCustomError("rule", "{rule}", {"rule": rule, "hint": hint})


def _truth(text: object) -> object:
    return {"true": True, "false": False}.get(text, text) if isinstance(text, str) else text


def each_once(items: list[str]) -> list[str]:
    """Refuse a list that has an item twice."""
    seen: set[str] = set()
    for item in items:
        if item in seen:
            raise rejected(f"{quoted(item)} is listed twice", "remove one of them")
        seen.add(item)
    return items


def shape(value: object) -> str:
    """Return the form of a setting; the names cannot be keys of a settings file."""
    if isinstance(value, dict):
        return "(mapping)"
    return "(list)" if isinstance(value, list) else "(text)"


SHAPES: Final = ("(mapping)", "(list)", "(text)")


class AnyScalar:
    """Allows numbers and booleans in the JSON Schema, because their text is what counts."""

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(core_schema), "type": ["string", "number", "boolean"]}


UNIQUE: Final = {"uniqueItems": True}
TAG_KEYS: Final = {"propertyNames": {"minLength": 1, "maxLength": 250}}

NonEmpty = Annotated[str, Field(min_length=1), AnyScalar()]
Description = Annotated[str, Field(max_length=5_000), AnyScalar()]
ModelTag = Annotated[str, Field(max_length=5_000), AnyScalar()]
VersionTag = Annotated[str, Field(max_length=100_000), AnyScalar()]
TagKey = Annotated[str, Field(max_length=250), must(name_rules.tag_key)]
VersionKey = Annotated[str, Field(pattern=r"^[1-9][0-9]*$"), must(name_rules.version_number)]
Bool = Annotated[
    bool, Field(strict=True), BeforeValidator(_truth), WithJsonSchema({"type": "boolean"})
]
ModelName = Annotated[
    str,
    Field(max_length=256, json_schema_extra={"minLength": 1, "pattern": "^[^/:]*$"}),
    must(name_rules.model_name),
    AnyScalar(),
]
Alias = Annotated[
    str,
    Field(
        max_length=255,
        json_schema_extra={
            "minLength": 1,
            # Letters of any script are valid: the pattern excludes what never is.
            "pattern": r"""^[^\s.,;:/\\@%?#&+=!'"()<>|*]+$""",
            "not": {"pattern": r"^([vV][0-9]+|[lL][aA][tT][eE][sS][tT])$"},
        },
    ),
    must(name_rules.alias),
    AnyScalar(),
]
Aliases = Annotated[list[Alias], Field(json_schema_extra=dict(UNIQUE)), AfterValidator(each_once)]
Globs = Annotated[
    list[NonEmpty],
    Field(max_length=1_000, json_schema_extra=dict(UNIQUE)),
    AfterValidator(each_once),
]
ActiveStage = Literal["Staging", "Production"]
Reason = Annotated[
    str, Field(min_length=1, max_length=5_000), must(name_rules.not_blank), AnyScalar()
]
Day = Annotated[str, must(name_rules.day), WithJsonSchema({"type": "string", "format": "date"})]
Traffic = Annotated[
    str,
    must(name_rules.traffic),
    WithJsonSchema({"type": ["number", "string"], "minimum": 0, "maximum": 1}),
]
Digest = Annotated[
    str,
    Field(min_length=1, json_schema_extra={"pattern": "^sha256:[0-9a-f]{64}$"}),
    must(digest_rule.digest),
]
SemVer = Annotated[
    str,
    readable(parse_semver),
    WithJsonSchema(
        {"type": "string", "pattern": r"^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)$"}
    ),
]
Loads = Annotated[
    str,
    Field(
        json_schema_extra={
            "pattern": r"^(@.+|[1-9][0-9]*|None|Staging|Production|Archived)$",
        }
    ),
    must(name_rules.loads),
    AnyScalar(),
]
VariableName = Annotated[
    str,
    Field(json_schema_extra={"pattern": "^[A-Za-z_][A-Za-z0-9_]{0,254}$"}),
    must(name_rules.secret_variable),
]
Uri = Annotated[str, Field(min_length=1), must(name_rules.registry_uri)]
Uris = Annotated[
    Annotated[Uri, Tag("(text)")] | Annotated[list[Uri], Field(min_length=1), Tag("(list)")],
    Discriminator(shape),
]
