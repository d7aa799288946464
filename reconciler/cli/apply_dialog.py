"""What `apply` says and asks: the plan, the question, the progress, the report."""

import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from reconciler.api.answers import Plan, Report
from reconciler.apply.executor import no_stop
from reconciler.cli import output
from reconciler.cli.options import Options
from reconciler.cli.present import present
from reconciler.cli.progress.applying import Progress, progress
from reconciler.cli.signals import signals
from reconciler.core.report import Result
from reconciler.errors import UsageError
from reconciler.render import phrases
from reconciler.render.escape import visible


class ApplyDialog(ExitStack):
    """Talks to the person at the terminal while a plan is carried out; `code` is the exit code.

    From the first write until it is left, signals end the apply between two requests.
    """

    def __init__(self, options: Options, *, shows: bool, asks: bool) -> None:
        super().__init__()
        self.code = 0
        self.stop = no_stop()
        self._options = options
        self._shows = shows and not options.json
        self._asks = asks
        self._progress = ExitStack()
        self._counts: Progress | None = None

    def begin(self, plan: Plan) -> None:
        """Show the plan and ask; raises `Abort` of click where the answer is no."""
        if self._shows:
            plan.columns = output.terminal_columns()
            output.product(plan.to_text(self._options.seconds) + "\n", self._options)
        if self._asks:
            _ask(plan)
        self.enter_context(signals(self.stop))
        self.push(self._progress)
        if expected := phrases.expected(plan.judged, plan.pace):
            output.note(expected, self._options)
        told = None if self._options.quiet else plan.judged
        self._counts = self._progress.enter_context(progress(told))

    def advance(self, _: Result) -> None:
        """Count one result."""
        if self._counts is not None:
            self._counts.change()

    def advance_model(self, _: str) -> None:
        """Count one model."""
        if self._counts is not None:
            self._counts.model()

    def written(self) -> None:
        """Take the line of the progress back."""
        self._progress.close()

    def end(self, report: Report) -> None:
        """Print the report; what was applied stays applied where it cannot be printed."""
        self.code = report.code
        with printing():
            self._show(report)

    def _show(self, report: Report) -> None:
        present(report, self._options)
        tell_bug(report)
        if not self._options.json and report.summary["stale"]:
            output.note("plan again: `reconciler plan`", self._options)
        if not report.is_carried_out and (report.code or report.plan.changes):
            output.note("nothing was written", self._options)
            hint = phrases.apart(report.plan.judged)
            if hint and not self._options.json:
                output.note(hint, self._options)


@contextmanager
def printing() -> Iterator[None]:
    """Let a report that cannot be printed change nothing: webhooks are still to be told."""
    try:
        yield
    except (OSError, UsageError) as error:  # the reader went away, a full disk
        reason = error.message if isinstance(error, UsageError) else error.strerror
        with suppress(OSError):
            output.say(f"the report could not be printed: {reason}")


def tell_bug(report: Report) -> None:
    """Print the traceback of what broke a model's run unexpectedly."""
    if report.bug is not None:
        traceback.print_exception(report.bug)
        output.say("this is a bug: please report it with the traceback")


def _ask(plan: Plan) -> None:
    counts = plan.summary
    changes = f"Write {phrases.count(counts['changes'], 'change')} to"
    record = f"Record this commit on {phrases.models(counts['records'])} in"
    question = f"{changes if counts['changes'] else record} {plan.judged.registry.address}?"
    taken = phrases.takeovers(plan.judged)
    if taken:
        question = f"Take over {visible(taken)}. {question}"
    output.confirm(question)
