"""A plan's and a report's problems as annotations, on the lines that they are about."""

from reconciler.core.declaring.declared_state import DeclaredState
from reconciler.core.plan import JudgedPlan, ModelPlan
from reconciler.core.report import ApplyReport
from reconciler.render import github_workflow, phrases
from reconciler.render.github_workflow import Annotation


def of_plan(plan: JudgedPlan, desired: DeclaredState) -> list[Annotation]:
    """Return a plan's problems and violations."""
    found = [github_workflow.of_problem(problem) for problem in plan.problems]
    found += [github_workflow.of_problem(problem, "warning") for problem in plan.warnings]
    models = {model.model: model for model in plan.models}
    for violation in plan.violations:
        if not violation.accepted:
            model = models.get(violation.model or "")
            file, line = (model.file, _line(model, desired)) if model else (None, None)
            found.append(github_workflow.of_violation(violation, file, line))
    return found


def of_failures(report: ApplyReport) -> list[Annotation]:
    """Return the changes that failed, at their models' files."""
    files = {model.model: model.file for model in report.plan.models}
    return [
        Annotation(
            "error",
            f"{phrases.subject(result.change.field)}: {result.error}",
            f"{result.change.model} {result.outcome}",
            files.get(result.change.model),
        )
        for result in report.results
        if result.error is not None
    ]


def _line(model: ModelPlan, desired: DeclaredState) -> int | None:
    """Return the line of the version that changes hands, or else of the model."""
    declaration = desired.declarations.get(model.model)
    if declaration is None:
        return None
    for change in model.changes:
        taken = change.after if change.field.name == "alias" else change.field.version
        if change.field.name in ("alias", "stage") and change.cause != "replaced":
            version = declaration.versions.get(int(taken or 0))
            if version is not None and version.line is not None:
                return version.line
    return declaration.line
