"""A model card: valid by CycloneDX's own schema, safe as Markdown, the same bytes each time."""

import json
import math
import re
from collections.abc import Mapping
from datetime import date, datetime, timezone
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from packageurl import PackageURL

from reconciler.audit.evidence import Applied, Entry
from reconciler.audit.merged_changes import MergeApproval, MergedCommit, Step
from reconciler.core.comparison import Side
from reconciler.core.declaring.inventory import Inventory
from reconciler.core.facts import NO_FACTS, Column, Facts, Run, Signature
from reconciler.core.plan import RegistryRef
from reconciler.core.policies import On, Policy, SignatureRule
from reconciler.core.settings import Settings
from reconciler.core.state import Consumer, Field, Identity, Live, LiveVersion, Serving
from reconciler.render.card.contents import CardContents, unknown
from reconciler.render.card.cyclonedx import cyclonedx, package_url
from reconciler.render.card.document import document
from reconciler.render.card.markdown import markdown
from reconciler.render.inspection.version_details import Git, VersionDetails

_REGISTRY = RegistryRef("http://mlflow:5000", name="prod-eu")
_VALIDATOR = JsonStrictValidator(SchemaVersion.V1_6)
_MERGED = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
_APPLIED = datetime(2026, 3, 1, 13, tzinfo=timezone.utc)
_HOSTILE = (
    "fraud",
    "a b/c?d#e@f&g=h%2F",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1)) | `code` ![i](http://x)",
    "\u202egnp.exe\x1b[31m\r\n# heading",
    "模型🙂",
    "http://www.example.com @team #1",
    "x" * 5_000,
)


def _entry(*, approved: bool = True, applied: bool = True) -> Entry:
    commit = MergedCommit(
        *("ab" * 20, (), _MERGED, "Ada", "ada@example.com", "Ada", "ada@example.com"),
        "Promote (#12)",
    )
    policies = (
        Policy("signed", On(stages=("Production",)), SignatureRule("required")),
        Policy("elsewhere", On(stages=("Staging",)), SignatureRule("required")),
    )
    rules = Settings(policies=policies)
    accepted = ("off-main", "signed=fraud", "signed=other")
    made = Applied(_APPLIED, "prod-eu", "ab" * 20, "ci", None, accepted=accepted)
    later = Applied(_APPLIED.replace(hour=1), "prod-us", "ab" * 20, "ci", None)
    return Entry(
        step=Step(commit, "fraud", None, None, (rules, rules)),
        meaning=(),
        serving=3,
        aliases={"champion": 3},
        pull_request=12,
        approvals=(MergeApproval("bo", "verified"),) if approved else (),
        apply_state="applied",
        applied=(later, made) if applied else (later,),
    )


def _card(
    model: str = "fraud",
    *,
    facts: Facts = NO_FACTS,
    places: Mapping[str, Entry] | None = None,
    inventory: Inventory | None = None,
    consumers: tuple[Consumer, ...] = (),
    tags: Mapping[str, str] | None = None,
    description: str = "",
    run_id: str | None = None,
    registry: RegistryRef = _REGISTRY,
    silent: str | None = None,
    stage: str = "Production",
) -> CardContents:
    identity = Identity(run_id, None, 1_772_366_400_000)
    live = Live(
        model,
        {Field("stage", 3): stage, Field("alias", None, "champion"): 3},
        {3: LiveVersion(identity)},
    )
    side = Side(3, stage, ("champion",), tags or {}, description, identity, facts)
    details = VersionDetails(
        live=live,
        serving=Serving(),
        git=Git({3: "in sync"}, silent=silent),
        side=side,
        places=places or {},
        file=f"registry-state/{model}.yaml",
        source=None,
        registry=registry,
        alone=False,
        now=datetime.now(timezone.utc),
        consumers=consumers,
    )
    return CardContents(details, side, inventory, "1.2.3")


def _valid(card: CardContents) -> dict[str, Any]:
    """Return the document of a card that is valid, and is made the same a second time."""
    text = cyclonedx(card)
    assert _VALIDATOR.validate_str(text) is None
    assert cyclonedx(card) == text
    parsed: dict[str, Any] = json.loads(text, parse_constant=pytest.fail)
    return parsed


def _properties(card: CardContents) -> list[tuple[str, str]]:
    [model] = _valid(card)["components"]
    return [(one["name"], one["value"]) for one in model["properties"]]


def _full() -> CardContents:
    facts = Facts(
        metrics={"auc": 0.931, "loss": math.nan, "worst": math.inf},
        params={"depth": "7", "data_version": "2026-10"},
        run=Run("r1", tags={"mlflow.source.git.commit": "cd" * 20}),
        signature=Signature((Column("amount", "double"),), (Column(None, "long"),)),
    )
    return _card(
        facts=facts,
        places={"Production": _entry(), "@champion": _entry()},
        inventory=Inventory("risk", "Scores cards", "high", date(2027, 1, 31), ("#risk",)),
        consumers=(Consumer("api", "@champion", "web"), Consumer("batch", "2")),
        tags={"validated": "yes"},
        description="Better",
        run_id="r1",
    )


def test_a_full_card_in_cyclonedx_has_model_card_evidence_and_purpose() -> None:
    [model] = _valid(_full())["components"]
    assert (model["type"], model["name"], model["version"]) == (
        *("machine-learning-model", "fraud", "3"),
    )
    assert model["description"] == "Better"
    card = model["modelCard"]
    assert card["modelParameters"] == {
        "inputs": [{"format": "amount double"}],
        "outputs": [{"format": "long"}],
    }
    assert card["quantitativeAnalysis"]["performanceMetrics"] == [
        {"type": "auc", "value": "0.931"},
        {"type": "loss", "value": "NaN"},
        {"type": "worst", "value": "Infinity"},
    ]
    assert card["considerations"] == {"users": ["api"], "useCases": ["Scores cards"]}
    properties = _properties(_full())
    for pair in (
        ("reconciler:serves", "true"),
        ("reconciler:place:Production:commit", "ab" * 20),
        ("reconciler:place:Production:approved_by:verified", "bo"),
        ("reconciler:place:Production:applied", "2026-03-01T13:00:00Z"),
        ("reconciler:place:Production:policy:deny", "signed"),
        ("reconciler:place:Production:consent", "off-main"),
        ("reconciler:place:Production:consent", "signed=fraud"),
        ("reconciler:inventory:review_by", "2027-01-31"),
        ("reconciler:source_commit", "cd" * 20),
        ("reconciler:param:depth", "7"),
    ):
        assert pair in properties
    assert not [value for _, value in properties if value in ("elsewhere", "signed=other")]
    assert [value for name, value in properties if name == "reconciler:not_known"] == [
        "the digest of its files: git declares none, and no recorded apply read one"
    ]


def test_the_digest_of_all_files_is_no_hash_of_one() -> None:
    text = cyclonedx(_full())
    assert "hashes" not in text
    assert "timestamp" not in text, "the moment of the run would make other bytes each time"


def test_the_serial_number_changes_with_the_content_alone() -> None:
    serials = {json.loads(cyclonedx(_card(description=text)))["serialNumber"] for text in "aab"}
    assert len(serials) == 2


@pytest.mark.parametrize("name", _HOSTILE)
def test_a_card_of_any_name_is_valid_and_its_package_url_is_canonical(name: str) -> None:
    card = _card(name, run_id="r/1", description=name, tags={name: name})
    [model] = _valid(card)["components"]
    assert (model["name"], model["purl"]) == (name, model["bom-ref"])
    qualifiers = {"repository_url": "http://mlflow:5000", "run_id": "r/1"}
    assert PackageURL.from_string(model["purl"]).name == name
    if "/" not in name:  # as no server takes it today, and this library leaves it ambiguous
        assert package_url(card) == PackageURL("mlflow", None, name, "3", qualifiers).to_string()


def test_databricks_has_names_in_lower_case() -> None:
    card = _card("Fraud", registry=RegistryRef("databricks"))
    assert package_url(card) == "pkg:mlflow/fraud@3?repository_url=databricks"


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_MAPPING = st.dictionaries(_TEXT, _TEXT, max_size=3)
_COLUMNS = st.lists(st.builds(Column, st.none() | _TEXT, _TEXT, st.booleans()), max_size=3).map(
    tuple
)


@given(
    model=_TEXT.filter(bool),
    facts=st.builds(
        Facts,
        metrics=st.dictionaries(_TEXT, st.floats(), max_size=3),
        params=_MAPPING,
        signature=st.none() | st.builds(Signature, _COLUMNS, _COLUMNS, _COLUMNS),
        missing=st.lists(_TEXT, max_size=2).map(tuple),
    ),
    tags=_MAPPING,
    description=_TEXT,
    inventory=st.none()
    | st.builds(
        Inventory,
        st.none() | _TEXT,
        st.none() | _TEXT,
        st.none() | _TEXT,
        st.none() | st.dates(),
        st.lists(_TEXT, max_size=2).map(tuple),
    ),
    consumers=st.lists(
        st.builds(Consumer, _TEXT, st.sampled_from(["@champion", "3"]), st.none() | _TEXT),
        max_size=2,
    ).map(tuple),
)
def test_any_card_is_valid_and_nothing_in_its_markdown_is_markup(**parts: Any) -> None:
    card = _card(**parts)
    _valid(card)
    json.dumps(document(card), allow_nan=False)
    text = markdown(card)
    assert text == markdown(card)
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    inline = [leaf for token in tokens for leaf in token.children or ()]
    assert {leaf.type for leaf in inline} <= {
        *("text", "html_inline", "strong_open", "strong_close", "softbreak"),
    }
    html = {leaf.content for leaf in inline if leaf.type == "html_inline"}
    assert html <= {"<code>", "</code>"}
    assert [token for token in tokens if token.type in ("html_block", "fence", "code_block")] == []


def test_the_markdown_says_who_put_it_there_and_what_let_it_pass() -> None:
    text = markdown(_full())
    assert text.startswith("# Model card: <code>fraud</code> v3\n")
    assert (
        "**Serves** as <code>Production</code>, <code>&#64;champion</code> since 2026-03-01T13"
        in text
    )
    row = next(line for line in text.splitlines() if line.startswith("| <code>Production</code>"))
    for part in ("applied 2026-03-01T13:00:00Z", "abababababab", "by Ada", "12", "bo (verified)"):
        assert part in row
    assert "<code>signed</code> | <code>off-main</code>, <code>signed=fraud</code>" in text
    assert re.search(r"<code>loss</code> \| NaN", text)


def test_what_nobody_recorded_is_said_and_not_left_out() -> None:
    card = _card(places={"Production": _entry(approved=False, applied=False)})
    said = "\n".join(unknown(card))
    for part in (
        "neither the version nor the model has a description",
        "its file has no `inventory`",
        "when `Production` was applied: no apply record of this registry has it",
        "who approved `Production`: no apply record and no trailer names anybody",
        "who gave it `@champion`: no merged change that is live did",
        "no metric is known",
        "its file declares no consumers",
    ):
        assert part in said
    assert "merged 2026-03-01T12:00:00Z" in markdown(card)
    partly = _card(inventory=Inventory(owner="risk"))
    assert "purpose, tier, review_by: not in the `inventory` of its file" in [*unknown(partly)]


def test_a_card_outside_of_git_says_why_it_names_nobody() -> None:
    said = [*unknown(_card(silent="this is not a git repository"))]
    assert "who put it where it is: this is not a git repository" in said
    assert not [sentence for sentence in said if "gave it" in sentence]


def test_a_version_that_does_not_serve_says_what_would() -> None:
    assert "**Does not serve**: it is not what <code>Production</code> names." in markdown(
        _card(stage="Archived")
    )


def test_very_long_texts_and_very_many_rows_are_counted_and_cut() -> None:
    many = {f"t{number:04}": "x" for number in range(1_000)}
    text = markdown(_card(description="y" * 10_000_000, tags=many))
    assert "(10,000,000 characters)" in text
    assert "and 800 rows more, all in `--format json`" in text
    assert len(text) < 50_000
