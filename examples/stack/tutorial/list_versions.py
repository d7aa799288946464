"""List the versions of a model: stage, aliases, time, run."""

import argparse
from datetime import datetime, timezone

from mlflow import MlflowClient

ROW = "{:<8} {:<11} {:<16} {:<17} {}"


def main() -> None:
    """Ask twice: a search of versions never has their aliases, and the model has all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="iris_clf")
    name = parser.parse_args().model

    client = MlflowClient()
    aliases = client.get_registered_model(name).aliases.items()
    print(ROW.format("VERSION", "STAGE", "ALIASES", "CREATED", "RUN_ID"))
    for version in client.search_model_versions(f"name = '{name}'", order_by=["version_number"]):
        held = ",".join(sorted(alias for alias, number in aliases if number == version.version))
        created = datetime.fromtimestamp(version.creation_timestamp / 1000, tz=timezone.utc)
        when = f"{created:%Y-%m-%d %H:%M}"
        row = (version.version, version.current_stage, held or "-", when, version.run_id)
        print(ROW.format(*row))


if __name__ == "__main__":
    main()
