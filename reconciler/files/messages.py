"""The messages for what is wrong at a place of a file: the fault, the rule, and the remedy."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, TypeAlias

from reconciler.files import familiar_mistakes
from reconciler.files.schema.digest_rule import PRINTED
from reconciler.files.schema.name_rules import quoted

Within: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Complaint:
    """One problem at a path of a file; `at_key` means the key, not its value.

    `inside` is the line and column within the text of that value, where only a part is wrong.
    """

    path: Within
    message: str
    hint: str | None = None
    at_key: bool = False
    inside: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class SchemaFault:
    """A value that does not fit the schema, before it is worded.

    `kind` is the validator's name for the fault, `choices` are the allowed values, `limit` is the
    longest text or the shortest list; `rule` and `hint` are the words of a broken rule.
    """

    path: Within
    kind: str
    found: object
    at_key: bool = False
    choices: tuple[str, ...] = ()
    limit: int = 0
    rule: str = ""
    hint: str | None = None


_ALIKE: Final = 0.65  # `url` is `uri` (0.67), `status` is not `tags` (0.60)
MOST: Final = 1_000  # problems that are reported for one file

AND_MORE: Final = (
    f"only the first {MOST:,} problems of this file are shown",
    "fix them first",
)

TOO_DEEP: Final = ("the file is nested too deeply", "flatten it")

_SPACED_DIGEST = (
    "a `: ` that is not after a key",
    f"write `digest: sha256:…` without a space in the digest, as {PRINTED}",
)

# An expression after its key, where YAML interprets quotes, brackets, `: ` and ` #`.
_EXPRESSION = re.compile(r"(?:^|[\s{,\"'])(require|fail)[\"']?\s*:\s+[^\s|>]")
_DIGEST = re.compile(r"(^|[\s{,\"'])digest[\"']?\s*:\s+sha256\s*:(\s|$)")
_FORMS = {
    "string_type": "text",
    "literal_error": "text",
    "bool_type": "`true` or `false`",
    "list_type": "a list",
    "dict_type": "a mapping",
    "int_type": "a whole number",
}
_EXAMPLES = {
    "aliases": "write `aliases: [champion]`",
    "tags": "write `tags: {owner: payments}`",
    "versions": "write one entry for each version, like `4: {stage: Production}`",
    "exclusive": "write `exclusive: [Production]`",
    "serving": "write `serving: {stage: Production}` or `serving: {alias: champion}`",
    "guards": "write `guards: {aliases: [champion]}`",
    "ignore": "write `ignore: {models: [], tags: [], aliases: []}`",
    "registry": "write its URI, or `registry: {uri: ..., name: ..., workspace: ...}`",
    "retired": "write `retired: true`, or leave the key out",
    "on": "write `on: {stage: Production}` or `on: {alias: champion}`",
    "policies": "write a list; `reconciler schema settings` describes its entries",
    "transitions": "write `transitions: [None, Staging, Production, Archived]`",
    "lineage": "write `lineage: [params.git_commit, tags.data_version]`",
    "notify": "write `notify: [{slack: SLACK_WEBHOOK_URL}]`",
    "digests": "write `digests: {verify: [plan, apply]}`",
    "verify": "write `verify: [plan, apply]`, or one of them",
    "freeze": "write one window, and one policy for each",
    "digest": f"write `digest: sha256:…`, {PRINTED}",
    "accept": "write a list of `{guard: NAME, until: YYYY-MM-DD, reason: TEXT}`",
}
_INSTEAD_OF_NULL = {
    "stage": "write `stage: None` for no stage, or leave the key out to not manage it",
    "description": 'write `description: ""` to clear it, or leave the key out to not manage it',
    "tags": "write `tags: {}`, or leave the key out",
    "aliases": "write `aliases: []`, or leave the key out",
    "versions": "write `versions: {}`, or leave the key out",
    "retired": "write `retired: true`, or leave the key out",
    "digest": f"write `digest: sha256:…`, {PRINTED}; or leave the key out",
}


def worded(fault: SchemaFault) -> Complaint:
    """Return a fault as a problem with its message and hint."""
    message, hint = _words(fault)
    if isinstance(fault.found, str) and familiar_mistakes.is_template(fault.found):
        hint = "; ".join(familiar_mistakes.TEMPLATE)
    return Complaint(fault.path, message, hint, at_key=fault.at_key)


def not_plain(line: str) -> tuple[str, str] | None:
    """Return the message and hint for a line of YAML whose value has to be written otherwise."""
    if found := _EXPRESSION.search(line):
        return "YAML cannot read this expression as it is written", _as_block(found[1])
    return _SPACED_DIGEST if _DIGEST.search(line) else None


def cut_by_comment(key: object) -> str:
    """Return the hint for an expression of a key that ends where YAML begins a comment."""
    return f"` #` begins a comment in YAML: {_as_block(key)}"


def did_not_parse(problem: str, context: str, at: str) -> tuple[str, str]:
    """Return the message and hint for text that is not YAML; `at` is the character there."""
    if at == "\t":
        return "a tab may not be used for indentation", "use spaces"
    if "maximum nesting depth" in problem:  # PyYAML 6.0.4 and newer detect it before we do
        return TOO_DEEP
    if "another document" in problem:
        return "a file is one YAML document, and here a second one begins", "remove the `---`"
    if "mapping values are not allowed" in problem:
        return (
            "a `: ` that is not after a key",
            "put a text that contains `: ` in quotes, and align the keys",
        )
    if "cannot start any token" in problem and at:
        return f"a text may not begin with `{at}`", f"put it in quotes, like `'{at}...'`"
    reason = " ".join(part for part in (context, problem) if part)
    return f"this is not YAML: {reason}", "check brackets, quotes and indentation around here"


def did_you_mean(text: str, choices: Sequence[str]) -> str | None:
    """Return a question that names the nearest choice, None when none is near."""
    folded = {choice.casefold(): choice for choice in choices}
    near = get_close_matches(text.casefold(), folded, n=1, cutoff=_ALIKE)
    return f"did you mean `{folded[near[0]]}`?" if near else None


def _words(fault: SchemaFault) -> tuple[str, str | None]:
    thing, name = _thing(fault.path), str(fault.path[-1]) if fault.path else ""
    match fault.kind:
        case "rule":
            return fault.rule, fault.hint
        case "extra_forbidden":
            return f"unknown key {quoted(name)}", (
                familiar_mistakes.key_hint(name, fault.choices)
                or did_you_mean(name, fault.choices)
                or f"the keys here are {_listed(fault.choices)}"
            )
        case "missing":
            return f"{_thing(fault.path[:-1])} needs the key `{name}`", f"add `{name}:`"
        case "string_too_long":
            length = f"{len(str(fault.found)):,} characters"
            return f"{thing} has {length}; at most {fault.limit:,} are allowed", "shorten it"
        case "string_too_short":
            return f"{thing} is empty", "write a text, or leave the key out"
        case "too_long":
            return f"{thing} has more than {fault.limit:,} items", "remove what is not needed"
        case "too_short":
            least = "" if fault.limit == 1 else f"has less than {fault.limit} items"
            return f"{thing} {least or 'is empty'}", "add an item, or leave the key out"
        case "string_pattern_mismatch":
            return (
                f"{quoted(name)} is not a version number",
                familiar_mistakes.version_hint(name)
                or "version numbers are plain decimal integers from 1, like `4`",
            )
        case "literal_error" if isinstance(fault.found, str):
            return (
                f"{quoted(fault.found)} is not one of {_listed(fault.choices)}",
                _nearest_choice(fault.found, fault.choices),
            )
    return _form(fault, thing, name)


def _nearest_choice(text: str, choices: Sequence[str]) -> str | None:
    meant = familiar_mistakes.stage_meant(text)
    if len(choices) == 1:
        return did_you_mean(text, choices) or f"write `{choices[0]}`"
    return f"did you mean `{meant}`?" if meant in choices else did_you_mean(text, choices)


def _form(fault: SchemaFault, thing: str, name: str) -> tuple[str, str | None]:
    if not fault.path:
        if isinstance(fault.found, list):
            hint = "write `key: value` lines; each model has a file of its own"
            return "the file is not a mapping of keys but a list", hint
        empty = "the file is empty" if fault.found is None else "the file is not a mapping of keys"
        return empty, "write `key: value` lines, as `reconciler schema` describes them"
    if fault.found is None:
        return f"{thing} is null", _instead_of_null(fault.path)
    expected = _FORMS.get(fault.kind) or _either(fault.choices)
    example = _EXAMPLES.get("serving" if fault.path[0] == "serving" else name)
    if fault.path[0] == "policies" and name == "digest":
        example = "write `digest: required`"
    if fault.path[:-1] == ("versions",) and isinstance(fault.found, str):
        example = familiar_mistakes.entry_hint(name, fault.found)
    return f"{thing} must be {expected}, not {_form_of(fault.found)}", example


def _either(shapes: Sequence[str]) -> str:
    """Return the forms that a value may have."""
    named = {"text": "text", "list": "a list", "mapping": "a mapping"}
    return " or ".join(words for shape, words in named.items() if shape in shapes)


def _form_of(value: object) -> str:
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list) else "text"


def _instead_of_null(path: Within) -> str:
    name = path[-1]
    if path[0] in ("policies", "serving", "notify"):
        return "write a value, or leave the key out"
    if isinstance(name, int):
        return "write a text, or remove the item"
    if path[-2:-1] == ("versions",):
        return f"write `{name}: {{}}`, or give it keys"
    if path[-2:-1] == ("tags",):
        return f'write {quoted(name)} with `""` for an empty text, or leave the tag out'
    return _INSTEAD_OF_NULL.get(name, "write a value, or leave the key out")


def _thing(path: Within) -> str:
    """Return the name of a place for a message: a version, a tag, an item of a list, or a key."""
    match path:
        case ("versions", version):
            return f"version {quoted(str(version))}"
        case (*_, "tags", str(key)):
            return f"tag {quoted(key)}"
        case (*_, key, int(index)):
            return f"item {index + 1} of {quoted(str(key))}"
        case (*_, key):
            return quoted(str(key))
        case _:
            return "the file"


def _listed(choices: Sequence[str]) -> str:
    return ", ".join(f"`{choice}`" for choice in choices)


def _as_block(key: object) -> str:
    return f"write `{key}: |` and the expression on the next line: there YAML does not interpret it"
