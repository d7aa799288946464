"""What a request asks a model registry for: the loads that MLflow's clients send.

`models:/m@champion` reads the alias, then the download URI of its version; `models:/m/1` reads the
download URI alone; `models:/m/Production` and `models:/m/latest` ask for the latest versions, with
model and stage in the body, which no access log has, then for the download URI. MLflow 3 reads the
registered model right before both of the last two. The pages of MLflow's own interface use another
path, `/ajax-api/`: a browser is not a consumer.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, TypeAlias
from urllib.parse import parse_qs

from reconciler.core.state import STAGES

RegistryQuestion: TypeAlias = Literal["alias", "stages", "download", "model"]

# What a line of interest has somewhere: cheap to look for in every line of a log.
WORDS: Final = (b"registered-models/", b"get-download-uri")

_PATH: Final = re.compile(r"(?:.*/)?api/\d\.\d/(?:preview/)?mlflow/([a-z-]+/[a-z-]+)", re.ASCII)
_QUESTIONS: Final[dict[tuple[str, str], RegistryQuestion]] = {
    ("GET", "registered-models/alias"): "alias",
    ("GET", "registered-models/get"): "model",
    ("GET", "registered-models/get-latest-versions"): "stages",
    ("POST", "registered-models/get-latest-versions"): "stages",
    ("GET", "model-versions/get-download-uri"): "download",
}
_STAGES: Final = {stage.lower(): stage for stage in STAGES}
_LONGEST: Final = 8192  # characters of a request that a server takes
_LONGEST_NAME: Final = 256  # of a model or an alias in MLflow
_MOST_PARAMETERS: Final = 50
_ESCAPED: Final = re.compile(r"\\x([0-9A-Fa-f]{2})")  # as nginx writes what is not printable


@dataclass(frozen=True, slots=True)
class RegistryRequest:
    """A question to the registry; `loads` are the ways of naming a version that it proves.

    `model` is None, and `loads` is `(None,)`, where they were in the body of the request.
    """

    question: RegistryQuestion
    model: str | None
    loads: tuple[str | None, ...] = (None,)


def registry_request(method: str, target: str) -> RegistryRequest | None:
    """Return what a request asks for, None where that is no load of a model.

    >>> registry_request("GET", "/api/2.0/mlflow/registered-models/alias?name=m&alias=a").loads
    ('@a',)
    """
    return _request(method, target) if len(target) <= _LONGEST else None


@lru_cache(maxsize=4096)
def _request(method: str, target: str) -> RegistryRequest | None:
    path, _, query = target.partition("?")
    found = _PATH.fullmatch(path)
    question = _QUESTIONS.get((method, found[1])) if found else None
    if question is None:
        return None
    try:
        given = parse_qs(_ESCAPED.sub(r"%\1", query), max_num_fields=_MOST_PARAMETERS)
    except ValueError:  # more of them than any client sends
        return None
    if question == "stages" and method == "POST":
        return RegistryRequest(question, None)
    model = given.get("name", [""])[0]
    loads = _loads(question, given)
    if not all(0 < len(name) <= _LONGEST_NAME for name in (model, *loads)):
        return None
    return RegistryRequest(question, model, loads)


def _loads(question: RegistryQuestion, given: dict[str, list[str]]) -> tuple[str, ...]:
    match question:
        case "alias":
            alias = given.get("alias", [""])[0]
            return (f"@{alias}",) if alias else ("",)
        case "stages":
            stages = given.get("stages", [])
            named = (_STAGES.get(stage.lower(), stage) for stage in stages)
            return tuple(dict.fromkeys(named)) or ("latest",)
        case "download":
            version = given.get("version", [""])[0].strip()
            return (version.lstrip("0") or version,)
        case "model":
            return ()
