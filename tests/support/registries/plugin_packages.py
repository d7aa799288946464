"""Packages that a test installs: a module and its entry points, in a folder of the search path."""

from collections.abc import Mapping
from pathlib import Path

HEADERS = "mlflow.request_header_provider"
AUTHORISATION = "mlflow.request_auth_provider"

# What a gateway's plugin does: a header that is made anew for each request.
GATEWAY = """
from mlflow.tracking.request_header.abstract_request_header_provider import RequestHeaderProvider

class Gateway(RequestHeaderProvider):
    asked = 0

    def in_context(self):
        return True

    def request_headers(self):
        self.asked += 1
        return {"Proxy-Authorization": f"Bearer token-{self.asked}"}
"""


def install(folder: Path, name: str, module: str, group: str, plugins: Mapping[str, str]) -> Path:
    """Install a module with its plugins, the class of each by its name, and return the folder."""
    entries = "".join(f"{plugin} = {name}:{made}\n" for plugin, made in plugins.items())
    about = folder / f"{name}-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[{group}]\n{entries}")
    (folder / f"{name}.py").write_text(module)
    return folder
