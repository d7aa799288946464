"""What a runner is given: the event that starts a workflow, and the forge around it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from tests.support.workflows.workflow_expressions import UnknownError

_ACTIVITIES = {"pull_request": ("opened", "synchronize", "reopened")}  # where none are named


@dataclass(frozen=True)
class Event:
    """Something that happened; `sha` and `ref` are what GITHUB_SHA and GITHUB_REF say of it."""

    name: str
    payload: Mapping[str, Any]
    ref: str
    sha: str
    actor: str = "ann"
    attempt: int = 1


@dataclass(frozen=True)
class Environment:
    """What a deployment environment holds, and the refs that may use it, None for all."""

    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    refs: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Forge:
    """What a runner finds around itself.

    `token` makes a job's own token of its permissions, `app_token` one of the GitHub App, and
    `may_push` says what a token is good for.
    `actions` are the folders of published actions, and `installed` is the one thing that is
    replaced: the folder that holds the reconciler, in the place of an installation.
    """

    remote: Path
    api: str
    server: str
    repository: str
    environ: Mapping[str, str]
    environments: Mapping[str, Environment]
    token: Callable[[Mapping[str, str]], str]
    app_token: Callable[[], str]
    may_push: Callable[[str], bool]
    actions: Mapping[str, Path]
    installed: Path


def starts(on: Mapping[str, Any], event: Event) -> bool:
    """Return whether an event starts a workflow with that `on:`."""
    if event.name not in on:
        return False
    filters = on[event.name] or {}
    if event.name == "schedule":
        return {"cron": event.payload["schedule"]} in filters
    unknown = set(filters) - {"branches", "types", "inputs"}
    if unknown:
        raise UnknownError(f"{unknown}: not known here")
    branch = event.ref.removeprefix("refs/heads/")
    if "branches" in filters and not any(fnmatchcase(branch, one) for one in filters["branches"]):
        return False
    types = filters.get("types", _ACTIVITIES.get(event.name))
    return types is None or event.payload["action"] in types


def inputs_of(on: Mapping[str, Any], event: Event) -> dict[str, Any]:
    """Return the inputs of a form, checked as GitHub does; other events have none."""
    assert starts(on, event), f"{event.name} does not start it"
    if event.name != "workflow_dispatch":
        return {}
    form: Mapping[str, Any] = (on["workflow_dispatch"] or {}).get("inputs", {})
    given: Mapping[str, Any] = event.payload["inputs"]
    assert set(given) <= set(form), f"the form has no {set(given) - set(form)}"
    return {name: _input(name, about, given.get(name)) for name, about in form.items()}


def _input(name: str, about: Mapping[str, Any], given: Any) -> Any:
    value = about.get("default") if given is None else given
    match about["type"]:
        case "boolean":
            return value in (True, "true")
        case "choice":
            value = about["options"][0] if value is None else value
            assert value in about["options"], f"{name}: {value} is not one of the choices"
        case "string":
            value = value or ""
            assert value or not about["required"], f"{name} is required"
        case other:
            raise UnknownError(f"an input of type {other}")
    return value
