"""The page that the demonstration makes, as files of the site: an example that is real."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path


def example_page() -> Iterator[tuple[str, bytes]]:
    """Play the demonstration in a temporary folder, and yield the files of its page by path."""
    with tempfile.TemporaryDirectory(prefix="reconciler-docs-") as folder:
        demo = (sys.executable, "-m", "reconciler", "demo", "--keep", f"{folder}/demo")
        subprocess.run(demo, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603  our own command
        (page,) = (path.parent for path in Path(folder).glob("demo/*/page/index.html"))
        for path in sorted(page.rglob("*.html")):
            yield path.relative_to(page).as_posix(), path.read_bytes()
