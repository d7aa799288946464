"""`reconciler schema`: the JSON Schema of the files, for editors."""

from typing import Literal

import click

from reconciler.api.validation import json_schema
from reconciler.cli import output
from reconciler.cli.options import Options, common


@click.command("schema", short_help="print the JSON Schema of the files")
@click.argument("kind", type=click.Choice(["model", "settings"]), default="model")
@common()
def command(*, options: Options, kind: Literal["model", "settings"]) -> int:  # noqa: ARG001  both formats are the document
    """Print the JSON Schema of the model file, or of reconciler.yaml (`settings`)."""
    output.document(json_schema(kind))
    return 0
