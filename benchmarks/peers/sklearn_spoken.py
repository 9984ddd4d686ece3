"""scikit-learn's logistic regression on the spectrograms of the recipe spoken-digits, for docs/published.toml.

POWERTRAIN_DATA=FOLDER python benchmarks/peers/sklearn_spoken.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from powertrain.data.source import whole
from powertrain_audio.digits import SpokenDigits
from powertrain_audio.spectrogram import Spectrogram


def main() -> None:
    for crowd in (True, False):
        splits = SpokenDigits.build(SpokenDigits.Params(crowd=crowd), Path()).splits
        x, y = ({part: whole(source, field) for part, source in splits.items()} for field in ("x", "y"))
        spectrogram = Spectrogram.build(Spectrogram.Params(), x["train"])
        rows = {part: spectrogram(sounds).reshape(len(sounds), -1).astype(np.float64) for part, sounds in x.items()}
        for penalty in (1.0, 1e-3):
            model = LogisticRegression(C=penalty, max_iter=1000).fit(rows["train"], y["train"])
            scores = {part: model.score(rows[part], y[part]) for part in rows}
            print(f"{'in a crowd' if crowd else 'alone'}, C = {penalty:g}: {scores}", flush=True)


if __name__ == "__main__":
    main()
