"""The names of the site's files: safe in every file system and in every address."""

import hashlib
import re
from typing import Final

INDEX: Final = "index.html"
ABOUT: Final = "about.html"
ENVIRONMENTS: Final = "environments"  # the folder of the sites that are one page together

_LONGEST: Final = 80
_READABLE: Final = 48  # characters of a name that is not plain
_PLAIN: Final = re.compile(r"[a-z0-9]+(?:[-_.][a-z0-9]+)*")
_OTHER: Final = re.compile(r"[^a-z0-9]+")
# Windows opens a device instead of such a file, whatever follows the first dot.
_DEVICES: Final = {"con", "prn", "aux", "nul"} | {
    f"{d}{n}" for d in ("com", "lpt") for n in range(10)
}
_RESERVED: Final = _DEVICES | {"index", "about"}


def slug(name: str) -> str:
    """Return a file name without its suffix: another one for every name, always the same.

    A plain name stands for itself. Every other name becomes its readable part, `~`, and a digest of
    the whole, so that names that differ only in case or in a sign are two files everywhere.

    >>> slug("fraud-detection"), slug("Fraud Detection"), slug("con")
    ('fraud-detection', 'fraud-detection~26ec1f1eccbb2f5b', 'con~9ebd6ddc5a6b1ee6')
    """
    is_plain = len(name) <= _LONGEST and _PLAIN.fullmatch(name) is not None
    if is_plain and name.partition(".")[0] not in _RESERVED:
        return name
    readable = _OTHER.sub("-", name[: 4 * _READABLE].lower()).strip("-")[:_READABLE].rstrip("-")
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{readable or 'x'}~{digest}"


def model_path(model: str) -> str:
    """Return the path of a model's page below the site of its environment."""
    return f"models/{slug(model)}.html"


def group_path(group: str, page: int = 1) -> str:
    """Return the path of a page with the models of a group; `page` counts from 1."""
    suffix = f"~{page}" if page > 1 else ""
    return f"groups/{slug(group or '(top)')}{suffix}.html"


def environment_path(name: str) -> str:
    """Return the folder of an environment's own site, with a slash at its end."""
    return f"{ENVIRONMENTS}/{slug(name)}/"
