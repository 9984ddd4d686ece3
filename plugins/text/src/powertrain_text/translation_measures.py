"""How near translations are to those of people, and which training text is nearest to another: what a model must beat
to have learned more than by heart."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain_text.tokenizer import BEGIN, PADDING

ROWS = 2048  # training texts that are compared at once


def nearest(train: NDArray[Any], given: NDArray[Any], words: int) -> NDArray[np.int64]:
    """Of each given row of tokens, the number of the training row with the largest cosine of their tf-idf vectors.

    Source    Salton and Buckley 1988
    Example
        >>> from powertrain_text.translation_measures import nearest
        >>> nearest(np.array([[3, 5, 6, 1], [3, 7, 8, 1]]), np.array([[3, 8, 5, 8]]), words=9).tolist()
        [1]
    """
    seen = np.zeros(words)
    for row in train:
        seen[np.unique(row)] += 1
    rarity = np.log((1 + len(train)) / (1 + seen))
    rarity[[BEGIN, PADDING]] = 0
    wanted = _vectors(given, rarity)
    best, found = np.full(len(given), -1.0), np.zeros(len(given), np.int64)
    for start in range(0, len(train), ROWS):
        near = wanted @ _vectors(train[start : start + ROWS], rarity).T
        at, value = near.argmax(axis=1), near.max(axis=1)
        found, best = np.where(value > best, start + at, found), np.maximum(value, best)
    return found


def _vectors(rows: NDArray[Any], rarity: NDArray[np.float64]) -> NDArray[np.float64]:
    counts = np.zeros((len(rows), len(rarity)))
    np.add.at(counts, (np.arange(len(rows))[:, None], rows), 1)
    counts *= rarity
    return np.asarray(counts / np.maximum(np.linalg.norm(counts, axis=1, keepdims=True), 1e-12))


def compared(texts: list[str], wanted: list[str]) -> dict[str, float]:
    """chrF and BLEU of texts."""
    found = {}
    for name, metric in (("chrf", pt.metrics.CHRF()), ("bleu", pt.metrics.BLEU())):
        metric.update(texts, wanted)
        found[name] = float(metric.compute())
    return found
