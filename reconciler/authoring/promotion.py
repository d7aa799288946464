"""What promoting a version means for what is declared, and who has to make room for it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from reconciler.core.declaring.ab_tests import as_text, parts, traffic_problems
from reconciler.core.declaring.forms import in_form
from reconciler.core.declaring.implied import as_written, complete
from reconciler.core.declaring.moves import take_alias, take_stage
from reconciler.core.declaring.semantic_versions import is_major_alias, semvers
from reconciler.core.settings import Settings
from reconciler.core.state import (
    Declaration,
    DeclaredVersion,
    Field,
    Serving,
    aliases,
    stages,
)
from reconciler.core.transitions import partings
from reconciler.errors import Refused, UsageError

NO_PINS = DeclaredVersion()


@dataclass(frozen=True, slots=True)
class Promotion:
    """What is asked for a version; without a stage it is to serve, whatever that means here."""

    version: int
    stage: str | None = None
    aliases: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()


def promoted(
    declaration: Declaration,
    promotion: Promotion,
    settings: Settings,
    pins: DeclaredVersion = NO_PINS,
) -> Declaration:
    """Return what is declared once a version is promoted; `pins` fill in what its entry lacks.

    A bridged stage and its alias move as one, in the words that the file has of them. Raises
    `Refused` for a blocked version.
    """
    version, before = promotion.version, complete(declaration, settings)
    refuse_blocked(declaration, version)
    stage, named = promotion.stage, promotion.aliases
    if stage is None:
        serving = settings.serving.of(declaration.model, declaration)
        stage = serving.stage
        named = (*named, *([serving.alias] if serving.alias is not None else []))
    fields = dict(before.fields)
    if stage is not None:
        take_stage(fields, version, stage, settings)
    for alias in named:
        take_alias(fields, version, alias, settings)
    fields.update({Field("tag", version, key): value for key, value in promotion.tags})
    after = replace(before, fields=fields, versions=with_entry(declaration, version, pins))
    return in_form(before, after, settings)


def winning(
    declaration: Declaration,
    promotion: Promotion,
    settings: Settings,
    pins: DeclaredVersion = NO_PINS,
) -> Declaration:
    """Return what is declared once a version of an A/B test serves, and the test is over.

    Of the control, which serves, nothing changes but the traffic. Raises `Refused` for a blocked
    version, `UsageError` for one that is not in the test.
    """
    if promotion.version not in parts(declaration):
        raise UsageError(
            f"`{declaration.model}` v{promotion.version} carries no `traffic`: it is in no test",
            hint=f"its test has {in_test(declaration, settings)}" if parts(declaration) else None,
        )
    pins = NO_PINS if is_control(declaration, promotion.version, settings) else pins
    return promoted(without_test(declaration), promotion, settings, pins)


def is_control(declaration: Declaration, version: int, settings: Settings) -> bool:
    """Return whether a version is the control of an A/B test: the one that serves."""
    serving = settings.serving.of(declaration.model, declaration)
    return version in serving.versions(declaration.fields)


def without_test(declaration: Declaration) -> Declaration:
    """Return a declaration in which no version carries traffic, nor a tag that stands for it."""
    versions = {v: replace(e, traffic=None) for v, e in declaration.versions.items()}
    return replace(as_written(declaration), versions=versions)


def in_test(declaration: Declaration, settings: Settings) -> str:
    """Return the versions of a model's A/B test in words, with their parts."""
    serving = settings.serving.of(declaration.model, declaration)
    control = serving.versions(declaration.fields)
    return ", ".join(
        f"v{version} ({'control, ' if version in control else ''}{as_text(part)})"
        for version, part in parts(declaration).items()
    )


def refuse_broken_test(before: Declaration, after: Declaration, settings: Settings) -> None:
    """Raise `Refused` for a promotion that leaves an A/B test without its control."""
    if _is_broken(after, settings):
        raise Refused(
            f"`{before.model}` has a test, of {in_test(before, settings)}, and its control must "
            "serve",
            hint=f"end the test first: `reconciler promote {before.model} VERSION --winner`; or "
            "give the version a part of the traffic",
        )


def without_broken_test(declaration: Declaration, settings: Settings) -> Declaration:
    """Return a declaration whose A/B test is over where it cannot go on: going back comes first."""
    if not _is_broken(declaration, settings):
        return declaration
    return complete(without_test(declaration), settings)


def _is_broken(declaration: Declaration, settings: Settings) -> bool:
    serving = settings.serving.of(declaration.model, declaration)
    return any(traffic_problems(complete(declaration, settings), serving))


def refuse_blocked(declaration: Declaration, version: int) -> None:
    """Raise `Refused` for a version that its file blocks, with the reason it gives."""
    entry = declaration.versions.get(version)
    if entry is not None and entry.blocked is not None:
        raise Refused(
            f"`{declaration.model}` v{version} is blocked: {entry.blocked}",
            hint=f"remove `blocked` from version {version} in {declaration.file} when the reason "
            "is gone",
        )


def with_entry(
    declaration: Declaration, version: int, pins: DeclaredVersion
) -> Mapping[int, DeclaredVersion]:
    """Return the declared versions with an entry for one, which gets the pins that it lacks.

    Pins of another version under that number are not mixed with its own. A semantic version that
    another one has by now is left out.
    """
    entry = declaration.versions.get(version, DeclaredVersion())
    if entry.is_another(pins):
        return declaration.versions
    taken = semvers(declaration).values()
    pinned = replace(
        entry,
        run_id=entry.run_id or pins.run_id or None,
        source=entry.source or pins.source,
        digest=entry.digest or pins.digest,
        semver=entry.semver or (None if pins.semver in taken else pins.semver),
    )
    return {**declaration.versions, version: pinned}


def alone(declaration: Declaration, version: int) -> Declaration:
    """Return the part of a declaration that is about one version."""
    fields = {
        address: value
        for address, value in declaration.fields.items()
        if (value if address.name == "alias" else address.version) == version
    }
    return replace(declaration, fields=fields, versions={version: declaration.versions[version]})


def remarks(before: Declaration, after: Declaration, settings: Settings) -> tuple[str, ...]:
    """Return what a change leaves as it is, and somebody may not expect."""
    return (
        *_parted(before, after, settings),
        *_still_tested(before, after, settings.serving.of(after.model, after)),
        *(
            [f"the model is on hold ({after.hold}): nothing is written for it"]
            if after.hold
            else []
        ),
        *(["the model is retired: no version of it is expected to serve"] if after.retired else []),
    )


def _parted(before: Declaration, after: Declaration, settings: Settings) -> Iterable[str]:
    """Return what parts: of the aliases those that count, and every one that stays.

    The alias of a major is meant to stay behind.
    """
    was, now = aliases(before.fields), aliases(after.fields)
    stay = [a for a in sorted(now) if was.get(a) == now[a]]
    if settings.aliases_from_semver:
        stay = [a for a in stay if not is_major_alias(a)]
    return partings(
        before.fields,
        after.fields,
        settings.serving.of(after.model, after),
        names=(*settings.guarded_aliases, *stay),
        places=settings.exclusive,
    )


def _still_tested(before: Declaration, after: Declaration, serving: Serving) -> Iterable[str]:
    """Yield the versions that go to rest, or stop serving, and keep their part of the traffic."""
    was, now = stages(before.fields), stages(after.fields)
    stopped = serving.versions(before.fields) - serving.versions(after.fields)
    for version, part in parts(after).items():
        if part and now.get(version) == "Archived" != was.get(version):
            how = "goes to Archived"
        elif part and version in stopped:
            how = f"loses {serving}, which serves,"
        else:
            continue
        yield (
            f"v{version} {how} and still carries traffic {as_text(part)}: the test goes on; "
            "`promote --winner` ends it"
        )
