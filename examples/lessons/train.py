"""Train an Iris classifier for each C, and register each as the next version of MODEL.

python train.py MODEL --C C [C ...] [--features N] [--data FILE]

It stands in for the models of the five documents: a C of 0.01 makes a poor one, of 1 a good one.
With --data the rows come from FILE, and the hash that git has for it becomes `data_version`.
"""

import argparse
import contextlib
import io
import logging
import os
import subprocess
import warnings

import mlflow
import pandas as pd
from data import table
from mlflow.models import infer_signature
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

FEATURES = ["petal_length", "petal_width", "sepal_length", "sepal_width"]


def arguments() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--C", type=float, nargs="+", required=True)
    parser.add_argument("--features", type=int, default=len(FEATURES))
    parser.add_argument("--data")
    return parser.parse_args()


def git(*command: str) -> str:
    """Return what git prints."""
    return subprocess.run(["git", *command], capture_output=True, text=True, check=True).stdout


def main() -> None:
    """Train and register."""
    asked = arguments()
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
    frame = table() if asked.data is None else pd.read_csv(asked.data)
    features = frame[FEATURES[: asked.features]]
    split = train_test_split(features, frame["species"], random_state=1, stratify=frame["species"])
    train_x, test_x, train_y, test_y = split
    mlflow.set_experiment("lessons")
    for strength in asked.C:
        with mlflow.start_run():
            mlflow.log_param("C", strength)
            if asked.data is not None:
                mlflow.log_param("data_version", git("hash-object", asked.data).strip())
                mlflow.set_tag("git_commit", git("rev-parse", "HEAD").strip())
            classifier = LogisticRegression(C=strength, max_iter=1000).fit(train_x, train_y)
            accuracy = round(classifier.score(test_x, test_y), 3)
            mlflow.log_metric("accuracy", accuracy)
            with contextlib.redirect_stderr(io.StringIO()):  # it says what the line below says
                info = mlflow.sklearn.log_model(
                    classifier,
                    name="model",
                    signature=infer_signature(train_x, classifier.predict(train_x)),
                    registered_model_name=asked.model,
                    pip_requirements=["scikit-learn"],
                )
        print(f"{asked.model} v{info.registered_model_version}: accuracy {accuracy}")


if __name__ == "__main__":
    main()
