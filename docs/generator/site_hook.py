"""What `make docs` does so that a page works on GitHub and on the site alike.

MkDocs calls these functions by their names, and may be missing where they are checked and tested.
"""

import re
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import Any, Protocol

from docs.generator.example_page import example_page
from docs.generator.markdown_text import github_anchor
from reconciler.scaffold.package_data import this_release

_ROOT = Path(__file__).parents[2]
_LINK_UPWARD = re.compile(r"(?<=\]\()(\.\./[^)#\s]+)(?=[)#])")
_CELL = re.compile(r"<td.*?</td>", re.DOTALL)
_EXAMPLE = "example-page"  # the folder of the site with the demonstration's page
_EXAMPLE_HERE = "<!-- the site has an example here -->"  # where docs/ links to it


class _Files(Protocol):
    def append(self, file: object) -> None: ...


class _Config(Protocol):
    extra: dict[str, Any]
    mdx_configs: dict[str, dict[str, Any]]


class _File(Protocol):
    src_uri: str


class _Page(Protocol):
    file: _File


def on_config(config: _Config) -> None:
    """Set the address of the source, which pyproject.toml has, and the anchors of GitHub."""
    config.extra["social"] = [
        {"icon": "fontawesome/brands/github", "link": this_release().source, "name": "Source"}
    ]
    config.mdx_configs["toc"]["slugify"] = github_anchor


def on_files(files: _Files, *, config: Any) -> None:  # noqa: ANN401  it may be missing
    """Add the page that the demonstration makes."""
    from mkdocs.structure.files import File  # noqa: PLC0415  it may be missing, as said above

    for path, content in example_page():
        files.append(File.generated(config, f"{_EXAMPLE}/{path}", content=content))


def on_page_markdown(markdown: str, *, page: _Page, **_: object) -> str:
    """Return a page whose links to files outside of docs/ lead to the repository."""
    folder = dirname(f"docs/{page.file.src_uri}")

    def absolute(link: re.Match[str]) -> str:
        path = normpath(join(folder, link[1]))
        if path.startswith("docs/"):
            return link[0]
        kind = "tree" if (_ROOT / path).is_dir() else "blob"
        return f"{this_release().source}/{kind}/main/{path}"

    example = f"[The page that `make demo` makes]({_EXAMPLE}/index.html) is one to click through."
    return _LINK_UPWARD.sub(absolute, markdown.replace(_EXAMPLE_HERE, example))


def on_page_content(html: str, **_: object) -> str:
    """Return a page whose cells have `|` where Markdown needs a backslash before it."""
    return _CELL.sub(lambda cell: cell[0].replace(r"\|", "|"), html)
