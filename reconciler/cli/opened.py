"""Opens the API for what the command line says: working directory, environment and terminal."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from reconciler.cli import output
from reconciler.cli.options import Options

if TYPE_CHECKING:
    from reconciler.api.reconciler import Reconciler


def opened(options: Options) -> Reconciler:
    """Return the API; what it has to say goes to stderr."""
    # `plan --help` needs none of it, and a wrong option is told at once.
    from reconciler.api.caller import Caller  # noqa: PLC0415
    from reconciler.api.reconciler import Reconciler  # noqa: PLC0415
    from reconciler.cli.progress.reading import ReadingProgress  # noqa: PLC0415
    from reconciler.repository.locate import working_directory  # noqa: PLC0415

    def note(sentence: str) -> None:
        output.note(sentence, options)

    caller = Caller(
        root=working_directory(),
        environ=os.environ,
        warn=note,
        is_interactive=output.is_terminal(sys.stdin) or output.is_terminal(sys.stderr),
        is_verbose=options.verbose,
        on_reading=(lambda _: None) if options.quiet else ReadingProgress(note),
    )
    return Reconciler(caller, options.state, options.registry_uri)
