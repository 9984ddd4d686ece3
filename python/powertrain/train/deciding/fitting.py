"""How calibrations are fitted: to log-odds or logits of held-out examples, and what came of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.train.deciding.calibrations import Calibration, Floats, Isotonic, Platt, Temperature, log_odds

HALVINGS = 60  # of an interval of the logarithm: to the last digits
WIDEST = 10.0  # e^10: a temperature beyond says that outputs and classes have nothing to do with each other
NEWTON_STEPS = 100
Classes = NDArray[np.int64]


def fitted(method: str, outputs: NDArray[Any], truth: Classes) -> Calibration:
    """The calibration of a method for logits [examples, classes] and what the classes were."""
    logits = outputs.astype(np.float64)
    if method == "temperature":
        return Temperature(_temperature(logits, truth))
    odds = log_odds(logits)
    columns = [(odds[:, at], truth == at) for at in range(odds.shape[1])]
    if method == "platt":
        pairs = [_sigmoid(scores, own) for scores, own in columns]
        return Platt([slope for slope, _ in pairs], [intercept for _, intercept in pairs])
    lines = [isotonic(scores, own) for scores, own in columns]
    return Isotonic([x.tolist() for x, _ in lines], [y.tolist() for _, y in lines])


def _temperature(logits: Floats, truth: Classes) -> float:
    """Where the mean loss is least: its slope, by the factor 1 / T of the logits, rises with that. 1 where every answer
    is right: then the loss falls for ever, and no example says how sure is too sure."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    own = np.take_along_axis(shifted, truth[:, None], axis=1).mean()
    if own == 0:
        return 1.0

    def slope(factor: float) -> float:
        powers = np.exp(factor * shifted)
        said: float = ((powers * shifted).sum(axis=1) / powers.sum(axis=1)).mean()
        return said - float(own)

    low, high = -WIDEST, WIDEST
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if slope(float(np.exp(middle))) > 0 else (middle, high)
    return float(np.exp(-(low + high) / 2))


def _sigmoid(scores: Floats, own: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and intercept of the sigmoid by Newton's method. Targets are Platt's: as if one more example of each kind
    were there, so that none is said to be sure."""
    positive, negative = float(own.sum()), float((~own).sum())
    target = np.where(own, (positive + 1) / (positive + 2), 1 / (negative + 2))
    design = np.stack([scores, np.ones(len(scores))], axis=1)

    def loss(at: Floats) -> float:
        raised = design @ at
        return float(np.sum(np.logaddexp(0.0, raised) - target * raised))

    found = np.array([0.0, np.log((positive + 1) / (negative + 1))])
    for _ in range(NEWTON_STEPS):
        share = 0.5 * (1 + np.tanh(design @ found / 2))
        gradient = design.T @ (share - target)
        curvature = design.T @ (design * (share * (1 - share))[:, None])
        step = np.linalg.lstsq(curvature, gradient, rcond=None)[0]
        length, before = 1.0, loss(found)
        while length > 1e-10 and not loss(found - length * step) <= before:
            length /= 2
        if length <= 1e-10:
            break
        found = found - length * step
        if np.abs(length * step).max() <= 1e-12 * max(1.0, np.abs(found).max()):
            break
    return float(found[0]), float(found[1])


def isotonic(scores: Floats, own: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """The corners of the rising line of least squared error: neighbours that fall are joined until none does."""
    x, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    sums = np.bincount(place.ravel(), weights=own.astype(np.float64), minlength=len(x))
    blocks: list[tuple[float, float, int, int]] = []  # sum, count, first and last score
    for at, (total, count) in enumerate(zip(sums.tolist(), counts.tolist(), strict=True)):
        block = (total, float(count), at, at)
        while blocks and blocks[-1][0] * block[1] >= block[0] * blocks[-1][1]:
            before = blocks.pop()
            block = (before[0] + block[0], before[1] + block[1], before[2], at)
        blocks.append(block)
    corners = [(at, total / count) for total, count, first, last in blocks for at in dict.fromkeys((first, last))]
    return x[[at for at, _ in corners]], np.array([share for _, share in corners])
