"""A fleet of models as a team has them: every state, histories, a candidate, consumers, owners."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from reconciler.audit.evidence import ApplyState, Entry
from reconciler.audit.overview.model_overview import (
    ForgeLinks,
    Holder,
    ModelOverview,
    ModelState,
    Overview,
)
from reconciler.core.comparison import Comparison, side
from reconciler.core.declaring.inventory import Inventory
from reconciler.core.facts import Column, Facts, Run, Signature
from reconciler.core.plan import RegistryRef
from reconciler.core.state import (
    Consumer,
    Declaration,
    Field,
    Identity,
    Live,
    LiveVersion,
    Value,
    aliases,
    stages,
)
from reconciler.core.violations import Violation
from tests.support.page.past import NOW, Past, declared, digest_of, fields_of, sha

LINKS = ForgeLinks(
    "https://github.example/acme/registry/commit/{}", "https://github.example/acme/registry/pull/{}"
)
_DAY = 86_400_000
_EPOCH_NOW = int(NOW.timestamp() * 1000)


def fleet(*, state: str = "registry-state") -> Overview:
    """Return an environment of twelve models in every state that a reading can find."""
    return Overview(
        state=state,
        now=NOW,
        models=(
            _fraud(),
            _chargeback(),
            _limits(),
            _churn(),
            _ranking(),
            _search(),
            _embeddings(),
            _pricing(),
            _spam(),
            _legacy(),
            _scratch(),
            _forecast(),
        ),
        commit=sha("head"),
        line="origin/main",
        registry=RegistryRef("https://mlflow.acme.example", "prod-eu"),
        has_records=True,
        notes=sha("notes"),
        unread=("the run of `legacy-scorer` v1 was deleted: its metrics are not known",),
        links=LINKS,
    )


def offline(overview: Overview) -> Overview:
    """Return the same environment as it is made without the registry."""
    models = tuple(
        replace(
            model,
            state="not read",
            live=None,
            why=(),
            violations=(),
            comparison=None,
            sides=(),
            holders=tuple(
                replace(holder, version=None) for holder in model.holders if holder.declared
            ),
        )
        for model in overview.models
        if model.declaration
    )
    return replace(overview, models=models, registry=None, is_offline=True)


def live_as(declaration: Declaration, *, versions: Sequence[int] = (), **other: Value) -> Live:
    """Return a registry's model as declared, with more versions; `other` are its own tags."""
    numbers = sorted({*declaration.versions, *versions})
    fields = dict(fields_of(declaration))
    for number in numbers:
        fields.setdefault(Field("stage", number), "None")
    fields |= {Field("tag", None, key): value for key, value in other.items()}
    name = declaration.model
    return Live(
        name,
        fields,
        {
            v: LiveVersion(
                Identity(
                    sha(f"{name} run {v}")[:32],
                    f"s3://models/{name}/{v}",
                    _EPOCH_NOW - (max(numbers) - v + 1) * 19 * _DAY,
                )
            )
            for v in numbers
        },
        commit=sha("head"),
        owner="registry-state",
    )


def holders(past: Past, live: Live | None, now: Declaration | None) -> tuple[Holder, ...]:
    """Return what holds each name, the serving version first."""
    source = live.fields if live else now.fields if now else {}
    by_git = now.fields if now else {}
    names: Mapping[str, int] = {
        **{stage: v for v, stage in stages(source).items() if stage in ("Production", "Staging")},
        **{f"@{alias}": v for alias, v in aliases(source).items()},
    }
    git = {
        **{stage: v for v, stage in stages(by_git).items()},
        **{f"@{alias}": v for alias, v in aliases(by_git).items()},
    }
    found = []
    for name, version in sorted(names.items(), key=lambda item: (item[0] != "Production", item)):
        brought = _brought(past, name, version)
        applied = brought.applied if brought else ()
        since = applied[0].time if applied else brought.time if brought else None
        found.append(
            Holder(
                name,
                version,
                serves=name == "Production",
                declared=git.get(name),
                since=since,
                is_applied=bool(applied),
                entry=brought,
            )
        )
    return tuple(found)


def _brought(past: Past, name: str, version: int) -> Entry | None:
    """Return the change since which a name had a version without interruption, the last time."""
    first: Entry | None = None
    was: int | None = None
    for entry in past.entries:
        held = _held(entry, name)
        if held == version and was != version:
            first = entry
        was = held
    return first


def _held(entry: Entry, name: str) -> int | None:
    if name[0] == "@":
        return entry.aliases.get(name[1:])
    after = entry.step.after
    where = stages(after.fields) if after else {}
    return next((version for version, stage in where.items() if stage == name), None)


def overview_of(
    past: Past,
    state: ModelState,
    *,
    group: str = "",
    now: Declaration | None = None,
    live: Live | None = None,
    text: str | None = None,
    **more: object,
) -> ModelOverview:
    """Return a model of these parts; what is not given follows from its past."""
    held = holders(past, live, now)
    plain = ModelOverview(
        past.model,
        state,
        group=group,
        file=f"registry-state/{group + '/' if group else ''}{past.model}.yaml" if now else None,
        text=text if now else None,
        declaration=now,
        live=live,
        holders=held,
        lanes=past.lanes(live),
        history=tuple(past.entries),
    )
    return replace(plain, **more)  # type: ignore[arg-type]


def facts(auc: float, *, loss: float, latency: float, extra: bool = False) -> Facts:
    """Return what a run has logged."""
    inputs = [Column("amount", "double"), Column("merchant_id", "string"), Column("mcc", "long")]
    if extra:
        inputs.append(Column("country", "string", required=False))
    return Facts(
        metrics={
            "auc": auc,
            "log_loss": loss,
            "latency_p99_ms": latency,
            "recall_at_1pct_fpr": auc - 0.21,
            "calibration_error": loss / 9,
            "rows": 1_204_311.0,
        },
        params={"max_depth": "8" if extra else "7", "learning_rate": "0.05", "seed": "42"},
        run=Run(
            sha(f"run{auc}")[:32],
            "weekly-retrain",
            "FINISHED",
            "mia.okafor",
            _EPOCH_NOW,
            {"mlflow.source.git.commit": sha(f"src{auc}"), "data_version": "2026-11-15"},
        ),
        signature=Signature(tuple(inputs), (Column(None, "double"),)),
    )


_FRAUD_FILE = """\
model: fraud-detection
description: Scores card transactions before they are authorised
tags: {owner: payments-ml}
inventory:
  owner: Payments ML
  purpose: Declines card transactions that are likely fraud
  tier: high
  review_by: 2026-10-31
  contacts: [payments-ml@acme.example, "#payments-ml"]
consumers:
  - name: auth-gateway
    owner: payments-core
    loads: "@champion"
    code: https://github.example/acme/auth-gateway
  - name: nightly-backtest
    loads: "Staging"
    code: jobs/backtest.py
versions:
  14:
    stage: Staging
    aliases: [challenger]
    semver: 2.2.0
  13:
    stage: Production
    aliases: [champion]
    semver: 2.1.1
    digest: sha256:3f0c…
"""


def _fraud() -> ModelOverview:
    name, past = "fraud-detection", Past("fraud-detection")
    numbers = {9: "1.4.0", 10: "2.0.0", 11: "2.0.1", 12: "2.1.0", 13: "2.1.1", 14: "2.2.0"}

    def at(serving: int, challenger: int | None = None, **keys: object) -> Declaration:
        where = {serving: "Production"} | ({challenger: "Staging"} if challenger else {})
        names = {"champion": serving} | ({"challenger": challenger} if challenger else {})
        known = {v: text for v, text in numbers.items() if v <= max(where)}
        return declared(name, where, names, semvers=known, digests=[serving], **keys)

    ada, mia, tom = "Ada Lindqvist", "Mia Okafor", "Tomás Ruiz"
    past.merge(212, at(9), "Bring fraud-detection under git", mia, state="unknown")
    past.merge(171, at(10), "Promote fraud-detection v10", mia, pull_request=88, claimed=[ada])
    past.merge(
        120, at(11), "Promote v11: new merchant features", tom, pull_request=131, verified=[ada]
    )
    past.merge(
        119,
        at(10),
        "Roll back to v10: recall fell in the APAC region",
        ada,
        pull_request=133,
        verified=[mia],
    )
    past.merge(64, at(12, 13), "Promote v12", tom, pull_request=201, verified=[ada, mia])
    past.merge(
        22,
        at(13),
        "Promote v13 after a week in Staging",
        mia,
        pull_request=288,
        verified=[ada],
        accepted=["soak=fraud-detection"],
    )
    now = at(
        13,
        14,
        inventory=Inventory(
            "Payments ML",
            "Declines card transactions that are likely fraud",
            "high",
            date(2026, 10, 31),
            ("payments-ml@acme.example", "#payments-ml"),
        ),
        consumers=(
            Consumer(
                "auth-gateway",
                "@champion",
                "payments-core",
                "https://github.example/acme/auth-gateway",
            ),
            Consumer("nightly-backtest", "Staging", None, "jobs/backtest.py"),
            Consumer("old-batch", "@legacy", "risk"),
        ),
    )
    past.merge(2, now, "Candidate v14 to Staging", tom, pull_request=311, verified=[ada])
    live = live_as(now, versions=range(9, 15), owner="payments-ml", cost_centre="4711")
    live.fields[Field("description")] = "Scores card transactions before they are authorised"  # type: ignore[index]
    scores = {
        9: facts(0.902, loss=0.31, latency=21),
        10: facts(0.915, loss=0.29, latency=19),
        11: facts(0.921, loss=0.284, latency=24),
        12: facts(0.927, loss=0.271, latency=22),
        13: facts(0.934, loss=0.262, latency=20),
        14: facts(0.941, loss=0.255, latency=26, extra=True),
    }
    digests = {v: digest_of(name, v) for v in (12, 13, 14)}
    sides = tuple(side(live, v, scores, digests, numbers) for v in range(14, 8, -1))
    return overview_of(
        past,
        "in sync",
        group="payments",
        now=now,
        live=live,
        text=_FRAUD_FILE,
        sides=sides,
        comparison=Comparison(name, (), sides[0], sides[1]),
    )


def _simple(
    name: str,
    state: ModelState,
    group: str,
    moves: Sequence[tuple[float, int, str, ApplyState]],
    **more: object,
) -> ModelOverview:
    """Return a model with a past of promotions: days ago, version, author, how it was applied."""
    past, now = Past(name), None
    for number, (days, version, author, applied) in enumerate(moves):
        now = declared(name, {version: "Production"}, {"champion": version})
        past.merge(
            days,
            now,
            f"Promote {name} v{version}",
            author,
            pull_request=90 + 17 * number + len(name),
            verified=["Ada Lindqvist"] if number % 2 else [],
            claimed=[] if number % 2 else ["Mia Okafor"],
            state=applied,
        )
    live = more.pop("live", None) or (live_as(now) if now else None)
    text = (
        f"model: {name}\nversions:\n  {moves[-1][1]}:\n"
        "    stage: Production\n    aliases: [champion]\n"
    )
    return overview_of(past, state, group=group, now=now, live=live, text=text, **more)  # type: ignore[arg-type]


def _chargeback() -> ModelOverview:
    name = "chargeback-risk"
    live = live_as(declared(name, {4: "Production", 5: "None"}, {"champion": 5}))
    return _simple(
        name,
        "drifted",
        "payments",
        [(150, 3, "Mia Okafor", "applied"), (41, 4, "Tomás Ruiz", "applied")],
        live=live,
        why=(
            "@champion v4 → v5 by hand: git declares v4",
            'v5 tag validated "true" by hand: git declares "false"',
        ),
    )


def _limits() -> ModelOverview:
    return _simple(
        "credit-limits",
        "refused",
        "payments",
        [
            (200, 1, "Mia Okafor", "applied"),
            (88, 2, "Ada Lindqvist", "applied"),
            (0.3, 3, "Tomás Ruiz", "not yet"),
        ],
        live=live_as(declared("credit-limits", {2: "Production", 3: "Staging"}, {"champion": 2})),
        why=(
            "better-auc: auc 0.871 of v3 is below 0.902 of the incumbent v2",
            "soak: v3 was in Staging for 7 h; the policy requires 48 h",
        ),
        violations=(
            Violation(
                "better-auc",
                "credit-limits",
                "auc 0.871 of v3 is below 0.902 of the incumbent v2",
                "promote a version with a higher auc: `--accept better-auc=credit-limits`",
            ),
            Violation(
                "soak",
                "credit-limits",
                "v3 was in Staging for 7 h; the policy requires 48 h",
                "wait until 2026-12-01 15:00 UTC",
            ),
            Violation(
                "has-owner",
                "credit-limits",
                "the tag `owner` is not set",
                "set it in the file",
                enforce="warn",
            ),
        ),
    )


def _churn() -> ModelOverview:
    return _simple(
        "churn",
        "in sync",
        "growth",
        [
            (300, 6, "Noor Haddad", "unknown"),
            (77, 7, "Noor Haddad", "applied"),
            (12, 8, "Mia Okafor", "applied"),
        ],
    )


def _ranking() -> ModelOverview:
    return _simple(
        "feed-ranking",
        "pending",
        "growth",
        [
            (90, 31, "Noor Haddad", "applied"),
            (33, 32, "Noor Haddad", "never"),
            (30, 33, "Noor Haddad", "applied"),
            (0.05, 34, "Ken Abe", "not yet"),
        ],
        live=live_as(declared("feed-ranking", {33: "Production", 34: "None"}, {"champion": 33})),
        why=(
            "v34 stage None → Production",
            "v33 stage Production → Archived",
            "@champion v33 → v34",
        ),
    )


def _search() -> ModelOverview:
    return _simple(
        "search-relevance",
        "held",
        "growth",
        [(140, 4, "Ken Abe", "applied")],
        why=('hold: "index migration until Thursday, ask #search"',),
    )


def _embeddings() -> ModelOverview:
    return _simple("text-embeddings", "in sync", "growth", [(61, 2, "Ken Abe", "applied")])


def _pricing() -> ModelOverview:
    return _simple(
        "dynamic-pricing",
        "blocked",
        "marketplace",
        [(99, 5, "Ines Weber", "applied"), (20, 6, "Ines Weber", "applied")],
        why=("diverged: 4f1a09c2 was never merged: adopt it, or merge it",),
    )


def _spam() -> ModelOverview:
    return _simple(
        "spam-filter",
        "in sync",
        "marketplace",
        [(250, 11, "Ines Weber", "applied"), (9, 12, "Ines Weber", "applied")],
    )


def _legacy() -> ModelOverview:
    return _simple("legacy-scorer", "in sync", "", [(410, 1, "Tomás Ruiz", "unknown")])


def _scratch() -> ModelOverview:
    live = live_as(declared("experiment-7f", {1: "Staging", 2: "Production"}))
    return overview_of(
        Past("experiment-7f"),
        "unmanaged",
        live=live,
        why=("no file declares it: `reconciler import experiment-7f` writes one",),
    )


def _forecast() -> ModelOverview:
    return _simple(
        "demand-forecast",
        "in sync",
        "supply",
        [
            (180, 14, "Jun Park", "applied"),
            (95, 15, "Jun Park", "applied"),
            (44, 16, "Jun Park", "applied"),
            (3, 17, "Jun Park", "applied"),
        ],
    )
