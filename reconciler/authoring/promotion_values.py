"""What may be asked of a promotion: a version, aliases and tags that a file can hold."""

from reconciler.authoring.promotion import NO_PINS, Promotion, in_test
from reconciler.core.declaring.ab_tests import parts
from reconciler.core.settings import Settings
from reconciler.core.state import ACTIVE_STAGES, Declaration, Field, Value
from reconciler.errors import DeclarationError, UsageError
from reconciler.files.loader import dump_declaration, parse_declaration
from reconciler.files.schema.name_rules import quoted

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
