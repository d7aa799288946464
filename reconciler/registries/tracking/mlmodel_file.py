"""Reads the signature and the logged model's id from an `MLmodel` file."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import yaml
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from reconciler.core.facts import Column, Signature
from reconciler.errors import RegistryError

try:
    from yaml import CSafeLoader as _Loader
except ImportError:
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

_NULL: Final = frozenset({"", "~", "null"})
_PARTS: Final = ("inputs", "outputs", "params")
_DEEPEST_READ: Final = 2
_DEEPEST: Final = 100  # the parser takes quadratic time in the depth
# MLflow writes several of these into each file; a gateway's login page has none.
_OWN_KEYS: Final = frozenset(
    {"flavors", "signature", "model_id", "artifact_path", "run_id", "mlflow_version", "model_uuid"}
)
_TOO_DEEP: Final = f"it nests more than {_DEEPEST} deep"


@dataclass(frozen=True, slots=True)
class MLmodel:
    """The parts of the file that are read; None for a part that it does not have."""

    signature: Signature | None = None
    model_id: str | None = None


def parse(content: bytes) -> MLmodel:
    """Return the content of an `MLmodel` file; raises `RegistryError` when it is not one."""
    try:
        texts = dict(_texts(content))
    except yaml.YAMLError as error:
        if "maximum nesting depth" in str(error):  # PyYAML 6.0.4 and newer detect it before we do
            raise RegistryError(_TOO_DEEP) from error
        # Its text quotes the file, which may contain anything.
        raise RegistryError("it is not YAML") from error
    if texts.keys().isdisjoint({(key,) for key in _OWN_KEYS}):
        raise RegistryError("it is not a file that MLflow wrote: is this a login page?")
    inputs, outputs, params = (_columns(texts.get(("signature", part), "")) for part in _PARTS)
    signature = Signature(inputs, outputs, tuple(_optional(column) for column in params))
    model_id = texts.get(("model_id",), "")
    return MLmodel(
        signature if inputs or outputs or params else None,
        None if model_id in _NULL else model_id,
    )


@dataclass(slots=True)
class _Open:
    """A collection that has not ended; `key` is the key whose value comes next."""

    is_mapping: bool
    key: str | None = None


def _texts(content: bytes) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the texts below one or two keys, and before them each first key with no text.

    It reads events, without merge keys, aliases or recursion: no file can cost more than its size.
    """
    path: list[_Open] = []
    for event in _first_document(content):
        if isinstance(event, yaml.CollectionStartEvent):
            path.append(_Open(isinstance(event, yaml.MappingStartEvent)))
            if len(path) > _DEEPEST:
                raise RegistryError(_TOO_DEEP)
        elif isinstance(event, yaml.CollectionEndEvent):
            path.pop()
            _end_value(path)
        elif isinstance(event, yaml.ScalarEvent):
            if path and path[-1].is_mapping and path[-1].key is None:
                path[-1].key = event.value
                if len(path) == 1:
                    yield (event.value,), ""
                continue
            if len(path) <= _DEEPEST_READ and all(one.is_mapping for one in path):
                yield tuple(str(one.key) for one in path), event.value
            _end_value(path)
        elif isinstance(event, yaml.AliasEvent):
            _end_value(path)


def _first_document(content: bytes) -> Iterator[yaml.Event]:
    for event in yaml.parse(content, Loader=_Loader):
        if isinstance(event, yaml.DocumentEndEvent):
            return
        yield event


def _end_value(path: list[_Open]) -> None:
    if path:
        path[-1].key = None


class _Spec(BaseModel):
    """A column, a param, or a nested type, as MLflow writes it as JSON."""

    type: str
    name: str | None = None
    required: bool | None = None
    optional: bool = False  # the form of MLflow 2.0 to 2.5
    shape: list[int] | None = None
    tensor: "_Tensor | None" = Field(None, alias="tensor-spec")
    items: "_Spec | None" = None
    values: "_Spec | None" = None
    properties: "dict[str, _Spec] | None" = None

    @property
    def is_required(self) -> bool:
        return not self.optional if self.required is None else self.required


class _Tensor(BaseModel):
    dtype: str
    shape: list[int]


_SPECS: Final = TypeAdapter(list[_Spec] | None)


def _columns(text: str) -> tuple[Column, ...]:
    try:
        specs = _SPECS.validate_json(text or "null")
    except ValidationError as error:
        raise RegistryError("its signature is not what MLflow writes") from error
    return tuple(Column(spec.name, _type(spec), spec.is_required) for spec in specs or ())


def _optional(column: Column) -> Column:
    """Return a param as optional: every param has a default."""
    return Column(column.name, column.type, required=False)


def _type(spec: _Spec) -> str:
    if spec.tensor is not None:
        return f"tensor({spec.tensor.dtype}, {spec.tensor.shape})"
    if spec.items is not None:
        return f"array({_type(spec.items)})"
    if spec.values is not None:
        return f"map({_type(spec.values)})"
    if spec.properties is not None:
        inner = (
            f"{name}: {_type(one)}{'' if one.is_required else ' (optional)'}"
            for name, one in sorted(spec.properties.items())
        )
        return f"{spec.type}({', '.join(inner)})"
    return f"array({spec.type})" if spec.shape else spec.type
