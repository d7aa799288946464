"""Tells a CI job what a watch saw: annotations at the rules, the summary, outputs."""

from collections.abc import Iterator

from reconciler.api.ci.job import Job
from reconciler.api.watching.answers import Watched
from reconciler.policy.watching.watched_model import WatchedModel
from reconciler.render import github_workflow
from reconciler.render.github_workflow import Annotation


def tell_job(job: Job, answer: Watched) -> None:
    """Write the step's annotations, its summary and its outputs; nothing outside of a job."""
    found = [github_workflow.of_problem(problem) for problem in answer.problems]
    job.annotate([*found, *(row for model in answer.models for row in _warnings(model))])
    opened = [str(m.proposal.number) for m in answer.models if m.proposal.action == "opened"]
    results: dict[str, str | int] = {
        "verdict": answer.verdict,
        "pull-requests": f"[{', '.join(opened)}]",
        "exitcode": answer.code,
    }
    job.finish(results, answer.to_markdown())


def _warnings(model: WatchedModel) -> Iterator[Annotation]:
    title = f"{model.model} v{model.version}" if model.version is not None else model.model
    if model.obstacle is not None:
        yield Annotation("warning", f"not looked at: {model.obstacle}", title, model.file)
    for row in model.rules:
        if row.verdict.verdict != "healthy":
            message = f"{row.rule.name}: {row.verdict.verdict}: {row.verdict.why}"
            yield Annotation("warning", message, title, row.file, row.rule.line)
