"""The task `ranking`: lists whose items have grades, of which the best should come first. Loss LambdaRank (Burges
2010), metric NDCG (Järvelin and Kekäläinen 2002), and a model that scores each item by itself."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.data import DataError
from powertrain.nn import Dropout, Linear, Sequential
from powertrain.plugin import Baseline, Inputs, Metric, Model, ModelError, Range, Section, Task, as_floats, param

if TYPE_CHECKING:
    from powertrain.data import DataModule

PADDING = -1.0  # the grade of an item that is not there: lists are filled up to one length
DEPTH = 10  # items from the top that count
HIGHEST = 30.0  # a grade whose gain float32 still adds to others
Floats = NDArray[np.float64]


def lambdarank(output: Any, target: Any, *, depth: Annotated[int, Range(low=1)] = DEPTH) -> pt.Tensor:
    """LambdaRank: each pair of items of a list that stands in the wrong order costs log(1 + exp(difference)), times by
    how much NDCG at `depth` would change if the two changed places. One value for each list.

    Shapes    output [lists, items], target [lists, items] of grades from 0, below 0 for padding -> [lists]
    Source    Burges 2010; as a bound on NDCG, Wang et al. 2018
    """
    if len(output.shape) != 2 or tuple(output.shape) != tuple(target.shape):
        raise pt.ShapeError(
            f"[lambdarank] output is {list(output.shape)}, target is {list(target.shape)}; expected a score and a "
            'grade for each item, [lists, items] both; take the model "item-scorer" and lists of one length'
        )
    target = pt.astype(target, output.dtype)
    there = pt.astype(target >= 0, output.dtype)
    gains = (pt.exp2(pt.clip(target, 0.0, HIGHEST)) - 1) * there
    scores = pt.stop_gradient(output)
    discounts = _discounts(pt.where(target >= 0, scores, float("-inf")), depth)
    ideal = pt.sum(gains * _discounts(gains + there, depth), axis=1, keepdims=True)
    gains = gains / pt.maximum(ideal, 1e-6)
    change = pt.abs(_apart(gains) * _apart(discounts))
    better = pt.astype(_apart(target) > 0, output.dtype) * pt.expand_dims(there, 1) * pt.expand_dims(there, 2)
    return pt.sum(better * change * F.softplus(-_apart(output)), axis=(1, 2))


lambdarank.exact_gradient = False  # type: ignore[attr-defined]  # the order that weighs pairs has no slope


def _apart(values: Any) -> Any:
    """What each item has more than each other: [lists, items, items]."""
    return pt.expand_dims(values, 2) - pt.expand_dims(values, 1)


def _discounts(scores: Any, depth: int) -> Any:
    """1 / log2(1 + place) of each item by its score, the first of equals first; 0 below `depth`."""
    items = scores.shape[1]
    mine, other = pt.expand_dims(scores, 2), pt.expand_dims(scores, 1)
    earlier = np.tril(np.ones((items, items), bool), -1)  # [item, other]: the other stands before it in the list
    above = pt.logical_or(other > mine, pt.logical_and(other == mine, earlier))
    place = 1 + pt.sum(pt.astype(above, "float32"), axis=2)
    return pt.where(place <= depth, 1 / pt.log2(1 + place), 0.0)


def ndcg_of(scores: Floats, grades: Floats, depth: int) -> Floats:
    """NDCG at a depth of each list; NaN where all grades are 0, since every order is as good then."""
    there = grades >= 0
    gains = np.where(there, np.exp2(np.clip(grades, 0, HIGHEST)) - 1, 0.0)
    order = np.argsort(-np.where(there, scores, -np.inf), axis=1, kind="stable")
    best = -np.sort(-gains, axis=1)
    count = min(depth, scores.shape[1])
    discounts = 1 / np.log2(np.arange(count) + 2)
    found = np.take_along_axis(gains, order, axis=1)[:, :count] @ discounts
    ideal = best[:, :count] @ discounts
    return np.divide(found, ideal, out=np.full(len(scores), np.nan), where=ideal > 0)


class NDCG(Metric):
    """How good the order of the first items of each list is, beside the best order: the mean over the lists. A grade g
    gains 2^g - 1, over log2(1 + place). Lists whose grades are all 0 are left out."""

    tasks: ClassVar[tuple[str, ...]] = ("ranking",)

    @dataclass(frozen=True)
    class Params:
        depth: int = param(DEPTH, low=1, doc="items from the top that count")

    def measure(self, prediction: Any, target: Any, weight: Any = None) -> Any:
        scores, grades = np.asarray(prediction, np.float64), np.asarray(target, np.float64)
        if scores.ndim != 2 or scores.shape != grades.shape:
            raise DataError(
                "ndcg", f"scores {list(scores.shape)}, grades {list(grades.shape)}",
                "expected both [lists, items]", "give a score for each item",
            )  # fmt: skip
        w = np.ones(len(scores)) if weight is None else np.asarray(weight, np.float64)
        values = ndcg_of(scores, grades, self.params.depth)
        known = ~np.isnan(values) & (w > 0)
        return np.array([np.sum(w[known] * values[known]), np.sum(w[known])])


class Ranking(Task):
    """Lists of items with grades; a model gives each item a score."""

    loss: ClassVar[str] = "lambdarank"
    metrics: ClassVar[tuple[str, ...]] = ("ndcg",)
    headline: ClassVar[str] = "ndcg"

    def check(self, dataset: DataModule) -> None:
        fields = dataset.train.fetch(np.zeros(1, np.int64))
        x, y = np.asarray(fields["x"]), np.asarray(fields["y"])
        if x.ndim != 3 or y.shape != x.shape[:2] or y.dtype.kind != "f":
            raise DataError(
                "ranking", f"x {list(x.shape[1:])} and y {y.dtype}{list(y.shape[1:])} of a list",
                "expected x [items, columns] and grades y [items] as floats",
                f"fill lists up to one length, with the grade {PADDING:g}",
            )  # fmt: skip

    def baselines(self, dataset: DataModule, part: str) -> Sequence[Baseline]:
        """Lists as they stand, and by the one column that orders training lists best."""
        (x, y), (held, grades) = (_whole(dataset, one) for one in ("train", part))
        tried = [
            (float(np.nanmean(ndcg_of(sign * x[..., at], y, DEPTH))), at, sign)
            for at in range(x.shape[-1])
            for sign in (1, -1)
        ]
        _, at, sign = max(tried)
        name = dataset.columns[at] if dataset.columns else f"column {at}"
        values = {
            "as they stand": (np.zeros_like(grades), "items in the order of the data"),
            "one column": (sign * held[..., at], f"by {name}, {'high' if sign > 0 else 'low'} ones first"),
        }
        return [
            Baseline(label, "ndcg", float(np.nanmean(ndcg_of(scores, grades, DEPTH))), how, higher_is_better=True)
            for label, (scores, how) in values.items()
        ]

    def sections(self, dataset: DataModule, judged: Any) -> Sequence[Section]:
        if judged.outputs is None or judged.truth is None:
            return []
        values = ndcg_of(judged.outputs.astype(np.float64), judged.truth.astype(np.float64), DEPTH)
        known = values[~np.isnan(values)]
        if not known.size:
            return []
        depths = (1, 3, 5, DEPTH)
        means = [float(np.nanmean(ndcg_of(judged.outputs, judged.truth, depth))) for depth in depths]
        rows = (("NDCG at", *map(str, depths)), ("the model", *(f"{value:.3f}" for value in means)))

        def draw(figure: Any) -> None:
            axes = figure.add_subplot()
            axes.hist(known, bins=np.linspace(0, 1, 41).tolist())
            axes.set(xlabel=f"NDCG at {DEPTH} of a list", ylabel="lists", xlim=(0, 1))
            axes.grid(alpha=0.3)

        doubt = 2 * float(known.std()) / np.sqrt(len(known))
        line = f"{len(known):,} lists, a mean of {known.mean():.3f} ± {doubt:.3f} (two standard errors)."
        return [Section("Lists", (line,), rows, draw)]

    def answer(self, dataset: DataModule, output: Any) -> dict[str, object]:
        order = np.argsort(-output, kind="stable")
        return {"order": order.tolist(), "scores": [float(f"{value:.6g}") for value in output[order]]}


def _whole(dataset: DataModule, part: str) -> tuple[Floats, Floats]:
    fields = dataset.splits[part].fetch(np.arange(len(dataset.splits[part])))
    return fields["x"].astype(np.float64), fields["y"].astype(np.float64)


class ItemScorer(Model):
    """Linear layers with relu between, the same for each item of a list: a score that no other item of it changes."""

    TORCH_FORWARD = """
        def forward(self, x):
            for layer in self.hidden:
                x = self.dropout(F.relu(layer(x)))
            return self.head(x)[..., 0]
    """

    example_inputs: ClassVar[tuple[Inputs, ...]] = (Inputs("ranking", (6, 4), 6),)

    @dataclass(frozen=True)
    class Params:
        hidden: tuple[int, ...] = param((32, 32), low=1, doc="widths of the hidden layers")
        dropout: float = param(0.0, low=0, below=1, doc="share of hidden values set to zero in training")

    def __init__(self, columns: int, params: Params | None = None) -> None:
        super().__init__()
        params = params or self.Params()
        widths = [columns, *params.hidden]
        self.hidden = Sequential(*(Linear(a, b) for a, b in itertools.pairwise(widths)))
        self.head = Linear(widths[-1], 1)
        self.dropout = Dropout(params.dropout)

    @classmethod
    def build(cls, params: Params, inputs: Inputs) -> ItemScorer:
        if len(inputs.shape) != 2:
            raise ModelError(
                f"[item-scorer] examples of shape {list(inputs.shape)}; expected lists [items, columns]; take another "
                "model for other data"
            )
        return cls(inputs.shape[1], params)

    def forward(self, x: Any) -> pt.Tensor:
        x = as_floats(x)
        for layer in self.hidden:
            x = self.dropout(pt.relu(layer(x)))
        return pt.squeeze(self.head(x), axis=-1)
