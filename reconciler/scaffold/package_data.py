"""Asks the installed package about itself: which release it is, and the files that it brings."""

from functools import cache
from importlib.metadata import metadata
from importlib.resources import files

from reconciler.scaffold.release import Release


@cache
def this_release() -> Release:
    """Return the release that is running; its source has one place, pyproject.toml."""
    about = metadata("mlflow-reconciler")
    urls = dict(line.split(", ", 1) for line in about.get_all("Project-URL") or ())
    return Release(urls["Source"], about["Version"])


def starter_template(name: str) -> str:
    """Return one of the texts that a new repository starts with, its blanks not filled in."""
    place = files("reconciler") / "scaffold" / "templates" / name
    return place.read_text(encoding="utf-8")
