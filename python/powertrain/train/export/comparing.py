"""The comparison of what was exported with the engine: on which inputs, and how near is near enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powertrain._core import Error
from powertrain.data.transforms import untransformed
from powertrain.plugin.exporter import ExportError, Runner
from powertrain.plugin.importing import in_words
from powertrain.train.evaluate.predict import example_of, outputs

if TYPE_CHECKING:
    from powertrain.train.run.train_run import TrainRun

DRAWN = 64  # inputs, where the data is gone
PIECE = 256  # inputs that are compared at once
K = 8  # roundings of a sum, in any order
EPS = 2.0**-23  # of float32, in which models compute


@dataclass(frozen=True)
class CheckSet:
    """Inputs as the data set has them before its transforms, and what they are in words."""

    x: NDArray[Any]
    words: str


@dataclass(frozen=True)
class Difference:
    """The largest distance between two answers, and how much rounding explains."""

    examples: int
    largest: float
    allowed: float


def check_set(run: TrainRun, with_data: Callable[[], TrainRun]) -> CheckSet:
    """The test part of a run's data, or the last part that there is; drawn inputs where the data is gone."""
    try:
        dataset = with_data().dataset
        part = next(part for part in ("test", "valid", "train") if part in dataset.splits)
        source = untransformed(dataset.splits[part])
        count = len(source)
        # Windows of a text overlap: so many of them as an evaluation looks at say as much as all.
        most = run.recipe.evaluate.most if dataset.kind.tokens else count
        rows = np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64))
        return CheckSet(source.fetch(rows)["x"], f"{len(rows):,} examples of {part}")
    except Exception as error:  # of whatever kind: a plugin looks for files that may be gone
        why = str(error).splitlines()[0] if isinstance(error, Error) else in_words(error)
        return CheckSet(drawn(run), f"{DRAWN} drawn inputs, since its data cannot be opened: {why}")


def drawn(run: TrainRun) -> NDArray[Any]:
    """Random inputs of the form that the run keeps of its data, the same each time."""
    if "train" not in run.dataset.splits:
        raise ExportError(
            f"[export] {run.recipe.name} plays in an environment, whose observations are not kept; expected a run that "
            "was trained on examples; export one of these"
        )
    form = example_of(run)
    draw, shape = np.random.Generator(np.random.Philox(key=1)), (DRAWN, *form.shape)
    if form.dtype.kind == "f":
        return np.asarray(draw.normal(size=shape), dtype=form.dtype)
    given = run.dataset.inputs()
    words = given.outputs if run.dataset.kind.tokens else 256 if form.dtype == np.uint8 else 2
    return np.asarray(draw.integers(0, given.vocabulary or words, shape), dtype=form.dtype)


def compare(run: TrainRun, check: CheckSet, runner: Runner, exporter: str) -> Difference:
    """How far what was written is from the engine's; an ExportError where rounding does not explain it.

    The rule is err <= k eps size, with k = 8 for each layer that has weights. The size is that of the largest output,
    and of what the outputs move by where each input moves by one rounding, in units of that rounding.
    """
    want = outputs(run, check.x)
    got = np.concatenate([_answers(runner, piece, exporter) for piece in pieces(check.x)])
    if got.shape != want.shape:
        raise ExportError(
            f"[export {exporter}] what was written gives {list(got.shape)} for {check.words}; expected "
            f"{list(want.shape)}, as the engine gives; it was removed again; please report it"
        )
    layers = len({id(owner) for one in run.table.modules.values() for _, owner, _, _ in one.every_path()})
    moved = np.abs(outputs(run, _nudged(check.x)) - want).max(initial=0.0)
    allowed = K * max(layers, 1) * (EPS * np.abs(want).max(initial=0.0) + moved)
    away = np.abs(got.astype(np.float64) - want)
    if not (away <= allowed).all():  # NaN is not near
        row = int(np.argmax(np.where(np.isfinite(away), away, np.inf).reshape(len(away), -1).max(axis=1)))
        raise ExportError(
            f"[export {exporter}] what was written differs by {away[row].max():.3g} in row {row} of {check.words}; "
            f"expected at most {allowed:.3g}, which rounding explains; it was removed again; please report it"
        )
    return Difference(len(want), float(away.max(initial=0.0)), float(allowed))


def pieces(x: NDArray[Any]) -> list[NDArray[Any]]:
    return [x[start : start + PIECE] for start in range(0, len(x), PIECE)]


def _answers(runner: Runner, x: NDArray[Any], exporter: str) -> NDArray[Any]:
    """The answers as an array, whatever the runner's code raises."""
    try:
        return np.asarray(runner(x))
    except Error:
        raise
    except Exception as error:
        raise ExportError(
            f"[export {exporter}] what was written cannot be run: {in_words(error)}; expected outputs for "
            f"{x.dtype}{list(x.shape)}; it was removed again; please report it"
        ) from error


def _nudged(x: NDArray[Any]) -> NDArray[Any]:
    """Each number moved by one rounding of float32, up or down; whole numbers stay."""
    if x.dtype.kind != "f":
        return x
    signs = np.random.Generator(np.random.Philox(key=2)).choice(np.array([-1.0, 1.0]), x.shape)
    return (x * (1 + EPS * signs)).astype(x.dtype)
