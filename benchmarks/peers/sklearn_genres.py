"""scikit-learn's logistic regression, one for each label, on the films of the recipe film-genres, for
docs/published.toml.

POWERTRAIN_DATA=FOLDER python benchmarks/peers/sklearn_genres.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.multiclass import OneVsRestClassifier

from powertrain_tabular.film_genres import FilmGenres


def main() -> None:
    dataset = FilmGenres.build(FilmGenres.Params(), Path()).split({"valid": 0.1, "test": 0.2})
    rows = {part: source.fetch(np.arange(len(source))) for part, source in dataset.splits.items()}
    train = rows["train"]
    for penalty in (1.0, 10.0, 100.0):
        model = OneVsRestClassifier(LogisticRegression(C=penalty, max_iter=300)).fit(train["x"], train["y"])
        for part in ("valid", "test"):
            said = model.predict(rows[part]["x"])
            scores = [f1_score(rows[part]["y"], said, average=kind, zero_division=0) for kind in ("micro", "macro")]
            print(f"C = {penalty:g}, {part}: micro {scores[0]:.4f}, macro {scores[1]:.4f}", flush=True)


if __name__ == "__main__":
    main()
