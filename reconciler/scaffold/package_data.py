"""Reads the installed package: its release, and the templates that it contains."""

from functools import cache
from importlib.metadata import metadata
from importlib.resources import files

from reconciler.scaffold.release import Release


@cache
def this_release() -> Release:
    """Return the running release; its source URL is defined only in pyproject.toml."""
    about = metadata("mlflow-reconciler")
    urls = dict(line.split(", ", 1) for line in about.get_all("Project-URL") or ())
    return Release(urls["Source"], about["Version"])


def starter_template(name: str) -> str:
    """Return a template for a new repository, with its placeholders."""
    place = files("reconciler") / "scaffold" / "templates" / name
    return place.read_text(encoding="utf-8")
