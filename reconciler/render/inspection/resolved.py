"""Writes one version down for what loads it: shell, dotenv, and a KServe InferenceService."""

import hashlib
import re
import shlex
from collections.abc import Mapping
from typing import Final

from reconciler.core.uris import scheme_of
from reconciler.errors import UsageError

# What each reader of a dotenv file takes in its own way between double quotes.
_READ_DIFFERENTLY: Final = frozenset('"\\$`')
_LAST_CONTROL: Final = "\x9f"
# What the storage initializer of KServe downloads a folder from, as MLflow writes the address.
_READ_BY_KSERVE: Final = ("gs", "hdfs", "s3", "webhdfs")
_LONGEST_NAME: Final = 50  # KServe puts `-predictor` behind it, and a label has 63 characters
_LONGEST_LABEL: Final = 63
_HASH: Final = 8
_KEYS: Final = "mlflow-reconciler"


def env(variables: Mapping[str, str]) -> str:
    """Return lines that a POSIX shell reads, whatever is in the values.

    Raises `UsageError` for a NUL, which no variable can hold.
    """
    for key, value in variables.items():
        if "\0" in value:
            raise UsageError(f"{key} has a NUL in it, which no variable can hold")
    return "".join(f"export {key}={shlex.quote(value)}\n" for key, value in variables.items())


def dotenv(variables: Mapping[str, str]) -> str:
    """Return lines in double quotes, which every reader of dotenv files takes alike.

    Raises `UsageError` for a character that some take for an escape, a variable or a line's end.
    """
    for key, value in variables.items():
        wrong = next((char for char in value if _is_read_differently(char)), None)
        if wrong is not None:
            message = f"{key} has {wrong!a} in it, which readers of dotenv files take differently"
            raise UsageError(message, hint="use `--format env` or `--format json`")
    return "".join(f'{key}="{value}"\n' for key, value in variables.items())


def kserve(model: str, version: int, artifact_uri: str | None, more: Mapping[str, str]) -> str:
    """Return an InferenceService that serves a version from where its files are.

    `more` are annotations. Raises `UsageError` for an address that KServe cannot read.
    """
    address = _storage_uri(model, version, artifact_uri)
    labels = {"model": _label(model, _LONGEST_LABEL), "version": str(version)}
    told = {"model": model, "version": str(version), **more}
    annotations = {key: value for key, value in told.items() if value}
    return "\n".join(
        (
            "apiVersion: serving.kserve.io/v1beta1",
            "kind: InferenceService",
            "metadata:",
            f"  name: {_quoted(_label(model, _LONGEST_NAME))}",
            "  labels:",
            *(f"    {_KEYS}/{key}: {_quoted(value)}" for key, value in labels.items()),
            "  annotations:",
            *(f"    {_KEYS}/{key}: {_quoted(value)}" for key, value in annotations.items()),
            "spec:",
            "  predictor:",
            "    model:",
            "      modelFormat:",
            "        name: mlflow",
            "      protocolVersion: v2",
            f"      storageUri: {_quoted(address)}",
            "",
        )
    )


def _is_read_differently(char: str) -> bool:
    is_control = char <= "\x1f" or "\x7f" <= char <= _LAST_CONTROL
    return is_control or char in _READ_DIFFERENTLY or char in "\u2028\u2029"


def _storage_uri(model: str, version: int, artifact_uri: str | None) -> str:
    which = f"the files of `{model}` v{version}"
    *schemes, last = (f"{scheme}:" for scheme in _READ_BY_KSERVE)
    reads = f"KServe reads {', '.join(schemes)} and {last} alone"
    if artifact_uri is None:
        hint = "leave out `--offline`: only the registry knows where they are"
        raise UsageError(f"git does not declare where {which} are", hint=hint)
    if scheme_of(artifact_uri) in _READ_BY_KSERVE:
        return artifact_uri
    message = f"{which} are at `{artifact_uri}`, which KServe cannot read"
    if scheme_of(artifact_uri) == "mlflow-artifacts":
        hint = f"only the MLflow server passes them on, and {reads}; log models to such a store"
    else:
        hint = f"{reads}; log models to such a store"
    raise UsageError(message, hint=hint)


def _label(name: str, longest: int) -> str:
    """Return a name as a DNS label; one that had to be changed ends in a hash of what it was."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if not plain[:1].isalpha():
        plain = f"model-{plain}".rstrip("-")
    if plain == name and len(name) <= longest:
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH]
    return f"{plain[: longest - _HASH - 1].rstrip('-')}-{digest}"


def _quoted(text: str) -> str:
    """Return a scalar of YAML in double quotes, in ASCII alone."""
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    if " " <= char <= "~":
        return char
    number = ord(char)
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"  # noqa: PLR2004  Unicode's first plane
