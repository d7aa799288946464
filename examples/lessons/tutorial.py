"""What the five documents do to a registry: python tutorial.py STEP ARGUMENT...

The steps are functions of theirs, as written or as described; the lessons show what comes of them.
"""

import sys
import warnings
from pathlib import Path

from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts

warnings.simplefilter("ignore")
client = MlflowClient()


def transition(name: str, version: str, stage: str) -> None:
    """Move a version, whoever is in the stage already (the lesson, the chain)."""
    client.transition_model_version_stage(name=name, version=version, stage=stage)


def promote_winner(name: str, version: str) -> None:
    """Archive the old one, then promote the new one (the lecture)."""
    for v in client.get_latest_versions(name, stages=["Production"]):
        if v.version != version:
            client.transition_model_version_stage(name, v.version, "Archived")
    client.transition_model_version_stage(name, version, "Production")


def promote_stage(name: str, version: str, stage: str, alias: str = "") -> None:
    """Archive whoever is in the stage, and move the alias if it is named (the three scripts)."""
    client.transition_model_version_stage(name, version, stage, archive_existing_versions=True)
    if alias:
        client.set_registered_model_alias(name, alias, version)


def tag(name: str, version: str, key: str, value: str) -> None:
    """Set a tag, as the lecture does for `validated` and for `approved_by`."""
    client.set_model_version_tag(name, version, key, value)


def replace_model(name: str, version: str, by: str) -> None:
    """Put the model file of another version in the place of a version's own."""
    [file] = Path(download_artifacts(f"models:/{name}/{by}")).glob("model.*")
    source = client.get_model_version(name, version).source
    client.log_model_artifact(source.removeprefix("models:/"), str(file))


def production(name: str) -> None:
    """Print what is in Production."""
    found = client.search_model_versions(f"name = '{name}'")
    serving = sorted(int(v.version) for v in found if v.current_stage == "Production")
    print("in Production:", ", ".join(f"v{number}" for number in serving) or "nothing")


if __name__ == "__main__":
    try:
        globals()[sys.argv[1]](*sys.argv[2:])
    except Exception as error:  # noqa: BLE001  any, as a person would see it
        sys.exit(f"{type(error).__name__}: {error}")
