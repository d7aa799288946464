"""`reconciler promote`: edits a model's file so that a version serves, or takes a stage."""

import click

from reconciler.cli.delivery_options import Delivery, deliver, delivery_options
from reconciler.cli.digest_option import digest_option
from reconciler.cli.model_options import declared_models
from reconciler.cli.opened import opened
from reconciler.cli.options import Options, common
from reconciler.core.state import ACTIVE_STAGES
from reconciler.errors import UsageError
from reconciler.files.schema.name_rules import quoted


@click.command("promote", short_help="edit the file so that a version serves")
@click.argument("model", shell_complete=declared_models)
@click.argument("version", type=click.IntRange(1), required=False)
@click.option("--to", "stage", type=click.Choice(ACTIVE_STAGES), help="[default: what serves]")
@click.option("--alias", "aliases", metavar="NAME", multiple=True, help="Move an alias to it.")
@click.option("--tag", "tags", metavar="K=V", multiple=True, help="Tag it.")
@click.option(
    "--semver", metavar="auto|X.Y.Z", help="Its semantic version; `auto` compares signatures."
)
@click.option("--winner", is_flag=True, help="It won its A/B test, which is over.")
@digest_option
@delivery_options
@common()
def command(
    *,
    options: Options,
    model: str,
    version: int | None,
    stage: str | None,
    aliases: tuple[str, ...],
    tags: tuple[str, ...],
    winner: bool,
    semver: str | None,
    digest: bool | None,
    delivery: Delivery,
    reason: str | None,
) -> int:
    """Declare that VERSION of MODEL serves; who has its stage now goes to Archived.

    Only the file changes: the registry follows when that is merged and applied.
    """
    edit = opened(options).promote(
        model,
        version,
        aliases=aliases,
        stage=stage,
        tags=_pairs(tags),
        winner=winner,
        reason=reason,
        digest=digest,
        semver=semver,
    )
    return deliver(edit, delivery, options)


def _pairs(tags: tuple[str, ...]) -> dict[str, str]:
    """Return `--tag KEY=VALUE` as a mapping; raises `UsageError` for what is none."""
    found: dict[str, str] = {}
    for text in tags:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise UsageError(f"`--tag {text}` is not a tag", hint="`--tag KEY=VALUE`")
        if found.setdefault(key, value) != value:
            first = quoted(f"--tag {key}={found[key]}")
            raise UsageError(f"{first}: the tag is given twice", hint="choose one value")
    return found
