"""The page of the names in a policy's condition, from the list that `validate` checks them by."""

from collections.abc import Iterable
from typing import Final

from docs.generator.markdown_text import page, prose, table
from reconciler.policy.cel.schema import FUNCTIONS, VARIABLES, WATCH_VARIABLES, Variable

_LIKE_THE_INPUTS: Final = ("version.signature.outputs[]", "version.signature.params[]")


def conditions_page() -> str:
    """Return the page: the variables of a condition, then the functions."""
    return page(
        "# Names in conditions",
        "Look up a variable or a function for the `require` of a "
        "[policy](../policies.md#conditions), or for the `fail` of a "
        "[rule in `watch`](settings.md#watch-of-a-model). `validate` refuses any other name.",
        "## Variables of a policy",
        _variables(filter(_has_a_row, VARIABLES)),
        "`incumbent` has all that `version` has except `declared`, and `metrics`, `params` and "
        "`run` of its own: `incumbent.metrics.auc`. The elements of a signature's `outputs` and "
        "`params` are like those of `inputs`.",
        "## Variables of a watch",
        _variables(WATCH_VARIABLES),
        "Where a condition needs a variable that is null, the look is neither passing nor failing: "
        "`baseline == null || value > baseline` needs none. So it is where something compared is "
        "NaN.",
        "## Functions",
        table(
            ("function", "example", "meaning"),
            (
                (f"`{function.name}`", f"`{function.example}`", prose(function.meaning))
                for function in FUNCTIONS
            ),
        ),
    )


def _variables(variables: Iterable[Variable]) -> str:
    return table(
        ("variable", "type", "meaning"),
        (
            (f"`{variable.path}`", prose(variable.type), prose(variable.meaning))
            for variable in variables
        ),
    )


def _has_a_row(variable: Variable) -> bool:
    """Return whether a name has a row: `incumbent` and the other signature lists are alike."""
    return not variable.path.startswith(("incumbent.", *_LIKE_THE_INPUTS))
