"""Keeps an alias like `major-2` on the version of its number that was promoted last."""

from dataclasses import replace

from reconciler.core.declaring.implied import complete
from reconciler.core.declaring.semantic_versions import is_major_alias, names_major, parse_semver
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration, Field, Value, aliases


def with_major_alias(
    before: Declaration, after: Declaration, version: int, settings: Settings
) -> Declaration:
    """Return a declaration in which a version that is to serve has the alias of its number.

    The aliases of other majors stay where they were before the change, whatever became of the
    other aliases there; one goes away where its version was blocked.
    """
    if not settings.aliases_from_semver:
        return after
    fields: dict[Field, Value] = {
        address: value
        for address, value in after.fields.items()
        if address.name != "alias" or not is_major_alias(address.key)
    }
    for holders in (before, after):
        for alias, holder in aliases(holders.fields).items():
            if is_major_alias(alias) and _may_hold(after, holder, alias):
                fields[Field("alias", None, alias)] = holder
    serving = settings.serving.of(after.model, after)
    entry = after.versions.get(version)
    if entry is not None and entry.semver and version in serving.versions(after.fields):
        fields[Field("alias", None, parse_semver(entry.semver).alias)] = version
    return complete(replace(after, fields=fields), settings)


def _may_hold(declaration: Declaration, version: int, alias: str) -> bool:
    entry = declaration.versions.get(version)
    return entry is not None and entry.blocked is None and names_major(alias, entry.semver)
