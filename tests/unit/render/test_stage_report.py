"""The report of `migrate stages` for people: it fits a terminal, and no value becomes markup."""

from reconciler.audit.migration.stage_report import (
    LiveModels,
    MigrationInput,
    StageReport,
    model_migrations,
)
from reconciler.core.declaring.bridge import NO_BRIDGE, Bridge
from reconciler.core.plan import RegistryRef
from reconciler.core.settings import Settings
from reconciler.core.state import Field, Identity, Live, LiveVersion
from reconciler.ports.registry import Capabilities
from reconciler.render.table import width
from reconciler.render.text import Effort
from reconciler.render.usage.stage_report import report_markdown, report_text

_BRIDGE = Bridge((("Production", "champion"),))
_EFFORT = Effort(2, 0.5)
_ALL = Capabilities()


def _report(names: list[str], capabilities: Capabilities = _ALL, unread: str = "") -> StageReport:
    version = LiveVersion(Identity(None, None, None))
    live = {name: Live(name, {Field("stage", 4): "Production"}, {4: version}) for name in names}
    inputs = MigrationInput(Settings(), _BRIDGE, {}, live, unread={unread})
    models = model_migrations(names, inputs)
    found = LiveModels(RegistryRef("http://mlflow"), capabilities, live)
    return StageReport(_BRIDGE, NO_BRIDGE, found, models, ())


def test_no_line_is_wider_than_the_terminal_unless_it_is_a_command() -> None:
    text = report_text(_report(["m" * 90, "ш" * 90]), _EFFORT, 80)
    assert "import" in text
    for line in text.splitlines():
        assert width(line) <= 80 or "`" in line


def test_what_a_registry_holds_becomes_neither_markup_nor_a_control_code() -> None:
    report = _report(["<img src=x>|@all", "bell\x07\x1b[2J"])
    text, markdown = report_text(report, _EFFORT), report_markdown(report)
    assert "\x07" not in text + markdown
    assert "\x1b" not in text + markdown
    assert "<img" not in markdown
    assert "|@all" not in markdown


def test_a_registry_without_aliases_is_told_before_any_step() -> None:
    old = Capabilities(aliases=False, why="the MLflow 2.2.2 server at http://mlflow")
    text = report_text(_report(["m"], old), _EFFORT)
    assert "registry: the MLflow 2.2.2 server at http://mlflow has no aliases" in text
    assert "--step" not in text
    assert "import" not in text.partition("next:")[2]


def test_a_model_that_may_not_be_read_is_not_called_missing() -> None:
    report = _report(["m"], unread="m")
    assert report.models[0].live is None
    assert report.models[0].conflicts == ()
