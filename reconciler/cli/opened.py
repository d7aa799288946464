"""Opens the API for what the command line says: working directory, environment and terminal."""

import os
import sys
from pathlib import Path

from reconciler.api.reconciler import Reconciler
from reconciler.api.workspace import Caller
from reconciler.cli import output
from reconciler.cli.options import Options


def opened(options: Options) -> Reconciler:
    """Return the API; what it has to say goes to stderr."""
    caller = Caller(
        root=Path.cwd(),
        environ=os.environ,
        warn=lambda sentence: output.note(sentence, options),
        is_interactive=output.is_terminal(sys.stdin) or output.is_terminal(sys.stderr),
        is_verbose=options.verbose,
    )
    return Reconciler(caller, options.state, options.registry_uri)
