"""Writes a declaration as a new model file."""

from decimal import Decimal
from typing import Final

import yaml

from reconciler.core.declaring.ab_tests import as_text
from reconciler.core.state import Declaration
from reconciler.files.schema import from_yaml

_OWN_TAGS: Final = "tag:yaml.org,2002:"
_NEVER: Final = 1_000_000  # columns: no text is folded


def dump_declaration(declaration: Declaration, *, stem: str = "") -> str:
    """Return the text of the file for a declaration.

    The model's name is left out where it equals `stem`, the file's name without its suffix.
    """
    content = from_yaml.content(declaration, stem=stem)
    return yaml.dump(content, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=_NEVER)


class _Dumper(yaml.SafeDumper):
    """Writes texts in a readable style that reads back unchanged."""

    def ignore_aliases(self, _: object) -> bool:
        return True

    def represent_text(self, text: str) -> yaml.ScalarNode:
        """Return the node of a text, in a suitable style."""
        return self.represent_scalar(f"{_OWN_TAGS}str", text, style=from_yaml.style(text))

    def represent_items(self, items: list[object]) -> yaml.SequenceNode:
        """Return a list of texts in flow style, any other list in block style."""
        is_flow = all(isinstance(item, str) for item in items)
        return self.represent_sequence(f"{_OWN_TAGS}seq", items, flow_style=is_flow)

    def represent_part(self, part: Decimal) -> yaml.ScalarNode:
        """Return a part of the traffic as a plain number that keeps its decimals."""
        text = as_text(part)
        return self.represent_scalar(f"{_OWN_TAGS}{'float' if '.' in text else 'int'}", text)


_Dumper.add_representer(str, _Dumper.represent_text)
_Dumper.add_representer(Decimal, _Dumper.represent_part)
_Dumper.add_representer(list, _Dumper.represent_items)
