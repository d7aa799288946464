"""What is compared with: a script that asks the registry model by model, through MLflow's client.

It is run as a process of its own: `python script.py FOLDER URI MODELS`.
"""

import sys
from pathlib import Path
from typing import Any

import yaml
from mlflow import MlflowClient


def main(folder: str, uri: str, count: str) -> None:
    """Compare the first models of a folder with the registry; exits with 1 if one differs."""
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    for file in sorted(Path(folder).glob("model-*.yaml"))[: int(count)]:
        declared = yaml.safe_load(file.read_text(encoding="utf-8"))
        if _differs(client, file.stem, declared):
            sys.exit(1)


def _differs(client: MlflowClient, name: str, declared: dict[str, Any]) -> bool:
    model = client.get_registered_model(name)
    aliases: dict[str, int] = {}
    for number, entry in declared["versions"].items():
        version = client.get_model_version(name, str(number))
        if version.current_stage != entry["stage"]:
            return True
        aliases |= dict.fromkeys(entry.get("aliases", []), number)
    return {alias: int(number) for alias, number in model.aliases.items()} != aliases


if __name__ == "__main__":
    main(*sys.argv[1:])
