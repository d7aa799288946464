"""The texts and commands of the demonstration, in order, independent of terminal and process."""

from pathlib import Path
from typing import Final, Protocol

from reconciler.files.atomic_write import FileToWrite, write_files

_FILE: Final = Path("registry-state/iris_clf.yaml")
_DECLARED: Final = """\
# Which iris classifier the web shop gets.
versions:
  1: {stage: Production, aliases: [champion]}  # the baseline
  2: {stage: Staging}                          # fitted properly, under review
"""
_PROMOTED: Final = """\
# Which iris classifier the web shop gets.
versions:
  1: {stage: Archived}                         # the baseline
  2: {stage: Production, aliases: [champion]}  # fitted properly, reviewed
"""
_FLOWERS: Final = "[[6.0, 2.7, 4.5, 1.5], [6.0, 2.9, 4.9, 1.7]]"
_BY_STAGE: Final = 'load_model("models:/iris_clf/Production").predict(flowers).tolist()'
_BY_ALIAS: Final = 'load_model("models:/iris_clf@champion").predict(flowers).tolist()'
PAGE: Final = "page"
_FOUND: Final = 2  # the exit code of `drift` when it finds some


class Prompt(Protocol):
    """A prompt that shows each typed line, runs it, and shows its output."""

    def title(self, text: str) -> None:
        """Begin a part of the story."""
        ...

    def say(self, text: str) -> None:
        """Explain what comes next, and why."""
        ...

    def shell(self, line: str, *, code: int = 0) -> None:
        """Run a command, which must exit with `code`."""
        ...

    def python(self, *lines: str) -> None:
        """Run lines in one Python session; they must not fail."""
        ...

    def register_versions(self) -> None:
        """Train and register the versions, and describe each."""
        ...


def tell(prompt: Prompt) -> None:
    """Run the whole story in the working directory."""
    _register(prompt)
    _declare(prompt)
    _first_promotion(prompt)
    _promotion(prompt)
    _drift(prompt)
    _revert(prompt)
    _page(prompt)


def _register(prompt: Prompt) -> None:
    prompt.title("1. A registry with three versions of a model")
    prompt.say(
        "Here a sqlite file is the registry; you have a server. Three classifiers are "
        "trained and registered as `iris_clf`; that takes some seconds."
    )
    prompt.shell("export MLFLOW_TRACKING_URI=sqlite:///mlflow.db")
    prompt.register_versions()


def _declare(prompt: Prompt) -> None:
    prompt.title("2. Git declares what is to be live")
    prompt.say("One file per model, written and commented by people.")
    _FILE.parent.mkdir()
    write_files([FileToWrite(_FILE, str(_FILE), _DECLARED.encode())])
    prompt.shell(f"cat {_FILE.as_posix()}")
    prompt.shell("git init --quiet")
    prompt.shell("git add registry-state")
    prompt.shell('git commit --quiet -m "Put iris_clf v1 into Production"')


def _first_promotion(prompt: Prompt) -> None:
    prompt.title("3. `apply` shows the difference and closes it")
    prompt.say(
        "It shows its plan, asks (not with --yes, in CI), and carries out exactly that. "
        "--record notes in git who applied what."
    )
    prompt.shell("reconciler apply --yes --record")
    prompt.say("Whoever loads the model by its stage or its alias gets v1 now.")
    prompt.python(
        "from mlflow.sklearn import load_model",
        f"flowers = {_FLOWERS}",
        _BY_STAGE,
        _BY_ALIAS,
    )


def _promotion(prompt: Prompt) -> None:
    prompt.title("4. A promotion is a commit")
    prompt.say("v2 passed its review. The file is edited:")
    write_files([FileToWrite(_FILE, str(_FILE), _PROMOTED.encode())])
    prompt.shell("git diff")
    prompt.shell('git commit --quiet -am "Promote iris_clf v2: it is right more often"')
    prompt.say(
        "`plan` never writes: in CI it is a comment on the pull request. Production holds one "
        "version, so v1 is `replaced`."
    )
    prompt.shell("reconciler plan --out plan.json")
    prompt.say("Exactly the shown plan is applied. v2 enters first: Production is never empty.")
    prompt.shell("reconciler apply plan.json")
    prompt.python(_BY_ALIAS)


def _drift(prompt: Prompt) -> None:
    prompt.title("5. Somebody changes the registry by hand")
    prompt.say("v3 has the best accuracy of all, and somebody skips the review.")
    prompt.python(
        "from mlflow import MlflowClient",
        "client = MlflowClient()",
        'client.set_registered_model_alias("iris_clf", "champion", "3")',
        'moved = client.transition_model_version_stage("iris_clf", "3", "Production")',
        _BY_ALIAS,
    )
    prompt.say("The shop gets other predictions. `drift` says why; its exit code 2 fails a job.")
    prompt.shell("reconciler drift", code=_FOUND)
    prompt.say("`apply` reverts it: the reviewed version is v2.")
    prompt.shell("reconciler apply --yes")
    prompt.python(_BY_ALIAS)


def _revert(prompt: Prompt) -> None:
    prompt.title("6. A rollback is a `git revert`")
    prompt.say("v2 disappoints in the shop. Its promotion is reverted like any other commit.")
    prompt.shell("git revert --no-edit HEAD")
    prompt.shell("reconciler apply --yes")
    prompt.python(_BY_STAGE)
    prompt.say("Where every version is now, and how it got there:")
    prompt.shell("reconciler status")
    prompt.shell("git log --oneline")


def _page(prompt: Prompt) -> None:
    prompt.title("7. A page for those who use no terminal")
    prompt.say(
        "What serves, since when and by which commit; the timeline has v3 hatched, which somebody "
        "put there by hand. It opens without a server, and no request leaves it."
    )
    prompt.shell(f"reconciler page --out {PAGE}")
