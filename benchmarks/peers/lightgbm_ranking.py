"""LightGBM's lambdarank on the lists of the recipe film-ranking, for docs/published.toml.

POWERTRAIN_DATA=FOLDER python benchmarks/peers/lightgbm_ranking.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightgbm
import numpy as np

from powertrain_tabular.ranking import DEPTH, ndcg_of
from powertrain_tabular.ratings import COLUMNS, FilmLists, UserSplit

SETTINGS = {
    "objective": "lambdarank", "metric": "ndcg", "eval_at": [DEPTH], "lambdarank_truncation_level": DEPTH,
    "min_data_in_leaf": 20, "verbosity": -1, "num_threads": 1,
}  # fmt: skip
MOST_TREES, PATIENCE = 500, 40


def main() -> None:
    splits = FilmLists.build(FilmLists.Params(split=UserSplit(valid=0.1, test=0.3)), Path()).splits
    rows = {part: source.fetch(np.arange(len(source))) for part, source in splits.items()}
    there = {part: fields["y"] >= 0 for part, fields in rows.items()}

    def ndcg(part: str, scores: Any) -> float:
        filled = np.zeros(there[part].shape)
        filled[there[part]] = scores
        return float(np.nanmean(ndcg_of(filled, rows[part]["y"].astype(np.float64), DEPTH)))

    x, y, groups = ({part: make(part) for part in rows} for make in (
        lambda part: rows[part]["x"][there[part]].astype(np.float64),
        lambda part: rows[part]["y"][there[part]].astype(np.int64),
        lambda part: there[part].sum(axis=1),
    ))  # fmt: skip
    print({part: f"{len(groups[part])} lists, {groups[part].sum()} films" for part in groups})
    for at, name in enumerate(COLUMNS):
        print(f"by {name}: {ndcg('test', x['test'][:, at]):.4f}, reversed {ndcg('test', -x['test'][:, at]):.4f}")
    for leaves, rate in ((31, 0.05), (7, 0.05), (4, 0.03)):
        settings = {**SETTINGS, "num_leaves": leaves, "learning_rate": rate}
        data = lightgbm.Dataset(x["train"], y["train"], group=groups["train"])
        held = lightgbm.Dataset(x["valid"], y["valid"], group=groups["valid"], reference=data)
        stop = lightgbm.early_stopping(PATIENCE, verbose=False)
        booster = lightgbm.train(settings, data, MOST_TREES, [held], callbacks=[stop])
        found = {part: round(ndcg(part, booster.predict(x[part])), 4) for part in ("train", "valid", "test")}
        print(f"LightGBM, {leaves} leaves, rate {rate}: {booster.best_iteration} trees, {found}", flush=True)


if __name__ == "__main__":
    main()
