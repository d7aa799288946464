"""Write the table that the lessons train on, as CSV: python data.py > FILE."""

import sys

import pandas as pd
from sklearn.datasets import load_iris

COLUMNS = ["sepal_length", "sepal_width", "petal_length", "petal_width", "species"]


def table() -> pd.DataFrame:
    """Return scikit-learn's flowers, with short names."""
    iris = load_iris(as_frame=True)
    frame = iris.frame.set_axis(COLUMNS, axis="columns")
    return frame.assign(species=iris.target_names[iris.target])


if __name__ == "__main__":
    table().to_csv(sys.stdout, index=False)
