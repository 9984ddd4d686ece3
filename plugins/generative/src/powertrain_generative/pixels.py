"""Examples as numbers from 0 to 1, such as the pixels of pictures: their checks, their levels, their pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.data import spaced_examples
from powertrain.plugin import Run, Section, as_rows, pictures_section, points_section
from powertrain_generative.errors import GenerativeError

CHECKED = 4096  # examples whose numbers are looked at, evenly spaced
SHOWN = 10  # examples of a page, side by side


def some_rows(source: Any, most: int = CHECKED) -> NDArray[np.float32]:
    """Evenly spaced examples as rows of numbers."""
    x = np.asarray(spaced_examples(source, most)["x"], np.float32)
    return x.reshape(len(x), -1)


def demand_unit(where: str, run: Run) -> None:
    """Refuse examples that are not numbers from 0 to 1, before anything is trained."""
    given = run.dataset.inputs()
    if run.dataset.task == "language" or given.vocabulary is not None:
        raise GenerativeError(
            f"[{where}] {run.dataset.name} has tokens; expected numbers from 0 to 1, such as pixels; use next_token"
        )
    rows = some_rows(run.dataset.train)
    low, high = float(rows.min()), float(rows.max())
    if low < 0 or high > 1:
        by = f"{1 / high:.6g}" if low >= 0 else "..."
        raise GenerativeError(
            f"[{where}] examples of numbers from {low:g} to {high:g}; expected 0 to 1; scale them: "
            f'features = [{{ use = "scale", by = {by} }}]'
        )


def levelled(x: Any, levels: int) -> Any:
    """Rows of numbers from 0 to 1, each moved to the nearest of so many levels."""
    x = as_rows(x)
    return pt.astype(x > 0.5, "float32") if levels == 2 else pt.floor(x * (levels - 1) + 0.5) / (levels - 1)


def nats_of_levels(wanted: Any, said: Any, levels: int) -> Any:
    """-log p of each row of levels. Of two, `said` has a logit for each number; of more, the middle and the log width
    of a logistic distribution, of which each level has the mass around it (Salimans et al. 2017)."""
    if levels == 2:
        return pt.sum(F.binary_cross_entropy_with_logits(said, wanted, reduction="none"), axis=1)
    size, half = wanted.shape[1], 0.5 / (levels - 1)
    middle, width = 0.5 + said[:, :size], pt.exp(pt.maximum(said[:, size:] - 2.0, -7.0))
    above, below = (wanted + half - middle) / width, (wanted - half - middle) / width
    # sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b) (1 - e^(b - a)), of which no factor loses its digits.
    inside = -F.softplus(-above) - F.softplus(below) + pt.log(-pt.expm1(-2 * half / width))
    log_p = pt.where(wanted < half, -F.softplus(-above), pt.where(wanted > 1 - half, -F.softplus(below), inside))
    return -pt.sum(log_p, axis=1)


def middles(said: Any, levels: int) -> Any:
    """What the outputs of a model show as numbers from 0 to 1."""
    return pt.sigmoid(said) if levels == 2 else pt.clip(0.5 + said[:, : said.shape[1] // 2], 0, 1)


def independent_bits(levels: int, train: NDArray[Any], held: NDArray[Any]) -> float:
    """Bits for each number where each is drawn by itself, as often at each level as in training."""
    kinds = np.arange(levels)[:, None]
    counted = np.rint(train * (levels - 1)).astype(np.int64)
    share = np.stack([(counted == kind).sum(axis=0) for kind in kinds[:, 0]]) + 1.0
    share /= share.sum(axis=0)
    asked = np.rint(held * (levels - 1)).astype(np.int64)
    return float(-np.log2(np.take_along_axis(share, asked, axis=0)).mean())


def is_picture(shape: Sequence[int]) -> bool:
    return len(shape) == 2 or (len(shape) == 3 and shape[-1] in (1, 3))


def held_out(run: Run, count: int = SHOWN) -> NDArray[np.float32]:
    """Evenly spaced examples of the part that the run is judged by, as the model reads them."""
    return some_rows(run.dataset.splits[run.dataset.judged_part], count).reshape(-1, *run.dataset.inputs().shape)


def rebuilt_section(run: Run, rebuild: Callable[[NDArray[Any]], NDArray[Any]]) -> list[Section]:
    """Held-out examples above what came back, where they are pictures."""
    shape = run.dataset.inputs().shape
    if not is_picture(shape):
        return []
    x = held_out(run)
    both = np.concatenate([x, rebuild(x).reshape(x.shape)])
    return [pictures_section("Reconstructions", both, columns=len(x), rows=("held out", "came back"))]


def codes_section(run: Run, encode: Callable[[NDArray[Any]], NDArray[Any]]) -> list[Section]:
    """The places of held-out examples in a code of two numbers, coloured by class."""
    fields = spaced_examples(run.dataset.splits[run.dataset.judged_part], 2000)
    codes = encode(np.asarray(fields["x"], np.float32))
    labels = run.dataset.labels if run.dataset.task == "classification" else ()
    lines = ("Each point is a held-out example.",)
    axes = ("first number of the code", "second number")
    kinds = np.asarray(fields["y"]) if labels else None
    return [points_section("The code", codes, kinds, labels, axes=axes, lines=lines)]
