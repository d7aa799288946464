"""The page of the commands, from click's own tree: the terminal's width changes nothing in it."""

from collections.abc import Iterable, Iterator
from inspect import cleandoc

import click

from docs.generator.markdown_text import either, github_anchor, page, prose, table
from reconciler.cli import cli
from reconciler.cli.options import FORMATS
from reconciler.errors import ExitCode

_PROGRAM = "reconciler"
_FORMAT = "format"

# Command → the page that tells what it is for.
_GUIDES = {
    "apply": "reliability.md",
    "audit": "audit.md",
    "card": "model-cards.md",
    "ci": "ci.md",
    "consumers": "consumers.md",
    "digest": "approved-bytes.md",
    "discover": "discover.md",
    "drift": "by-hand.md",
    "history": "audit.md",
    "init": "ci.md",
    "migrate": "stages-to-aliases.md",
    "page": "page.md",
    "plan": "life-of-a-change.md",
    "promote": "promote-and-rollback.md",
    "resolve": "serving.md",
    "rollback": "promote-and-rollback.md",
    "tidy": "by-hand.md",
    "watch": "watch.md",
}

_CODES = {
    ExitCode.OK: "Done, or nothing to do.",
    ExitCode.USAGE: "The command line is wrong; or a bug, which keeps its traceback.",
    ExitCode.CHANGES: "There are changes (`plan --detailed-exitcode`), drift or pending changes "
    "(`drift`), findings (`audit`), what serves fails (`watch`), something depends on a stage "
    "(`migrate stages --check`), or a file is not up to date (`resolve --check`).",
    ExitCode.DECLARATION: "The declared state is wrong: fix the file.",
    ExitCode.REFUSED: "Understood and refused: a guard, a policy, off the main line, uncommitted "
    "changes, another owner, another registry.",
    ExitCode.OUT_OF_STEP: "Git or the registry is not where this run needs it: plan again, merge, "
    "fetch or approve.",
    ExitCode.REGISTRY: "The registry or the forge could not be read or understood, or refused it.",
    ExitCode.PARTIAL: "At least one change landed and at least one did not; the report says which.",
}


def commands_page() -> str:
    """Return the page: the commands in a table, what they share, then each of them."""
    commands = [found for name in _names(cli) for found in _below(cli, (name,))]
    tops = [(path, command) for path, command in commands if len(path) == 1]
    return page(
        "# Commands",
        "Look up a command, its arguments and its options. [On the command line]"
        "(../command-line.md) has what they share: names and globs, dates, tables, completion.",
        table(("command", "does"), (_row(path, command) for path, command in tops)),
        "## Options of every command",
        "Each of these may stand before or after the command's name; what is said after it wins.",
        _options(_shared()),
        f"Every command also has `-o`, `--format`: {_choices(FORMATS)}, and what its own table "
        "says. `-h`, `--help` prints a command's help, and `reconciler --version` the version.",
        "## Exit codes",
        table(("code", "means"), ((f"`{int(code)}`", _CODES[code]) for code in ExitCode)),
        "A signal ends an apply between two requests: 7, or 130 or 143 when nothing was written.",
        *(block for path, command in commands for block in _section(path, command)),
    )


def _names(group: click.Group) -> list[str]:
    return group.list_commands(click.Context(group, info_name=_PROGRAM))


def _below(
    group: click.Group, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield a command of a group with its path, then the commands that it groups itself."""
    command = group.get_command(click.Context(group), path[-1])
    if command is None:
        raise LookupError(f"{group.name} lists `{path[-1]}`, and has no such command")
    yield path, command
    if isinstance(command, click.Group):
        for name in _names(command):
            yield from _below(command, (*path, name))


def _row(path: tuple[str, ...], command: click.Command) -> tuple[str, str]:
    return (_link(" ".join(path)), prose(_paragraphs(command)[0]))


def _paragraphs(command: click.Command) -> list[str]:
    """Return the paragraphs of a command's help, each in one line."""
    return [" ".join(text.split()) for text in cleandoc(command.help or "").split("\n\n")]


def _section(path: tuple[str, ...], command: click.Command) -> Iterator[str]:
    title = " ".join(path)
    yield f"{'#' * (len(path) + 1)} {title}"
    yield from map(prose, _paragraphs(command))
    if isinstance(command, click.Group):
        below = (_link(" ".join((*path, name))) for name in _names(command))
        yield f"Its commands: {', '.join(below)}."
    else:
        yield f"```text\n{_PROGRAM} {title} {_usage(command)}\n```"
    yield _options(_own(command))
    if len(path) == 1 and (guide := _GUIDES.get(title)):
        yield f"[How to use it](../{guide})"


def _link(title: str) -> str:
    return f"[`{title}`](#{github_anchor(title)})"


def _usage(command: click.Command) -> str:
    pieces = command.collect_usage_pieces(click.Context(command))
    # Older releases of click put choices that may be left out into brackets twice.
    return " ".join(pieces).replace("[[", "[").replace("]]", "]")


def _shared() -> list[click.Option]:
    """Return the options that every command has, but the formats: these differ."""
    found = (param for param in cli.params if isinstance(param, click.Option))
    return [option for option in found if option.name not in ("version", _FORMAT)]


def _own(command: click.Command) -> Iterator[click.Option]:
    """Yield the options of one command, its formats where they are not those of most."""
    left_out = {option.name for option in _shared()}
    for param in command.params:
        if param.name == _FORMAT and _choices_of(param) == FORMATS:
            continue
        if isinstance(param, click.Option) and param.name not in left_out and not param.hidden:
            yield param


def _options(options: Iterable[click.Option]) -> str:
    return table(("option", "does"), map(_option, options))


def _option(option: click.Option) -> tuple[str, str]:
    *names, last = (*option.opts, *option.secondary_opts)
    value = "" if option.is_flag else _value(option)
    glue = "" if value.startswith("[=") or not value else " "
    shown = ", ".join(f"`{name}`" for name in (*names, f"{last}{glue}{value}"))
    return (shown, " ".join(filter(None, _sentences(option))))


def _value(option: click.Option) -> str:
    if option.metavar:
        return option.metavar
    if isinstance(option.type, click.Choice):
        return (option.name or "").upper()
    number = isinstance(option.type, click.types.IntParamType | click.types.FloatParamType)
    return "N" if number else option.type.name.upper()


def _sentences(option: click.Option) -> Iterator[str]:
    """Yield what an option does, then what it takes, its default, and that it may be repeated."""
    # Where the help ends in brackets, they have the default, as click would write it.
    text, _, told = (option.help or "").partition("[")
    yield prose(text.strip())
    if choices := _choices_of(option):
        yield f"{_choices(choices)}."
    if told:
        yield prose(told[0].upper() + told[1:].rstrip("]")) + "."
    elif option.show_default:
        yield f"Default: `{option.default}`."
    if option.multiple:
        yield "Repeatable."
    if option.required:
        yield "Required."


def _choices_of(param: click.Parameter) -> tuple[str, ...]:
    return tuple(param.type.choices) if isinstance(param.type, click.Choice) else ()


def _choices(choices: tuple[str, ...]) -> str:
    return either([f"`{choice}`" for choice in choices])
