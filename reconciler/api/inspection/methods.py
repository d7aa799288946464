"""The methods of `Reconciler` that answer what is, and what was."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, BinaryIO, overload

from reconciler.api.answers import timed
from reconciler.core.matching import as_names, as_version
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from reconciler.api.artifacts.bytes_drift import ReadingDepth
    from reconciler.api.artifacts.version_digests import VersionDigests
    from reconciler.api.caller import Needs
    from reconciler.api.forgetting import ForgottenModel
    from reconciler.api.inspection.audit_report import AuditReport
    from reconciler.api.inspection.model_details import ModelDetails
    from reconciler.api.inspection.model_history import ModelHistory
    from reconciler.api.inspection.registry_history import RegistryHistory
    from reconciler.api.inspection.resolved_version import ResolvedVersion
    from reconciler.api.inspection.version_comparison import VersionComparison
    from reconciler.api.migration.report import MigrationReport
    from reconciler.api.migration.rewrite import Rewrite
    from reconciler.api.usage.consumers import Consumers
    from reconciler.api.workspace import Workspace
    from reconciler.audit.dates import DateLike


class InspectionMethods(ABC):
    """What `Reconciler` reads from git and the registry about models and versions.

    Each method imports what it calls: a plan must not wait for what reads the past.
    """

    @overload
    def history(
        self,
        model: str,
        *,
        at: DateLike | None = None,
        version: int | None = None,
        since: DateLike | None = None,
        until: DateLike | None = None,
        fetch_notes: str | None = None,
    ) -> ModelHistory: ...

    @overload
    def history(
        self,
        model: None = None,
        *,
        models: Collection[str] | None = None,
        at: DateLike | None = None,
        since: DateLike | None = None,
        until: DateLike | None = None,
        fetch_notes: str | None = None,
    ) -> RegistryHistory: ...

    @overload
    def history(
        self,
        model: str | None = None,
        *,
        models: Collection[str] | None = None,
        at: DateLike | None = None,
        version: int | None = None,
        since: DateLike | None = None,
        until: DateLike | None = None,
        fetch_notes: str | None = None,
    ) -> ModelHistory | RegistryHistory: ...

    def history(
        self,
        model: str | None = None,
        *,
        models: Collection[str] | None = None,
        at: DateLike | None = None,
        version: int | None = None,
        since: DateLike | None = None,
        until: DateLike | None = None,
        fetch_notes: str | None = None,
    ) -> ModelHistory | RegistryHistory:
        """Return every merged change with its evidence, from git alone: of a model, or of several.

        Without `model` it is every model that was ever declared, or with `models`, which are globs,
        some of them. Moments are `datetime`s with a time zone or ISO 8601 text: UTC unless it says
        otherwise, and a day is all of it; or how long ago, as `yesterday`, `36h` or `2w`. `at` asks
        what was declared then; without it `version`, `since` and `until` limit the changes.
        `fetch_notes` names a remote whose apply records are fetched.

        Raises `UsageError` for a model that was never declared, `OutOfStep` without a history.

        >>> [change["author"] for change in r.history("fraud").to_dict()["changes"]]
        ['Ada', 'Ada', 'Ada']
        """
        from reconciler.api.inspection import model_history, registry_history  # noqa: PLC0415  as the class says

        with self._workspace_of_the_past() as workspace:
            limits = {"at": at, "since": since, "until": until}
            if model is None:
                if version is not None:
                    raise UsageError("`--version` is of one model", hint="name the model")
                chosen = None if models is None else as_names(models)
                several = registry_history.registry_history(
                    workspace, chosen, **limits, fetch_notes=fetch_notes
                )
                return timed(several, workspace.started)
            if models is not None:
                raise UsageError("one model is named, and globs of several", hint="leave out one")
            number = None if version is None else as_version(version)
            one = model_history.model_history(
                workspace, model, **limits, version=number, fetch_notes=fetch_notes
            )
            return timed(one, workspace.started)

    def audit(
        self,
        *,
        since: DateLike | None = None,
        until: DateLike | None = None,
        bytes: ReadingDepth | None = None,  # noqa: A002  the option's name
        fetch_notes: str | None = None,
    ) -> AuditReport:
        """Return every merged change of what serves, its evidence, and what does not add up.

        The arguments are those of `history`. The registry is compared unless none is named, or
        `until` is in the past; where it cannot be, `problems` says why, and `code` is not 2. Its
        files are compared as `drift` does: with `bytes` every one is read.

        >>> [change["commit"][:7] for change in r.audit().to_dict()["changes"]]
        ['9d4f0b3', 'd8afedb']
        """
        from reconciler.api.artifacts.bytes_drift import as_depth  # noqa: PLC0415  as the class says
        from reconciler.api.inspection.audit_report import audit_report  # noqa: PLC0415  the same

        depth = as_depth(bytes)
        with self._workspace_of_the_past() as workspace:
            answer = audit_report(
                workspace, since=since, until=until, depth=depth, fetch_notes=fetch_notes
            )
            return timed(answer, workspace.started)

    def show(self, name: str) -> ModelDetails:
        """Return all that is known of a version: its values, run, signature, and who put it there.

        `name` is that of a model, for the version that serves, or has a version, a stage or an
        alias behind it: `fraud/4`, `fraud/Production`, `fraud@champion`.

        Raises `UsageError` for a name that means nothing.

        >>> r.show("fraud@champion").to_dict()["version"]["stage"]
        'Production'
        """
        from reconciler.api.inspection.model_details import model_details  # noqa: PLC0415  as the class says

        with self._workspace(needs="anything") as workspace:
            return timed(model_details(workspace, name), workspace.started)

    def compare(self, model: str, incumbent: int | str, candidate: int | str) -> VersionComparison:
        """Return what differs from one version to another: metrics, params, tags, signature, run.

        Each is a version, a stage or an alias: `4`, `Production`, `@champion`. A difference is the
        candidate's metric less the incumbent's, as in a plan.

        Raises `UsageError` for a name that means nothing.

        >>> r.compare("fraud", 2, 3).to_dict()["comparison"]["metrics"][0]["difference"]
        0.1
        """
        from reconciler.api.inspection.version_comparison import version_comparison  # noqa: PLC0415  as the class says

        with self._workspace(needs="anything") as workspace:
            answer = version_comparison(workspace, model, str(incumbent), str(candidate))
            return timed(answer, workspace.started)

    def resolve(
        self, name: str, *, declared: bool = False, offline: bool = False
    ) -> ResolvedVersion:
        """Return the one version that a name means now, with the `uri` that MLflow loads.

        `name` is as for `show`; `models:/` may stand before it. With `declared` it is what the
        command `resolve` prints: the live version has to be the one that git declares for the name,
        and has its `digest`, `artifact_uri` and `commit`. `offline` answers from the files alone,
        without a registry.

        Raises `UsageError` for a name that means nothing, and where no version serves; with
        `declared` also `OutOfStep` where git declares another version, `DeclarationError` for one
        that fails its pin and `Refused` for one that is blocked.

        >>> r.resolve("fraud@champion").uri
        'models:/fraud/3'
        """
        from reconciler.api.inspection.resolved_version import resolved_version  # noqa: PLC0415  as the class says

        needs: Needs = "all" if offline else "anything" if declared else "settings"
        with self._workspace(needs=needs) as workspace:
            return resolved_version(workspace, name, declared=declared, offline=offline)

    def digest(self, names: str | Collection[str], *, files: bool = False) -> VersionDigests:
        """Return the digest of each version that is named, from its bytes as they are now.

        A name is as for `show`; that of a model alone is the version that serves. A version that
        is named twice is read once. `files` also has every file, with its size and SHA-256, in
        `to_dict()` and `to_text()`. Versions that cannot be read are in `problems`.

        Raises `UsageError` for a name that means nothing, and where no version serves.

        >>> r.digest(["fraud", "fraud/2"]).to_dict()["digests"][1]["version"]
        2
        """
        from reconciler.api.artifacts.version_digests import version_digests  # noqa: PLC0415  as the class says

        with self._workspace(needs="anything") as workspace:
            answer = version_digests(workspace, as_names(names), lists_files=files)
            return timed(answer, workspace.started)

    def forget(
        self,
        models: str | Collection[str],
        *,
        before_writing: Callable[[tuple[str, ...]], None] | None = None,
    ) -> ForgottenModel:
        """Remove the tags reconciler.commit and reconciler.owner from models; nothing else.

        `models` are names, or globs for the models that this state folder manages.
        `before_writing` gets their names: what it raises ends the run. The next apply takes a model
        back as long as its file is there.

        Raises `UsageError` for what means no model, `Refused` for a named model that another state
        folder manages.

        >>> r.forget("fraud")
        <reconciler.ForgottenModel: fraud: removed reconciler.commit and reconciler.owner>
        """
        from reconciler.api.forgetting import forget_models  # noqa: PLC0415  as the class says

        with self._workspace(needs="settings") as workspace:
            answer = forget_models(workspace, models, before_writing or (lambda _: None))
            return timed(answer, workspace.started)

    def consumers(
        self,
        models: Collection[str] | None = None,
        *,
        scan: str | Collection[str] = (),
        access_log: str | Collection[str] = (),
        stdin: BinaryIO | None = None,
    ) -> Consumers:
        """Return who loads which model, by the files, and which version that is; writes nothing.

        `models` are names or globs of declared models. `scan` are files or folders of source code
        to search for loads, `access_log` the access logs of a server or a proxy, also packed with
        gzip; in the place of `-` it is `stdin`. Each place and each client has the consumer that
        is declared for it, and `edit` declares the others.

        Raises `UsageError` for a glob or a path that names nothing and for a file that is no access
        log, `DeclarationError` for wrong files.

        >>> r.consumers().to_dict()["consumers"]
        []
        """
        from reconciler.api.usage.consumers import model_consumers  # noqa: PLC0415  as the class says

        with self._workspace() as workspace:
            chosen = None if models is None else as_names(models)
            answer = model_consumers(
                workspace,
                chosen,
                scan=as_names(scan),
                access_log=as_names(access_log),
                stdin=stdin,
            )
            return timed(answer, workspace.started)

    def migration_report(
        self,
        models: Collection[str] | None = None,
        *,
        scan: str | Collection[str] = (),
        bridge: Mapping[str, str] | None = None,
        check: bool = False,
    ) -> MigrationReport:
        """Return what depends on stages, and what is left to do until nothing does.

        `models` are globs for declared and live models. `scan` are files or folders of source code
        that may load models. `bridge` has the alias of each stage; without it that of the settings
        counts, and else `Production` becomes `champion`. `check` reads the files alone: `depends`
        has each of them that depends on a stage, and `code` is 2 unless it `is_done`.

        Raises `UsageError` for a glob or a path that names nothing, and for a bridge that cannot
        be, `DeclarationError` for wrong files, `RegistryError` where the registry cannot be read.

        >>> r.migration_report(["fraud"]).models[0].step
        'bridge'
        """
        from reconciler.api.migration.report import migration_report  # noqa: PLC0415  as the class says

        with self._workspace(needs="all" if check else "anything") as workspace:
            chosen = None if models is None else as_names(models)
            answer = migration_report(
                workspace, chosen, scan=as_names(scan), bridge=bridge, checks=check
            )
            return timed(answer, workspace.started)

    def rewrite(
        self, paths: str | Collection[str], *, bridge: Mapping[str, str] | None = None
    ) -> Rewrite:
        """Return the patch with which source code loads by alias what it loads by stage.

        `paths` are files or folders. `bridge` is as in `migration_report`. Nothing is written:
        `patch` is a unified patch for the root of their repository, `undecided` has each place
        that a person has to decide.

        Raises `UsageError` for a path that names nothing, `DeclarationError` for wrong files.

        >>> r.rewrite("registry-state").patch
        ''
        """
        from reconciler.api.migration.rewrite import rewrite  # noqa: PLC0415  as the class says

        with self._workspace() as workspace:
            answer = rewrite(workspace, as_names(paths), bridge=bridge)
            return timed(answer, workspace.started)

    def _workspace_of_the_past(self) -> Workspace:
        """Return a workspace whose folder may be gone: git still has its history."""
        workspace = self._workspace()
        if workspace.missing_folder is None:
            return workspace
        with workspace:
            return self._workspace(needs="anything")

    @abstractmethod
    def _workspace(self, *, needs: Needs = "all", timeout: float = 60.0) -> Workspace: ...
