"""`reconciler demo`: one model's life on an embedded registry, every command and answer real."""

import os
import shutil
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import click

from reconciler.cli import output
from reconciler.cli.demo_prompt import DemoPrompt
from reconciler.cli.options import Options, common
from reconciler.demo.sandbox import sandbox
from reconciler.demo.story import PAGE, tell
from reconciler.errors import UsageError
from reconciler.render.page.paths import INDEX
from reconciler.repository.locate import working_directory

_PACKAGES = {
    "mlflow": "mlflow",
    "sklearn": "scikit-learn",
    "sqlalchemy": "sqlalchemy",
    "alembic": "alembic",
}
_IN_TEMPORARY = ""  # no folder has this name
_OPENING = """\
One model's life, in a temporary folder: its registry, its git repository, and
every command and answer below are real.
"""
_GONE = """
Done: the temporary folder is gone, and nothing else was touched. With the folder
went the page: `reconciler demo --keep` keeps both.
"""
_KEPT = """
Done: all of it is in {folder}, and nothing else was touched.

The page, for a browser:
  {page}
"""
_CLOSING = """
Next, with a registry of your own (README.md has the details):
  export MLFLOW_REGISTRY_URI=http://your-mlflow-server:5000
  reconciler init      in a repository or an empty folder: what is live as files
  reconciler plan      no changes: you start from where you are
Then commit it, change a file in a pull request, and let CI plan and apply.
"""


@click.command("demo", short_help="the whole story on a throw-away registry")
@click.option(
    "--keep",
    metavar="[DIR]",
    is_flag=False,
    flag_value=_IN_TEMPORARY,
    help="Keep the folder, with the page: DIR, or a temporary one.",
)
@common(("text",))
def command(*, options: Options, keep: str | None) -> int:
    """Play the whole story on a registry of its own, in a temporary folder."""
    _require_packages()
    _require_git()
    prompt = DemoPrompt(painted=output.colours(options, sys.stdout.isatty()))
    output.product(_OPENING, options)
    with sandbox(_kept(keep)) as work:
        if options.color is False:
            os.environ["NO_COLOR"] = "1"
        tell(prompt)
    page = (work / PAGE / INDEX).as_uri()
    told = _GONE if keep is None else _KEPT.format(folder=work.parent, page=page)
    output.product(told + _CLOSING, options)
    return 0


def _kept(keep: str | None) -> Path | None:
    """Return the folder to keep, None where it is to go."""
    if keep == _IN_TEMPORARY:
        return Path(tempfile.mkdtemp(prefix="reconciler-demo-"))
    return None if keep is None else working_directory() / keep


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
