"""`reconciler schema`: the JSON Schema of the files, for editors."""

import click

from reconciler.cli import output
from reconciler.cli.options import Options, common
from reconciler.files import loader


@click.command("schema", short_help="print the JSON Schema of the files")
@click.argument("kind", type=click.Choice(["model", "settings"]), default="model")
@common()
def command(*, options: Options, kind: str) -> int:  # noqa: ARG001  both formats are the document
    """Print the JSON Schema of the model file, or of reconciler.yaml (`settings`)."""
    schema = loader.model_schema() if kind == "model" else loader.settings_schema()
    output.document(schema)
    return 0
