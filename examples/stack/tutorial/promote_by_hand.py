"""Put a version of `iris_clf` into a stage as tutorials do: straight into the registry."""

import argparse

from mlflow import MlflowClient


def main() -> None:
    """Archive what is in the stage, then move the version there.

    Tutorials leave the first half to `archive_existing_versions=True`, which MLflow answers with
    an error where its database is PostgreSQL and the driver psycopg 3, as it is here.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", required=True)
    parser.add_argument("--stage", required=True)
    options = parser.parse_args()

    client = MlflowClient()
    for other in client.get_latest_versions("iris_clf", [options.stage]):
        client.transition_model_version_stage("iris_clf", other.version, "Archived")
    # From here to the next line nothing is in the stage: who loads by it gets an error.
    client.transition_model_version_stage("iris_clf", options.version, options.stage)


if __name__ == "__main__":
    main()
