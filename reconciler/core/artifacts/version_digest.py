"""The files of one version, beside the digest that git declares for it."""

from dataclasses import dataclass

from reconciler.core.artifacts.model_files import ModelFiles


@dataclass(frozen=True, slots=True)
class VersionDigest:
    """A version whose files were read; `declared` is the digest that `file` pins, None for none."""

    model: str
    version: int
    files: ModelFiles
    declared: str | None = None
    file: str | None = None

    @property
    def digest(self) -> str:
        """The digest of the files as they are now."""
        return self.files.digest
