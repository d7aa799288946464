"""What people write that belongs elsewhere, or comes from another tool; each with what to write."""

import re
from collections.abc import Sequence
from typing import Final

from reconciler.core.state import STAGES

# What a key at the top of a model's file, or of the settings, was meant to be.
_OF_A_VERSION: Final = frozenset(
    {
        *("alias", "aliases", "blocked", "digest", "run_id", "semver", "source"),
        *("stage", "stages", "traffic"),
    }
)
_OF_THE_SETTINGS: Final = frozenset(
    {
        *("apply", "branch", "digests", "exclusive", "guards", "heal", "ignore", "notify"),
        *("policies", "registry"),
    }
)
_DIGESTS: Final = frozenset(
    {"checksum", "hash", "md5", "sha", "sha-256", "sha256", "sha256sum", "sha_256", "shasum"}
)
_OF_KUBERNETES: Final = frozenset({"apiVersion", "kind", "metadata", "spec"})
_OF_A_MODEL: Final = frozenset({"model", "models", "versions", "retired", "hold", "accept"})
_STAGES_BY_HABIT: Final = {
    "prod": "Production",
    "prd": "Production",
    "stage": "Staging",
    "stg": "Staging",
    "archive": "Archived",
    "null": "None",
    "~": "None",
}
_EXAMPLES: Final = {
    "aliases": "[champion]",
    "digest": "sha256:…",
    "stage": "Production",
    "traffic": "0.1",
}
_NUMBER: Final = re.compile(r"(?:v|version)?[ ._#-]*0*([1-9][0-9]{0,9})(?:\.0+)?", re.IGNORECASE)
_TEMPLATE: Final = re.compile(r"\{\{|\{%|\$\{|\$\(|^\$\w")
_KEY: Final = re.compile(r"([a-z_]+):\S")
_CONFLICT: Final = re.compile(r"^(?:<{7}|>{7})(?: .*)?$", re.MULTILINE)  # `=` may underline a title
_ONE_FILE = "write one file for each model, named after it or with `model:` in it"

TEMPLATE: Final = (
    "this is a template, and files are read as they are: nothing is rendered or substituted here",
    "write the value, or render the file before it is committed; a text with braces needs quotes",
)
CONFLICT: Final = (
    "this line is a marker of a merge conflict",
    "choose what is right, remove the three lines of markers, and `git add` the file",
)


def key_hint(name: str, keys: Sequence[str]) -> str | None:
    """Return what to write instead of an unknown key where `keys` are known; None if not known."""
    if "versions" in keys:
        return _in_a_model(name)
    if "run_id" in keys:
        return _in_a_version(name)
    if "exclusive" in keys and name == "verify":
        return "write `digests: {verify: [plan, apply]}`"
    if "exclusive" in keys and name in _OF_A_MODEL | _OF_A_VERSION - {"digest"}:
        return "this file has the settings: declare a model in a file of its own beside it"
    return _kubernetes(name)


def version_hint(text: str) -> str | None:
    """Return what to write instead of a key that is not a version's number."""
    number = _NUMBER.fullmatch(text)
    if number:
        return f"write `{number[1]}`"
    if text.lower() in ("latest", "current", "newest"):
        return f"`{text}` would mean another version after each registration: write its number"
    if text in STAGES:
        return f"write the version's number, and the stage below it, like `4: {{stage: {text}}}`"
    if re.fullmatch(r"[A-Za-z][\w-]*", text):
        return f"write the version's number; an alias is below it, like `4: {{aliases: [{text}]}}`"
    return None


def entry_hint(number: str, text: object) -> str | None:
    """Return what to write instead of a version's entry that is a text."""
    if text in STAGES:
        return f"write `{number}: {{stage: {text}}}`"
    key = _KEY.match(str(text))
    if key and key[1] in _OF_A_VERSION:
        return f"a key's `:` needs a space after it: `{key[1]}: …`"
    if str(text).startswith("sha256"):
        return f"write `{number}: {{digest: sha256:…}}`"
    return f"give it keys, like `{number}: {{stage: Production}}` or `{number}: {{}}`"


def stage_meant(text: str) -> str | None:
    """Return the stage that a usual short form means."""
    return _STAGES_BY_HABIT.get(text.casefold())


def is_template(text: str) -> bool:
    """Return whether a text, or a line of YAML, has what Helm, Jinja or a shell would replace."""
    return _TEMPLATE.search(text) is not None


def conflict_at(text: str) -> int | None:
    """Return where the first marker of a merge conflict is; no valid file has one."""
    if "<<<<<<<" not in text and ">>>>>>>" not in text:  # 30 times faster than the pattern
        return None
    found = _CONFLICT.search(text)
    return None if found is None else found.start()


def _in_a_model(name: str) -> str | None:
    if name in _OF_A_VERSION:
        key = {"alias": "aliases", "stages": "stage"}.get(name, name)
        example = _EXAMPLES.get(key, "...")
        return (
            f"`{key}` stands at its version: write `versions: {{4: {{{key}: {example}}}}}`, with "
            "the number"
        )
    if name == "models":
        return _ONE_FILE
    if name == "name":
        return "write `model:`"
    if name in _OF_THE_SETTINGS:
        return "this is a setting of the whole folder: write it into `reconciler.yaml`"
    return _kubernetes(name)


def _in_a_version(name: str) -> str | None:
    if name in ("status", "state", "current_stage"):
        return "the stage of a version is `stage`; its status is MLflow's own, and not declared"
    if name in ("run", "run_uuid"):
        return "did you mean `run_id`?"
    if name in ("uri", "artifact_uri", "storage_location"):
        return "did you mean `source`?"
    if name.casefold() in _DIGESTS:
        return "did you mean `digest: sha256:…`?"
    return None


def _kubernetes(name: str) -> str | None:
    if name in _OF_KUBERNETES:
        return "this is a plain file, without a head as in Kubernetes: begin with `versions:`"
    return None
