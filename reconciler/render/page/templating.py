"""Fills the templates: escaped twice, the same bytes for the same values, no file but their own."""

import base64
import hashlib
from collections.abc import Mapping
from functools import lru_cache
from itertools import zip_longest
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from reconciler.render.escape import printable
from reconciler.render.page.excerpts import LONGEST, excerpt

_STYLES: Final = ("page.css", "timeline.css")
_SCRIPT: Final = "page.js"


def content_security_policy(style: str, script: str) -> str:
    """Return the policy of a page that runs and paints by nothing but these two texts."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def render(template: str, values: Mapping[str, object]) -> bytes:
    """Return a page as UTF-8."""
    return _environment().get_template(template).render(values).encode("utf-8")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    loader = PackageLoader("reconciler.render.page")
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    style = "".join(loader.get_source(environment, name)[0] for name in _STYLES)
    script = loader.get_source(environment, _SCRIPT)[0]
    environment.filters["prose"] = prose
    environment.globals |= {
        "csp": content_security_policy(style, script),
        "style": Markup(style),  # noqa: S704  our own file
        "script": Markup(script),  # noqa: S704  our own file
    }
    return environment


def _shown(value: object) -> object:
    """Return what a template may print: no text of any length, and no character that hides."""
    if isinstance(value, Markup):
        return value
    if isinstance(value, str):
        return printable(excerpt(value, LONGEST))
    return "" if value is None else value


def prose(text: str) -> Markup:
    """Return a sentence in which what stands between backticks is code."""
    words = printable(excerpt(text, LONGEST)).split("`")
    if len(words) % 2 == 0:  # the last one opens and does not close
        words[-2:] = ["`".join(words[-2:])]
    codes = (Markup("<code>{}</code>").format(word) for word in words[1::2])
    return Markup("").join(
        part for pair in zip_longest(map(escape, words[::2]), codes, fillvalue="") for part in pair
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
