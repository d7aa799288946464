"""What serves in a registry that git begins to declare: read from its stages and aliases."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from reconciler.authoring.questions import AskAbout, OpenQuestion
from reconciler.core.settings import ServingRules, Settings
from reconciler.core.state import ACTIVE_STAGES, Declaration, Live, Serving, aliases, stages
from reconciler.errors import ExitCode, Problem
from reconciler.files.schema import name_rules
from reconciler.render import phrases
from reconciler.scaffold.template_set import scalar

# MLflow's documentation names the serving version and the one that is to replace it so.
USUAL: Final = "champion"
CONTENDER: Final = "challenger"
_SHOWN: Final = 8  # aliases to choose from
_SHARED: Final = 2  # models


@dataclass(frozen=True, slots=True)
class ServingChoice:
    """The alias that serves in a folder where no version is in an active stage.

    `counts` are how many of the `models` have each alias, most first; `alias` is the first, or
    what a person chose.
    """

    alias: str
    counts: Mapping[str, int]
    models: int

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines of the settings file that say so."""
        guards = () if self.alias == USUAL else (f"guards: {{aliases: [{scalar(self.alias)}]}}",)
        return (f"serving: {{alias: {scalar(self.alias)}}}", *guards)

    def settings(self, settings: Settings) -> Settings:
        """Return settings by which the alias serves."""
        rules = ServingRules(Serving(None, self.alias))
        return replace(settings, serving=rules, guarded_aliases=(self.alias,))

    def written(self, file: str) -> Problem:
        """Return what to tell where the lines are written into a new settings file."""
        message = f"no version is in an active stage: by {file} @{self.alias} serves{self._why()}"
        return Problem(message, ExitCode.OK, hint="where another alias serves, write it there")

    def lacking(self, file: str) -> Problem:
        """Return what to tell where the settings file is there, and does not say so."""
        message = (
            f"no version is in an active stage, and by {file} Production serves: nothing does; "
            f"@{self.alias}{self._why()}"
        )
        lines = " and ".join(f"`{line}`" for line in self.lines)
        return Problem(message, ExitCode.OK, hint=f"add {lines} to it")

    def _why(self) -> str:
        as_many = [
            f"@{alias}"
            for alias, count in self.counts.items()
            if alias not in (self.alias, CONTENDER) and count >= self.counts[self.alias]
        ]
        but = f", and {', '.join(as_many)} on no fewer" if as_many else ""
        return f" (on {self.counts[self.alias]} of {phrases.models(self.models)}{but})"


def serving_choice(
    models: Collection[Live], settings: Settings, ask: AskAbout
) -> ServingChoice | None:
    """Return the alias that serves; None where stages are used, or models share no alias.

    An alias that is one with what serves is a stage in use. `models` are all of the registry. Of
    aliases on as many models `champion` comes first, then the order of letters; `challenger` is
    never taken.
    """
    if any(stage in ACTIVE_STAGES for live in models for stage in stages(live.fields).values()):
        return None
    counts, rules = _counted(_named(live, settings) for live in models), settings.serving
    if settings.bridge.alias_of(rules.default.stage) in counts:
        return None
    registered = sum(bool(live.versions) for live in models)
    shared = min(_SHARED, registered)
    named = {
        alias: f"on {count} of {phrases.models(registered)}"
        for alias, count in counts.items()
        if count >= shared and alias != CONTENDER
    }
    if not named:
        return None
    choices = dict(list(named.items())[:_SHOWN])
    text = "No version is in an active stage. Which alias serves?"
    alias = ask(OpenQuestion(text, choices, next(iter(choices))))
    return None if alias is None else ServingChoice(alias, counts, registered)


def with_own_serving(
    declarations: Mapping[str, Declaration], settings: Settings
) -> tuple[dict[str, Declaration], list[Problem]]:
    """Return models whose files say what serves where the settings say what no version has.

    A version in Production decides. Else it is the alias of it that most models have, unless
    that is on another model beside the one that serves there: such an alias, as `challenger`, is
    for something else.
    """
    found, silent, serving = dict(declarations), list[Declaration](), dict[str, str | None]()
    for name, declared in declarations.items():
        usual = settings.serving.of(name, declared)
        if usual.versions(declared.fields):
            serving[name] = usual.alias
        elif "Production" in _active(declared) and "Production" in settings.exclusive:
            found[name] = replace(declared, serving=Serving())
        elif aliases(declared.fields) and not _active(declared):
            silent.append(declared)
    counts = _counted(aliases(declared.fields) for declared in declarations.values())
    serving |= {declared.model: _first(declared, counts) for declared in silent}
    beside = {
        alias
        for name, chosen in serving.items()
        for alias in aliases(declarations[name].fields)
        if chosen not in (None, alias)
    }
    for declared in silent:
        alias = serving[declared.model]
        if alias is not None and alias not in beside:
            found[declared.model] = replace(declared, serving=Serving(None, alias))
    return found, list(_told(found, silent, settings))


def _first(declared: Declaration, counts: Mapping[str, int]) -> str | None:
    """Return the alias that most models have; None where another one is on as many."""
    own = aliases(declared.fields)
    names = [alias for alias in counts if alias in own and alias != CONTENDER]
    if not names:
        return None
    first, *rest = names
    is_clear = first == USUAL or not rest or counts[rest[0]] < counts[first]
    return first if is_clear else None


def _told(
    found: Mapping[str, Declaration], silent: Collection[Declaration], settings: Settings
) -> Iterator[Problem]:
    """Yield what a file says now, and where it is for a person to say, once for those alike."""
    said, unclear = defaultdict[Serving, list[str]](list), defaultdict[str, list[str]](list)
    for name, declared in found.items():
        if declared.serving is not None:
            said[declared.serving].append(name)
    for declared in silent:
        if found[declared.model].serving is None:
            names = sorted(aliases(declared.fields))
            unclear[", ".join(f"@{name}" for name in names)].append(declared.model)
    for serving, models in said.items():
        key = f"stage: {serving.stage}" if serving.alias is None else f"alias: {serving.alias}"
        usual = settings.serving.of(models[0], None)
        message = (
            f"{phrases.some_models(models)}: no version serves by {usual}, but one by {serving}"
        )
        hint = f"`serving: {{{key}}}` is written into the file; where it is wrong, change it"
        yield Problem(message, ExitCode.OK, model=models[0], hint=hint)
    for which, models in unclear.items():
        usual = settings.serving.of(models[0], None)
        message = f"{phrases.some_models(models)}: no version serves by {usual}; there is {which}"
        hint = "where another alias serves, write it into the file: `serving: {alias: NAME}`"
        yield Problem(message, ExitCode.OK, model=models[0], hint=hint)


def _named(live: Live, settings: Settings) -> Iterator[str]:
    """Yield the aliases of a live model that a file can declare."""
    for alias, version in aliases(settings.ignore.without(live.fields)).items():
        if version in live.versions and name_rules.alias(alias) is None:
            yield alias


def _counted(named: Iterable[Iterable[str]]) -> dict[str, int]:
    counts = Counter(alias for names in named for alias in set(names))
    order = sorted(counts, key=lambda alias: (-counts[alias], alias != USUAL, alias))
    return {alias: counts[alias] for alias in order}


def _active(declared: Declaration) -> list[str]:
    return [stage for stage in stages(declared.fields).values() if stage in ACTIVE_STAGES]
