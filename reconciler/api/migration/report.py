"""Makes the answer of `migrate stages --report` and `--check`."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from reconciler.api.answers import Answer
from reconciler.api.migration.live_models import live_models
from reconciler.api.migration.stage_dependencies import stage_dependencies
from reconciler.api.usage.code_loads import code_loads
from reconciler.api.workspace import Workspace
from reconciler.audit.migration.dependencies import StageDependency
from reconciler.audit.migration.model_migration import ModelMigration
from reconciler.audit.migration.stage_loads import StageLoad, found_by_stage
from reconciler.audit.migration.stage_report import (
    LiveModels,
    MigrationInput,
    StageReport,
    model_migrations,
)
from reconciler.audit.usage.loads import Load
from reconciler.audit.usage.rewriting import may_be_by_stage
from reconciler.authoring.migration.bridging import bridge_of, undecided
from reconciler.core.declaring.bridge import Bridge
from reconciler.core.matching import select
from reconciler.core.settings import Settings
from reconciler.core.state import Field
from reconciler.errors import ExitCode, Problem, first_code
from reconciler.files.schema import name_rules
from reconciler.render.json_documents import Document
from reconciler.render.usage import stage_report as rendered

_LONGEST_ALIAS: Final = 255


class MigrationReport(Answer):
    """What depends on stages, and what is left to do until nothing does.

    `models` has each model with its `step`, which is what comes next, and None where no stage is
    left; the most urgent are first. `next` says it for all of them. `depends` has each setting,
    policy, version, consumer and place in source code that depends on a stage. `bridge` is the one
    that is proposed.

    >>> r.migration_report().next
    ('1 model: `reconciler migrate stages --step bridge` gives what is in a stage its alias',)
    """

    def __init__(
        self,
        report: StageReport,
        problems: Sequence[Problem] = (),
        *,
        requests: int = 0,
        is_check: bool = False,
    ) -> None:
        self.report = report
        self.problems = tuple(problems)
        self.requests = requests
        self._is_check = is_check
        code = first_code([problem.code for problem in problems])
        left = is_check and not self.is_done
        self.code = int(code or (ExitCode.CHANGES if left else ExitCode.OK))

    @property
    def models(self) -> tuple[ModelMigration, ...]:
        """Each model, the most urgent first."""
        return self.report.models

    @property
    def next(self) -> tuple[str, ...]:
        """What comes next, a sentence for each step."""
        return self.report.next

    @property
    def depends(self) -> tuple[StageDependency, ...]:
        """What depends on a stage, by file and line."""
        return self.report.depends

    @property
    def is_done(self) -> bool:
        """Whether nothing depends on a stage any more."""
        return not self.depends

    @property
    def bridge(self) -> Mapping[str, str]:
        """The alias of each stage, as it is proposed."""
        return dict(self.report.bridge.pairs)

    def document(self) -> Document:
        """Return the document of `migrate stages --format json`, its `exit` included."""
        return rendered.document(self.report, self.problems, self.code)

    def to_text(self, seconds: float | None = None) -> str:
        """Return what the command prints; `seconds` replaces the time in its last line."""
        show = rendered.check_text if self._is_check else rendered.report_text
        return show(self.report, self._effort(seconds), self.columns)

    def to_markdown(self) -> str:
        """Return the report for an issue or a pull request."""
        show = rendered.check_markdown if self._is_check else rendered.report_markdown
        return show(self.report)


def migration_report(
    workspace: Workspace,
    globs: Collection[str] | None,
    *,
    scan: Collection[str],
    bridge: Mapping[str, str] | None,
    checks: bool,
) -> MigrationReport:
    """Return the report; the arguments are those of `Reconciler.migration_report`."""
    if not checks:
        workspace.read_ahead()
    desired = workspace.desired
    settings, declared = desired.settings, desired.declarations
    proposed = bridge_of(settings, bridge or {})
    loads = code_loads(workspace, scan)
    live, problems = (None, ()) if checks else _read(workspace)
    known = {*declared, *(live.models if live else {})}
    names = {name for name in known if not settings.ignore.model(name)}
    if globs is not None:
        names &= select(tuple(globs), names)
        problems = tuple(problem for problem in problems if problem.model in {None, *names})
    found = [load for load in found_by_stage(loads) if globs is None or load.model in names]
    inputs = MigrationInput(
        settings,
        proposed,
        declared,
        live.models if live else None,
        found,
        _refused(proposed, settings),
        {problem.model for problem in problems if problem.model},
        undecided(desired, live.models if live else {}, proposed),
    )
    report = StageReport(
        proposed,
        settings.bridge,
        live,
        model_migrations(names, inputs),
        stage_dependencies(workspace, [declared[name] for name in names & set(declared)], found),
        tuple(load for load in found if load.model not in names),
        tuple(_unknown(loads, found)),
    )
    return MigrationReport(report, problems, requests=workspace.requests, is_check=checks)


def _read(workspace: Workspace) -> tuple[LiveModels, tuple[Problem, ...]]:
    """Return the live models but prompts, and a problem for each that cannot be read."""
    live, problems = live_models(workspace, everything=True)
    models = {name: model for name, model in live.items() if not model.is_prompt}
    has_aliases = any(a.name == "alias" for model in models.values() for a in model.fields)
    capabilities = workspace.registry.capabilities(has_aliases=has_aliases)
    return LiveModels(workspace.ref, capabilities, models), problems


def _refused(bridge: Bridge, settings: Settings) -> dict[str, str]:
    """Return why an alias of the bridge cannot be, for each that cannot."""
    found = {}
    for _, alias in bridge.pairs:
        broken = name_rules.alias(alias)
        if broken is not None:
            found[alias] = broken.rule
        elif len(alias) > _LONGEST_ALIAS:
            found[alias] = f"an alias has at most {_LONGEST_ALIAS} characters"
        elif settings.ignore.field(Field("alias", None, alias)):
            found[alias] = "`ignore.aliases` ignores it"
    return found


def _unknown(loads: Collection[Load], found: Collection[StageLoad]) -> Iterator[Load]:
    """Yield the places that may load by stage when the program runs, and are not found yet."""
    places = {(place.file, place.line, place.column) for place in found}
    for load in loads:
        is_listed = (load.file, load.line, load.column) in places
        if load.why is not None and may_be_by_stage(load) and not is_listed:
            yield load
