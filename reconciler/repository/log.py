"""Reads the merged history of a state folder: its first-parent commits, and what each declared.

One `git log` a place where the folder was, and one for all merged branches; the files come through
the process that reads objects.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import PurePosixPath
from typing import Final, NamedTuple, TypeVar

from reconciler.audit.merged_changes import MergedCommit, MergedFiles, Step
from reconciler.core.declaring.implied import complete
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration
from reconciler.errors import DeclarationError, OutOfStep, Problem
from reconciler.repository.log_format import FIELDS, FORMAT, PLAIN, ask, read_commit
from reconciler.repository.merged_commits import read_branches
from reconciler.repository.objects import is_model_file
from reconciler.repository.repository import GitRepo

Parse = Callable[[bytes, str], Declaration]
ParseRules = Callable[[bytes, str], Settings]
_Content = TypeVar("_Content", Declaration, Settings)

_SETTINGS: Final = "reconciler.yaml"
# What a merge changed is told against its first parent, which `-m` means in every git, unless this
# setting says otherwise.
_LOG: Final = (
    *("-c", "log.diffMerges=first-parent"),
    *("log", "--first-parent", "-m", "--root", "--raw", "--no-abbrev", "--no-renames"),
    *("--no-follow", *PLAIN, FORMAT),
)
_SIGNATURES: Final = {
    "G": "good",
    "B": "bad",
    "U": "good, key not trusted",
    "X": "good, expired",
    "Y": "good, key expired",
    "R": "good, key revoked",
    "E": "unknown key",
    "N": "cannot be checked",
}
_AT_ONCE: Final = 1000  # commits on one command line


@dataclass(frozen=True, slots=True)
class Log:
    """The merged history of a state folder, oldest first.

    `folders` are the paths that it had, the one of today first. `problems` are about files of
    old commits that cannot be read: they count as unchanged. `line` is the whole first-parent line
    since the first of them, and `landed` names the merge of it that brought any other commit.
    `declared` says what any commit declares for a model.
    """

    merged: tuple[MergedFiles, ...]
    folders: tuple[str, ...]
    problems: tuple[Problem, ...]
    line: tuple[str, ...]
    landed: Mapping[str, str]
    declared: Callable[[str, str], Declaration | None]


class _File(NamedTuple):
    """What a commit left of a file: its blob, None where it is gone."""

    path: str
    blob: str | None


class _Entry(NamedTuple):
    commit: MergedCommit
    files: tuple[_File, ...]
    adds_and_removes: bool


def read_log(
    repo: GitRepo,
    folder: str,
    parse: Parse,
    head: str | None = None,
    *,
    parse_settings: ParseRules | None = None,
) -> Log:
    """Return the first-parent history of a state folder, as far back as it goes.

    Its settings are in it where `parse_rules` reads them.
    Raises `OutOfStep` for a clone that was cut off: an answer from half a history would be wrong.
    """
    tip = head or repo.head
    if tip is None:
        raise OutOfStep("there is no commit yet, and so no history", hint="git commit")
    if repo.is_shallow:
        raise OutOfStep(
            "this clone is shallow: its history is cut off, and answers from it would be wrong",
            hint="git fetch --unshallow (in CI: `fetch-depth: 0`)",
        )
    reader = _Reader(repo, parse, parse_settings)
    merged, folders = _merged(repo, reader, tip, folder)
    problems = tuple(reader.problems)
    declared = partial(reader.declared, folders)
    if not merged:
        return Log((), folders, problems, (), {}, declared)
    merges = {change.commit.id for change in merged if len(change.commit.parents) > 1}
    branches = read_branches(repo, tip, merged[0].commit, merges)
    whole = _in_time(_with_branch(change, branches.brought) for change in merged)
    return Log(whole, folders, problems, branches.line, branches.landed, declared)


def _merged(
    repo: GitRepo, reader: "_Reader", start: str, folder: str
) -> tuple[list[MergedFiles], tuple[str, ...]]:
    """Return what changed the state folder, oldest first, and the paths that it had."""
    merged: list[MergedFiles] = []
    folders = []
    place: str | None = folder
    while place is not None:
        folders.append(place)
        entries = _entries(repo, start, place)
        former = _former_place(repo, entries, place)
        gone = _left_behind(repo, entries, former) if former else {}
        changes = [reader.merged(entry, place) for entry in reversed(entries)]
        if gone:
            changes[0] = replace(changes[0], files={**gone, **changes[0].files})
        merged = changes + merged
        start = entries[-1].commit.parents[0] if former else start
        place = former if former not in folders else None
    return merged, tuple(folders)


def _with_branch(
    change: MergedFiles, brought: Mapping[str, tuple[MergedCommit, ...]]
) -> MergedFiles:
    return replace(change, commit=replace(change.commit, brought=brought.get(change.commit.id, ())))


def with_signatures(repo: GitRepo, steps: Sequence[Step]) -> tuple[Step, ...]:
    """Return the steps with what git makes of their commits' signatures.

    Git runs a program for every signed commit: ask for the steps that are shown.
    """
    commits = dict.fromkeys(step.commit.id for step in steps)
    signed = [commit for commit in commits if repo.is_signed(commit)]
    signatures: dict[str, str] = {}
    for begin in range(0, len(signed), _AT_ONCE):
        some = signed[begin : begin + _AT_ONCE]
        form = ("--no-show-signature", "--no-walk=unsorted", "--format=%H %G?")
        for line in ask(repo, "log", *form, *some, "--").splitlines():
            commit, mark = line.split(" ")
            signatures[commit] = _SIGNATURES.get(mark, mark)
    return tuple(
        replace(step, commit=replace(step.commit, signature=signatures.get(step.commit.id, "none")))
        for step in steps
    )


class _Reader:
    """Turns the files of commits into declarations; the same file is parsed once."""

    def __init__(self, repo: GitRepo, parse: Parse, parse_settings: ParseRules | None) -> None:
        self._repo = repo
        self._parse = parse
        self._parse_rules = parse_settings
        self._known: dict[_File, Declaration | None] = {}
        self._settings: dict[str | None, Settings] = {}
        self.problems: list[Problem] = []

    def merged(self, entry: _Entry, folder: str) -> MergedFiles:
        files: dict[str, Declaration | None] = {}
        for file in entry.files:
            path = _below(folder, file.path)
            if path is None:
                continue
            if file.blob is None:
                files[path] = None
            elif (declaration := self._declaration(file, entry.commit.id)) is not None:
                files[path] = declaration
        renames = self._renames(entry, folder) if entry.adds_and_removes else {}
        return MergedFiles(entry.commit, files, self._rules(entry, folder), renames)

    def _renames(self, entry: _Entry, folder: str) -> Mapping[str, str]:
        parents = entry.commit.parents
        renamed = self._repo.renamed(parents[0], entry.commit.id, folder) if parents else {}
        pairs = ((_below(folder, now), _below(folder, old)) for now, old in renamed.items())
        return {now: old for now, old in pairs if now is not None and old is not None}

    def declared(self, folders: Sequence[str], commit: str, model: str) -> Declaration | None:
        """Return what a commit declares for a model, None also where its file cannot be read."""
        trees = ((folder, self._repo.tree(commit, folder)) for folder in folders)
        folder, files = next(((where, tree) for where, tree in trees if tree), (".", {}))
        for path, blob in sorted(files.items()):
            place = path if folder == "." else f"{folder}/{path}"
            if _below(folder, place) is not None:
                declaration = self._declaration(_File(place, blob), commit)
                if declaration is not None and declaration.model == model:
                    return self._completed(declaration, files.get(_SETTINGS), commit)
        return None

    def _completed(self, declared: Declaration, settings: str | None, commit: str) -> Declaration:
        """Return a declaration as the steps have it: with what the settings of a commit imply."""
        if self._parse_rules is None:
            return declared
        if settings not in self._settings:
            file = _File(_SETTINGS, settings)
            read = self._read(file, commit, self._parse_rules) if settings else None
            self._settings[settings] = read or Settings()
        return complete(declared, self._settings[settings])

    def _rules(self, entry: _Entry, folder: str) -> Settings | None:
        """Return the settings that a commit left, None where it left them as they were."""
        path = _SETTINGS if folder == "." else f"{folder}/{_SETTINGS}"
        changed = [file for file in entry.files if file.path == path]
        if not changed or self._parse_rules is None:
            return None
        if changed[0].blob is None:
            return Settings()
        return self._read(changed[0], entry.commit.id, self._parse_rules)

    def _declaration(self, file: _File, commit: str) -> Declaration | None:
        if file not in self._known:
            self._known[file] = self._read(file, commit, self._parse)
        return self._known[file]

    def _read(
        self, file: _File, commit: str, parse: Callable[[bytes, str], _Content]
    ) -> _Content | None:
        try:
            return parse(self._repo.blob(file.blob or ""), file.path)
        except DeclarationError as error:
            name = f"{file.path}@{self._repo.short(commit)}"
            self.problems += [replace(problem, file=name) for problem in error.problems]
            return None


def _entries(repo: GitRepo, start: str, folder: str) -> list[_Entry]:
    """Return the first-parent commits that changed something in a folder, newest first."""
    answer = ask(repo, *_LOG, start, "--", folder)
    tokens = iter(answer.split("\0"))
    return list(_parsed(tokens))


def _parsed(tokens: Iterator[str]) -> Iterator[_Entry]:
    """Read the commits' fields, each followed by its files, from what git separates by NUL."""
    ahead = next(tokens, "")
    while ahead:
        fields = [ahead, *(next(tokens) for _ in FIELDS[1:])]
        files, happened = [], set()
        ahead = next(tokens, "")
        while ahead.lstrip("\n").startswith(":"):
            files.append(_file(ahead, next(tokens)))
            happened.add(ahead[-1])
            ahead = next(tokens, "")
        yield _Entry(read_commit(fields), tuple(files), {"A", "D"} <= happened)


def _file(header: str, path: str) -> _File:
    """Return a file from `:100644 100644 OLD NEW M`; links and submodules declare nothing."""
    _, mode, _, blob, _ = header.lstrip("\n").split(" ")
    return _File(path, blob if mode.startswith("100") else None)


def _in_time(merged: Iterable[MergedFiles]) -> tuple[MergedFiles, ...]:
    """Let no commit be merged before the one that it was merged onto, whatever its date says."""
    in_time: list[MergedFiles] = []
    for change in merged:
        latest = in_time[-1].commit.time if in_time else change.commit.time
        late = change.commit
        if late.time < latest:
            late = replace(late, time=latest, dated=late.time)
        in_time.append(replace(change, commit=late))
    return tuple(in_time)


def _former_place(repo: GitRepo, entries: Sequence[_Entry], folder: str) -> str | None:
    """Return where the state folder was before its first commit here moved it, None: nowhere."""
    if not entries or not entries[-1].commit.parents:
        return None
    first = entries[-1].commit
    if repo.tree_id(first.parents[0], folder) is not None:
        return None
    added = {path: file.blob for file in entries[-1].files if (path := _below(folder, file.path))}
    return _likeliest(added, repo, first)


def _likeliest(added: Mapping[str, str | None], repo: GitRepo, first: MergedCommit) -> str | None:
    """Return the folder from which most files came: under the same names, else as they were."""
    removed = _removed(repo, first)
    by_name = Counter(
        old.path[: -len(path)].rstrip("/") or "."
        for path in added
        for old in removed
        if f"/{old.path}".endswith(f"/{path}")
    )
    contents = set(added.values())
    by_content = Counter(
        str(PurePosixPath(old.path).parent) for old in removed if old.blob in contents
    )
    votes = by_name or by_content
    return min(votes, key=lambda place: (-votes[place], place), default=None)


def _removed(repo: GitRepo, commit: MergedCommit) -> list[_File]:
    """Return the files that a commit removed anywhere, with the blobs that they had."""
    form = ("-r", "--no-renames", "-z", "--no-abbrev", "--diff-filter=D")
    tokens = iter(ask(repo, "diff-tree", *form, commit.parents[0], commit.id).split("\0"))
    pairs = zip(tokens, tokens, strict=False)
    return [_File(path, header.split(" ")[2]) for header, path in pairs if is_model_file(path)]


def _left_behind(repo: GitRepo, entries: Sequence[_Entry], former: str) -> Mapping[str, None]:
    """Return the files of the former folder: what the move did not take along is gone."""
    return dict.fromkeys(repo.tree(entries[-1].commit.parents[0], former), None)


def _below(folder: str, path: str) -> str | None:
    """Return a model file's path below the state folder, None for any other file."""
    below = path if folder == "." else path.removeprefix(f"{folder}/")
    is_settings = below == _SETTINGS or below.endswith(f"/{_SETTINGS}")
    return below if is_model_file(below) and not is_settings else None
