"""`reconciler demo`: one model's life on an embedded registry, every command and answer real."""

import os
import shutil
import sys
from importlib.util import find_spec

import click

from reconciler.cli import output
from reconciler.cli.demo_prompt import DemoPrompt
from reconciler.cli.options import Options, common
from reconciler.demo.sandbox import sandbox
from reconciler.demo.story import tell
from reconciler.errors import UsageError

_PACKAGES = {
    "mlflow": "mlflow",
    "sklearn": "scikit-learn",
    "sqlalchemy": "sqlalchemy",
    "alembic": "alembic",
}
_OPENING = """\
One model's life, in a temporary folder: its registry, its git repository, and
every command and answer below are real.
"""
_CLOSING = """
Done: the temporary folder is gone, and nothing else was touched.

Next, with a registry of your own (README.md has the details):
  export MLFLOW_REGISTRY_URI=http://your-mlflow-server:5000
  reconciler init      in a repository or an empty folder: what is live as files
  reconciler plan      no changes: you start from where you are
Then commit it, change a file in a pull request, and let CI plan and apply.
"""


@click.command("demo", short_help="the whole story on a throw-away registry")
@common(("text",))
def command(*, options: Options) -> int:
    """Play the whole story on a registry of its own, in a temporary folder."""
    _require_packages()
    _require_git()
    prompt = DemoPrompt(painted=output.colours(options, sys.stdout.isatty()))
    output.product(_OPENING, options)
    with sandbox():
        if options.color is False:
            os.environ["NO_COLOR"] = "1"
        tell(prompt)
    output.product(_CLOSING, options)
    return 0


def _require_packages() -> None:
    missing = [name for module, name in _PACKAGES.items() if find_spec(module) is None]
    if missing:
        raise UsageError(
            f"the demo trains and registers models, and lacks {', '.join(missing)}",
            hint='pip install "mlflow-reconciler[local]"',
        )


def _require_git() -> None:
    if shutil.which("git") is None:
        raise UsageError(
            "the demo makes a git repository, and git is not installed or not on the PATH",
            hint="apt-get install git",
        )
