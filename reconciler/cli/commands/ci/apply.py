"""`reconciler ci apply`: carries out what was merged, as far as its pull requests showed it."""

from contextlib import ExitStack

import click

from reconciler.api.answers import PlanRefused, Report
from reconciler.apply.executor import no_stop
from reconciler.cli import output
from reconciler.cli.apply_dialog import printing, tell_bug
from reconciler.cli.opened import opened
from reconciler.cli.options import Options, common
from reconciler.cli.signals import signals
from reconciler.render.escape import visible


@click.command("apply", short_help="apply what was merged")
@click.option("--model", metavar="NAME", help="One model, by hand; with --digest.")
@click.option("--digest", help="The digest of that model's plan that was looked at.")
@click.option("--dry-run", is_flag=True, help="Show what would be written, and write nothing.")
@common()
def command(*, options: Options, model: str | None, digest: str | None, dry_run: bool) -> int:
    """Write the models whose declaration changed, where a pull request showed what is written."""
    stop = no_stop()
    with ExitStack() as until_the_end:
        try:
            report = opened(options).ci.apply(
                model or None,
                digest or None,
                dry_run=dry_run,
                stop=stop,
                before_writing=lambda _: until_the_end.enter_context(signals(stop)),
                on_report=lambda report: _show(report, options),
            )
        except PlanRefused as refused:  # its report was shown
            report = refused.report
        return report.code


def _show(report: Report, options: Options) -> None:
    with printing():
        if options.json:
            output.document(report.document())
        else:
            output.product(report.to_text(options.seconds), options)
            for model in report.applied.plan.models if report.is_carried_out else ():
                for message in model.messages if not model.writes else ():
                    output.note(f"{visible(model.model)}: {visible(message)}", options)
        output.complain(p for p in report.problems if p.code or not options.quiet)
        tell_bug(report)
