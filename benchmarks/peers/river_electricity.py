"""river's learners on the stream of electricity prices: prequential accuracy, each example answered before it is
learned, in the order of the file.

    POWERTRAIN_DATA=FOLDER python -m benchmarks.peers.river_electricity
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

from river import dummy, forest, linear_model, naive_bayes, optim, preprocessing, stream, tree

LEARNERS: dict[str, Any] = {
    "the last class again": dummy.NoChangeClassifier,
    "logistic regression, scaled, SGD 0.01": lambda: preprocessing.StandardScaler() | linear_model.LogisticRegression(),
    "logistic regression, scaled, SGD 0.1": lambda: (
        preprocessing.StandardScaler() | linear_model.LogisticRegression(optimizer=optim.SGD(0.1))
    ),
    "naive Bayes": naive_bayes.GaussianNB,
    "Hoeffding tree": tree.HoeffdingTreeClassifier,
    "Hoeffding adaptive tree": lambda: tree.HoeffdingAdaptiveTreeClassifier(seed=0),
    "adaptive random forest, 10 trees": lambda: forest.ARFClassifier(seed=0),
}


def accuracy(learner: Any, path: Path) -> tuple[float, float]:
    """The share of right answers, and the seconds that it took."""
    began, right, count = time.perf_counter(), 0, 0
    columns = [f"feat_{at}" for at in range(1, 7)]
    for x, y in stream.iter_csv(
        str(path), target="target", converters={**dict.fromkeys(columns, float), "target": int}
    ):
        right += learner.predict_one(x) == y
        count += 1
        learner.learn_one(x, y)
    return right / count, time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="learners; all where none is named")
    names = parser.parse_args().names or list(LEARNERS)
    path = Path(os.environ["POWERTRAIN_DATA"]) / "electricity" / "elec.csv"
    for name in names:
        share, seconds = accuracy(LEARNERS[name](), path)
        print(f"{name:<40} {share:.4f}  {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
