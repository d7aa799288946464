"""Live models that git does not declare yet, as declarations for which a plan has nothing to do."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.authoring.questions import AskAbout, take_default
from reconciler.authoring.serving_choice import ServingChoice, serving_choice, with_own_serving
from reconciler.authoring.stage_conflicts import StageConflict, settled
from reconciler.core.declaring.bridge import Bridge
from reconciler.core.declaring.implied import complete
from reconciler.core.settings import ServingRules, Settings
from reconciler.core.state import Declaration, Field, Live
from reconciler.errors import ExitCode, Problem
from reconciler.files.from_live import declaration_of
from reconciler.render import phrases


@dataclass(frozen=True, slots=True)
class FirstImport:
    """How models are declared that git does not know: with `every`, all their versions.

    `keep` are versions that stay in a stage that several are in; what else only a person can decide
    is asked of `ask`. `named` means that these models were asked for by name.
    """

    every: bool = False
    keep: tuple[int, ...] = ()
    ask: AskAbout = take_default
    named: bool = False


@dataclass(slots=True)
class NewDeclarations:
    """The declarations by model, and what only a person can decide.

    `choice` is what serves in a folder whose settings do not say it yet. `conflicts` keep their
    models undeclared. `warnings` say what is left out, `errors` why a model cannot be declared.
    """

    declarations: dict[str, Declaration] = field(default_factory=dict)
    choice: ServingChoice | None = None
    conflicts: list[StageConflict] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    errors: list[Problem] = field(default_factory=list)


def declared_anew(
    models: Sequence[Live], settings: Settings, how: FirstImport, *, registry: Collection[Live]
) -> NewDeclarations:
    """Return models as declarations; `registry` are all that were read, these among them."""
    new = NewDeclarations()
    for live in models:
        _declare(new, live, settings, how)
    new.warnings += _what_follows(new.declarations, settings.bridge)
    if not how.named and settings.serving == ServingRules():
        new.choice = serving_choice(registry, settings, how.ask)
    served = new.choice.settings(settings) if new.choice else settings
    new.declarations, told = with_own_serving(new.declarations, served)
    new.warnings += told
    return new


def importable(
    live: Live, settings: Settings, *, every: bool = False, besides: tuple[int, ...] = ()
) -> tuple[Declaration | None, list[Problem], Problem | None]:
    """Return a live model as a declaration, what that leaves out, and why there can be none.

    It has the versions that are in use and those of `besides`, or every one.
    """
    if live.unreadable:
        message = f"`{live.model}` is not imported: {live.unreadable}"
        return None, [], Problem(message, ExitCode.REGISTRY, model=live.model)
    imported = declaration_of(live, settings, every_version=every, besides=besides)
    return imported.declaration, [left_out(live.model, text) for text in imported.warnings], None


def left_out(model: str, text: str) -> Problem:
    """Return what an import leaves out of a model, as a warning."""
    return Problem(f"`{model}`: {text}", ExitCode.OK, model=model)


def _declare(new: NewDeclarations, live: Live, settings: Settings, how: FirstImport) -> None:
    decided, conflicts = settled(live, settings, how.keep, how.ask)
    if conflicts:
        new.conflicts += conflicts
        return
    moved = {a.version for a, value in decided.fields.items() if live.fields.get(a) != value}
    besides = tuple(version for version in moved if version is not None)
    declaration, warnings, error = importable(decided, settings, every=how.every, besides=besides)
    new.warnings += warnings
    new.errors += [] if error is None else [error]
    if declaration is not None:
        new.declarations[live.model] = complete(declaration, settings)


def _what_follows(declarations: Mapping[str, Declaration], bridge: Bridge) -> Iterator[Problem]:
    """Yield what a plan adds where one word of a pair is live, once for the models alike."""
    for stage, alias in bridge.pairs:
        address = Field("alias", None, alias)
        unnamed = [name for name, each in declarations.items() if address in each.implied]
        unstaged = [name for name, each in declarations.items() if stage in each.implied.values()]
        pair = f"`bridge` makes {stage} and @{alias} one"
        if unnamed:
            message = f"{phrases.some_models(unnamed)}: in {stage}, without @{alias}"
            yield Problem(f"{message}; {pair}, and a plan adds the alias", ExitCode.OK)
        if unstaged:
            message = f"{phrases.some_models(unstaged)}: under @{alias}, not in {stage}"
            yield Problem(f"{message}; {pair}, and a plan adds the stage", ExitCode.OK)
