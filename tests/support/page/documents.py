"""Pages as a browser reads them: elements with their attributes, ids, links, text."""

from collections.abc import Mapping
from html.parser import HTMLParser


class Document(HTMLParser):
    """What a page has; `raw` is the text of its style and script."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw: dict[str, list[str]] = {"style": [], "script": []}
        self.text: list[str] = []
        self._inside = ""
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag if tag in self.raw else self._inside

    def handle_endtag(self, tag: str) -> None:
        self._inside = "" if tag == self._inside else self._inside

    def handle_data(self, data: str) -> None:
        (self.raw[self._inside] if self._inside else self.text).append(data)

    @property
    def links(self) -> list[str]:
        """The addresses of the links."""
        return [a["href"] or "" for tag, a in self.elements if tag == "a"]

    @property
    def ids(self) -> list[str]:
        """The ids of the elements."""
        return [a["id"] or "" for _, a in self.elements if "id" in a]

    @property
    def words(self) -> str:
        """The text that is shown, with one space where there are several."""
        return " ".join(" ".join(self.text).split())


def documents(files: Mapping[str, bytes]) -> dict[str, Document]:
    """Return the pages of a site by path."""
    return {path: Document(page) for path, page in files.items() if path.endswith(".html")}
