"""Occlusion (Zeiler and Fergus 2014): how much of an output is gone where a part of an example is hidden.

A column takes the values that other examples have in it, and the mean over them counts. A token is left out of its
text. This needs answers alone, so it explains models without gradients too, such as trees, and texts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from powertrain.data.source import evenly_spaced
from powertrain.errors.boundary import export
from powertrain.plugin.section import columns_section
from powertrain.train.evaluate.predict import outputs
from powertrain.train.explain.explanation import Explanation, chosen_outputs, columns_of_file
from powertrain.train.folder.run_folder import RunError
from powertrain.train.folder.sample import read_sample

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from powertrain.train.run.train_run import TrainRun
    from powertrain.typing import Array

OTHERS = 32  # examples whose values a hidden column takes
AT_ONCE = 8192  # examples with something hidden that are asked at once
LISTED = 8  # examples of `lines`, and parts of each

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Occlusion(Explanation):
    """What is gone of an output where a part of an example is hidden: below 0 where the output rises.

    * `parts`: of each example the names of its columns, or the tokens of its text.
    * `values`: of each example float64 [parts].
    * `outputs`: float64 [examples], the output that is explained.
    * `of`: the name of the output of each example, such as its class.
    """

    parts: tuple[tuple[str, ...], ...] = field(repr=False)
    values: tuple[Floats, ...]
    outputs: Floats
    of: tuple[str, ...]
    folder: Path = field(repr=False)
    method: str = "occlusion"

    def draw(self, figure: Figure) -> None:
        """The mean of all examples where they have the same columns, else the first example."""
        alike = len(self.values) > 1 and len(set(self.parts)) == 1
        shown = np.abs(np.stack(self.values)).mean(axis=0) if alike else self.values[0]
        label = f"how much the output for {self.of[0]} falls without it"
        if alike:
            label = f"how much the output changes without it, on average of {len(self.values):,} examples"
        section = columns_section("", self.parts[0], shown, label, signed=not alike)
        assert section.draw is not None
        section.draw(figure)

    def lines(self) -> Iterator[str]:
        """The parts that count most, a line for each of the first examples."""
        for of, parts, values in list(zip(self.of, self.parts, self.values, strict=True))[:LISTED]:
            order = np.argsort(-np.abs(values), kind="stable")[:LISTED]
            yield f"{of}: " + ", ".join(f"{parts[at]} {values[at]:+.3g}" for at in order)

    def __repr__(self) -> str:
        return f"Occlusion({len(self.values):,} examples, {sum(map(len, self.parts)):,} parts)"


def occlusion(run: TrainRun, x: Array, of: str | int | None, others: Array | None, folder: Path) -> Occlusion:
    """Of examples as the data set has them before its transforms; `others` have the values of hidden columns."""
    ends = _answers(run, x)
    chosen, names = chosen_outputs(run, ends, of)
    texts = run.dataset.vocabulary is not None and x.dtype.kind in "iu" and x.ndim == 2
    found = list((_tokens if texts else _columns)(run, x, ends, chosen, others))
    parts, values = tuple(parts for parts, _ in found), tuple(values for _, values in found)
    return Occlusion(parts, values, ends[np.arange(len(x)), chosen], names, folder)


def _answers(run: TrainRun, x: Array) -> Floats:
    found = outputs(run, x)
    if found.ndim > 2:
        raise RunError(
            f"[explain] the answers are {list(found.shape[1:])} numbers for each example; expected a number, or one of "
            'each class; take method="gradients" or "attention"'
        )
    return found.reshape(len(x), -1).astype(np.float64)


Found = tuple[tuple[str, ...], Floats]  # the parts of an example, and what they add


def _columns(run: TrainRun, x: Array, ends: Floats, chosen: NDArray[np.int64], others: Array | None) -> Iterator[Found]:
    if x.ndim != 2:
        raise RunError(
            f"[explain] received examples of shape {list(x.shape[1:])}; expected rows of columns, or texts, of which a "
            'part can be hidden; take method="gradients"'
        )
    others = read_sample(run) if others is None else others
    if others is None or not len(others):
        raise RunError(
            "[explain] the run keeps no examples whose values a hidden column could take; expected some; pass baseline="
            "examples"
        )
    groups = columns_of_file(run, x.shape[1])
    most = max(1, min(OTHERS, AT_ONCE // max(1, len(groups))))
    others = others[evenly_spaced(len(others), most)]
    for row, end, place in zip(x, ends, chosen, strict=True):
        hidden = np.broadcast_to(row, (len(groups), len(others), len(row))).copy()
        for group, places in zip(hidden, groups.values(), strict=True):
            group[:, places] = others[:, places]
        without = _answers(run, hidden.reshape(-1, len(row)))[:, place]
        yield tuple(groups), end[place] - without.reshape(len(groups), len(others)).mean(axis=1)


def _tokens(run: TrainRun, x: Array, ends: Floats, chosen: NDArray[np.int64], others: Array | None) -> Iterator[Found]:
    if others is not None:
        raise RunError(
            "[explain] received baseline for texts; expected none: a token is left out; leave the baseline out"
        )
    vocabulary, encode = run.dataset.vocabulary, run.dataset.encode
    nothing = None if encode is None else encode([""])
    if nothing is None:
        raise RunError(
            "[explain] the data set makes no tokens of texts; expected texts whose words can be left out; take method="
            '"attention"'
        )
    padding, always = nothing[0, -1], set(nothing[0].tolist())  # such as what every text begins with
    for row, end, place in zip(x, ends, chosen, strict=True):
        places = [at for at, token in enumerate(row.tolist()) if token not in always]
        left = np.stack([np.append(np.delete(row, at), padding) for at in places]) if places else row[:0, None]
        without = _answers(run, left.astype(x.dtype))[:, place] if places else np.zeros(0)
        names = tuple(vocabulary.decode(row[at : at + 1]).strip() or "(unknown)" for at in places)  # type: ignore[union-attr]
        yield names, end[place] - without


export(globals())
