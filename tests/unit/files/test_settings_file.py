"""The settings file, and the schemas that editors check both kinds of file by."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from reconciler.core.settings import Ignore, RegistryPin, ServingRules, Settings, Webhook
from reconciler.core.state import Serving
from reconciler.errors import DeclarationError
from reconciler.files.loader import model_schema, parse_settings, settings_schema


def rules_complaints(text: str) -> list[str]:
    """Return what is wrong with a settings file, as `line:column message (hint)`."""
    with pytest.raises(DeclarationError) as caught:
        parse_settings(text.encode(), "reconciler.yaml")
    return [f"{p.line}:{p.column} {p.message} ({p.hint})" for p in caught.value.problems]


def test_settings_that_are_left_out_have_their_defaults() -> None:
    assert parse_settings(b"{}", "reconciler.yaml") == Settings()
    assert parse_settings(b"ignore: {}\nguards: {}", "reconciler.yaml") == Settings()


def test_settings_say_what_they_say() -> None:
    text = """
registry: {uri: [http://mlflow:5000, "https://mlflow.example"], name: prod-eu}
branch: main
exclusive: [Production, Staging]
serving: {alias: champion}
guards: {aliases: [champion, challenger]}
ignore: {models: [tmp-*], tags: [ci.*], aliases: [x-*]}
notify: [{slack: SLACK_WEBHOOK_URL}, {json: AUDIT_URL}]
digests: {verify: [apply]}
"""
    assert parse_settings(text.encode(), "reconciler.yaml") == Settings(
        registry=RegistryPin(("http://mlflow:5000", "https://mlflow.example"), "prod-eu"),
        branch="main",
        exclusive=("Production", "Staging"),
        serving=ServingRules(Serving(stage=None, alias="champion")),
        guarded_aliases=("champion", "challenger"),
        ignore=Ignore(("tmp-*",), ("mlflow.*", "reconciler.*", "ci.*"), ("x-*",)),
        notify=(Webhook("slack", "SLACK_WEBHOOK_URL"), Webhook("json", "AUDIT_URL")),
        verify=("apply",),
    )


@pytest.mark.parametrize(
    ("text", "verify"),
    [
        ("{}", ("plan", "apply")),
        ("digests: {}", ("plan", "apply")),
        ("digests: {verify: [apply, plan]}", ("plan", "apply")),
        ("digests: {verify: [plan]}", ("plan",)),
        ("digests:\n  verify:\n  - apply\n", ("apply",)),
    ],
)
def test_bytes_are_read_in_both_steps_unless_the_settings_name_one(
    text: str, verify: tuple[str, ...]
) -> None:
    assert parse_settings(text.encode(), "reconciler.yaml").verify == verify


def test_what_serves_may_differ_by_glob_and_the_order_is_kept() -> None:
    text = "serving: {stage: Production, models: {rec-*: {alias: champion}, '*': {alias: a}}}"
    assert parse_settings(text.encode(), "reconciler.yaml").serving == ServingRules(
        Serving(), (("rec-*", Serving(None, "champion")), ("*", Serving(None, "a")))
    )
    alone = b"serving: {models: {rec-*: {alias: champion}}}"
    assert parse_settings(alone, "reconciler.yaml").serving == ServingRules(
        Serving(), (("rec-*", Serving(None, "champion")),)
    )


@pytest.mark.parametrize(
    ("text", "pin"),
    [
        ("registry: http://mlflow:5000", RegistryPin(("http://mlflow:5000",))),
        ("registry: {uri: sqlite:///a.db}", RegistryPin(("sqlite:///a.db",))),
        (
            "registry: {uri: http://h, workspace: team-a}",
            RegistryPin(("http://h",), workspace="team-a"),
        ),
        ("registry: databricks://scope:prefix", RegistryPin(("databricks://scope:prefix",))),
        ("registry: https://h:5000/a@b", RegistryPin(("https://h:5000/a@b",))),
    ],
)
def test_a_registry_is_pinned_by_its_uri(text: str, pin: RegistryPin) -> None:
    assert parse_settings(text.encode(), "reconciler.yaml").registry == pin


def test_guards_may_name_no_alias() -> None:
    assert parse_settings(b"guards: {aliases: []}", "reconciler.yaml").guarded_aliases == ()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("registri: x", "1:1 unknown key `registri` (did you mean `registry`?)"),
        ("registry: {url: x}", "1:12 unknown key `url` (did you mean `uri`?)"),
        ("registry: http://h/#/models", "1:11 `http://h/#/models` is the address of a page in"),
        (
            "registry: {uri: [http://h/api/2.0]}",
            "1:18 `http://h/api/2.0` is the address of the API",
        ),
        ("registry: ftp://h", "1:11 `ftp://h`: a registry is never at `ftp:`"),
        ("registry: localhost:5000", "1:11 the registry `localhost:5000` has no scheme (did you"),
        ("versions: {}", "1:1 unknown key `versions` (this file has the settings: declare a model"),
        ("kind: Settings", "1:1 unknown key `kind` (this is a plain file"),
        ("serving: {stage: prod}", "1:18 `prod` is not one of `Staging`, `Production` (did you m"),
        ("registry: {name: x}", "1:11 `registry` needs the key `uri`"),
        ("registry: [x]", "1:11 `registry` must be text or a mapping, not a list"),
        ("registry: {uri: {a: b}}", "1:17 `uri` must be text or a list, not a mapping"),
        ("serving: {stage: ~}", "1:18 `stage` is null (write a value, or leave the key out)"),
        ("registry: {uri: []}", "1:17 `uri` is empty"),
        ("registry: ''", "1:11 `registry` is empty"),
        ("branch:", "1:8 `branch` is null (write a value, or leave the key out)"),
        ("exclusive: [Archived]", "1:13 `Archived` is not one of `Staging`, `Production`"),
        ("exclusive: Production", "1:12 `exclusive` must be a list, not text"),
        ("exclusive: [Production, Production]", "1:12 `Production` is listed twice"),
        ("exclusive: []", "1:12 serving is the stage `Production`, which is not exclusive"),
        ("exclusive: [Staging]", "1:12 serving is the stage `Production`, which is not exclusive"),
        ("serving: {stage: Staging}", "1:18 serving is the stage `Staging`, which is not exclus"),
        ("serving: {}", "1:10 `serving` names either a stage or an alias"),
        ("serving: {stage: Production, alias: a}", "1:10 `serving` names either a stage or an"),
        ("serving: {models: {a: {}}}", "1:23 `serving` names either a stage or an alias"),
        (
            "serving: {models: {a: champion}}",
            "1:23 `a` must be a mapping, not text (write `serving: {st",
        ),
        ("serving: {models: {a: {stage: Staging}}}", "1:31 serving is the stage `Staging`, which"),
        (
            "serving: {models: {a: {alias: b}}}\nignore: {aliases: [b]}",
            "1:31 serving is the alias `b`, which is ignored",
        ),
        ("serving: champion", "1:10 `serving` must be a mapping, not text (write `serving: {st"),
        ("serving: {alias: latest}", "1:18 alias `latest` is reserved by MLflow"),
        ("serving: {alias: a}\nignore: {aliases: ['*']}", "1:18 serving is the alias `a`, which"),
        ("guards: {alias: [a]}", "1:10 unknown key `alias` (did you mean `aliases`?)"),
        ("ignore: {tags: mlflow.*}", "1:16 `tags` must be a list, not text"),
        ("ignore: {models: ['']}", "1:19 item 1 of `models` is empty"),
        ("notify: {slack: A}", "1:9 `notify` must be a list, not a mapping (write `notify: [{sla"),
        ("notify: [A]", "1:10 item 1 of `notify` must be a mapping, not text"),
        ("notify: [~]", "1:10 item 1 of `notify` is null (write a value, or leave the key out)"),
        ("notify: [{}]", "1:10 a webhook has one form, `slack` or `json` (write `{slack: SLACK"),
        ("notify: [{slack: A, json: B}]", "1:10 a webhook has one form, `slack` or `json`"),
        ("notify: [{slak: A}]", "1:11 unknown key `slak` (did you mean `slack`?)"),
        ("notify: [{slack: }]", "1:18 `slack` is null (write a value, or leave the key out)"),
        ("digests: {verify: []}", "1:19 `verify` is empty (add an item, or leave the key out)"),
        ("digests: {verify: [plan, plan]}", "1:19 `plan` is listed twice (remove one of them)"),
        (
            "digests: {verify: [aply]}",
            "1:20 `aply` is not one of `plan`, `apply` (did you mean `apply`?)",
        ),
        ("digests: {verify: [drift]}", "1:20 `drift` is not one of `plan`, `apply`"),
        (
            "digests: {verify: apply}",
            "1:19 `verify` must be a list, not text (write `verify: [plan, apply]`",
        ),
        ("digests: {verify: ~}", "1:19 `verify` is null (write a value, or leave the key out)"),
        ("digests: {verfy: [plan]}", "1:11 unknown key `verfy` (did you mean `verify`?)"),
        (
            "digests: [plan]",
            "1:10 `digests` must be a mapping, not a list (write `digests: {verify: [plan, apply]}",
        ),
        ("digest: {verify: [plan]}", "1:1 unknown key `digest` (did you mean `digests`?)"),
        ("verify: [plan]", "1:1 unknown key `verify` (write `digests: {verify: [plan, apply]}`)"),
        ("notify: [{slack: A}, {json: A}]", "1:9 `A` is listed twice (remove one of them)"),
    ],
)
def test_wrong_settings_are_complaints(text: str, complaint: str) -> None:
    found = rules_complaints(text)
    assert any(each.startswith(complaint) for each in found), found


@pytest.mark.parametrize(
    "uri",
    [
        "https://user:hunter2@mlflow.example",
        "https://:hunter2@mlflow.example:5000/x",
        "postgresql+psycopg://user:hunt/hunter2@db/mlflow",
        "postgresql://db/mlflow?user=u&password=hunter2",
    ],
)
@pytest.mark.parametrize("form", ["registry: '{}'", "registry: {{uri: ['http://h', '{}']}}"])
def test_a_password_is_refused_and_never_repeated(uri: str, form: str) -> None:
    (complaint,) = rules_complaints(form.format(uri))
    assert "MLFLOW_TRACKING_PASSWORD" in complaint
    assert "hunter2" not in complaint


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ("https://hooks.slack.example/services/T0/B0/hunter2", "is a secret and does not belong"),
        ("hooks.slack.example/services/hunter2", "is a secret and does not belong in a file"),
        ("hunter2-hunter2", "this is not the name of an environment variable"),
        ("2hunter2", "this is not the name of an environment variable"),
        ("", "this is not the name of an environment variable"),
    ],
)
def test_a_webhooks_url_is_refused_and_never_repeated(secret: str, said: str) -> None:
    (complaint,) = rules_complaints(f"notify: [{{json: '{secret}'}}]")
    assert complaint.startswith("1:17 ")
    assert said in complaint
    assert "write the name of an environment variable" in complaint
    assert "hunter2" not in complaint


def test_a_setting_has_few_webhooks() -> None:
    listed = ", ".join(f"{{json: A{number}}}" for number in range(11))
    (complaint,) = rules_complaints(f"notify: [{listed}]")
    assert "`notify` has more than 10 items" in complaint


def test_the_schema_says_that_a_webhook_has_one_form() -> None:
    schema = settings_schema()
    items, entry = schema["properties"]["notify"]["items"], schema["$defs"]["NotifyEntry"]
    assert (items["minProperties"], items["maxProperties"]) == (1, 1)
    assert set(entry["properties"]) == {"slack", "json"}
    assert entry["properties"]["slack"]["pattern"] == "^[A-Za-z_][A-Za-z0-9_]{0,254}$"


def test_the_schema_of_a_model_file_is_what_the_reader_takes() -> None:
    schema = model_schema()
    entry, consent = schema["$defs"]["VersionEntry"], schema["$defs"]["AcceptEntry"]
    assert set(schema["properties"]) == {
        *(
            "model",
            "description",
            "tags",
            "versions",
            "retired",
            "hold",
            "serving",
            "accept",
            "renamed_from",
            "consumers",
            "inventory",
            "watch",
        )
    }
    assert set(entry["properties"]) == {
        *("stage", "aliases", "tags", "description", "run_id", "source", "digest", "blocked"),
        *("traffic", "semver"),
    }
    assert set(consent["properties"]) == set(consent["required"]) == {"guard", "until", "reason"}
    assert schema["additionalProperties"] is False
    assert entry["additionalProperties"] is False
    assert list(schema["properties"]["versions"]["patternProperties"]) == ["^[1-9][0-9]*$"]
    assert entry["properties"]["stage"]["enum"] == ["None", "Staging", "Production", "Archived"]
    values = entry["properties"]["tags"]["additionalProperties"]
    assert values == {"maxLength": 100_000, "type": ["string", "number", "boolean"]}
    assert schema["properties"]["retired"]["type"] == "boolean"


@pytest.mark.parametrize("schema", [model_schema(), settings_schema()])
def test_an_editor_can_explain_every_key(schema: dict[str, Any]) -> None:
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert schema["title"]
    json.dumps(schema)
    for part in (schema, *schema["$defs"].values()):
        for name, key in part["properties"].items():
            about = schema["$defs"].get(key.get("$ref", "").rpartition("/")[2], {})
            assert key.get("description") or about.get("description"), name


def _mappings(part: object) -> Iterator[dict[str, Any]]:
    """Yield every schema of a mapping that a schema contains."""
    if isinstance(part, dict):
        if part.get("type") == "object":
            yield part
        for inner in part.values():
            yield from _mappings(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _mappings(inner)


@pytest.mark.parametrize("schema", [model_schema(), settings_schema()])
def test_no_schema_refuses_every_key_of_a_mapping(schema: dict[str, Any]) -> None:
    empty = [
        mapping["title"]
        for mapping in _mappings(schema)
        if mapping.get("additionalProperties") is False
        if not {"properties", "patternProperties"} & set(mapping)
    ]
    assert empty == []


def test_the_schema_of_the_settings_takes_both_forms_of_a_registry() -> None:
    schema = settings_schema()
    assert set(schema["properties"]) == {
        *(
            "registry",
            "branch",
            "exclusive",
            "serving",
            "guards",
            "ignore",
            "policies",
            "apply",
            "heal",
            "notify",
            "digests",
            "bridge",
            "aliases_from_semver",
            "watch",
        )
    }
    text, mapping = schema["properties"]["registry"]["oneOf"]
    assert text["type"] == "string"
    assert mapping["$ref"] == "#/$defs/RegistryEntry"
    assert schema["$defs"]["RegistryEntry"]["required"] == ["uri"]


def test_the_schema_says_that_a_policy_has_one_requirement() -> None:
    policy = settings_schema()["$defs"]["PolicyEntry"]
    requirements = [each["required"] for each in policy["oneOf"]]
    assert all(len(keys) == 1 and keys[0] in policy["properties"] for keys in requirements)
    assert set(policy["properties"]) - {key for (key,) in requirements} == {
        *("name", "on", "enforce", "message")
    }
    assert policy["required"] == ["name"]
    assert policy["properties"]["approvals"]["maximum"] == 20
    assert policy["properties"]["self_approval"]["const"] is False
    assert policy["properties"]["name"]["pattern"] == "^[a-z0-9][a-z0-9-]*$"
