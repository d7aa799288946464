"""What language a source file is in, by its name or its first line."""

import re
from pathlib import PurePosixPath
from typing import Final, Literal, TypeAlias

SourceKind: TypeAlias = Literal[
    "python",
    "notebook",
    "yaml",
    "shell",
    "docker",
    "env",
    "toml",
    "json",
    "make",
    "properties",
    "c-like",
    "hash-comments",
    "sql",
]

_SUFFIXES: Final[dict[str, SourceKind]] = {
    **dict.fromkeys((".py", ".pyw", ".pyi"), "python"),
    ".ipynb": "notebook",
    **dict.fromkeys((".yaml", ".yml", ".tpl", ".tmpl", ".j2", ".jinja", ".jinja2"), "yaml"),
    **dict.fromkeys((".sh", ".bash", ".zsh", ".ksh", ".envrc", ".bats"), "shell"),
    **dict.fromkeys((".dockerfile", ".containerfile"), "docker"),
    ".env": "env",
    ".toml": "toml",
    **dict.fromkeys((".json", ".jsonl", ".json5", ".jsonc"), "json"),
    ".mk": "make",
    **dict.fromkeys((".properties", ".ini", ".cfg", ".conf"), "properties"),
    **dict.fromkeys((".java", ".scala", ".kt", ".groovy", ".go", ".rs", ".cs"), "c-like"),
    **dict.fromkeys((".js", ".jsx", ".ts", ".tsx", ".mjs", ".cjs"), "c-like"),
    **dict.fromkeys((".tf", ".tfvars", ".hcl"), "c-like"),
    **dict.fromkeys((".r", ".rb", ".jl", ".ps1"), "hash-comments"),
    ".sql": "sql",
}
_TEMPLATES: Final = (".j2", ".jinja", ".jinja2", ".tmpl")
_NAMES: Final[dict[str, SourceKind]] = {
    "makefile": "make",
    "gnumakefile": "make",
    "justfile": "make",
    "jenkinsfile": "c-like",
    "procfile": "shell",
    "dockerfile": "docker",
    "containerfile": "docker",
}
_SHEBANG: Final = re.compile(rb"#![^\n]{0,80}?\b(python|bash|dash|zsh|ksh|sh)[\d.]*(?:[ \r\n]|$)")


def kind_by_name(file: str) -> SourceKind | None:
    """Return the kind of a file that its name tells, None where only the content can."""
    name = PurePosixPath(file).name.casefold()
    if name in _NAMES:
        return _NAMES[name]
    if name.startswith(("dockerfile.", "containerfile.")):
        return "docker"
    if name == ".env" or name.startswith(".env."):
        return "env"
    suffixes = [f".{part}" for part in name.split(".")[1:]]
    while len(suffixes) > 1 and suffixes[-1] in _TEMPLATES and suffixes[-2] in _SUFFIXES:
        suffixes.pop()
    return _SUFFIXES.get(suffixes[-1]) if suffixes else None


def may_have_kind(file: str) -> bool:
    """Return whether a file's first line has to be read to know its kind: it has no suffix."""
    return "." not in PurePosixPath(file).name


def kind_by_content(data: bytes) -> SourceKind | None:
    """Return the kind of a file that its first line tells."""
    found = _SHEBANG.match(data)
    if not found:
        return None
    return "python" if found[1] == b"python" else "shell"
