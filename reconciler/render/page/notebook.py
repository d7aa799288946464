"""The index of a page inside of a notebook: in a frame of its own, which leads nowhere."""

import re
from html import escape
from typing import Final

# Whatever is in an attribute is escaped: a tag ends where its first `>` is.
_LINK: Final = re.compile(r"<a\b[^>]*>")
_ADDRESS: Final = re.compile(r' href="([^"]*)"')
_STYLE: Final = "width: 100%; height: 32rem; border: 1px solid #8884; resize: vertical"
# Scripts, which sort and filter, run with no origin: they reach nothing of the notebook.
_MAY: Final = "allow-scripts allow-popups allow-popups-to-escape-sandbox"


def framed(index: bytes, files: int) -> str:
    """Return the index as HTML for a notebook; links to the other files become text.

    Those files are not there: a link would lead to the notebook's server.
    """
    inside = _LINK.sub(_link, index.decode())
    return (
        f'<iframe title="The index of a page" sandbox="{_MAY}" style="{_STYLE}" '
        f'srcdoc="{escape(inside)}"></iframe>'
        f"<p>The index of {files} files: <code>r.page(folder)</code> writes them.</p>"
    )


def _link(found: re.Match[str]) -> str:
    """Return a link to the web so that it opens beside the notebook; one to a file as text."""
    tag = found[0]
    address = _ADDRESS.search(tag)
    if address is None or "data-filter=" in tag:
        return tag
    if address[1].startswith(("http://", "https://")):
        return f'{tag[:-1]} target="_blank">'
    return tag.replace(address[0], "")
