"""Loads a state folder: YAML files in, declarations and settings out, or all problems at once."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timezone
from pathlib import Path
from typing import NamedTuple

from reconciler.core.declaring.declared_state import DeclaredState
from reconciler.core.declaring.implied import complete
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration
from reconciler.errors import DeclarationError, ExitCode, Problem
from reconciler.files import state_folder
from reconciler.files.condition_checks import condition_faults
from reconciler.files.editing.yaml_dump import dump_declaration
from reconciler.files.schema import (
    ab_test_checks,
    bridge_checks,
    consent_from_yaml,
    cross_checks,
    from_yaml,
    policy_from_yaml,
    semver_checks,
    watch_from_yaml,
)
from reconciler.files.schema.model_schema import model_schema
from reconciler.files.schema.settings_schema import SETTINGS, settings_schema
from reconciler.files.state_files import LoadedModel, assembled
from reconciler.files.state_folder import Contents, FoundFile
from reconciler.files.yaml_reader import LARGEST, Source

__all__ = [
    "ReadSettings",
    "dump_declaration",
    "load",
    "load_contents",
    "model_schema",
    "parse_declaration",
    "parse_settings",
    "read_settings",
    "settings_schema",
]


class ReadSettings(NamedTuple):
    """The settings of a state folder, None where they are wrong, and what is wrong with them."""

    settings: Settings | None
    problems: tuple[Problem, ...] = ()


def load(
    folder: Path, shown: str, today: date | None = None, *, others: Sequence[str] = ()
) -> DeclaredState:
    """Return what a state folder declares; raises `DeclarationError` with every problem at once.

    `shown` names the folder in messages. Dates are compared with `today`, by default the clock's
    date in UTC. `others` are the names of the other states beside it.
    """
    return load_contents(state_folder.contents(str(folder), shown), shown, today, others=others)


def load_contents(
    found: Contents,
    shown: str,
    today: date | None = None,
    *,
    others: Sequence[str] = (),
    read: ReadSettings | None = None,
    identify: Callable[[bytes], str] | None = None,
) -> DeclaredState:
    """Return what files declare, as `load` does for a folder.

    `read` are the settings where the caller has read them already. `identify` returns what
    identifies a content; what the files had is then in `ids`.
    """
    settings, problems = read or read_settings(found)
    day = today or datetime.now(tz=timezone.utc).date()
    models = [_load_model(file, settings, day, others, identify) for file in found.models]
    return assembled(shown, settings, models, [*found.problems, *problems])


def read_settings(found: Contents) -> ReadSettings:
    """Return the settings of a state folder; without a file they are the defaults."""
    if found.settings is None:
        return ReadSettings(Settings())
    try:
        return ReadSettings(parse_settings(found.settings.read(LARGEST), found.settings.shown))
    except DeclarationError as wrong:
        return ReadSettings(None, wrong.problems)


def parse_declaration(data: bytes, file: str) -> Declaration:
    """Return what one model file declares, checked without any settings or date.

    What the settings imply, as a bridge or an A/B test, is not in it.
    """
    source = Source(file)
    content = source.model(data)
    if content is None or source.notes:
        raise DeclarationError(source.problems())
    return source.declaration(content)


def parse_settings(data: bytes, file: str) -> Settings:
    """Return the settings of a settings file."""
    source = Source(file)
    content = source.content(SETTINGS.check, data) or {}
    entries = source.plain.get("policies") if isinstance(source.plain, dict) else None
    source.complain(policy_from_yaml.one_rule_each(entries))
    source.complain(condition_faults(source.plain))
    if source.notes:
        raise DeclarationError(source.problems())
    settings = from_yaml.settings(
        content, policy_lines=source.lines("policies"), watch_lines=source.lines("watch")
    )
    source.complain(watch_from_yaml.rules_once(content.get("watch", ())))
    source.complain(cross_checks.settings_agree(settings))
    source.complain(bridge_checks.bridge_agrees(settings))
    source.complain(semver_checks.major_aliases_can_be(settings))
    source.complain(policy_from_yaml.asked_somewhere(settings.policies, settings.ignore))
    if source.notes:
        raise DeclarationError(source.problems())
    return settings


def _load_model(
    file: FoundFile,
    settings: Settings | None,
    today: date,
    others: Sequence[str],
    identify: Callable[[bytes], str] | None,
) -> LoadedModel:
    source = Source(file.shown)
    try:
        data = file.read(LARGEST)
    except DeclarationError as wrong:
        return LoadedModel(file.shown, problems=wrong.problems)
    content = source.model(data)
    source.complain(condition_faults(source.plain))
    if content is None:
        return LoadedModel(file.shown, problems=source.problems())
    declaration = source.declaration(content)
    if settings is not None:
        declaration = complete(declaration, settings)
    source.complain(cross_checks.blocked_at_rest(content))
    source.complain(cross_checks.renamed_from_another(content))
    source.complain(cross_checks.consumers_once(content))
    source.complain(watch_from_yaml.rules_once(content.get("watch", ())))
    source.complain(consent_from_yaml.consents_hold(content, settings, today))
    # A version that was left out because of a fault would make the sums wrong, and lack a number.
    if not any(path[0] == "versions" for path in source.faulty if path):
        source.complain(ab_test_checks.ab_test_holds(declaration, settings))
        source.complain(semver_checks.major_aliases_hold(content, declaration, settings))
    source.complain(semver_checks.semvers_hold(content, settings))
    if settings is not None:
        source.complain(cross_checks.one_per_stage(content, settings))
        source.complain(bridge_checks.bridge_holds(content, declaration, settings.bridge))
        source.complain(cross_checks.none_ignored(content, settings))
        source.complain(cross_checks.pinned(content, settings, others))
        source.complain(cross_checks.own_serving_agrees(declaration, settings))
        source.complain(cross_checks.retired_at_rest(declaration, settings))
    loaded = LoadedModel(
        file.shown,
        content.get("model"),
        *source.top_place("model"),
        renamed_from=content.get("renamed_from"),
        renamed_at=source.top_place("renamed_from"),
    )
    if source.notes or settings is None:
        return loaded._replace(problems=source.problems())
    source.complain(cross_checks.alias_twins(content))
    source.complain(consent_from_yaml.consents_ended(content, today))
    source.complain(ab_test_checks.hardly_meant(declaration))
    return loaded._replace(
        declaration=declaration,
        warnings=source.problems(ExitCode.OK),
        id=identify(data) if identify else None,
    )
