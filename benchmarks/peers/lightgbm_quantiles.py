"""LightGBM and scikit-learn's linear quantile regression on the rows of the recipe ames-quantiles, for
docs/published.toml.

POWERTRAIN_DATA=FOLDER python benchmarks/peers/lightgbm_quantiles.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
from sklearn.linear_model import QuantileRegressor

from powertrain_tabular.encoding import Encode
from powertrain_tabular.named import Ames
from powertrain_tabular.quantile_page import pinball
from powertrain_tabular.splits import Split

LEVELS = (0.05, 0.5, 0.95)
SETTINGS = {"objective": "quantile", "learning_rate": 0.05, "num_leaves": 15, "verbosity": -1, "num_threads": 1}
MOST_TREES, PATIENCE = 500, 30
PENALTY = 1e-3


def rows(encode: Encode) -> dict[str, tuple[Any, Any]]:
    """Features and the logarithm of the price, by part."""
    splits = Ames.build(Ames.Params(split=Split(valid=0.1, test=0.2), encode=encode), Path()).splits
    found = {part: source.fetch(np.arange(len(source))) for part, source in splits.items()}
    return {part: (one["x"].astype(np.float64), np.log1p(one["y"].astype(np.float64))) for part, one in found.items()}


def told(name: str, said: Any, came: Any) -> None:
    """Coverage, width and loss in dollars, after the quantiles were put in order."""
    said, came = np.expm1(np.sort(said, axis=1)), np.expm1(came)
    inside = np.mean((came >= said[:, 0]) & (came <= said[:, -1]))
    width = np.mean(said[:, -1] - said[:, 0])
    print(f"{name}: coverage {inside:.3f}, width {width:.0f}, pinball {pinball(said, came, LEVELS):.1f}", flush=True)


def main() -> None:
    data = rows(Encode(categories="ordinal", scale=False))
    (x, y), (x_valid, y_valid), (x_test, y_test) = (data[part] for part in ("train", "valid", "test"))
    made = []
    for level in LEVELS:
        train = lightgbm.Dataset(x, y)
        held = lightgbm.Dataset(x_valid, y_valid, reference=train)
        stop = lightgbm.early_stopping(PATIENCE, verbose=False)
        booster = lightgbm.train({**SETTINGS, "alpha": level}, train, MOST_TREES, [held], callbacks=[stop])
        made.append(booster.predict(x_test))
    told("LightGBM", np.stack(made, axis=1), y_test)
    data = rows(Encode())
    (x, y), (x_test, y_test) = data["train"], data["test"]
    linear = [QuantileRegressor(quantile=level, alpha=PENALTY, solver="highs").fit(x, y) for level in LEVELS]
    told("linear", np.stack([model.predict(x_test) for model in linear], axis=1), y_test)


if __name__ == "__main__":
    main()
