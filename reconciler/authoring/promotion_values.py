"""What may be asked of a promotion: a version, aliases and tags that a file can hold."""

from collections.abc import Iterator

from reconciler.authoring.promotion import NO_PINS, Promotion, in_test
from reconciler.core.declaring.ab_tests import parts
from reconciler.core.settings import Settings
from reconciler.core.state import ACTIVE_STAGES, Declaration, Field, Value
from reconciler.errors import DeclarationError, UsageError
from reconciler.files.loader import dump_declaration, parse_declaration
from reconciler.files.schema.name_rules import quoted

_SERVES = "it is to serve"
_ANOTHER = "write another, or leave the option out"


def check_version(
    before: Declaration, version: int | None, settings: Settings, *, is_winner: bool
) -> int:
    """Return the version; raises `UsageError` where none is named, with those that may be meant."""
    if version is not None and version < 1:
        raise UsageError(f"{version} is not the number of a version: they begin with 1")
    if version is not None:
        return version
    if is_winner and parts(before):
        raise UsageError("which version won?", hint=f"the test has {in_test(before, settings)}")
    if is_winner:
        raise UsageError(f"`{before.model}` has no A/B test: no version carries `traffic`")
    raise UsageError("missing argument VERSION", hint="reconciler promote MODEL VERSION")


def check_values(promotion: Promotion, settings: Settings) -> None:
    """Raise `UsageError` for a stage, an alias or a tag that no file may declare."""
    if promotion.stage is not None and promotion.stage not in ACTIVE_STAGES:
        stages = " or ".join(ACTIVE_STAGES)
        raise UsageError(f"`{promotion.stage}` is not a stage to promote to: that is {stages}")
    for name in promotion.aliases:
        _check(f"--alias {name}", Field("alias", None, name), promotion.version, settings)
    for key, value in promotion.tags:
        _check(f"--tag {key}={value}", Field("tag", promotion.version, key), value, settings)


def check_pairs(before: Declaration, promotion: Promotion, settings: Settings) -> None:
    """Raise `UsageError` for a promotion that asks for two stages, by a stage or a bridged alias.

    Without a stage the version is to serve, which asks for the stage or the alias that serves.
    """
    asked = tuple(_asked_stages(before, promotion, settings))
    for stage, why in asked[1:]:
        first, first_why = asked[0]
        if stage != first:
            raise UsageError(
                f"v{promotion.version} would be in {first} ({first_why}) and in {stage} ({why}): a "
                "version is in one stage",
                hint=f"`--to {stage}` promotes it there, and it does not serve"
                if first_why is _SERVES
                else "leave one of the two out",
            )


def _asked_stages(
    before: Declaration, promotion: Promotion, settings: Settings
) -> Iterator[tuple[str, str]]:
    """Yield each stage that a promotion asks for, and by which word."""
    serving, bridge = settings.serving.of(before.model, before), settings.bridge
    serves_in = serving.stage or bridge.stage_of(serving.alias)
    if promotion.stage is not None:
        yield promotion.stage, f"`--to {promotion.stage}`"
    elif serves_in is not None:
        yield serves_in, _SERVES
    for alias in promotion.aliases:
        stage = bridge.stage_of(alias)
        if stage is not None:
            yield stage, f"`--alias {alias}`: `bridge` makes the two one"


def _check(option: str, address: Field, value: Value, settings: Settings) -> None:
    if settings.ignore.field(address):
        ours = "`mlflow.*` and `reconciler.*` always are, others by "
        which, why = ("tags", ours) if address.name == "tag" else ("aliases", "")
        raise UsageError(
            f"{quoted(option)} is ignored: {why}`ignore.{which}` in reconciler.yaml", hint=_ANOTHER
        )
    version = address.version or int(value)
    alone = Declaration("model", {address: value}, {version: NO_PINS})
    try:
        option.encode()
        parse_declaration(dump_declaration(alone).encode(), "")
    except UnicodeEncodeError as error:
        raise UsageError(f"{quoted(option)} is not UTF-8 text", hint=_ANOTHER) from error
    except DeclarationError as error:
        message = f"{quoted(option)}: {error.problems[0].message}"
        raise UsageError(message, hint=_ANOTHER) from error
