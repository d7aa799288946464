"""Train a classifier on the Iris data, and register it: a new version of `iris_clf`."""

import argparse
from importlib.metadata import version

import mlflow
from mlflow.models import infer_signature
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split


def main() -> None:
    """Train, log, register."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--C", type=float, default=1.0, help="the inverse of the regularisation")
    options = parser.parse_args()

    features, species = load_iris(return_X_y=True, as_frame=True)
    train, test, train_species, test_species = train_test_split(features, species, random_state=7)
    mlflow.set_experiment("iris")
    with mlflow.start_run():
        model = LogisticRegression(C=options.C, max_iter=500).fit(train, train_species)
        accuracy = model.score(test, test_species)
        mlflow.log_param("C", options.C)
        mlflow.log_metric("accuracy", accuracy)
        logged = mlflow.sklearn.log_model(
            model,
            name="model",
            registered_model_name="iris_clf",
            signature=infer_signature(train, model.predict(train)),
            input_example=train.head(3),
            pip_requirements=[f"scikit-learn=={version('scikit-learn')}"],  # detecting takes longer
        )
    print(f"iris_clf v{logged.registered_model_version}: accuracy {accuracy:.3f}")


if __name__ == "__main__":
    main()
