"""Combines the model files of a state folder: all their declarations, or all their problems."""

from collections.abc import Iterator, Sequence
from types import MappingProxyType
from typing import NamedTuple

from reconciler.core.declaring.declared_state import DeclaredState
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration
from reconciler.errors import DeclarationError, ExitCode, Problem
from reconciler.files.schema.cross_checks import twins
from reconciler.files.schema.name_rules import quoted


class LoadedModel(NamedTuple):
    """A model file that was read; `name` is None where it has no valid name.

    `line` and `column` are those of the name, `renamed_at` those of the former one. There is no
    declaration where there are problems. `id` identifies the content, where that was asked for.
    """

    file: str
    name: str | None = None
    line: int = 1
    column: int = 1
    declaration: Declaration | None = None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    id: str | None = None
    renamed_from: str | None = None
    renamed_at: tuple[int, int] = (1, 1)


def assembled(
    shown: str,
    settings: Settings | None,
    models: Sequence[LoadedModel],
    problems: Sequence[Problem],
) -> DeclaredState:
    """Return what the files declare; raises `DeclarationError` with every problem at once.

    `shown` names the state folder; `settings` is None when they are wrong.
    """
    problems = [*problems, *(problem for model in models for problem in model.problems)]
    problems += _declared_twice(models)
    problems += _declared_still(models)
    problems += _renamed_twice(models)
    if not models and not problems:
        hint = "add one YAML file for each model; `reconciler import` writes them"
        message = "the state folder declares no model"
        problems.append(Problem(message, ExitCode.DECLARATION, shown, hint=hint))
    if problems or settings is None:
        raise DeclarationError(problems)
    warnings = [warning for model in models for warning in model.warnings]
    warnings += _names_in_two_cases(models)
    found = [model.declaration for model in models if model.declaration is not None]
    found.sort(key=lambda declaration: declaration.model)
    return DeclaredState(
        shown,
        settings,
        MappingProxyType({declaration.model: declaration for declaration in found}),
        tuple(sorted(warnings, key=lambda warning: warning.sort_key)),
        {model.name: model.id for model in models if model.name is not None and model.id},
    )


def _declared_twice(models: Sequence[LoadedModel]) -> Iterator[Problem]:
    first: dict[str, LoadedModel] = {}
    for model in models:
        if model.name is None:
            continue
        other = first.setdefault(model.name, model)
        if other is not model:
            where = f"{other.file}:{other.line}:{other.column}"
            yield _at_name(
                model,
                ExitCode.DECLARATION,
                f"model {quoted(model.name)} is declared in {where} already",
                "a model is declared in one file: merge the two",
            )


def _declared_still(models: Sequence[LoadedModel]) -> Iterator[Problem]:
    by_name = {model.name: model for model in models if model.name is not None}
    for model in models:
        other = by_name.get(model.renamed_from or "")
        if other is not None and other.name != model.name:
            where = f"{other.file}:{other.line}:{other.column}"
            yield _at_former_name(
                model,
                f"{quoted(model.renamed_from or '')} is still declared, in {where}",
                "a renamed model is declared under its new name alone: remove one of the two",
            )


def _renamed_twice(models: Sequence[LoadedModel]) -> Iterator[Problem]:
    first: dict[str, LoadedModel] = {}
    for model in models:
        if model.renamed_from is None:
            continue
        other = first.setdefault(model.renamed_from, model)
        if other is not model:
            line, column = other.renamed_at
            yield _at_former_name(
                model,
                f"{quoted(model.renamed_from)} became another model already, in "
                f"{other.file}:{line}:{column}",
                "a model has one new name: remove the key from one of the two",
            )


def _at_former_name(model: LoadedModel, message: str, hint: str) -> Problem:
    line, column = model.renamed_at
    return Problem(message, ExitCode.DECLARATION, model.file, line, column, model.name, hint)


def _names_in_two_cases(models: Sequence[LoadedModel]) -> Iterator[Problem]:
    by_name = {model.name: model for model in models if model.name is not None}
    for first, *others in twins(by_name):
        for other in others:
            yield _at_name(
                by_name[other],
                ExitCode.OK,
                f"models {quoted(first)} and {quoted(other)} differ only in case",
                "a registry on MySQL treats them as one model: rename one",
            )


def _at_name(model: LoadedModel, code: ExitCode, message: str, hint: str) -> Problem:
    return Problem(message, code, model.file, model.line, model.column, model.name, hint)
