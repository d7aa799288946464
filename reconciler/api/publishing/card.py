"""The card of one version: what it is, who put it where it is, and what is not known."""

from importlib.metadata import version as installed

from reconciler.api.answers import Answer
from reconciler.api.inspection.model_details import version_details
from reconciler.api.inspection.version_names import nothing_serves
from reconciler.api.workspace import Workspace
from reconciler.render.card import cyclonedx, document, markdown
from reconciler.render.card.contents import CardContents
from reconciler.render.json_documents import Document


class Card(Answer):
    """The card of one version, as Markdown, as a CycloneDX document, and as a document of its own.

    >>> print(r.card("fraud").to_markdown().splitlines()[0])
    # Model card: <code>fraud</code> v3
    """

    def __init__(self, contents: CardContents, requests: int = 0) -> None:
        self.contents = contents
        self.problems = contents.details.git.problems
        self.requests = requests
        self.code = int(contents.details.git.code)

    @property
    def model(self) -> str:
        """The model's name."""
        return self.contents.details.live.model

    @property
    def version(self) -> int:
        """The number of the version."""
        return self.contents.side.version

    @property
    def headline(self) -> str:
        """The model and the version."""
        return f"{self.model} v{self.version}"

    def document(self) -> Document:
        """Return the document of `card --format json`, its `exit` included."""
        return document.document(self.contents)

    def to_markdown(self) -> str:
        """Return what `card` prints."""
        return markdown.markdown(self.contents)

    def to_text(self, seconds: float | None = None) -> str:  # noqa: ARG002  a card has no last line
        """Return what `card` prints, which is Markdown."""
        return self.to_markdown()

    def to_cyclonedx(self) -> str:
        """Return what `card --format cyclonedx` prints: JSON, by CycloneDX 1.6."""
        return cyclonedx.cyclonedx(self.contents)


def model_card(workspace: Workspace, name: str) -> Card:
    """Return the card of the version that a name means: of a model alone, the one that serves.

    Raises `UsageError` for a name that means nothing, and where no version serves.
    """
    details = version_details(workspace, name)
    if details.side is None:
        raise nothing_serves(details.live, str(details.serving))
    declaration = workspace.desired.declarations.get(details.live.model)
    inventory = declaration.inventory if declaration else None
    contents = CardContents(details, details.side, inventory, installed("mlflow-reconciler"))
    return Card(contents, workspace.requests)
