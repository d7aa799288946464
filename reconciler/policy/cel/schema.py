"""The variables of conditions with types and meanings, and the functions.

`validate` checks names against these lists, and docs/reference/conditions.md is made of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable or attribute; an `object` has exactly the attributes that are listed for it.

    `[]` in a path means any element of a list.
    """

    path: str
    type: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Function:
    """One function of CEL, with an example that is true."""

    name: str
    example: str
    meaning: str


def _columns(path: str, meaning: str) -> tuple[Variable, ...]:
    return (
        Variable(path, "list(object)", meaning),
        Variable(f"{path}[].name", "string or null", "The column's name; null for an unnamed one."),
        Variable(
            f"{path}[].type", "string", "MLflow's name of its type; a tensor's has the shape."
        ),
        Variable(f"{path}[].required", "bool", "Whether it must be given."),
    )


def _version(path: str) -> tuple[Variable, ...]:
    return (
        Variable(f"{path}.number", "int", "The version's number."),
        Variable(f"{path}.stage", "string", "Its live stage, before this plan."),
        Variable(f"{path}.tags", "map(string, string)", "Its live tags, before this plan."),
        Variable(f"{path}.aliases", "list(string)", "Its live aliases, before this plan."),
        Variable(
            f"{path}.description", "string", "Its live description; empty when there is none."
        ),
        Variable(f"{path}.status", "string", "`READY` when it can be served."),
        Variable(f"{path}.created", "timestamp or null", "When it was registered."),
        Variable(f"{path}.age", "duration or null", "How long ago it was registered."),
        Variable(f"{path}.run_id", "string or null", "The run that it came from."),
        Variable(f"{path}.source", "string or null", "Where its files came from."),
        Variable(
            f"{path}.signature",
            "object or null",
            "Its inputs, outputs and parameters; null without one.",
        ),
        *_columns(f"{path}.signature.inputs", "Its inputs."),
        *_columns(f"{path}.signature.outputs", "Its outputs."),
        *_columns(f"{path}.signature.params", "Its parameters at inference."),
    )


def _outcomes(prefix: str) -> tuple[Variable, ...]:
    metrics = "The metrics of its run; the logged model's where the run has none of that name."
    return (
        Variable(f"{prefix}metrics", "map(string, double)", metrics),
        Variable(f"{prefix}params", "map(string, string)", "The parameters of its run."),
        Variable(
            f"{prefix}run",
            "object or null",
            "Its run; null when there is none.",
        ),
        Variable(f"{prefix}run.id", "string", "The run's id."),
        Variable(f"{prefix}run.name", "string or null", "The run's name."),
        Variable(f"{prefix}run.status", "string or null", "`FINISHED`, `FAILED`, …"),
        Variable(f"{prefix}run.user", "string or null", "Who started it."),
        Variable(f"{prefix}run.started", "timestamp or null", "When it started."),
        Variable(f"{prefix}run.tags", "map(string, string)", "The run's tags."),
    )


VARIABLES: Final = (
    Variable("model", "string", "The registered model's name."),
    Variable("version", "object", "The version that enters a stage or takes an alias."),
    *_version("version"),
    Variable(
        "version.declared", "object", "What this change declares for it, which proves nothing."
    ),
    Variable("version.declared.tags", "map(string, string)", "The tags that the file declares."),
    Variable(
        "version.declared.digest",
        "string or null",
        "The digest that the file declares, with which its files are compared; null without one.",
    ),
    Variable(
        "version.declared.semver",
        "string or null",
        "The semantic version that the file declares; null without one.",
    ),
    *_outcomes(""),
    Variable("incumbent", "object or null", "The version it displaces; null when there is none."),
    *_version("incumbent"),
    *_outcomes("incumbent."),
    Variable("change", "object", "What happens to the version."),
    Variable("change.from", "string or int or null", "The stage before; for an alias, its holder."),
    Variable(
        "change.to", "string or int", "The stage it enters; for an alias, the version's number."
    ),
    Variable("change.alias", "string or null", "The alias it takes; null for a stage."),
    Variable("change.rollback", "bool", "Whether it served before, by the merged history."),
    Variable("commit", "object", "The commit that is judged."),
    Variable("commit.id", "string or null", "Its full id; null outside a repository."),
    Variable("commit.author", "string", "Who wrote it."),
    Variable(
        "commit.approvals",
        "list(object) or null",
        "Approvals that the forge confirmed; null when no forge was asked.",
    ),
    Variable("commit.approvals[].login", "string", "Who approved."),
    Variable("commit.approvals[].commit", "string or null", "The commit that was approved."),
    Variable("commit.approvals[].time", "string or null", "When, as ISO 8601."),
    Variable("now", "timestamp", "The time of this run."),
)

FUNCTIONS: Final = (
    Function("size", 'size("abc") == 3', "How many characters, elements or keys."),
    Function("contains", '"fraud-eu".contains("eu")', "Whether a text contains another."),
    Function("startsWith", '"fraud-eu".startsWith("fraud")', "Whether a text begins with another."),
    Function("endsWith", '"fraud-eu".endsWith("eu")', "Whether a text ends with another."),
    Function(
        "matches",
        '"2.10".matches("^2[.]")',
        "Whether a text contains a match of a regular expression.",
    ),
    Function("double", 'double("0.5") < 1.0', "A text or whole number as a decimal number."),
    Function("int", 'int("7") == 7', "A text or number as a whole number."),
    Function("uint", "uint(7) == 7u", "A number as an unsigned one."),
    Function("string", 'string(7) == "7"', "A value as text."),
    Function("bytes", 'bytes("a") == b"a"', "A text as bytes."),
    Function("dyn", "dyn(7) == 7", "The value itself."),
    Function("type", "type(7) == int", "The type of a value."),
    Function("duration", 'duration("36h") > duration("90m")', "A duration in h, m, s or ms."),
    Function(
        "timestamp",
        'timestamp("2024-01-01T00:00:00Z") < timestamp("2024-01-02T00:00:00Z")',
        "A timestamp, from RFC 3339.",
    ),
    *(
        Function(f"get{part}", f'timestamp("2024-01-03T04:05:06Z").get{part}() == {value}', meaning)
        for part, value, meaning in (
            ("FullYear", 2024, "The year, in UTC."),
            ("Month", 0, "The month from 0, January, in UTC."),
            ("Date", 3, "The day of the month from 1, in UTC."),
            ("DayOfMonth", 2, "The day of the month from 0, in UTC."),
            ("DayOfWeek", 3, "The weekday from 0, Sunday, in UTC."),
            ("DayOfYear", 2, "The day of the year from 0, in UTC."),
            ("Hours", 4, "The hour in UTC; of a duration, its whole hours."),
            ("Minutes", 5, "The minute; of a duration, its whole minutes."),
            ("Seconds", 6, "The second; of a duration, its whole seconds."),
            ("Milliseconds", 0, "The millisecond."),
        )
    ),
    Function("has", 'has({"a": 1}.a)', "Whether a key or attribute exists."),
    Function("all", "[1, 2].all(x, x > 0)", "Whether a condition holds for every element or key."),
    Function(
        "exists", "[1, 2].exists(x, x > 1)", "Whether a condition holds for any element or key."
    ),
    Function(
        "exists_one", "[1, 2].exists_one(x, x > 1)", "Whether a condition holds for exactly one."
    ),
    Function(
        "filter", "size([1, 2].filter(x, x > 1)) == 1", "The elements for which a condition holds."
    ),
)

WATCH_VARIABLES: Final = (
    Variable("value", "double", "The value that was measured."),
    Variable(
        "baseline",
        "double or null",
        "What the incumbent had before this version began to serve; null where that is not known.",
    ),
    Variable(
        "samples",
        "double or null",
        "Of how many samples the value is made; null where the source does not tell.",
    ),
)


@dataclass(frozen=True, eq=False)
class Schema:
    """The variables of one kind of condition; the kinds are compared by identity."""

    variables: tuple[Variable, ...]

    @cached_property
    def types(self) -> Mapping[str, str]:
        """The type of each path."""
        return {variable.path: variable.type for variable in self.variables}

    def attributes(self, path: str) -> tuple[str, ...]:
        """Return the names that can follow `path.`; all variables for an empty path."""
        prefix = f"{path}." if path else ""
        inside = (
            known.removeprefix(prefix)
            for known in self.types
            if known.startswith(prefix) and known != prefix
        )
        return tuple(name for name in inside if "." not in name and "[" not in name)

    def kind(self, path: str) -> str:
        """Return the type of a path, whether or not it may be null."""
        return self.types.get(path, "object").removesuffix(" or null")


POLICY_SCHEMA: Final = Schema(VARIABLES)
WATCH_SCHEMA: Final = Schema(WATCH_VARIABLES)
