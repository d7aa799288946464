"""The page of the commands, from click's own tree: the terminal's width changes nothing in it."""

from collections.abc import Iterator
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
    "ci": "ci.md",
    "consumers": "consumers.md",
    "digest": "approved-bytes.md",
    "discover": "discover.md",
    "drift": "by-hand.md",
    "history": "audit.md",
    "init": "ci.md",
    "migrate": "stages-to-aliases.md",
    "plan": "life-of-a-change.md",
    "promote": "promote-and-rollback.md",
    "rollback": "promote-and-rollback.md",
    "tidy": "by-hand.md",
}

_CODES = {
    ExitCode.OK: "Done, or nothing to do.",
    ExitCode.USAGE: "The command line is wrong; or a bug, which keeps its traceback.",
    ExitCode.CHANGES: "There are changes (`plan --detailed-exitcode`), drift or pending changes "
    "(`drift`), findings (`audit`), or something depends on a stage (`migrate stages --check`).",
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
        _options(cli.params, also_format=False),
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
    title = " ".join(path)
    does = _paragraphs(command)[0]
    return (f"[`{title}`](#{github_anchor(title)})", prose(does))


def _paragraphs(command: click.Command) -> list[str]:
    """Return the paragraphs of a command's help, each in one line."""
    return [" ".join(text.split()) for text in cleandoc(command.help or "").split("\n\n")]


def _section(path: tuple[str, ...], command: click.Command) -> Iterator[str]:
    title = " ".join(path)
    yield f"{'#' * (len(path) + 1)} {title}"
    yield from map(prose, _paragraphs(command))
    if isinstance(command, click.Group):
        below = [title for name in _names(command) for title in [" ".join((*path, name))]]
        yield "Its commands: " + ", ".join(f"[`{t}`](#{github_anchor(t)})" for t in below) + "."
    else:
        pieces = command.collect_usage_pieces(click.Context(command, info_name=title))
        yield f"```text\n{_PROGRAM} {title} {' '.join(pieces)}\n```"
    yield _options(command.params, also_format=True)
    if len(path) == 1 and (guide := _GUIDES.get(title)):
        yield f"[How to use it](../{guide})"


def _options(params: list[click.Parameter], *, also_format: bool) -> str:
    """Return a table of options; the common ones are those of the program itself, once."""
    common = {param.name for param in cli.params} if also_format else set()
    rows = (
        _option(param)
        for param in params
        if isinstance(param, click.Option) and not param.hidden
        if param.name not in common | {"version", "help", _FORMAT}
        or (also_format and param.name == _FORMAT and _choices_of(param) != FORMATS)
    )
    return table(("option", "does"), rows)


def _option(option: click.Option) -> tuple[str, str]:
    value = "" if option.is_flag else _value(option)
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts)[:-1])
    last = (*option.opts, *option.secondary_opts)[-1]
    glue = "" if value.startswith("[=") else " "
    shown = f"`{last}{glue}{value}`" if value else f"`{last}`"
    return (f"{names}, {shown}" if names else shown, " ".join(filter(None, _sentences(option))))


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


def _choices_of(option: click.Option) -> tuple[str, ...]:
    return tuple(option.type.choices) if isinstance(option.type, click.Choice) else ()


def _choices(choices: tuple[str, ...]) -> str:
    return either([f"`{choice}`" for choice in choices])
