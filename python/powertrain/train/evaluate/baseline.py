"""What a model must beat to be worth anything: a dummy that knows only the class shares, and a linear model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.data import DataLoader, RandomSampler
from powertrain.data.source import evenly_spaced
from powertrain.plugin.baseline import Baseline

if TYPE_CHECKING:
    from powertrain.data import DataModule

# Enough for a linear model to be within some tenths of a percent of its best, and about a second for most data.
STEPS = 600
BATCH = 256
RATE = 0.02
MOST_EXAMPLES = 20_000
MOST_FEATURES = 20_000


def of_tokens(dataset: DataModule, part: str) -> list[Baseline]:
    """What knows of a text only how often each token comes, judged on a part."""
    loss = by_frequency(dataset, part)
    return [Baseline("dummy", "perplexity", math.exp(loss), "every token by its frequency alone")]


def of_rows(dataset: DataModule, part: str) -> list[Baseline]:
    """The dummy and the linear model of classes or numbers, judged on a part."""
    x, y = rows_of(dataset, "train")
    x_part, y_part = rows_of(dataset, part)
    found = _dummy(dataset, y, y_part)
    if x.shape[1] <= MOST_FEATURES and x.dtype.kind == "f":
        with pt.device("cpu"):  # of NumPy's arrays, wherever the run is
            found += _linear(dataset, x, y, x_part, y_part)
    return found


def rows_of(dataset: DataModule, part: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Inputs as flat rows, and targets, of a part: all, or as many as tell what is simple."""
    source = dataset.splits[part]
    rows = evenly_spaced(len(source), MOST_EXAMPLES)
    fields = source.fetch(rows)
    return fields["x"].reshape(len(rows), -1), fields["y"]


def _dummy(dataset: DataModule, y: NDArray[Any], y_part: NDArray[Any]) -> list[Baseline]:
    if dataset.kind.classes:
        common = int(np.bincount(y, minlength=dataset.outputs).argmax())
        share = float((y_part == common).mean())
        return [Baseline("dummy", "accuracy", share, "always the most frequent class", higher_is_better=True)]
    return _errors("dummy", y_part - y.mean(axis=0), "always the mean of the training targets")


def _errors(name: str, off: NDArray[Any], how: str) -> list[Baseline]:
    """How far off a predictor of numbers is, by each measure that a run may have."""
    mse = float(np.square(off).mean())
    found = {"mae": float(np.abs(off).mean()), "rmse": math.sqrt(mse), "mse": mse}
    return [Baseline(name, metric, value, how) for metric, value in found.items()]


def in_one_measure(found: Sequence[Baseline], headline: str) -> list[Baseline]:
    """Each predictor once: by the measure that is looked at first where it has that, else by its first."""
    chosen: dict[str, Baseline] = {}
    for one in found:
        if one.name not in chosen or one.metric == headline:
            chosen[one.name] = one
    return list(chosen.values())


def by_frequency(dataset: DataModule, part: str) -> float:
    """The loss of who knows of a text only how often each token comes in training."""
    counts = np.ones(dataset.outputs)  # add-one: a token that training never showed still has a chance
    drawn = DataLoader(dataset.train, 64, sampler=RandomSampler(dataset.train, replacement=True), endless=True)
    sample = [batch.arrays["y"] for batch, _ in zip(drawn, range(200), strict=False)]
    counts += np.bincount(np.concatenate(sample).ravel(), minlength=dataset.outputs)
    logs = np.log(counts / counts.sum())
    losses = [-logs[batch.arrays["y"]].mean() for batch in DataLoader(dataset.splits[part], 64)]
    return float(np.mean(losses))


def _linear(
    dataset: DataModule, x: NDArray[Any], y: NDArray[Any], x_part: NDArray[Any], y_part: NDArray[Any]
) -> list[Baseline]:
    """Softmax or least-squares regression on standardized features, by the engine's own step. Numbers are learned on
    the scale that the model learns them on, and judged as they are."""
    mean, spread = x.mean(axis=0), x.std(axis=0)
    spread = np.where(spread > 1e-8, spread, 1).astype(np.float32)
    classify = dataset.kind.classes
    # So few steps would not take the model from zero to targets of any size.
    target = dataset.target
    learned = y if target is None else target.learned(y)
    centre, scale = (0.0, 1.0) if classify else (float(learned.mean()), float(learned.std()) or 1.0)
    targets = y if classify else ((learned.reshape(len(y), -1) - centre) / scale).astype(np.float32)
    model = pt.nn.Linear(x.shape[1], dataset.outputs)
    for slot in model.parameters():
        slot.value = pt.zeros(slot.shape)
    opt = pt.optim.AdamW(model, lr=RATE, weight_decay=1e-3)

    @pt.compile
    def step(features: Any, wanted: Any) -> None:
        def loss() -> Any:
            output = model(features)
            return F.cross_entropy(output, wanted, ignore_index=None) if classify else pt.square(output - wanted).mean()

        _, gradients = pt.nn.value_and_grad(model, loss)()
        opt.update(gradients)

    batch = min(BATCH, len(x))
    generator = np.random.Generator(np.random.Philox(key=0))
    for at in range(STEPS):
        if at == STEPS // 2:
            opt.lr = RATE / 10
        rows = generator.integers(0, len(x), batch)
        step(((x[rows] - mean) / spread).astype(np.float32), targets[rows])
    output = np.asarray(model(((x_part - mean) / spread).astype(np.float32)))
    if classify:
        accuracy = float((output.argmax(axis=1) == y_part).mean())
        how = "logistic regression on standardized inputs"
        return [Baseline("linear", "accuracy", accuracy, how, higher_is_better=True)]
    answers = output * scale + centre
    answers = answers if target is None else target.original(answers)
    return _errors("linear", answers - y_part.reshape(len(y_part), -1), "linear regression on standardized inputs")
