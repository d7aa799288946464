"""The answers of `watch`: what was seen of each model, and what a recorded series leads to."""

from collections.abc import Sequence
from datetime import datetime

from reconciler.api.answers import Answer
from reconciler.core.declaring.watch import WatchRule
from reconciler.errors import ExitCode, Problem, first_code
from reconciler.policy.watching.replay import ReplayedLook
from reconciler.policy.watching.watched_model import WatchedModel
from reconciler.render.json_documents import Document
from reconciler.render.watching import replayed_looks, watched_models


class Watched(Answer):
    """What was seen of each model whose serving version is watched; sorted by name.

    >>> issubclass(reconciler.Watched, reconciler.Answer)
    True
    """

    def __init__(
        self,
        models: Sequence[WatchedModel],
        problems: Sequence[Problem] = (),
        *,
        commit: str | None = None,
        requests: int = 0,
    ) -> None:
        self.models = tuple(models)
        self.problems = tuple(problems)
        self.commit = commit
        self.requests = requests
        failed = any(model.verdict == "failed" for model in models)
        found = first_code([problem.code for problem in problems])
        self.code = int(found or (ExitCode.CHANGES if failed else ExitCode.OK))

    @property
    def verdict(self) -> str:
        """Failed if a model is, else inconclusive if one is, else healthy."""
        verdicts = {model.verdict for model in self.models}
        return next(word for word in ("failed", "inconclusive", "healthy") if word in verdicts)

    @property
    def headline(self) -> str:
        """How many models there are of each verdict."""
        return watched_models.headline(self.models)

    def document(self) -> Document:
        """Return the document of `watch --format json`, its `exit` included."""
        return watched_models.document(
            self.models, self.problems, commit=self.commit, exit_code=self.code
        )

    def to_text(self, seconds: float | None = None) -> str:
        """Return what `watch` prints; `seconds` replaces the time in its last line."""
        return watched_models.text(self.models, self._effort(seconds), self.columns)

    def to_markdown(self) -> str:
        """Return what `watch --format markdown` prints."""
        return watched_models.markdown(self.models)


class Replay(Answer):
    """What the rules of a model say of each row of a recorded series, as a watch would have.

    `looks` are by rule. `proposals` are the times at which a rollback would have been proposed.

    >>> issubclass(reconciler.Replay, reconciler.Answer)
    True
    """

    def __init__(
        self, model: str, looks: Sequence[tuple[WatchRule, Sequence[ReplayedLook]]]
    ) -> None:
        self.model = model
        self._replayed = tuple(looks)
        self.looks = {rule.name: tuple(rows) for rule, rows in looks}
        self.code = int(ExitCode.CHANGES if self.proposals else ExitCode.OK)

    @property
    def proposals(self) -> tuple[datetime, ...]:
        """When a rollback would have been proposed, oldest first."""
        found = (
            row.look.time
            for rows in self.looks.values()
            for row in rows
            if row.decision.action == "propose"
        )
        return tuple(sorted(found))

    @property
    def headline(self) -> str:
        """How many looks there are, and how many proposals."""
        return replayed_looks.headline(self._replayed)

    def document(self) -> Document:
        """Return the document of `watch --replay --format json`, its `exit` included."""
        return replayed_looks.document(self.model, self._replayed, exit_code=self.code)

    def to_text(self, seconds: float | None = None) -> str:
        """Return what `watch --replay` prints; `seconds` replaces the time in its last line."""
        effort = self._effort(seconds)
        return replayed_looks.text(self.model, self._replayed, effort, self.columns)

    def to_markdown(self) -> str:
        """Return what `watch --replay --format markdown` prints."""
        return replayed_looks.markdown(self.model, self._replayed)
