"""The methods of `Reconciler` that change files: each returns what it would write, or writes it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from reconciler.api.answers import timed
from reconciler.authoring.questions import take_default
from reconciler.core.matching import as_names, as_version
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from reconciler.api.caller import Needs
    from reconciler.api.editing.discovery import Discovery
    from reconciler.api.editing.edit import Edit
    from reconciler.api.editing.importing import Import
    from reconciler.api.editing.starter_files import StarterFiles
    from reconciler.api.editing.tidying import Tidying
    from reconciler.api.migration.steps import Migration
    from reconciler.api.workspace import Workspace
    from reconciler.authoring.questions import AskAbout

_PATIENCE = 10.0  # seconds for a registry whose answer is not required


class EditingMethods(ABC):
    """What `Reconciler` does with files; nothing is written before the answer's `write`.

    Each method imports what it calls: a plan must not wait for the editor of YAML files.
    """

    def promote(
        self,
        model: str,
        version: int | None = None,
        *,
        aliases: Collection[str] = (),
        stage: str | None = None,
        tags: Mapping[str, str] | None = None,
        winner: bool = False,
        reason: str | None = None,
        digest: bool | None = None,
        semver: str | None = None,
    ) -> Edit:
        """Return the edit with which a version of a declared model serves; writes nothing.

        Who has its stage now goes to Archived. `stage` is another one to take. `aliases` move to
        the version, `tags` are set on it. A bridged stage and its alias move as one, in the words
        that the file has. `winner` says that it won its A/B test, which is over.
        `reason` goes into the commit's message. The version is checked against the registry where
        that answers.

        Where its files can be read and have 2 GB at most, their `digest` is declared, too; True
        reads them whatever their size, and False not at all. A digest that is declared already
        stays, and is only checked for True.

        `semver` is its semantic version; `auto` proposes it by the signatures of the version and
        of the one that serves now, and `notes` say why. One that it has already stays.

        Raises `UsageError` for a model that is not declared, for an alias or tag that no file can
        hold, and for two stages at once; `Refused` for a version that is blocked;
        `DeclarationError` for one that is not in the registry, or has other bytes than its digest
        says; for a digest or a signature that has to be read and cannot be, `RegistryError`.

        >>> r.promote("fraud", 4).meaning[:2]
        ('v4 → Production', 'v3 Production → Archived')
        """
        from reconciler.api.editing.promoting import promote  # noqa: PLC0415  as the class says

        with self._workspace(timeout=_PATIENCE) as workspace:
            edit = promote(
                workspace,
                model,
                None if version is None else as_version(version),
                stage=stage,
                aliases=as_names(aliases),
                tags=tags or {},
                winner=winner,
                reason=reason,
                digest=digest,
                semver=semver,
            )
            return timed(edit, workspace.started)

    def rollback(
        self,
        model: str,
        *,
        to: int | None = None,
        block: bool = False,
        reason: str | None = None,
        fetch_notes: str | None = None,
        digest: bool | None = None,
    ) -> Edit:
        """Return the edit with which the version that served before serves again; writes nothing.

        The merged history says which, less those that are blocked, gone, never applied, or that a
        rollback displaced. `to` names another version that served. `block` keeps the version of now
        from coming back, and needs a `reason`, which goes into the file and the commit's message.
        `fetch_notes` is a remote whose apply records are fetched first. `digest` is as in
        `promote`; what was declared when the version served is declared again.

        An edit with `refused` has nothing to go back to: `candidates` has what there is, and
        `write` raises. Raises `UsageError` for a model that is not declared, `Refused` for a `to`
        that is blocked, `OutOfStep` for a checkout that lags behind the main line.

        >>> "@champion 3 → 2" in r.rollback("fraud").meaning
        True
        """
        from reconciler.api.editing.rolling_back import RollbackRequest, roll_back  # noqa: PLC0415  as the class says

        with self._workspace(timeout=_PATIENCE) as workspace:
            return timed(
                roll_back(
                    workspace,
                    RollbackRequest(
                        model,
                        None if to is None else as_version(to),
                        block,
                        reason,
                        fetch_notes,
                        digest,
                    ),
                ),
                workspace.started,
            )

    def discover(
        self,
        models: Collection[str] | None = None,
        *,
        globs: Collection[str] = (),
        reason: str | None = None,
        digest: bool | None = None,
    ) -> Discovery:
        """Return the edit that declares new versions for Staging; writes nothing.

        These are the versions in stage None that are newer than every one which the model's file,
        or its merged history, ever had, and that the policies let in. `models` are names and
        `globs` patterns of declared models; without either all are looked at. `reason` goes into
        the commit's message. `digest` is as in `promote`.

        Raises `UsageError` for names of no declared model, `Refused` where the registry has no
        stages, `RegistryError` where it cannot be read.

        >>> r.discover(["fraud"]).meaning[0]
        'v4 → Staging'
        """
        from reconciler.api.editing.discovering import discover  # noqa: PLC0415  as the class says

        with self._workspace() as workspace:
            return timed(
                discover(workspace, _some(models), as_names(globs), reason, digest=digest),
                workspace.started,
            )

    def tidy(self, models: Collection[str] | None = None, *, reason: str | None = None) -> Tidying:
        """Return the edit that takes out what is no longer in the registry; writes nothing.

        These are the entries of versions that were deleted, and the files of models that are gone
        altogether. `models` are names or globs of declared models; without any all are looked at.
        Another version under a pinned number is in `problems`, and stays. `reason` goes into the
        commit's message.

        Raises `UsageError` for a glob without a match, `Refused` where none of the declared models
        is in the registry, `RegistryError` where it cannot be read.

        >>> r.tidy(["fraud"]).diff
        ''
        """
        from reconciler.api.editing.tidying import tidy  # noqa: PLC0415  as the class says

        with self._workspace() as workspace:
            return timed(tidy(workspace, _some(models), reason), workspace.started)

    def migrate(
        self,
        step: str | None = None,
        *,
        keep: Mapping[str, int | Collection[int]] | None = None,
        clear: bool = False,
        bridge: Mapping[str, str] | None = None,
        scan: str | Collection[str] = (),
        reason: str | None = None,
    ) -> Migration:
        """Return the edit of a step from stages to aliases; writes nothing.

        `bridge` makes a stage and its alias one, and declares what is live and was not declared;
        the argument `bridge` has the alias of a stage, where it is another than the usual one. A
        stage and its alias on different versions is a conflict: all of them are refused at once,
        and `keep` says for a model which version has both. `serve-by-alias` has the alias serve,
        and policies and guards cover it. `drop-stages` takes the stages out of the files, unless a
        consumer, a policy or the code below the paths of `scan` depends on one; the registry keeps
        them, until `clear`, without a step, declares `stage: None` for what still has one. A plan
        before and after `serve-by-alias` and `drop-stages` proves that they have nothing written.
        `reason` goes into the commit's message.

        An edit with `refused` has what is wrong in `problems`, and `write` raises. Raises
        `UsageError` for another step, and a `keep` that decides nothing; `Refused` for a step
        before its turn; `RegistryError` where the registry cannot be read.

        >>> r.migrate("bridge").meaning
        ('Production and @champion are one from here on',)
        """
        from reconciler.api.migration.steps import StepRequest, migrate  # noqa: PLC0415  as the class says

        request = StepRequest(
            step or "",
            {model: _versions(versions) for model, versions in (keep or {}).items()},
            dict(bridge or {}),
            as_names(scan),
            reason,
            clear,
        )
        with self._workspace() as workspace:
            return timed(migrate(workspace, request), workspace.started)

    def import_models(
        self,
        models: Collection[str] | None = None,
        *,
        versions: str = "active",
        update: bool = False,
        pins: bool = False,
        digests: bool = False,
        keep: Collection[int] = (),
        ask: AskAbout | None = None,
    ) -> Import:
        """Return live models as files; writes nothing before `write` of the answer.

        Without `models` all are imported. `versions` are those in an active stage or under an
        alias, or `all`. A file is never overwritten: for a declared model `differences` has what
        its file lacks, and with `update` the file is edited in place, adding and changing,
        removing nothing. With `update` and `pins` the named models' `run_id` and `source` become
        those of the live versions, and nothing else changes: that approves another model under a
        number. With `digests` the files of the versions that are in use are read, and those whose
        entries have no `digest` get one; a version that cannot be read is in `errors`, and gets
        none.

        Where a stage that holds one version has several, or a bridged stage and its alias are on
        different ones, the model is not declared, and in `conflicts`: `keep` names the version that
        stays, or gets both, and the others are declared Archived.
        Where no version is in an active stage, the alias that most models have serves, and a new
        settings file says so. `ask` gets each `OpenQuestion`, and returns the choice, or None.

        Raises `UsageError` for a model that is not in the registry, a prompt or ignored;
        `DeclarationError` for wrong files; `RegistryError` where the registry cannot be read.

        >>> list(r.import_models(["fraud"], versions="all").differences)
        ['registry-state/fraud.yaml']
        """
        from reconciler.api.editing.importing import import_models  # noqa: PLC0415  as the class says

        with self._workspace(needs="pins") as workspace:
            return timed(
                import_models(
                    workspace,
                    _some(models),
                    versions,
                    update=update,
                    pins=pins,
                    digests=digests,
                    keep=[as_version(number) for number in keep],
                    ask=ask or take_default,
                ),
                workspace.started,
            )

    def init(
        self,
        *,
        gitlab: bool = False,
        pages: bool = False,
        public_page: bool = False,
        ask: AskAbout | None = None,
    ) -> StarterFiles:
        """Return the files that make a repository ready; written by `write` of the answer.

        These are settings, the models that are live or an example, workflows (with `gitlab` a
        pipeline for GitLab), CODEOWNERS and a pre-commit hook. A file that is there is left as it
        is. An empty folder becomes a git repository. What only a person can decide is as in
        `import_models`. With `pages` a workflow publishes the page after each apply: `public_page`
        agrees that everybody may read it, and without it `ask` is asked.

        Raises `UsageError` for a folder that is neither empty nor in a repository, and for `pages`
        where nobody agreed.

        >>> r.init(gitlab=True)
        <reconciler.StarterFiles: ... files>
        """
        from reconciler.api.editing.starting import starter_files  # noqa: PLC0415  as the class says

        with self._workspace(needs="anything") as workspace:
            files = starter_files(
                workspace,
                gitlab=gitlab,
                pages=pages,
                public_page=public_page,
                ask=ask or take_default,
            )
            return timed(files, workspace.started)

    @abstractmethod
    def _workspace(self, *, needs: Needs = "all", timeout: float = 60.0) -> Workspace: ...


def _versions(kept: int | Collection[int]) -> tuple[int, ...]:
    """Return versions, of one or several."""
    return tuple(as_version(number) for number in ((kept,) if isinstance(kept, int) else kept))


def _some(models: Collection[str] | None) -> tuple[str, ...]:
    """Return names, none for every model; raises `UsageError` where an empty list names none."""
    if models is not None and not models:
        raise UsageError("no model is named", hint="leave `models` out to mean every one")
    return as_names(models or ())
