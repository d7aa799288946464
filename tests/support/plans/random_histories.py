"""Random histories: commits, reverts, renames, late, crashed, refused jobs, a person's hand."""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from reconciler.apply.executor import apply
from reconciler.core.declaring.bridge import Bridge, contradictions
from reconciler.core.declaring.declared_state import DeclaredState
from reconciler.core.declaring.implied import as_written, complete
from reconciler.core.plan import AdmittedPlan, JudgedPlan, RegistryRef, StateRef
from reconciler.core.settings import Settings
from reconciler.core.state import (
    COMMIT_TAG,
    OWNER_TAG,
    STAGES,
    Declaration,
    DeclaredVersion,
    Field,
    Live,
    Value,
    aliases,
    stages,
)
from reconciler.core.violations import Consent
from reconciler.errors import Rejected
from reconciler.planning.planner import Checkout, PlanRequest, reconcile
from tests.support.plans.gate_lab import GATE
from tests.support.registries.fake_registry import FakeRegistry, Write
from tests.support.repositories.fake_history import Commits, FakeHistory

MODELS = ("m", "n")
VERSIONS = (1, 2, 3)
KEYS = ("a", "b")
ALIASES = ("champion", "canary")
OWNER = "registry-state"
RULES = Settings(guarded_aliases=())
PAIRS = (("Production", "champion"), ("Staging", "canary"))
OTHER_PAIRS = (("Production", "canary"), ("Staging", "champion"))
BRIDGES = tuple(
    replace(RULES, exclusive=("Production", "Staging"), bridge=Bridge(pairs))
    for pairs in (PAIRS, PAIRS[:1], PAIRS[1:], OTHER_PAIRS, OTHER_PAIRS[:1], ())
)
# A random history leaves models without a serving version, or removes much, and means it.
NAMES = ("m", "n", "o", "p")
CONSENTS = frozenset((Consent("removals"), *(Consent("empty-serving", name) for name in NAMES)))
CONSENTING = replace(GATE, accept=CONSENTS)


class Crashed(BaseException):
    """The process is gone between two writes."""


def random_declaration(origin: str, name: str, chance: random.Random) -> Declaration:
    """Every version keeps its entry: what an entry that goes leaves behind is left on purpose.

    `origin` is the model's first name, which its pins tell for ever.
    """
    fields: dict[Field, Value] = {}
    holder = chance.choice((None, *VERSIONS))
    for version in VERSIONS:
        rest = chance.choice((None, "None", "Staging", "Archived"))
        stage = "Production" if version == holder else rest
        if stage:
            fields[Field("stage", version)] = stage
        for key in KEYS:
            if chance.random() < 0.4:
                fields[Field("tag", version, key)] = chance.choice("xy")
    for key in KEYS:
        if chance.random() < 0.4:
            fields[Field("tag", None, key)] = chance.choice("xy")
    for alias in ALIASES:
        if chance.random() < 0.5:
            fields[Field("alias", None, alias)] = chance.choice(VERSIONS)
    pins = {v: DeclaredVersion(run_id=f"{origin}-{v}") for v in VERSIONS}
    return Declaration(name, fields, pins)


def as_bridged(declared: Declaration, chance: random.Random) -> Declaration:
    """Return a file that some bridge does not contradict: one word of its pairs, or both."""
    fields = dict(declared.fields)
    for address in [one for one, value in fields.items() if value == "Staging"][1:]:
        del fields[address]  # it is exclusive
    for stage, alias in chance.choice((PAIRS, OTHER_PAIRS)):
        fields.pop(Field("alias", None, alias), None)
        form = chance.choice(("stage", "alias", "both"))
        for address in [one for one, value in fields.items() if value == stage]:
            if form != "stage":
                fields[Field("alias", None, alias)] = address.version or 0
            if form == "alias":
                del fields[address]
    return replace(declared, fields=fields)


def origin_of(model: Declaration | Live) -> str:
    """Return the first name of a model."""
    one = model.versions[1]
    run = one.run_id if isinstance(one, DeclaredVersion) else one.identity.run_id
    return str(run).partition("-")[0]


def of(tree: Mapping[str, Declaration], origin: str) -> Declaration:
    return next(declared for declared in tree.values() if origin_of(declared) == origin)


@dataclass
class World:
    """A repository with a main line, its queue of jobs, and one registry.

    With `bridges`, the bridge comes and goes in its settings.
    """

    chance: random.Random
    bridges: bool = False
    commits: Commits = field(default_factory=Commits)
    registry: FakeRegistry = field(default_factory=FakeRegistry)
    main: list[str] = field(default_factory=list)
    jobs: list[tuple[str, str | None]] = field(default_factory=list)
    touched: set[tuple[str, Field]] = field(default_factory=set)
    finished: int = -1

    def __post_init__(self) -> None:
        for model in MODELS:
            self.registry.create_model(model)
            for version in VERSIONS:
                self.registry.create_version(model, run_id=f"{model}-{version}")
        self.merge({model: self.declaration(model, model) for model in MODELS})

    def declaration(self, origin: str, name: str) -> Declaration:
        declared = random_declaration(origin, name, self.chance)
        return as_bridged(declared, self.chance) if self.bridges else declared

    def merge(self, tree: dict[str, Declaration]) -> None:
        settings = self.settings_for(tree.values()) if self.bridges else RULES
        tree = {name: complete(declared, settings) for name, declared in tree.items()}
        self.main.append(self.commits.commit(tree, *self.main[-1:], settings=settings))
        # A job clones when it starts, which may be long after its commit; some clone at once.
        cloned = self.main[-1] if self.chance.random() < 0.3 else None
        self.jobs.append((self.main[-1], cloned))
        if self.chance.random() < 0.5:
            self.rename_live()

    def settings_for(self, declared: Iterable[Declaration]) -> Settings:
        """Return settings whose bridge no file contradicts: often those of the commit before."""
        written = [as_written(one).fields for one in declared]
        agreeing = [
            one for one in BRIDGES if not any(any(contradictions(w, one.bridge)) for w in written)
        ]
        before = self.commits.settings[self.main[-1]] if self.main else None
        if before in agreeing and self.chance.random() < 0.5:
            return before
        return self.chance.choice(agreeing)

    def change(self) -> None:
        tree = dict(self.commits.trees[self.main[-1]])
        name = self.chance.choice(sorted(tree))
        tree[name] = self.declaration(origin_of(tree[name]), name)
        self.merge(tree)

    def rename(self) -> None:
        """Give the models other names in git, in the place of each other, too."""
        old = self.commits.trees[self.main[-1]]
        names = self.chance.sample(NAMES, len(MODELS))
        tree = {}
        for name, declared in zip(names, old.values(), strict=True):
            again = self.declaration(origin_of(declared), name)
            keeps = self.chance.random() < 0.5
            tree[name] = replace(declared, model=name) if keeps else again
        self.merge(tree)

    def rename_live(self) -> None:
        """Give the live models the names that they have in git by now."""
        tip = self.commits.trees[self.main[-1]].values()
        live = {origin_of(model): name for name, model in self.registry.read().items()}
        moved = {live[origin_of(d)]: d.model for d in tip if live[origin_of(d)] != d.model}
        self.registry.rename_models(moved)

    def live_name(self) -> str:
        return self.chance.choice(sorted(self.registry.read()))

    def revert(self) -> None:
        self.merge(dict(self.commits.trees[self.chance.choice(self.main)]))

    def hand(self) -> None:
        """Let a person change one value behind git's back."""
        model = self.live_name()
        origin = origin_of(self.registry.read()[model])
        what = self.chance.choice(("stage", "alias", "tag", "untag", "unalias"))
        version, key = self.chance.choice(VERSIONS), self.chance.choice(KEYS)
        alias = self.chance.choice(ALIASES)
        match what:
            case "stage":
                self.registry.set_stage(model, version, self.chance.choice(STAGES))
            case "alias":
                self.registry.set_alias(model, alias, version)
                self.touched.add((origin, Field("alias", None, alias)))
            case "unalias":
                self.registry.delete_alias(model, alias)
            case "tag":
                self.registry.set_tag(model, version, key, self.chance.choice("xyz"))
                self.touched.add((origin, Field("tag", version, key)))
            case _:
                self.registry.delete_tag(model, None, key)

    def job(self, *, crashes: bool) -> None:
        commit, cloned = self.jobs.pop(self.chance.randrange(len(self.jobs)))
        survives = self.chance.randrange(12) if crashes else 1_000
        before = self.chance.random() < 0.5
        executed = 0

        def die(_: Write) -> None:
            nonlocal executed
            executed += 1
            if executed > survives:
                raise Crashed

        self.registry.before_write = die if before else self.registry.before_write
        self.registry.after_write = self.registry.after_write if before else die
        try:
            plan = self.apply(commit, cloned)
            if not plan.problems and not plan.violations:
                self.finished = max(self.finished, self.main.index(commit))
        except Crashed:
            pass
        finally:
            fresh = FakeRegistry()
            self.registry.before_write = fresh.before_write
            self.registry.after_write = fresh.after_write

    def refused_job(self) -> None:
        """Run a job of which the registry refuses every change: its record is taken back."""
        commit, cloned = self.jobs.pop(self.chance.randrange(len(self.jobs)))
        plan = self.plan(commit, cloned)
        # Without a change the record alone is written, and nothing is taken back.
        changed = {model.model for model in plan.models if model.changes}
        before = self.registry.read()

        def refuse(write: Write) -> None:
            if write.key not in {COMMIT_TAG, OWNER_TAG}:
                raise Rejected("no")

        self.registry.before_write = refuse
        self.apply(commit, cloned)
        self.registry.before_write = FakeRegistry().before_write
        after = self.registry.read()
        assert all(after[model] == before[model] for model in changed)

    def plan(self, commit: str, cloned: str | None = None) -> JudgedPlan:
        history = FakeHistory(self.commits, commit, cloned or self.main[-1], cloned=cloned)
        desired = DeclaredState(OWNER, self.commits.settings[commit], self.commits.trees[commit])
        checkout = Checkout(desired, StateRef(OWNER, commit), OWNER, history)
        ask = PlanRequest(planning=False, allow_superseded=True, parallelism=1)
        return reconcile(checkout, self.registry, RegistryRef("http://fake"), ask, CONSENTING).plan

    def apply(self, commit: str, cloned: str | None = None) -> JudgedPlan:
        before = self.registry.read()
        applied = {name: live.recorded for name, live in before.items()}
        plan = self.plan(commit, cloned)
        self.check_removals(plan)
        if any(violation.denies for violation in plan.violations):
            return plan  # no declared model is there: only git has the new names
        written = len(self.registry.writes)
        try:
            apply(AdmittedPlan(plan), self.registry, parallelism=1)
        finally:
            self.check_readers(commit, before, self.registry.writes[written:])
            touched = {write.model for write in self.registry.writes[written:]}
            if self.main.index(commit) < self.finished:
                for model in touched:
                    assert self.same(commit, self.main[self.finished], model), "a late job wrote"
            for model in touched:
                self.check_no_older_commit_wins(commit, model, applied[model])
        return plan

    def check_readers(
        self, commit: str, before: Mapping[str, Live], writes: Iterable[Write]
    ) -> None:
        """Check that what served before a job and is to serve after it served at each write."""
        now = {name: dict(live.fields) for name, live in before.items()}
        for write in writes:
            stage, was = Field("stage", write.version), before[write.model].fields
            if write.method in ("set_alias", "delete_alias"):
                now[write.model][Field("alias", None, write.key)] = write.value or 0
            elif write.method == "set_stage":
                now[write.model][stage] = write.value or ""
            wanted = self.commits.trees[commit][write.model].fields
            for name in ALIASES:
                values = [aliases(each).get(name) for each in (now[write.model], was, wanted)]
                assert None in values[1:] or values[0] in values[1:], f"@{name} is {values[0]}"
            if "Production" in was.values() and "Production" in wanted.values():
                assert "Production" in now[write.model].values(), "Production is empty"

    def same(self, commit: str, other: str, model: str) -> bool:
        """Return whether two commits declare the same for a live model, whatever its name."""
        origin = origin_of(self.registry.read()[model])
        one, another = (of(self.commits.trees[each], origin) for each in (commit, other))
        return one.fields == another.fields

    def check_removals(self, plan: JudgedPlan) -> None:
        """Nothing is removed that git never declared for that model."""
        for change in plan.changes:
            if change.action == "remove":
                origin = origin_of(self.registry.read()[change.model])
                ever = {
                    of(tree, origin).fields.get(change.field)
                    for tree in self.commits.trees.values()
                }
                assert change.before in ever, f"{change.model} {change.field} is another model's"

    def check_no_older_commit_wins(
        self, commit: str, model: str, recorded: tuple[str, ...]
    ) -> None:
        # A first run without a change writes the owner, then the record: it can end in between.
        now = (*recorded, *self.registry.read([model])[model].recorded)[-1:]
        for newer in recorded[-1:]:
            passed = self.commits.ancestors(newer) - {newer} if newer != "-" else set()
            assert not passed & {*now}, "a record was replaced by one of its own ancestors"
            if newer in ("-", commit) or commit not in self.commits.ancestors(newer):
                continue
            assert self.same(newer, commit, model), "an older commit wrote"

    def check_converged(self) -> None:
        tip = self.main[-1]
        plan = self.plan(tip)
        assert not plan.problems
        assert plan.changes == ()
        assert not any(model.messages for model in plan.models)
        assert not any(model.record for model in plan.models)
        for model, live in self.registry.read().items():
            declared = self.commits.trees[tip][model].fields
            assert declared.items() <= live.fields.items()
            assert len(live.recorded) == 1
            assert live.owner == OWNER
            for address, value in live.fields.items():
                if self.bridges and address.name == "alias":
                    continue  # it stays with a stage that stays, and where its bridge went
                if address.name in ("alias", "tag") and address not in declared:
                    origin = origin_of(live)
                    assert (origin, address) in self.touched, f"{address}={value} leaked"
            production = [v for v, stage in stages(live.fields).items() if stage == "Production"]
            if "Production" in declared.values():
                assert len(production) == 1
