"""What a command works with: the declared state, the repository around it, the registry."""

import os
import re
import sys
from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from reconciler.apply.executor import no_stop
from reconciler.cli import output
from reconciler.cli.options import Options
from reconciler.core.declared import DeclaredState
from reconciler.core.matching import select
from reconciler.core.plan import JudgedPlan, RegistryRef, StateRef
from reconciler.core.settings import RegistryPin, Settings
from reconciler.core.state import Declaration
from reconciler.core.uris import scheme_of
from reconciler.core.violations import Consent
from reconciler.errors import OutOfStep, UsageError
from reconciler.files import loader
from reconciler.files.state_folder import SETTINGS_FILE, contents, others_beside
from reconciler.planning.checks import Compared, Judging, judge
from reconciler.planning.planner import Checkout, PlanRequest, Reading, compare, reconcile
from reconciler.policy.guards import checkout_violations
from reconciler.ports.registry import Registry
from reconciler.registries.connect import connect
from reconciler.registries.registry_uri import held_pin, is_late_job, registry_ref, registry_uri
from reconciler.render import phrases
from reconciler.repository.declared_history import Parsers, Past, place_of
from reconciler.repository.locate import find_state_folder, repository_root
from reconciler.repository.repository import GitRepo, open_checkout

_HOST_AND_PORT = re.compile(r"[\w.-]+:\d+(/.*)?")

PARSERS = Parsers(loader.parse_declaration, loader.parse_settings)


class Workspace:
    """Loads each thing when it is first asked for, once.

    `timeout` is in seconds, for what is asked of the registry about one model.
    """

    def __init__(self, options: Options, *, timeout: float = 60.0) -> None:
        self.options = options
        self.timeout = timeout
        self.environ: Mapping[str, str] = os.environ
        self.stop = no_stop()
        self.planned_for: RegistryRef | None = None
        self.rules_from: str | None = None
        self.may_be_empty = False
        self.fills_in_pins = False
        self.needs_models = True

    @cached_property
    def repo(self) -> GitRepo | None:
        """The repository that the state folder is in, None outside of one."""
        here = self._around
        if here is not None and repository_root(self.folder.resolve()) == here.root.resolve():
            return here
        return open_checkout(self.folder, self.environ)

    @cached_property
    def _around(self) -> GitRepo | None:
        return open_checkout(Path.cwd(), self.environ)

    @cached_property
    def folder(self) -> Path:
        """The state folder; raises `UsageError` when there is none, unless it may be empty."""
        root = self._around.root if self._around else None
        try:
            return find_state_folder(self.options.state, Path.cwd(), root)
        except UsageError:
            new = (root or Path.cwd()) / self.options.state
            if self.may_be_empty and not new.exists():
                return new
            raise

    @cached_property
    def shown(self) -> str:
        """The state folder as messages and records name it: from the repository's root."""
        return self.repo.path_of(self.folder) if self.repo else self.options.state

    @cached_property
    def desired(self) -> DeclaredState:
        """What the checkout declares; raises `DeclarationError` with every complaint."""
        self._refuse_sparse()
        if not self.needs_models or (self.may_be_empty and self._is_empty):
            return DeclaredState(self.shown, self._settings_alone(), {})
        others = () if self.fills_in_pins else self.others
        return loader.load(self.folder, self.shown, others=others)

    @property
    def others(self) -> tuple[str, ...]:
        """The other states that lie beside this one in the repository."""
        return others_beside(self.folder, self.repo.root if self.repo else None)

    @property
    def _is_empty(self) -> bool:
        """Return whether the state folder has no model yet, and nothing that does not belong there."""
        if not self.folder.exists():
            return True
        found = contents(str(self.folder), self.shown)
        return not (found.models or found.problems)

    def _settings_alone(self) -> Settings:
        settings = self.folder / SETTINGS_FILE
        if not settings.exists():
            return Settings()
        return loader.parse_settings(settings.read_bytes(), f"{self.shown}/{SETTINGS_FILE}")

    def path_of(self, declaration: Declaration) -> Path:
        """Return where a declaration's file is."""
        return self.folder / Path(declaration.file).relative_to(self.shown)

    @cached_property
    def history(self) -> Past | None:
        """The history of the checkout, None without a repository or a first commit."""
        if self.repo is None or self.repo.head is None:
            return None
        place = place_of(self.desired)
        main = self.main_line[1] if self.main_line else None
        return Past(self.repo, PARSERS, place, head=self.repo.head, main=main)

    @cached_property
    def main_line(self) -> tuple[str, str] | None:
        """The main line's name and tip, None where it is not known."""
        return self.repo.main_line(self.desired.settings.branch) if self.repo else None

    @cached_property
    def dirty(self) -> tuple[str, ...]:
        """The model files that are not as the commit has them."""
        return self.repo.dirty(self.folder) if self.repo else ()

    @cached_property
    def owner(self) -> str:
        """The name under which this state folder speaks for models."""
        pin = self.desired.settings.registry
        return (pin.name if pin else None) or self.shown

    @cached_property
    def checkout(self) -> Checkout:
        """What plans are made from."""
        commit = self.repo.head if self.repo else None
        state = StateRef(self.shown, commit, self.dirty)
        return Checkout(
            self.desired, state, self.owner, self.history, base_settings=self.base_settings
        )

    @cached_property
    def base_settings(self) -> Settings | None:
        """The settings at the tip of `rules_from`; None where it is not said, or has no folder.

        Raises `UsageError` for a name that is no commit, `OutOfStep` without a history.
        """
        if self.rules_from is None:
            return None
        if self.repo is None or self.history is None:
            raise OutOfStep("--rules-from reads a commit, and there is none", hint="git commit")
        return self.history.settings(self.repo.resolve(self.rules_from), self.owner)

    @cached_property
    def pin(self) -> RegistryPin | None:
        """The registry that this run may talk to: a new pin counts one merge later."""
        before = self.base_settings or self.settings_one_commit_ago
        return held_pin(self.desired.settings.registry, before.registry if before else None)

    @cached_property
    def settings_one_commit_ago(self) -> Settings | None:
        """The settings before the commit that is checked out, None where there were none."""
        if self.repo is None or self.repo.head is None or self.history is None:
            return None
        return self.history.earlier_settings(self.repo.head, self.owner)

    @cached_property
    def _uri(self) -> str:
        fallback = self.planned_for.uri if self.planned_for else None
        given = self.options.registry_uri
        uri = registry_uri(given, self.environ, self.pin, fallback=fallback)
        if _HOST_AND_PORT.fullmatch(uri):  # MLflow would take it for a folder, or a scheme
            hint = f"did you mean `http://{uri}`?"
            raise UsageError(f"the registry `{uri}` has no scheme", hint=hint)
        return uri

    @cached_property
    def registry(self) -> Registry:
        """The live registry."""
        if scheme_of(self._uri) in ("databricks", "databricks-uc", "uc"):
            output.say("this backend was not run against a real workspace: look twice at the plan")
        return connect(self._uri, self.environ, timeout=self.timeout, stop=self.stop.event)

    @cached_property
    def ref(self) -> RegistryRef:
        """How plans name the registry."""
        return registry_ref(self._uri, self.pin)

    @property
    def allow_superseded(self) -> bool:
        """Return whether a superseded run is a job that was overtaken, and not somebody's wish."""
        terminal = output.is_terminal(sys.stdin) or output.is_terminal(sys.stderr)
        return is_late_job(self.environ, terminal=terminal)

    def question(
        self,
        *,
        models: Collection[str] = (),
        since: str | None = None,
        adopt: Collection[str] = (),
        planning: bool = True,
    ) -> PlanRequest:
        """Return what is asked; raises `UsageError` for globs and models that name nothing."""
        declared = self.desired.declarations
        chosen = select(tuple(models), declared, "--model") if models else None
        if since is not None:
            chosen = _narrowed(chosen, self._changed_since(since))
        for name in adopt:
            if name not in declared:
                raise UsageError(f"--adopt {name}: no file declares that model")
            if chosen is not None and name not in chosen:
                raise UsageError(f"--adopt {name}: that model is not among the chosen ones")
        return PlanRequest(
            models=chosen,
            adopt=frozenset(adopt),
            planning=planning,
            allow_superseded=self.allow_superseded,
        )

    def read(self, ask: PlanRequest, gate: Judging) -> Reading:
        """Return the judged plan, and what the registry holds; says where it is two-way only."""
        self._say_what_is_read()
        return reconcile(self.checkout, self.registry, self.ref, ask, gate)

    def compare(self, ask: PlanRequest) -> Compared:
        """Return what differs, judged by nobody; says where it is two-way only."""
        self._say_what_is_read()
        return compare(self.checkout, self.registry, self.ref, ask)

    def judge(self, compared: Compared, gate: Judging) -> JudgedPlan:
        """Return the judged plan."""
        return judge(compared, self.registry, gate)

    def _say_what_is_read(self) -> None:
        if self.history is None:
            why = "there is no commit yet" if self.repo else "this is not a git repository"
            output.say(f"{why}: compared with the registry alone, nothing is removed or recorded")
        if not self.options.verbose:
            return
        name, tip = self.main_line or ("not known: every commit counts as on it", "")
        output.say(f"state      {self.folder}, which speaks as `{self.checkout.owner}`")
        output.say(f"declares   {phrases.models(len(self.desired.declarations))}")
        output.say(f"main line  {name} {tip[:12]}")
        output.say(f"registry   {self.registry.uri}")

    def gate(self, plan: JudgedPlan, consents: Collection[Consent]) -> JudgedPlan:
        """Return the plan with what forbids applying it from this checkout.

        Raises `OutOfStep` without a commit to record.
        """
        if self.repo is None:
            hint = f'git init && git add {self.shown} && git commit -m "Declare the models"'
            raise OutOfStep("apply records a commit, and this is not a git repository", hint=hint)
        commit = plan.state.commit
        if self.history is None or commit is None:
            hint = f'git add {self.shown} && git commit -m "Declare the models"'
            raise OutOfStep("apply records a commit, and there is none yet", hint=hint)
        self._require_main_line()
        off_main = None
        if not self.history.knows(commit):
            raise OutOfStep(
                f"the plan was made at commit {commit[:12]}, which is not in this clone",
                hint="git fetch",
            )
        if not self.history.main_contains(commit):
            name = self.main_line[0] if self.main_line else "the main line"
            off_main = f"`{name}` does not contain commit {commit[:12]}"
        return replace(
            plan,
            violations=(
                *plan.violations,
                *checkout_violations(plan.state.dirty, off_main, consents),
            ),
        )

    def take_up(self, plan: JudgedPlan) -> None:
        """Work with the registry that a saved plan is for, where no other is named.

        Raises `OutOfStep` for a plan of another state folder or registry than this run's.
        """
        if plan.state.path != self.shown:
            raise OutOfStep(
                f"the plan is of `{plan.state.path}`, and this run is in `{self.shown}`",
                hint=f"say `--state {plan.state.path}`",
            )
        self.planned_for = plan.registry
        if self.ref.key != plan.registry.key:
            raise OutOfStep(
                f"the plan is for {plan.registry.key}, and this run talks to {self.ref.key}",
                hint="plan again: `reconciler plan --out FILE`",
            )

    def is_newer(self, commit: str, than: str | None) -> bool:
        """Return whether a commit that another run recorded contains `than`, and is not it."""
        if self.history is None or than is None or commit == than:
            return False
        try:
            return self.history.is_ancestor(than, commit)
        except OutOfStep:
            return False  # git cannot tell, and the run that asks must not end with it

    def _require_main_line(self) -> None:
        """Make sure that "on the main line" is not taken for granted by mistake."""
        if self.main_line is not None or self.repo is None:
            return
        branch = self.desired.settings.branch
        if branch is not None:
            raise OutOfStep(
                f"the main line `{branch}` is not in this clone",
                hint=f"`git fetch origin {branch}`, or correct `branch:` in reconciler.yaml",
            )
        if self.repo.has_remote:
            output.say(
                "the main line is not known, so this commit counts as on it: write `branch:` into "
                "reconciler.yaml, or `git remote set-head origin --auto`"
            )

    def _changed_since(self, since: str) -> frozenset[str] | None:
        if self.repo is None or self.history is None:
            raise OutOfStep("--since compares with a commit, and there is none", hint="git commit")
        return self.history.changed_since(self.repo.fork(since), self.desired, self.dirty)

    def _refuse_sparse(self) -> None:
        left_out = self.repo.sparse(self.folder) if self.repo else ()
        if left_out:
            raise OutOfStep(
                f"the sparse checkout left out {left_out[0]}"
                + (f" and {len(left_out) - 1} more" if left_out[1:] else ""),
                hint=f"git sparse-checkout add {self.shown}",
            )


def _narrowed(
    chosen: frozenset[str] | None, changed: frozenset[str] | None
) -> frozenset[str] | None:
    if chosen is None or changed is None:
        return changed if chosen is None else chosen
    return chosen & changed
