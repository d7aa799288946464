"""Load models as a consumer does, and print what was loaded: python load.py URI [URI ...]."""

import sys
import warnings

import mlflow.sklearn
import pandas as pd

warnings.simplefilter("ignore")
FLOWER = {"petal_length": 4.7, "petal_width": 1.4, "sepal_length": 6.1, "sepal_width": 2.9}

for uri in sys.argv[1:]:
    classifier = mlflow.sklearn.load_model(uri)
    [answer] = classifier.predict(pd.DataFrame([FLOWER])[classifier.feature_names_in_])
    print(f"{uri}: the model with C={classifier.C} says {answer}")
