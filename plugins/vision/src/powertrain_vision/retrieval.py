"""How well pictures and captions find each other: recall@k, simple predictors of it, and a page of the report."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.data import evenly_spaced, spaced_examples
from powertrain.plugin import Baseline, Section, pictures_section
from powertrain_vision.captions import decoded

KS = (1, 5, 10)
MOST = 1000  # pairs among which one is looked for
MOST_LEARNED = 2000  # pairs that the simple predictor learns from
PENALTY = 0.1  # of ridge regression, as a share of the mean square of a row
SHOWN = 8  # pictures of the page
SAID = 3  # captions of each, which the head of its table counts


def pairs_of(dataset: Any, part: str, most: int = MOST) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Evenly spaced pictures of a part with their captions."""
    fields = spaced_examples(dataset.splits[part], most)
    return np.asarray(fields["x"], np.float32), np.asarray(fields["y"], np.int64)


def recalls(scores: NDArray[Any], y: NDArray[Any]) -> dict[str, float]:
    """The share of pictures (rows of `scores`) whose caption is among the k with the largest scores, and of captions
    (columns) whose picture is. A caption that two pictures have is right for both. Of equal scores any order is as
    good, so a right one among them counts by its chance."""
    captions = decoded(y)
    same = np.array(captions)[:, None] == np.array(captions)
    found: dict[str, float] = {}
    for name, table in (("caption", scores), ("picture", scores.T)):
        hits = np.array([_found(row, right) for row, right in zip(table, same, strict=True)])
        found |= {f"{name}_recall@{k}": float(share) for k, share in zip(KS, hits.mean(axis=0), strict=True)}
    return found


def _found(scores: NDArray[Any], right: NDArray[np.bool_]) -> list[float]:
    """For each k, the chance that a right one is among the k with the largest scores."""
    best = scores[right].max()
    before, level = int((scores > best).sum()), int((scores == best).sum())
    hits = int((scores[right] == best).sum())
    return [1 - _none_of(level, hits, k - before) for k in KS]


def _none_of(level: int, hits: int, places: int) -> float:
    """The chance that so many places, filled from `level` equal ones, hold none of the hits."""
    chance = 1.0
    for at in range(max(0, min(places, level))):
        chance *= max(0, level - hits - at) / (level - at)
    return chance


def simple_recalls(dataset: Any, part: str) -> list[Baseline]:
    """What chance gives, and a linear model without any network."""
    x, y = pairs_of(dataset, part)
    simple = {
        "dummy": (recalls(np.zeros((len(y), len(y))), y), "the pairs in any order"),
        "linear": (
            recalls(said_by_pixels(*pairs_of(dataset, "train", MOST_LEARNED), x, y), y),
            "ridge regression from the pixels to the words of the caption",
        ),
    }
    return [
        Baseline(name, metric, value, how, higher_is_better=True)
        for name, (values, how) in simple.items()
        for metric, value in values.items()
    ]


def said_by_pixels(
    x: NDArray[Any], y: NDArray[Any], pictures: NDArray[Any], captions: NDArray[Any]
) -> NDArray[np.float64]:
    """The cosines of the words that ridge regression says of pictures, and those of captions. It learns from x and y,
    and knows no word that is not in y."""
    words = [set(words_of(text)) for text in decoded(y)]
    known = {word: at for at, word in enumerate(sorted(set().union(*words)))}
    if not known:  # captions of signs alone
        return np.zeros((len(pictures), len(captions)))

    def bag(texts: list[str]) -> NDArray[np.float64]:
        made = np.zeros((len(texts), len(known)))
        for row, text in enumerate(texts):
            made[row, [known[word] for word in words_of(text) if word in known]] = 1
        return made

    mean = x.reshape(len(x), -1).mean(axis=0)
    rows, asked = (one.reshape(len(one), -1) - mean for one in (x, pictures))
    learned = bag(decoded(y))
    weight = np.log(len(learned) / learned.sum(axis=0))  # rare words say most of a picture
    # As many equations as pictures: a picture has more pixels than there are pictures.
    products = (rows @ rows.T).astype(np.float64)
    penalty = max(PENALTY * float(np.trace(products)) / len(rows), 1e-12)
    solved = np.linalg.solve(products + penalty * np.eye(len(rows)), learned * weight)
    said = (asked @ rows.T) @ solved
    return _of_length_one(said) @ _of_length_one(bag(decoded(captions)) * weight).T


def words_of(text: str) -> list[str]:
    """The words of a caption, in small letters."""
    return re.findall(r"\w+", text.lower())


def _of_length_one(rows: NDArray[Any]) -> NDArray[Any]:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


def recall_section(values: Mapping[str, float], simple: Sequence[Baseline]) -> Section:
    """What a run and simple predictors reach, as a table: a row for each measure."""
    reached = {(one.how, one.metric): one.value for one in simple}
    ways = list(dict.fromkeys(one.how for one in simple))
    rows = [("", "this run", *ways)]
    for name, value in values.items():
        rows.append((name, f"{value:.3f}", *(f"{reached[how, name]:.3f}" for how in ways)))
    return Section("Recall", ("The share whose partner is among the k nearest.",), tuple(rows))


def nearest_section(x: NDArray[Any], y: NDArray[Any], scores: NDArray[Any]) -> Section:
    """Held-out pictures, and below them a table of the captions that lie nearest to each."""
    picked = evenly_spaced(len(x), SHOWN)
    captions, order = decoded(y), np.argsort(-scores, axis=1, kind="stable")
    head = ("picture", "its caption", "nearest", "second", "third")
    rows = []
    for number, row in enumerate(picked, 1):
        said = list(dict.fromkeys(captions[at] for at in order[row]))[:SAID]
        rows.append((str(number), captions[row], *said, *[""] * (SAID - len(said))))
    shown = x[picked]
    scaled = (shown - shown.min()) / max(float(np.ptp(shown)), 1e-12)
    lines = (f"From left to right. Captions are those of all {len(x):,} held-out pictures.",)
    page = pictures_section("Nearest captions", scaled, columns=len(picked), lines=lines)
    return Section(page.title, page.lines, (head, *rows), page.draw)
