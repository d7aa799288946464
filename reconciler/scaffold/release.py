"""A release of this project, as others refer to it: action, schemas, pages."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

FileKind: TypeAlias = Literal["model", "settings"]


@dataclass(frozen=True, slots=True)
class Release:
    """A release, by the URL of its source and its version."""

    source: str
    version: str

    @property
    def tag(self) -> str:
        """The git tag."""
        return f"v{self.version}"

    @property
    def action(self) -> str:
        """The action as a step of a GitHub workflow names it."""
        return f"{self._repository}@{self.tag}"

    @property
    def _repository(self) -> str:
        """The source as `owner/name`."""
        return "/".join(self.source.rstrip("/").split("/")[-2:])

    def page(self, path: str) -> str:
        """Return the URL at which people read a file of the release."""
        return f"{self.source.rstrip('/')}/blob/{self.tag}/{path}"

    def schema(self, kind: FileKind) -> str:
        """Return the URL of the JSON Schema of a kind of file."""
        return f"https://raw.githubusercontent.com/{self._repository}/{self.tag}/schema/{kind}.json"

    def modeline(self, kind: FileKind) -> str:
        """Return the first line of a YAML file, which gives editors its schema."""
        return f"# yaml-language-server: $schema={self.schema(kind)}"
