"""A registry in memory whose versions have files, and declarations that pin them."""

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256

from reconciler.core.artifacts.model_files import HashedFile, ModelFiles, model_files
from reconciler.core.state import Declaration, DeclaredVersion, Field, Value
from tests.support.plans.planner_lab import Lab

FILES: Mapping[str, bytes] = {"MLmodel": b"flavors:\n", "data/model.pkl": b"\x80weights"}
SWAPPED: Mapping[str, bytes] = {**FILES, "data/model.pkl": b"\x80another"}


def hashed(files: Mapping[str, bytes]) -> ModelFiles:
    return model_files(
        HashedFile(path, len(data), sha256(data).hexdigest()) for path, data in files.items()
    )


def files_of(version: int) -> Mapping[str, bytes]:
    """Return the files that a version of `PinnedLab` was registered with."""
    return {**FILES, "version": b"%d" % version}


def digest_of(version: int) -> str:
    return hashed(files_of(version)).digest


def pinned(
    stages: Mapping[int, str],
    aliases: Mapping[str, int] | None = None,
    *,
    model: str = "m",
    without: frozenset[int] = frozenset(),
    tags: Mapping[str, str] | None = None,
) -> Declaration:
    """Return a declaration of versions with the digests that they were registered with."""
    fields: dict[Field, Value] = {Field("stage", v): stage for v, stage in stages.items()}
    fields |= {Field("alias", None, name): v for name, v in (aliases or {}).items()}
    fields |= {Field("tag", None, key): text for key, text in (tags or {}).items()}
    versions = {
        v: DeclaredVersion(digest=None if v in without else digest_of(v), line=v)
        for v in sorted({*stages, *(aliases or {}).values()})
    }
    return Declaration(model, fields, versions, file=f"{model}.yaml", line=1)


def pinned_as(declaration: Declaration, version: int, digest: str) -> Declaration:
    entry = replace(declaration.versions[version], digest=digest)
    return replace(declaration, versions={**declaration.versions, version: entry})


class PinnedLab(Lab):
    """A `Lab` whose versions have files of their own; `read` has those whose bytes were read."""

    def __init__(self, **models: int) -> None:
        super().__init__(**models)
        self.read: list[tuple[str, int]] = []
        for model, count in (models or {"m": 3}).items():
            for version in range(1, count + 1):
                self.registry.set_files(model, version, files_of(version))
        asked = self.registry.files_of

        def files(model: str, version: int) -> Mapping[str, bytes]:
            self.read.append((model, version))
            return asked(model, version)

        self.registry.files_of = files  # type: ignore[method-assign]

    def swap(self, version: int, model: str = "m") -> None:
        """Replace a file of a version, as whoever may log to its logged model can."""
        self.registry.set_files(model, version, {**files_of(version), "MLmodel": b"evil\n"})
