"""Checks what the setting `bridge` makes one: a stage and its alias."""

from collections.abc import Iterator

from reconciler.core.declaring.bridge import Bridge, Contradiction, contradictions
from reconciler.core.declaring.implied import as_written
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration, Field
from reconciler.files.messages import Complaint, Within
from reconciler.files.schema.model_schema import ModelFile
from reconciler.files.schema.name_rules import quoted


def bridge_agrees(settings: Settings) -> Iterator[Complaint]:
    """Report a bridge that contradicts the other settings, or itself."""
    first: dict[str, str] = {}
    for stage, alias in settings.bridge.pairs:
        path = ("bridge", stage)
        if stage not in settings.exclusive:
            yield Complaint(
                path,
                f"`{stage}` is not exclusive: an alias names one version, and it can hold several",
                f"add `{stage}` to `exclusive`, or remove it from `bridge`",
                at_key=True,
            )
        if settings.ignore.field(Field("alias", None, alias)):
            yield Complaint(
                path,
                f"alias {quoted(alias)} is ignored by `ignore.aliases`",
                "bridge the stage to another alias, or do not ignore it",
            )
        other = first.setdefault(alias, stage)
        if other != stage:
            yield Complaint(
                path,
                f"alias {quoted(alias)} is that of `{other}` already",
                "an alias stands for one stage: name another one",
            )


def bridge_holds(file: ModelFile, declaration: Declaration, bridge: Bridge) -> Iterator[Complaint]:
    """Report a stage and its alias on different versions, at both of them."""
    for apart in contradictions(as_written(declaration).fields, bridge):
        at_alias = _at_alias(file, apart.named, apart.alias)
        pair = f"`bridge` makes {quoted(apart.stage)} and @{apart.alias} one"
        if apart.rival is not None:
            message = f"version {apart.named} has @{apart.rival}, which is another stage's, too"
            yield Complaint(at_alias, f"{pair}, but {message}", "a version is in one stage")
            continue
        hint = "give both to one version, or leave one of the two out: it follows the other"
        yield Complaint(_at_stage(apart), f"{pair}, but {_stage_words(apart)}", hint)
        yield Complaint(at_alias, f"{pair}, but {_alias_words(apart)}", hint)


def _stage_words(apart: Contradiction) -> str:
    if apart.holder is None:
        where = quoted(str(apart.elsewhere))
        return f"version {apart.named}, which has @{apart.alias}, is in {where}"
    return f"version {apart.holder} is in {quoted(apart.stage)}, not version {apart.named}"


def _alias_words(apart: Contradiction) -> str:
    where = apart.elsewhere if apart.holder is None else None
    if where is not None:
        return f"version {apart.named} has @{apart.alias} and is in {quoted(where)}"
    return f"version {apart.named} has @{apart.alias}, not version {apart.holder}"


def _at_stage(apart: Contradiction) -> Within:
    version = apart.named if apart.holder is None else apart.holder
    return ("versions", str(version), "stage")


def _at_alias(file: ModelFile, version: int, alias: str) -> Within:
    entries = file.get("versions", {})
    key = next(number for number in entries if int(number) == version)
    return ("versions", key, "aliases", entries[key].get("aliases", []).index(alias))
