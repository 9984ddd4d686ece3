"""Two recipes of seconds beside scikit-learn, on the same rows: `digits-mixture` (minus the mean log-likelihood of the
test part, of five beginnings) and `food-reviews-bag` (the accuracy of logistic regression on counts of its tokens).

    POWERTRAIN_DATA=FOLDER python -m benchmarks.peers.sklearn_few_lines
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.mixture import GaussianMixture

from powertrain.recipe import load_recipe
from powertrain.train.run.sources import prepare

Array = NDArray[Any]


def parts(recipe: str) -> tuple[dict[str, Array], dict[str, Array], Any]:
    """The training and the test rows as the model gets them, and the data set."""
    dataset = prepare(load_recipe(recipe), Path())
    train, test = (dataset.splits[part].fetch(np.arange(len(dataset.splits[part]))) for part in ("train", "test"))
    return train, test, dataset


def mixture() -> list[float]:
    train, test, _ = parts("digits-mixture")
    params: Any = load_recipe("digits-mixture").strategy.params
    made = [
        GaussianMixture(
            params.components,
            covariance_type=params.covariance,
            reg_covar=params.least,
            max_iter=200,
            random_state=seed,
        )
        for seed in range(5)
    ]
    return [-float(one.fit(train["x"].astype(np.float64)).score(test["x"].astype(np.float64))) for one in made]


def reviews() -> float:
    train, test, dataset = parts("food-reviews-bag")

    def counts(tokens: Array) -> Array:
        found = np.stack([np.bincount(row, minlength=len(dataset.vocabulary)) for row in tokens]).astype(np.float32)
        found[:, 0] = 0  # padding
        return found

    fitted = LogisticRegression(max_iter=2000).fit(counts(train["x"]), train["y"])
    return float(fitted.score(counts(test["x"]), test["y"]))


def main() -> None:
    found = mixture()
    print(f"digits-mixture    loss {np.mean(found):.3f}, deviation {np.std(found, ddof=1):.3f}")
    print(f"food-reviews-bag  accuracy {reviews():.4f}")


if __name__ == "__main__":
    main()
