"""Load one version of a model: fetch it, check it, load what was checked, warm it up."""

import shutil
import sys
import tempfile
import weakref
from hashlib import sha256
from pathlib import Path
from typing import Any

import mlflow
import yaml
from mlflow.exceptions import MlflowException
from mlflow.pyfunc import scoring_server
from mlflow.types import Schema

# What a digest leaves out, at the top of a model: docs/approved-bytes.md.
_LEFT_OUT = {"registered_model_meta", "model.sig", ".cache"}
_LEFT_OUT |= {".git", ".gitattributes", ".github", ".gitignore"}
_INVOKE: Any = scoring_server.invocations
FILES = tempfile.TemporaryDirectory(prefix="serving-", ignore_cleanup_errors=True)


class Version:
    """A loaded version; its files are removed when nothing uses it any more."""

    def __init__(self, number: str, folder: Path) -> None:
        self.number = number
        self.model = mlflow.pyfunc.load_model(str(folder))
        self.inputs: Schema | None = self.model.metadata.get_input_schema()
        self.example: str | None = self.model.metadata.get_serving_input(str(folder))
        weakref.finalize(self, _forget, folder)

    def warm_up(self, beside: "Version | None") -> None:
        """Answer the input example that MLflow keeps with a model, and that of another version."""
        try:
            for example in {self.example, beside and beside.example} - {None}:
                _INVOKE(example, "application/json", self.model, self.inputs)
        except MlflowException as error:  # which does not tell what the model raised
            why = error.__context__ or error
            raise ValueError(f"it does not answer the input example: {why}") from error


def load(model: str, number: str, beside: Version | None, digests: Path | None) -> Version:
    """Return a version that can take the place of `beside`, or raise and leave nothing behind."""
    approved = _approved_digest(digests, number) if digests else None
    folder = Path(tempfile.mkdtemp(prefix=f"{number}-", dir=FILES.name))
    try:
        # By its number: an alias or a stage may mean another version by now.
        mlflow.artifacts.download_artifacts(f"models:/{model}/{number}", dst_path=str(folder))
        if approved is not None:
            _check_digest(folder, approved)
        _check_modules(folder)
        version = Version(number, folder)
        if beside is not None:
            _check_inputs(version, beside)
        version.warm_up(beside)
    except BaseException:
        _forget(folder)
        raise
    return version


def _approved_digest(file: Path, number: str) -> str:
    """Return the digest that the model's file in git declares: no version serves without one."""
    declared = yaml.safe_load(file.read_text(encoding="utf-8"))
    versions = {str(key): value or {} for key, value in (declared.get("versions") or {}).items()}
    if approved := versions.get(number, {}).get("digest"):
        return str(approved)
    raise ValueError(f"{file.name} declares no digest for it")


def _check_digest(folder: Path, approved: str) -> None:
    if digest(folder) != approved:
        raise ValueError("its files are not those that git approves: they have another digest")


def digest(folder: Path) -> str:
    """Return the digest of a model's files, as `reconciler digest` prints it."""
    files = sorted(file.relative_to(folder) for file in folder.rglob("*") if file.is_file())
    digests = [_sha256(folder / file) for file in files if file.parts[0] not in _LEFT_OUT]
    return "sha256:" + sha256(b"".join(digests)).hexdigest()


def _sha256(file: Path) -> bytes:
    hashed = sha256()
    with file.open("rb") as content:
        while piece := content.read(2**20):
            hashed.update(piece)
    return hashed.digest()


def _check_inputs(version: Version, beside: Version) -> None:
    if not accepts(version.inputs, beside.inputs):
        raise ValueError(
            f"it does not accept what version {beside.number} accepts: {version.inputs}"
        )


def accepts(new: Schema | None, old: Schema | None) -> bool:
    """Return whether a model with the inputs `new` takes what callers of `old` send."""
    if new is None or old is None or new == old:
        return True
    if not (new.has_input_names() and old.has_input_names()):
        return False
    if new.is_tensor_spec() or old.is_tensor_spec():
        return False
    sent = old.input_dict()
    for name, column in new.input_dict().items():
        known = sent.get(name)
        if column.required and (known is None or not known.required):
            return False
        if known is not None and known.type != column.type:
            return False
    return True


def _check_modules(folder: Path) -> None:
    """Refuse modules of `code_paths` that another version has loaded: Python would reuse those."""
    own = {path.stem for path in (folder / "code").glob("*")}
    if loaded := sorted(own & {name.partition(".")[0] for name in _modules_in(Path(FILES.name))}):
        raise ValueError(f"its modules {loaded} are loaded from another version: start anew for it")


def _modules_in(folder: Path) -> list[str]:
    found = {name: getattr(module, "__dict__", {}) for name, module in [*sys.modules.items()]}
    return [n for n, module in found.items() if str(module.get("__file__")).startswith(str(folder))]


def _forget(folder: Path) -> None:
    """Remove the files of a version, and what Python keeps of its code."""
    for name in _modules_in(folder):
        vars(sys.modules.pop(name)).clear()  # MLflow's caches keep its functions, and they all this
    sys.path[:] = [path for path in sys.path if not path.startswith(str(folder))]
    shutil.rmtree(folder, ignore_errors=True)
