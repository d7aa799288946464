"""Rewrites source code that loads by stage into code that loads by alias, as a patch. Pure."""

import re
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from shlex import quote
from typing import Final

from reconciler.audit.usage.loads import Load
from reconciler.audit.usage.model_uri import as_stage
from reconciler.audit.usage.source_text import decode
from reconciler.core.declaring.bridge import Bridge
from reconciler.core.state import STAGES

_BY_ALIAS: Final = re.compile(r"@[^/]*$")
_LINES: Final = re.compile("[^\n]*\n|[^\n]+")
_CONTEXT: Final = 3
_NO_NEWLINE: Final = "\n\\ No newline at end of file\n"
_UNSAFE: Final = re.compile(r'[\x00-\x1f\x7f"\\]')
_ESCAPES: Final = {"\t": "\\t", "\n": "\\n", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


@dataclass(frozen=True, slots=True)
class UndecidedLoad:
    """A place that a person has to look at: why, and what to write instead."""

    load: Load
    why: str
    instead: str


@dataclass(frozen=True, slots=True)
class RewrittenLoad:
    """A place that loads by stage, and the URI that takes its place."""

    load: Load
    after: str

    def left(self, why: str) -> UndecidedLoad:
        """Return it as a place that the patch leaves to a person."""
        return UndecidedLoad(self.load, why, f"load `{self.after}`")


@dataclass(frozen=True, slots=True)
class AliasesKnown:
    """The bridge, and the aliases that each declared model has under it."""

    bridge: Bridge
    declared: Mapping[str, frozenset[str]]


def decide(load: Load, known: AliasesKnown) -> RewrittenLoad | UndecidedLoad | None:
    """Return the URI that takes a load's place, or why nobody but a person can tell.

    None is for what does not load by stage.
    """
    if not may_be_by_stage(load):
        return None
    if calls_by_stage(load):
        alias = known.bridge.alias_of(load.loads) or "ALIAS"
        call = f'get_model_version_by_alias("{load.model or "MODEL"}", "{alias}")'
        instead = f"call `{call}`, which answers with one version"
        return UndecidedLoad(load, "the call answers with a list", instead)
    if load.model is None or load.loads is None:
        why = load.why or "only the running program knows what it loads"
        return UndecidedLoad(load, why, _instead(load, known.bridge))
    if load.loads == "latest":
        why = "`latest` is the version with the highest number, whatever its stage"
        return UndecidedLoad(load, why, "load an alias, if a reviewed version is meant")
    return _by_stage(load, load.model, load.loads, known)


def calls_by_stage(load: Load) -> bool:
    """Return whether a place calls what MLflow's client has for stages alone."""
    return load.form == "call" and "get_latest_versions" in load.text


def stage_of(load: Load) -> str | None:
    """Return the stage that a place loads, also of a model that is not known; None for none."""
    if load.loads is None and load.form == "uri":
        return as_stage(load.text.rpartition("/")[2])
    return load.loads if load.loads in STAGES else None


def may_be_by_stage(load: Load) -> bool:
    """Return whether a place loads by stage, or may do so when the program runs."""
    if load.loads is None:
        return not (load.form == "uri" and _BY_ALIAS.search(load.text))
    return load.loads in STAGES or load.loads == "latest"


def _instead(load: Load, bridge: Bridge) -> str:
    stage = stage_of(load)
    alias = bridge.alias_of(stage)
    if alias is None:
        return "load `models:/MODEL@ALIAS`, if it is a stage now"
    return f"load `{load.text.rpartition('/')[0]}@{alias}`, if its models are declared"


def _by_stage(
    load: Load, model: str, stage: str, known: AliasesKnown
) -> RewrittenLoad | UndecidedLoad:
    alias = known.bridge.alias_of(stage)
    if alias is None:
        why = f"`{stage}` has no alias in the bridge"
        return UndecidedLoad(load, why, f"name one: `--bridge {stage}=ALIAS`")
    if model not in known.declared:
        why = f"`{model}` is not declared here, so @{alias} may be missing"
        return UndecidedLoad(load, why, f"declare it: `reconciler import {quote(model)}`")
    if alias not in known.declared[model]:
        why = f"no version of `{model}` is declared in `{stage}` or as @{alias}"
        return UndecidedLoad(load, why, f"declare one: `reconciler promote {quote(model)} VERSION`")
    after = f"models:/{model}@{alias}"
    before, _, word = load.text.rpartition("/")
    is_whole = before.endswith(f"/{model}") and word.casefold() == stage.casefold()
    if not (load.is_literal and is_whole):
        return UndecidedLoad(load, "the URI is put together from parts", f"load `{after}`")
    return RewrittenLoad(load, f"{before}@{alias}")


def rewritten(
    data: bytes, places: Sequence[RewrittenLoad]
) -> tuple[bytes, tuple[RewrittenLoad, ...], tuple[UndecidedLoad, ...]]:
    """Return the content of a file with the new URIs, the places it has them, and the others."""
    source = decode("", data)
    if not source.is_exact:
        why = "the file is not UTF-8"
        return data, (), tuple(place.left(why) for place in places)
    text, parts, end = source.text, list[str](), 0
    done: list[RewrittenLoad] = []
    undecided: list[UndecidedLoad] = []
    for place in sorted(places, key=lambda place: (place.load.line, place.load.column)):
        start = source.index(place.load.line, place.load.column)
        if (kept := _why_not(text, start, place)) is not None:
            undecided.append(place.left(kept))
            continue
        parts += [text[end:start], place.after]
        end = start + len(place.load.text)
        done.append(place)
    mark = BOM_UTF8 if data.startswith(BOM_UTF8) else b""
    after = "".join([*parts, text[end:]]).encode()
    return mark + after, tuple(done), tuple(undecided)


def _why_not(text: str, start: int, place: RewrittenLoad) -> str | None:
    """Return why a place cannot be rewritten, None where it can."""
    if not text.startswith(place.load.text, start):
        return "its text is not where it was found"
    if text.startswith("/", start + len(place.load.text)):
        return "a path goes on behind it, which older MLflow does not take behind an alias"
    return None


def file_patch(file: str, before: bytes, after: bytes) -> str:
    """Return the unified patch of one file, for `git apply` and `patch -p1`; empty for none.

    `file` is relative to the root that the patch is applied from. Both have the same lines but for
    what was rewritten in them: nothing is to be aligned, and a large file takes no time.
    """
    was, now = (_LINES.findall(data.decode("utf-8")) for data in (before, after))
    changed = [at for at, (old, new) in enumerate(zip(was, now, strict=True)) if old != new]
    if not changed:
        return ""
    old, new = _name(f"a/{file}"), _name(f"b/{file}")
    # A blank in a name ends it for `patch` unless a tab follows.
    tab = "\t" if " " in file else ""
    head = f"diff --git {old} {new}\n--- {old}{tab}\n+++ {new}{tab}\n"
    return head + "".join(line for hunk in _hunks(changed) for line in _hunk(was, now, hunk))


def _hunks(changed: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Yield the changed lines in groups whose contexts touch."""
    group: list[int] = []
    for at in changed:
        if group and at - group[-1] > 2 * _CONTEXT:
            yield tuple(group)
            group = []
        group.append(at)
    yield tuple(group)


def _hunk(was: Sequence[str], now: Sequence[str], changed: Sequence[int]) -> Iterator[str]:
    start, end = max(0, changed[0] - _CONTEXT), min(len(was), changed[-1] + _CONTEXT + 1)
    yield f"@@ -{start + 1},{end - start} +{start + 1},{end - start} @@\n"
    at, inside = start, frozenset(changed)
    while at < end:
        # Lines that change together are removed together, then added, as git has them.
        run = next((to for to in range(at, end) if to not in inside), end)
        yield from (_whole(f"-{line}") for line in was[at:run])
        yield from (_whole(f"+{line}") for line in now[at:run])
        if run < end:
            yield _whole(f" {was[run]}")
        at = run + 1


def _whole(line: str) -> str:
    return line if line.endswith("\n") else line + _NO_NEWLINE


def _name(path: str) -> str:
    """Return a path as git writes it: quoted where a letter of it would end it."""
    if not _UNSAFE.search(path):
        return path
    return f'"{_UNSAFE.sub(_escaped, path)}"'


def _escaped(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[0], f"\\{ord(found[0]):03o}")
