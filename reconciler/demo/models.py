"""Trains and registers the three versions of `iris_clf` for the demonstration.

None is a tree model: newer MLflow versions, which save without pickle, refuse those.
"""

from collections.abc import Iterator

import mlflow
import mlflow.sklearn
from sklearn.datasets import load_iris  # type: ignore[import-untyped]  # no stubs
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]  # no stubs
from sklearn.model_selection import train_test_split  # type: ignore[import-untyped]  # no stubs
from sklearn.naive_bayes import GaussianNB  # type: ignore[import-untyped]  # no stubs

MODEL = "iris_clf"


def register_versions() -> Iterator[str]:
    """Register the versions one by one; yields a description of each afterwards."""
    iris = load_iris()
    kinds = iris.target_names[iris.target]
    split = train_test_split(iris.data, kinds, random_state=7, stratify=kinds)
    flowers, unseen, answers, truth = split
    mlflow.set_experiment("iris")
    candidates = (LogisticRegression(C=0.001), LogisticRegression(max_iter=1000), GaussianNB())
    for number, candidate in enumerate(candidates, start=1):
        with mlflow.start_run():
            candidate.fit(flowers, answers)
            accuracy = candidate.score(unseen, truth)
            mlflow.log_metric("accuracy", accuracy)
            mlflow.sklearn.log_model(
                candidate,
                "model",
                registered_model_name=MODEL,
                pip_requirements=["scikit-learn"],  # detecting them takes longer than the training
            )
        yield f"v{number}  {candidate!s:<33}  accuracy {accuracy:.2f}"
