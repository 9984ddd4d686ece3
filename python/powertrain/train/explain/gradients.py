"""Integrated gradients (Sundararajan, Taly and Yan 2017): what each number of an example adds to an output.

An output is followed from a baseline to the example, along a straight line; the attribution of a number is its gradient
along the line, integrated. All attributions of an example add up to how far the output is from that of the baseline
(completeness). This holds of each piece of the line as well, and is checked. Pieces where it fails, such as those with
the bend of a ReLU, are halved. This goes on until the whole line adds up, or an example has taken 1,024 points.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain.errors.boundary import export
from powertrain.plugin.section import columns_section
from powertrain.train.evaluate.evaluation import evaluating, on_host
from powertrain.train.explain.explanation import SHOWN, Explanation, chosen_outputs, is_picture, show_picture
from powertrain.train.folder.run_folder import RunError
from powertrain.train.run.step import Step, TracedBatch

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from powertrain.train.run.train_run import TrainRun
    from powertrain.typing import Array

PIECES, STEPS, MOST_STEPS = 4, 8, 1024  # pieces at first, points of a piece, and the most of a line
# How far the sum of the attributions may be from the difference of the outputs: as a share of that difference, or of
# the sum of their sizes, where they nearly cancel out. Beyond, the line gets more points.
GAP, GAP_OF_SIZES = 0.01, 0.001
BATCH = 64
HELD = 1 << 23  # numbers of the pieces that are looked at together: 64 MiB

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Attribution(Explanation):
    """What each number of an example adds to an output, from the baseline on.

    * `values`: float64 [examples, ...], of the shape that the model is given, after the transforms.
    * `outputs`: float64 [examples], the output that is explained, and `base` that of the baseline.
    * `gap`: float64 [examples], how far the sum of the values is from `outputs - base`: the error of the integral.
    * `of`: the name of the output of each example, such as its class.
    * `steps`: points where a gradient was taken, of the example that needed most.
    * `columns`: names of the numbers, where they have any.
    * `x`: what the model was given.
    """

    values: Floats
    outputs: Floats
    base: Floats
    of: tuple[str, ...]
    steps: int
    columns: tuple[str, ...]
    x: Array = field(repr=False)
    folder: Path = field(repr=False)
    method: str = "gradients"

    @property
    def gap(self) -> Floats:
        sums = self.values.reshape(len(self.values), -1).sum(axis=1)
        return np.abs(sums - (self.outputs - self.base))

    def draw(self, figure: Figure) -> None:
        if not is_picture(self.values.shape[1:]):
            values, of = self.values.reshape(len(self.values), -1), dict.fromkeys(self.of)
            names = self.columns or tuple(f"column {at}" for at in range(values.shape[1]))
            one = len(values) == 1
            shown = values[0] if one else np.abs(values).mean(axis=0)
            label = (
                f"what it adds to {', '.join(of)}"
                if one
                else f"what it adds to the output, on average of {len(values):,}"
            )
            section = columns_section("", names, shown, label, signed=one)
            assert section.draw is not None
            section.draw(figure)
            return
        count = min(SHOWN, len(self.values))
        figure.set_size_inches(1.7 * count + 0.8, 3.6)
        for at in range(count):
            above, below = figure.add_subplot(2, count, at + 1), figure.add_subplot(2, count, count + at + 1)
            show_picture(above, self.x[at])
            above.set_title(self.of[at].replace("$", r"\$")[:20], fontsize=8)
            values = self.values[at].sum(axis=-1) if self.values.ndim == 4 else self.values[at]
            most = float(np.abs(values).max()) or 1.0
            drawn = below.imshow(values, cmap="RdBu_r", vmin=-most, vmax=most)
            below.axis("off")
        bar = figure.colorbar(drawn, ax=figure.axes[1::2], ticks=[-most, 0, most], fraction=0.03)
        bar.ax.set_yticklabels(["speaks against", "0", "speaks for"], fontsize=7)

    def __repr__(self) -> str:
        return f"Attribution({len(self.values):,} examples, {self.steps} steps, gap at most {self.gap.max():.2g})"


def attribution(
    run: TrainRun, x: Array, of: str | int | None, baseline: Array | None, folder: Path, columns: tuple[str, ...]
) -> Attribution:
    """Of inputs as the model gets them, after the transforms."""
    if on_host(run.strategy):
        raise RunError(
            "[explain] another library computes the outputs of this model, without gradients; expected a model of the "
            'engine; take method="occlusion" or "permutation"'
        )
    if x.dtype.kind != "f":
        raise RunError(
            f"[explain] the model reads {x.dtype}{list(x.shape[1:])}, which has no gradient; expected floating-point "
            'numbers; take method="occlusion", "attention" or "nearest"'
        )
    x = x.astype(np.float32, copy=False)
    base = np.zeros_like(x[:1]) if baseline is None else baseline.astype(np.float32, copy=False)
    if base.shape[1:] != x.shape[1:] or len(base) not in (1, len(x)):
        raise RunError(
            f"[explain] received a baseline {list(base.shape)} for examples {list(x.shape)}; expected one, or one for "
            "each example; give it in the form of the examples"
        )
    base = np.broadcast_to(base, x.shape)
    answer, slopes = _functions(run)
    with evaluating(run.table.modules):
        ends = _batched(answer, x)
        chosen, names = chosen_outputs(run, ends, of)
        rows = np.arange(len(x))
        outputs, before = (found[rows, chosen].astype(np.float64) for found in (ends, _batched(answer, base)))
        wanted, found = _one_hot(chosen, ends.shape[1]), []
        group = max(1, HELD // (PIECES * max(1, x[0].size)))
        for cut in (slice(start, start + group) for start in range(0, len(x), group)):
            line = _Line(answer, slopes, x[cut], base[cut], wanted[cut])
            found.append(_whole(line, outputs[cut], before[cut]))
        values, steps = np.concatenate([each for each, _ in found]), max(taken for _, taken in found)
        return Attribution(values, outputs, before, names, steps, columns, x, folder)


def _functions(run: TrainRun) -> tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]:
    """The outputs [examples, outputs] of some inputs, and the gradient by them of chosen outputs."""

    def answer(x: Any) -> Any:
        found = pt.asarray(run.strategy.predict(Step(), TracedBatch(("x",), (x,))))
        return pt.reshape(found, (found.shape[0], -1))

    def total(x: Any, chosen: Any) -> Any:
        return pt.sum(answer(x) * chosen)

    return pt.compile(answer), pt.compile(lambda x, chosen: pt.grad(total)(x, chosen))


def _batched(function: Callable[..., Any], *arrays: Array) -> Array:
    """A function of examples in batches of one size, so that one program serves any number of them."""
    parts = []
    for start in range(0, len(arrays[0]), BATCH):
        cut = [array[start : start + BATCH] for array in arrays]
        padded = [np.resize(one, (BATCH, *one.shape[1:])) for one in cut]
        parts.append(np.array(function(*padded))[: len(cut[0])])
    return np.concatenate(parts)


def _one_hot(chosen: NDArray[np.int64], count: int) -> NDArray[np.float32]:
    return np.eye(count, dtype=np.float32)[chosen]


@dataclass(frozen=True)
class _Line:
    """The straight way from a baseline to each example, and what the chosen output does on it."""

    answer: Callable[..., Any]
    slopes: Callable[..., Any]
    x: Array
    base: Array
    wanted: Array

    def points(self, row: NDArray[np.int64], place: Floats) -> Array:
        """A point of the line of each row, at places from 0 to 1."""
        places = place.astype(np.float32).reshape((-1, *[1] * (self.x.ndim - 1)))
        return (self.base[row] + places * (self.x[row] - self.base[row])).astype(np.float32)

    def outputs(self, row: NDArray[np.int64], place: Floats) -> Floats:
        found = _batched(self.answer, self.points(row, place)).astype(np.float64)
        return (found * self.wanted[row]).sum(axis=1)

    def integral(self, row: NDArray[np.int64], low: Floats, high: Floats) -> Floats:
        """The gradient integrated over a piece of each row's line by Gauss and Legendre's points, times the way."""
        places, weights = np.polynomial.legendre.leggauss(STEPS)
        total = np.zeros((len(row), *self.x.shape[1:]))
        shape = (-1, *[1] * (self.x.ndim - 1))
        # Points of several pieces share a batch: few examples would leave most of it empty.
        for start in range(0, STEPS * len(row), BATCH):
            point, piece = np.divmod(np.arange(start, min(start + BATCH, STEPS * len(row))), len(row))
            place = low[piece] + (places[point] + 1) / 2 * (high - low)[piece]
            slope = _batched(self.slopes, self.points(row[piece], place), self.wanted[row[piece]])
            np.add.at(total, piece, (weights[point] / 2 * (high - low)[piece]).reshape(shape) * slope)
        return total * (self.x[row].astype(np.float64) - self.base[row])


def _whole(line: _Line, outputs: Floats, before: Floats) -> tuple[Floats, int]:
    """What each number adds over the whole line, and the points that took: pieces that do not add up are halved."""
    count = len(line.x)
    least = GAP * np.abs(outputs - before) + 1e-5
    values, error, taken = np.zeros(line.x.shape), np.zeros(count), np.zeros(count, np.int64)
    # One piece in each place: of which example, from where to where, with which outputs at both ends.
    row, place = np.tile(np.arange(count), PIECES), np.repeat(np.arange(PIECES) / PIECES, count)
    low, high = place, place + 1 / PIECES
    within = line.outputs(row[count:], low[count:])
    first, last = np.concatenate((before, within)), np.concatenate((within, outputs))
    while len(row):
        found = line.integral(row, low, high)
        gap = found.reshape(len(row), -1).sum(axis=1) - (last - first)
        np.add.at(values, row, found)
        np.add.at(error, row, gap)
        np.add.at(taken, row, STEPS)
        pieces = np.bincount(row, minlength=count)
        allowed = np.maximum(least, GAP_OF_SIZES * np.abs(values).reshape(count, -1).sum(axis=1))
        # A piece that is left may use up a part of what is allowed, so that the next ones have some of it too.
        halved = (np.abs(error) > allowed)[row] & (np.abs(gap) > (allowed / (4 * np.maximum(pieces, 1)))[row])
        halved &= (taken + 2 * STEPS * np.bincount(row[halved], minlength=count) <= MOST_STEPS)[row]
        np.subtract.at(values, row[halved], found[halved])
        np.subtract.at(error, row[halved], gap[halved])
        row, low, high, first, last = (one[halved] for one in (row, low, high, first, last))
        middle = (low + high) / 2
        between = line.outputs(row, middle) if len(row) else middle
        low, high, first, last = _both((low, middle), (middle, high), (first, between), (between, last))
        row = np.concatenate((row, row))
    return values, int(taken.max(initial=0))


def _both(*halves: tuple[Floats, Floats]) -> tuple[Floats, ...]:
    """The ends of the lower and then of the upper halves of pieces."""
    return tuple(np.concatenate(one) for one in halves)


export(globals())
