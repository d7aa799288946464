"""Makes SVG elements: every text and attribute escaped, every number with one decimal at most."""

from collections.abc import Iterable
from typing import TypeAlias

from markupsafe import Markup, escape

from reconciler.render.escape import printable
from reconciler.render.page.excerpts import LINE, excerpt

Attribute: TypeAlias = str | float | None


def element(tag: str, *children: Markup, **attributes: Attribute) -> Markup:
    """Return an element; `class_` is `class`, and `_` in a name is `-`. None leaves one out."""
    given = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    inner = "".join(children)
    # Our own tags and names; every value and text in it is escaped.
    return Markup(f"<{tag}{given}>{inner}</{tag}>" if inner else f"<{tag}{given}/>")  # noqa: S704


def words(text: str, longest: int = LINE) -> Markup:
    """Return a text for an element, cut, with its line breaks."""
    lines = excerpt(text, longest).split("\n")
    return escape("\n".join(map(printable, lines)))


def label(text: str, x: float, y: float, class_: str, anchor: str | None = None) -> Markup:
    """Return a text at a point; `anchor` is which part of it is there, the start where None."""
    return element("text", words(text), x=x, y=y, class_=class_, text_anchor=anchor)


def clipped(text: str, longest: int) -> str:
    """Return a text for a narrow place; the whole of it is told elsewhere."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def number(value: float) -> str:
    """Return a number with at most one decimal: the same text everywhere.

    >>> number(12.04), number(12.25), number(-0.01)
    ('12', '12.2', '0')
    """
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def path(points: Iterable[tuple[float, float]], *, closed: bool = False) -> str:
    """Return the data of a path through points."""
    data = "L".join(f"{number(x)} {number(y)}" for x, y in points)
    return f"M{data}{'Z' if closed else ''}"


def _value(value: str | float) -> str:
    return escape(printable(value)) if isinstance(value, str) else number(value)
