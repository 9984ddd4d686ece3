"""What a report says of samples: a page of them, and how near they come to data in the features of a classifier."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain.data import spaced_examples
from powertrain.plugin import Run, Section, pictures_section
from powertrain_generative.errors import GenerativeError
from powertrain_generative.metrics import FrechetDistance, SamplePrecision, SampleRecall
from powertrain_generative.pixels import is_picture

SCORES = ("frechet", "precision", "recall")
RECOGNISED = "recognised"
ROWS, COLUMNS = 5, 10  # of the page
BLOCK = 4096  # examples that are read at once
# The classifier: small, and the same bits for the same data on any machine, so that its features can be compared.
EXAMPLES, EPOCHS, BATCH, RATE = 20_000, 3, 128, 2e-3
Draw = Callable[[Run, int, int], Any]


def class_number(where: str, label: str, labels: Sequence[str]) -> int:
    """The number of a class by its name."""
    if label not in labels:
        known = f"one of {', '.join(labels)}" if labels else "none, since the data has no classes"
        raise GenerativeError(f"[{where}] label {label!r}; expected {known}; leave it out for samples of each class")
    return list(labels).index(label)


def demand_every_class(where: str, run: Run) -> None:
    """Refuse data in which a class has no training example, since it will be asked for."""
    source: Any = run.dataset.train
    blocks = (np.arange(at, min(at + BLOCK, len(source))) for at in range(0, len(source), BLOCK))
    seen = np.unique(np.concatenate([np.asarray(source.fetch(block)["y"]) for block in blocks]))
    lacking = [label for kind, label in enumerate(run.dataset.labels) if kind not in seen]
    if lacking:
        raise GenerativeError(
            f"[{where}] no training example of the class {', '.join(lacking)}; expected some of each, since samples "
            "are asked for by class; add some, or take the class out of the data"
        )


def quality(run: Run, part: str, draw: Draw, count: int, by_class: bool = False) -> Mapping[str, float]:
    """Fréchet distance, precision and recall of as many samples as held-out examples, in the features of a classifier.
    It is trained on the training part. Where samples are drawn `by_class`, of each in turn, also the share in which it
    sees that class. Nothing where there are no classes, no pictures, or no samples wanted."""
    shape, task = run.dataset.inputs().shape, run.dataset.task
    source: Any = run.dataset.splits[part]
    count = min(count, len(source))
    if not count or task != "classification" or not is_picture(shape):
        return {}
    features, classes = _classifier(run)
    real = features(np.asarray(spaced_examples(source, count)["x"], np.float32))
    made = features(draw(run, count, 1))
    found = measures(made, real)
    if by_class:
        found[RECOGNISED] = float((classes(made) == np.arange(count) % len(run.dataset.labels)).mean())
    return found


def measures(made: NDArray[Any], real: NDArray[Any]) -> dict[str, float]:
    """Fréchet distance, precision and recall of the features of samples and of as many real examples."""
    found = {}
    for name, metric in zip(SCORES, (FrechetDistance(), SamplePrecision(), SampleRecall()), strict=True):
        metric.update(made, real)
        found[name] = metric.compute()
    return found


def _classifier(run: Run) -> tuple[Callable[[NDArray[Any]], NDArray[Any]], Callable[[NDArray[Any]], NDArray[Any]]]:
    """The features of pictures, which stand before the last layer of a small network that tells the classes apart; and
    the classes that it sees in features."""
    source: Any = run.dataset.train
    fields = spaced_examples(source, EXAMPLES)
    epochs = max(EPOCHS, -(-EXAMPLES // (2 * len(fields["x"]))))  # of a few examples, more often
    trained = pt.fit(
        model={"use": "picture-encoder"},
        data=(np.asarray(fields["x"], np.float32), np.asarray(fields["y"])),
        optimizer={"use": "adamw", "lr": RATE, "schedule": "cosine"},
        epochs=epochs,
        batch_size=BATCH,
        report={"baseline": False, "worst": 0, "profile": False},
        verbose=False,
        workers=1,
    )
    model: Any = trained.model
    read = pt.compile(model.features)

    def classes(made: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(model.last(made).numpy().argmax(axis=1))

    def features(x: NDArray[Any]) -> NDArray[Any]:
        parts = []
        for start in range(0, len(x), BATCH):
            part = x[start : start + BATCH]
            parts.append(read(np.resize(part, (BATCH, *part.shape[1:]))).numpy()[: len(part)])
        return np.concatenate(parts)

    return features, classes


def drawn_section(
    run: Run, draw: Callable[..., Any], labels: Sequence[str] = (), lines: Sequence[str] = ()
) -> list[Section]:
    """A page of samples; where they can be asked for by class, a row of each."""
    if not is_picture(run.dataset.inputs().shape):
        return []
    if not labels:
        return [pictures_section("Samples", draw(run, ROWS * COLUMNS, 0), columns=COLUMNS, lines=lines)]
    drawn = np.concatenate([draw(run, COLUMNS, kind, label=label) for kind, label in enumerate(labels[:COLUMNS])])
    return [pictures_section("Samples", drawn, columns=COLUMNS, lines=lines, rows=labels[:COLUMNS])]
