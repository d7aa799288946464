"""Options that any command takes, before or after its name."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

import click

FORMATS: Final = ("text", "json")
Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True)
class Options:
    """What was asked of any command; None where nothing was said."""

    state: str = field(
        default_factory=lambda: os.environ.get("RECONCILER_STATE") or "registry-state"
    )
    registry_uri: str | None = None
    format: str = "text"
    color: bool | None = None
    verbose: bool = False
    quiet: bool = False
    started: float = field(default_factory=time.monotonic)

    @property
    def json(self) -> bool:
        """Return whether stdout is to hold exactly one JSON document."""
        return self.format == "json"

    def again(self) -> Options:
        """Return the same options for a run that starts now."""
        return replace(self, started=time.monotonic())

    @property
    def seconds(self) -> float:
        """The seconds that the run took so far."""
        return time.monotonic() - self.started


def common(
    formats: tuple[str, ...] = FORMATS, *, several_states: bool = False
) -> Callable[[Command], Command]:
    """Add the options that any command takes; the command gets them as `options`.

    What is said after the command's name wins over what is said before it. With `several_states`
    `--state` can be repeated there, and the command also gets `states`, all of them. The first of
    `formats` is the default: not every command prints `text`.
    """

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def wrapper(
            *args: object,
            state: str | tuple[str, ...] | None,
            registry_uri: str | None,
            format: str | None,  # noqa: A002  the option's own name
            no_color: bool,
            verbose: bool,
            quiet: bool,
            **rest: object,
        ) -> object:
            context = click.get_current_context()
            said: Options = context.obj or Options()
            states = (state,) if isinstance(state, str) else tuple(state or ())
            default = formats[0] if said.format == "text" else said.format
            options = replace(
                said,
                state=states[0] if states else said.state,
                registry_uri=registry_uri or said.registry_uri,
                format=format or default,
                color=False if no_color else said.color,
                verbose=verbose or said.verbose,
                quiet=quiet or said.quiet,
            )
            if options.verbose and options.quiet:
                raise click.UsageError("`--verbose` and `--quiet` contradict each other")
            if options.format not in formats:
                message = f"`{context.info_name}` prints {' or '.join(formats)}"
                raise click.BadParameter(message, param_hint="--format")
            if several_states:
                rest["states"] = states or (said.state,)
            return command(*args, options=options, **rest)

        for option in reversed(_options(formats, several_states=several_states)):
            option(wrapper)
        return wrapper  # type: ignore[return-value]  # click keeps the name, not the signature

    return decorate


def _options(formats: tuple[str, ...], *, several_states: bool) -> list[Callable[[Any], Any]]:
    again = "; can be repeated" if several_states else ""
    return [
        click.option(
            "--state",
            metavar="DIR",
            multiple=several_states,
            help=f"The declared state{again}.  [env: RECONCILER_STATE; default: registry-state]",
        ),
        click.option("--registry-uri", metavar="URI", help="The registry to talk to."),
        click.option(
            "-o", "--format", "format", type=click.Choice(formats), help="What stdout holds."
        ),
        click.option("--no-color", is_flag=True, help="Plain text; NO_COLOR does the same."),
        click.option("-v", "--verbose", is_flag=True, help="Say more on stderr."),
        click.option("-q", "--quiet", is_flag=True, help="Say nothing on stderr but errors."),
    ]
