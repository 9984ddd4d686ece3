"""The recipe `digit-motions` by simple methods, for docs/published.toml: scikit-learn's logistic regression on one
frame, on the differences of frames, and on how well each frame fits the one before it when it is moved.

python benchmarks/peers/sklearn_motions.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from powertrain.data.source import whole
from powertrain_vision.motions import FASTEST, DigitMotions

PENALTIES = (1e-2, 1e-3, 1e-4)  # the best on valid is taken


def one_frame(x: Any) -> Any:
    """The frame in the middle."""
    return x[:, x.shape[1] // 2]


def differences(x: Any) -> Any:
    """How much each pixel changes from frame to frame, whichever way."""
    return np.abs(np.diff(x, axis=1))


def fits(x: Any) -> Any:
    """For each two frames that follow one another, and each move that a digit may make, how well the second fits the
    first. What stands still is taken off before: the mean over all frames."""
    x = x - x.mean(axis=1, keepdims=True)
    moves = range(-FASTEST, FASTEST + 1)
    shifted = [np.roll(x[:, 1:], (-down, -across), (2, 3)) for down in moves for across in moves]
    return np.stack([(x[:, :-1] * one).mean(axis=(2, 3)) for one in shifted], axis=-1)


def main() -> None:
    splits = DigitMotions.build(DigitMotions.Params(), Path()).splits
    x = {part: whole(source, "x")[..., 0].astype(np.float32) / 16 for part, source in splits.items()}
    y = {part: whole(source, "y") for part, source in splits.items()}
    for look in (one_frame, differences, fits):
        rows = {part: look(clips).reshape(len(clips), -1) for part, clips in x.items()}
        scale = StandardScaler().fit(rows["train"])
        rows = {part: scale.transform(each) for part, each in rows.items()}
        models = [LogisticRegression(C=penalty, max_iter=200).fit(rows["train"], y["train"]) for penalty in PENALTIES]
        best = max(models, key=lambda model: model.score(rows["valid"], y["valid"]))
        print(f"{look.__name__}, C = {best.C:g}: test {best.score(rows['test'], y['test']):.4f}", flush=True)


if __name__ == "__main__":
    main()
