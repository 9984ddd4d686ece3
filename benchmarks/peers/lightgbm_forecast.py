"""LightGBM and ridge regression on the windows of the recipe demand, for docs/published.toml.

POWERTRAIN_DATA=FOLDER python benchmarks/peers/lightgbm_forecast.py

LightGBM has one model for each step ahead. It sees the values themselves and the half hour of the week, or, as the
recipe's network does, the differences from one week before, and then learns by how much the value of last week is off.
Trees are counted on the valid part.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
from sklearn.linear_model import Ridge

from powertrain_tabular.forecast import measures
from powertrain_tabular.series import Demand, TimeSplit

SETTINGS = {"objective": "l2", "learning_rate": 0.05, "num_leaves": 15, "verbosity": -1, "num_threads": 1}
MOST_TREES, PATIENCE = 300, 20
WEEK = 336


def boosted(x: dict[str, Any], y: dict[str, Any]) -> dict[str, Any]:
    """The forecasts of one model for each step ahead."""
    made = []
    for step in range(y["train"].shape[1]):
        data = lightgbm.Dataset(x["train"], y["train"][:, step])
        held = lightgbm.Dataset(x["valid"], y["valid"][:, step], reference=data)
        stop = lightgbm.early_stopping(PATIENCE, verbose=False)
        booster = lightgbm.train(SETTINGS, data, MOST_TREES, [held], callbacks=[stop])
        made.append({part: booster.predict(x[part]) for part in ("valid", "test")})
    return {part: np.stack([one[part] for one in made], axis=1) for part in ("valid", "test")}


def main() -> None:
    splits: Any = Demand.build(Demand.Params(split=TimeSplit(valid=0.1, test=0.2)), Path()).splits
    rows = {part: source.fetch(np.arange(len(source))) for part, source in splits.items()}
    x, y = ({part: fields[name].astype(np.float64) for part, fields in rows.items()} for name in ("x", "y"))
    naive = {part: source.naive(np.arange(len(source))) for part, source in splits.items()}
    place = {part: (source.first + np.arange(len(source))) % WEEK for part, source in splits.items()}
    since = {part: values[:, WEEK:] - values[:, :-WEEK] for part, values in x.items()}
    off = {part: y[part] - naive[part] for part in y}

    def told(name: str, said: dict[str, Any]) -> None:
        for part in ("valid", "test"):
            print(
                name, part, {key: round(value, 5) for key, value in measures(said[part], y[part]).items()}, flush=True
            )

    told("seasonal naive", naive)
    ridge = Ridge(alpha=1e7).fit(since["train"], off["train"])
    told("ridge on differences", {part: naive[part] + ridge.predict(since[part]) for part in ("valid", "test")})
    seen = {part: np.column_stack([since[part], place[part]]) for part in x}
    found = boosted(seen, off)
    told("LightGBM on differences", {part: naive[part] + found[part] for part in found})
    told("LightGBM on values", boosted({part: np.column_stack([x[part], place[part]]) for part in x}, y))


if __name__ == "__main__":
    main()
