"""The training examples that look most like an example to the model: nearest by its own embedding."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain.data import DataLoader
from powertrain.errors.boundary import export
from powertrain.nn import Linear
from powertrain.train.evaluate.evaluation import evaluating, on_host
from powertrain.train.explain.explanation import SHOWN, Explanation, is_picture, show_picture
from powertrain.train.run.step import Step, TracedBatch

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from powertrain.train.run.train_run import TrainRun
    from powertrain.typing import Array

BATCH = 256
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Neighbours(Explanation):
    """The nearest training examples of each example, the nearest first.

    * `rows`: int64 [examples, count], their numbers in the training part.
    * `distances`: float64 [examples, count], between embeddings: what the last layer of the model is given.
    * `labels`: their classes, or their targets.
    * `x`: what the model was given for the examples, and `found` for their neighbours [examples, count, ...].
    """

    rows: NDArray[np.int64]
    distances: Floats
    labels: tuple[tuple[str, ...], ...]
    x: Array = field(repr=False)
    found: Array = field(repr=False)
    folder: Path = field(repr=False)
    method: str = "nearest"

    def draw(self, figure: Figure) -> None:
        examples, count = min(SHOWN, len(self.rows)), self.rows.shape[1]
        if not is_picture(self.x.shape[1:]):
            figure.set_size_inches(8.4, 1.2 + 0.5 * examples)
            axes = figure.add_subplot()
            for at in range(examples):
                axes.plot(self.distances[at], np.full(count, at), "o", color="C0", alpha=0.7)
                for place in range(count):
                    words = self.labels[at][place].replace("$", r"\$")[:12]
                    axes.annotate(
                        words, (self.distances[at, place], at), xytext=(0, 5), textcoords="offset points", fontsize=7
                    )
            axes.set(ylim=(examples - 0.4, -0.6), xlabel="distance of the training examples", ylabel="example")
            axes.set_yticks(range(examples))
            axes.margins(x=0.08)
            return
        figure.set_size_inches(1.3 * (count + 1), 1.55 * examples)
        for at in range(examples):
            axes = figure.add_subplot(examples, count + 1, at * (count + 1) + 1)
            show_picture(axes, self.x[at])
            axes.set_title("example", fontsize=7)
            for place in range(count):
                axes = figure.add_subplot(examples, count + 1, at * (count + 1) + 2 + place)
                show_picture(axes, self.found[at, place])
                words = self.labels[at][place].replace("$", r"\$")[:14]
                axes.set_title(f"{words}  {self.distances[at, place]:.3g}", fontsize=7)

    def __repr__(self) -> str:
        return f"Neighbours({len(self.rows):,} examples, {self.rows.shape[1]} each)"


def nearest(run: TrainRun, x: Array, count: int, folder: Path) -> Neighbours:
    """Of inputs as the model gets them, after the transforms; `run` has its training examples."""
    train = run.dataset.train
    count = min(count, len(train))
    mine = embedded(run, x)
    squares = np.full((len(x), count), np.inf)
    rows = np.full((len(x), count), -1, np.int64)
    seen = 0
    for batch in DataLoader(train, BATCH):
        fields = embedded(run, batch.arrays["x"])
        far = np.square(mine).sum(axis=1)[:, None] - 2 * mine @ fields.T + np.square(fields).sum(axis=1)
        both = np.concatenate([squares, far], axis=1)
        numbers = np.concatenate([rows, np.broadcast_to(seen + np.arange(len(fields)), far.shape)], axis=1)
        order = np.argsort(both, axis=1, kind="stable")[:, :count]
        squares, rows = np.take_along_axis(both, order, axis=1), np.take_along_axis(numbers, order, axis=1)
        seen += len(fields)
    taken = train.fetch(rows.reshape(-1))
    found = taken["x"].reshape(len(x), count, *taken["x"].shape[1:])
    # Distances anew: a difference of squares has few digits where examples are near.
    apart = mine[:, None] - embedded(run, taken["x"]).reshape(len(x), count, -1)
    labels = _labels(run, taken["y"].reshape(len(x), count, *taken["y"].shape[1:]))
    return Neighbours(rows, np.sqrt(np.square(apart).sum(axis=2)), labels, x, found, folder)


def embedded(run: TrainRun, x: Array) -> Floats:
    """What the last linear layer of the model is given for each example [examples, size]; without such a layer, the
    input itself."""
    last = None if on_host(run.strategy) else _last_layer(run)
    if last is None:
        return x.reshape(len(x), -1).astype(np.float64)
    seen: list[Any] = []
    parts = []
    with evaluating(run.table.modules), last.register_forward_pre_hook(lambda module, args: seen.append(args[0])):
        for start in range(0, len(x), BATCH):
            run.strategy.predict(Step(), TracedBatch(("x",), (pt.tensor(x[start : start + BATCH]),)))
            if not seen:  # the strategy answers with the weights of the layer, and does not call it
                return x.reshape(len(x), -1).astype(np.float64)
            part = seen.pop().numpy().astype(np.float64)
            # Of a layer that answers at each place, the mean over the places.
            parts.append(part.reshape(len(part), -1, part.shape[-1]).mean(axis=1))
    return np.concatenate(parts)


def _last_layer(run: TrainRun) -> Any:
    module = run.table.modules.get("model") or next(iter(run.table.modules.values()), None)
    layers = [part for part in module.modules() if isinstance(part, Linear)] if module is not None else []
    return layers[-1] if layers else None


def _labels(run: TrainRun, y: Array) -> tuple[tuple[str, ...], ...]:
    names = run.dataset.class_names
    if run.dataset.kind.classes:
        return tuple(tuple(names[one] for one in row) for row in y)
    return tuple(
        tuple(f"{np.ravel(one)[0]:.4g}" if one.size == 1 else "..." for one in map(np.asarray, row)) for row in y
    )


export(globals())
