"""Makes the edit of `promote`: a version is to serve, or takes a stage."""

from collections.abc import Collection, Mapping

from reconciler.api.editing.digests import draft_with_digests
from reconciler.api.editing.edit import Edit
from reconciler.api.editing.lookups import declared, probe
from reconciler.api.editing.numbering import numbering
from reconciler.api.workspace import Workspace
from reconciler.authoring.promotion import (
    Promotion,
    is_control,
    promoted,
    refuse_broken_test,
    winning,
)
from reconciler.authoring.promotion_values import check_pairs, check_values, check_version
from reconciler.authoring.proposal import Proposal, check_text, slug, title_of
from reconciler.errors import DeclarationError, UsageError


def promote(
    workspace: Workspace,
    model: str,
    version: int | None,
    *,
    stage: str | None,
    aliases: Collection[str],
    tags: Mapping[str, str],
    winner: bool,
    reason: str | None,
    digest: bool | None,
    semver: str | None,
) -> Edit:
    """Return the edit; the arguments are those of `Reconciler.promote`."""
    check_text("--reason", reason)
    before, settings = declared(workspace, model), workspace.desired.settings
    version = check_version(before, version, settings, is_winner=winner)
    asked = Promotion(version, stage, tuple(aliases), tuple(tags.items()))
    check_values(asked, settings)
    check_pairs(before, asked, settings)
    if winner and stage is not None:
        raise UsageError("`--winner` is what serves", hint="leave `--to` out")
    change = winning if winner else promoted
    # What is refused is refused without asking the registry.
    refuse_broken_test(before, change(before, asked, settings), settings)
    number = numbering(workspace, before, asked, semver)
    required = bool(digest) or number.reads_signatures
    found = probe(workspace, model, number.versions, required=required)
    after = change(before, asked, settings, found.pins(version, settings))
    problems = found.problems(after, version)
    if problems:
        raise DeclarationError(problems)
    place = stage or settings.serving.of(model, before)
    end = ", the winner of its test" if winner else ""
    after, notes = number.added(after, found.live)
    proposal = Proposal(
        ((before, after),),
        title=title_of(f"Promote {model} v{version} to {place}{end}"),
        branch=f"promote/{slug(model)}-v{version}",
        reason=reason,
        notes=notes,
    )
    lives = {} if found.live is None else {model: found.live}
    # The control of a test, which serves, does not enter.
    enters = digest or not (winner and is_control(before, version, settings))
    versions = [(model, version)] if enters else []
    edit = draft_with_digests(workspace, proposal, lives, versions, wanted=digest)
    return Edit(workspace, edit, model=model, file=before.file)
