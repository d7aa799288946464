"""Load a model by a number, a stage or an alias; predict, and say which version it was."""

import argparse

import mlflow
from sklearn.datasets import load_iris


def main() -> None:
    """Load each address in turn, and find its version by the run that both name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("addresses", nargs="+", metavar="ADDRESS", help="models:/iris_clf@prod")
    flowers, _ = load_iris(return_X_y=True, as_frame=True)
    versions = mlflow.MlflowClient().search_model_versions("name = 'iris_clf'")
    numbers = {version.run_id: version.version for version in versions}
    for address in parser.parse_args().addresses:
        model = mlflow.pyfunc.load_model(address)
        number = numbers[model.metadata.run_id]
        print(f"{address} is v{number}: {model.predict(flowers[::50]).tolist()}")


if __name__ == "__main__":
    main()
