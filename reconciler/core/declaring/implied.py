"""The values that a file does not write: its other keys and the settings add them."""

from dataclasses import replace
from types import MappingProxyType

from reconciler.core.declaring.ab_tests import parts, test_tags
from reconciler.core.declaring.bridge import other_words
from reconciler.core.declaring.semantic_versions import semver_tags
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration, Field, Fields, Value


def complete(declaration: Declaration, settings: Settings) -> Declaration:
    """Return a declaration with what its keys and the settings imply.

    These are the other word of a bridged stage or alias, the tags of an A/B test, and the tag of a
    semantic version. A value that the file writes stays; what was implied before is computed anew.
    """
    written = as_written(declaration)
    if written.bridged != settings.bridge.pairs:
        written = replace(written, bridged=settings.bridge.pairs)
    added = dict(other_words(written.fields, settings.bridge))
    added |= _unwritten(written, semver_tags(written))
    if parts(written):
        serving = settings.serving.of(written.model, written)
        control = serving.versions({**written.fields, **added})
        added |= _unwritten(written, test_tags(written, control))
    if not added:
        return written
    fields = MappingProxyType({**written.fields, **added})
    return replace(written, fields=fields, implied=MappingProxyType(added))


def _unwritten(written: Declaration, tags: Fields) -> dict[Field, Value]:
    return {address: value for address, value in tags.items() if address not in written.fields}


def as_written(declaration: Declaration) -> Declaration:
    """Return a declaration with only what its file writes.

    An implied value that was changed since counts as written.
    """
    if not declaration.implied:
        return declaration
    fields = {
        address: value
        for address, value in declaration.fields.items()
        if declaration.implied.get(address) != value
    }
    return replace(declaration, fields=MappingProxyType(fields), implied=MappingProxyType({}))


def imply_the_same(one: Settings, other: Settings) -> bool:
    """Return whether every file declares the same by two settings."""
    return (one.bridge, one.serving) == (other.bridge, other.serving)
