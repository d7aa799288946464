"""Tells the webhooks of `notify:` what an apply did; what goes wrong with that is only said."""

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Final
from uuid import uuid4

from reconciler.api.workspace import Workspace
from reconciler.audit.notification import Behind, Notification, Occasion, worth_telling
from reconciler.core.plan import JudgedPlan
from reconciler.core.report import ApplyReport
from reconciler.core.settings import Webhook
from reconciler.errors import ReconcilerError
from reconciler.forges.ci_run import run_of
from reconciler.ports.parallel import each
from reconciler.render import notification as rendered
from reconciler.render import phrases
from reconciler.render.json_documents import Document

_SECONDS: Final = 30.0  # for all that is told of one run
_GRACE: Final = 1.0  # for what is under way when the time is over, or a signal came

BehindOf = Callable[[str], Behind]


@dataclass
class _Tally:
    """How many models a webhook was told of so far, and why not of more."""

    webhook: Webhook
    told: int = 0
    why: str = "there was no time left"


def notify(workspace: Workspace, report: ApplyReport, behind: BehindOf | None = None) -> None:
    """Tell every webhook of each model that was changed; never raises for what goes wrong there.

    `behind` says who is behind a model's changes; without it the author of the commit is.
    """
    webhooks = workspace.desired.settings.notify
    models = tuple(worth_telling(report))
    if not (webhooks and models):
        return
    with suppress(OSError):  # stderr may be closed by now
        if report.signal is not None:
            workspace.warn_after_writing(
                f"notify: interrupted, no webhook is told of {phrases.models(len(models))}"
            )
            return
        actor, run_url = run_of(workspace.environ)
        occasion = Occasion(datetime.now(timezone.utc), actor, run_url)
        behind = behind or author_of_commit(workspace, report.plan)
        ref, state = report.plan.registry, report.plan.state
        told = [
            Notification(uuid4().hex, ref, state, model, occasion, behind(model.model))
            for model in models
        ]
        for tally in _tell(workspace, told):
            workspace.warn_after_writing(_remark(tally, len(told)))


def author_of_commit(workspace: Workspace, plan: JudgedPlan) -> BehindOf:
    """Return who wrote the commit that is applied, for every model."""
    name = ""
    if workspace.repo is not None and plan.state.commit is not None:
        with suppress(ReconcilerError):
            name = workspace.repo.author(plan.state.commit).partition(" <")[0]
    found = Behind((name,) if name else ())
    return lambda _: found


def _tell(workspace: Workspace, told: Sequence[Notification]) -> list[_Tally]:
    """Tell the webhooks side by side, and return those that were not told everything."""
    tallies = [_Tally(webhook) for webhook in workspace.desired.settings.notify]
    over = _alarm(workspace.stop.event)
    work = _work(workspace.environ, told, over)
    each(work, tallies, threads=len(tallies), stop=over, grace=_GRACE)
    return [tally for tally in tallies if tally.told < len(told)]


def _alarm(stop: threading.Event) -> threading.Event:
    """Return what is set when the time is over, or at once when a signal comes."""
    over = threading.Event()

    def watch() -> None:
        stop.wait(_SECONDS)
        over.set()

    threading.Thread(target=watch, daemon=True).start()
    return over


def _work(
    environ: Mapping[str, str], told: Sequence[Notification], over: threading.Event
) -> Callable[[_Tally], None]:
    from reconciler.transport import webhooks  # noqa: PLC0415  a registry without HTTP needs no requests

    def work(tally: _Tally) -> None:
        url = environ.get(tally.webhook.variable, "").strip()
        if not url:
            tally.why = "the variable is not set"
        elif not webhooks.is_webhook_url(url):
            tally.why = "the variable holds no URL with https (or with http, of this machine)"
        else:
            webhook = webhooks.WebhookClient(url, environ, seconds=_SECONDS, over=over)
            for one in told:
                miss = webhook.tell(_rendered(tally.webhook, one))
                if miss is None:
                    tally.told += 1
                else:
                    tally.why = miss.why
                if over.is_set() or (miss is not None and miss.away):
                    return

    return work


def _rendered(webhook: Webhook, one: Notification) -> Document:
    match webhook.form:
        case "slack":
            return rendered.slack(one)
        case "json":
            return rendered.document(one)


def _remark(tally: _Tally, models: int) -> str:
    said = "nothing" if not tally.told else f"{tally.told} of {phrases.models(models)}"
    return f"notify: `{tally.webhook.variable}` was told {said}: {tally.why}"
