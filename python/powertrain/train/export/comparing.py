"""The comparison of what was exported with the engine: on which inputs, and how near is near enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powertrain._core import Error
from powertrain.data.source import evenly_spaced
from powertrain.data.transforms import untransformed
from powertrain.plugin.exporter import ExportError, Runner
from powertrain.plugin.importing import in_words
from powertrain.train.evaluate.predict import example_of, model_outputs, transformed
from powertrain.train.folder.sample import read_sample

if TYPE_CHECKING:
    from powertrain.data.targets import TargetScale
    from powertrain.train.run.train_run import TrainRun

DRAWN = 64  # inputs, where the data is gone
PIECE = 256  # inputs that are compared at once
K = 8  # roundings of a sum, in any order
EPS = 2.0**-23  # of float32, in which models compute
USUAL = 0.9  # the share of examples that says how far outputs usually move


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
    """The test part of a run's data, or the last part that there is. Where the data is gone, the examples that the run
    kept, or drawn inputs."""
    if run.dataset.kind.plays:
        return CheckSet(drawn(run), f"{DRAWN} drawn inputs, since a run in an environment keeps no observations")
    try:
        opened = with_data()
        dataset, part = opened.dataset, opened.dataset.judged_part
        source = untransformed(dataset.splits[part])
        count = len(source)
        # Windows of a text overlap: so many of them as an evaluation looks at say as much as all.
        most = run.recipe.evaluate.most if dataset.kind.tokens else count
        rows = evenly_spaced(count, most)
        return CheckSet(source.fetch(rows)["x"], f"{len(rows):,} examples of {part}")
    except Exception as error:  # of whatever kind: a plugin looks for files that may be gone
        why = str(error).splitlines()[0] if isinstance(error, Error) else in_words(error)
    kept = read_sample(run)
    if kept is not None:
        return CheckSet(kept, f"{len(kept)} examples that the run kept, since its data cannot be opened: {why}")
    return CheckSet(drawn(run), f"{DRAWN} drawn inputs, since its data cannot be opened: {why}")


def tried(run: TrainRun) -> NDArray[Any]:
    """Some inputs that an exporter may try: those that the run kept, or drawn ones."""
    kept = None if run.dataset.kind.plays else read_sample(run)
    return drawn(run) if kept is None else kept


def drawn(run: TrainRun) -> NDArray[Any]:
    """Random inputs of the form that the run keeps of its data, the same each time."""
    form = example_of(run)
    draw, shape = np.random.Generator(np.random.Philox(key=1)), (DRAWN, *form.shape)
    if form.dtype.kind == "f":
        return np.asarray(draw.normal(size=shape), dtype=form.dtype)
    given = run.dataset.inputs()
    words = given.outputs if run.dataset.kind.tokens else 256 if form.dtype == np.uint8 else 2
    return np.asarray(draw.integers(0, given.vocabulary or words, shape), dtype=form.dtype)


def compare(run: TrainRun, check: CheckSet, runner: Runner, exporter: str) -> Difference:
    """How far what was written is from the engine's; an ExportError where rounding does not explain it.

    Compared are the numbers that the model gives, before a scale of the targets: behind an exponential one example may
    be larger than all others together. The rule is err <= n eps size + moved, with n = 8 roundings for each layer that
    has weights. `size` is that of the largest output. `moved` is how far an example's outputs go where each number that
    the model gets is moved by n roundings; or as far as those of nine examples in ten go, if that is more. So where an
    output jumps at a threshold, only the examples beside it may jump.
    """
    seen = transformed(run, check.x)
    want, target = model_outputs(run, seen), run.dataset.target
    if not np.isfinite(want).all():
        raise ExportError(
            f"[export {exporter}] the model's own answers to {check.words} are not all finite; expected numbers to "
            "compare with; train it again with a lower learning rate, or from an earlier checkpoint"
        )
    scaled = want if target is None else target.original(want)
    got = np.concatenate([_answers(runner, piece, exporter) for piece in pieces(check.x)])
    if got.shape != scaled.shape:
        raise ExportError(
            f"[export {exporter}] what was written gives {list(got.shape)} for {check.words}; expected "
            f"{list(scaled.shape)}, as the engine gives; it was removed; please report this"
        )
    away = _away(got, scaled, want, target)
    n = K * max(len({id(owner) for one in run.table.modules.values() for _, owner, _, _ in one.every_path()}), 1)
    allowed = n * EPS * np.abs(want).max(initial=0.0) + _moved(run, check.x, want, n)
    beyond = ~(away <= allowed[:, None])  # NaN is not near
    if beyond.any():
        row = int(np.flatnonzero(beyond.any(axis=1))[0])
        raise ExportError(
            f"[export {exporter}] what was written differs by {away[row].max():.3g} in row {row} of {check.words}; "
            f"expected at most {allowed[row]:.3g}, which rounding explains; it was removed; please report this"
        )
    largest = away.max(axis=1, initial=0.0)
    row = int(largest.argmax())
    return Difference(len(want), float(largest[row]), float(allowed[row]))


def _away(got: NDArray[Any], scaled: NDArray[Any], want: NDArray[Any], target: TargetScale | None) -> NDArray[Any]:
    """The distance of each answer from the model's output [examples, outputs]; an answer that float32 rounds is not
    away, and an infinite one is where the engine's is not the same."""
    flat, right, model = (one.reshape(len(want), -1).astype(np.float64) for one in (got, scaled, want))
    with np.errstate(invalid="ignore", divide="ignore"):
        back = flat if target is None else target.learned(got).reshape(flat.shape)
        away = np.abs(back - model)
        same = (flat == right) | (np.isfinite(right) & (np.abs(flat - right) <= EPS * np.abs(right)))
    return np.where(same, 0.0, away)


def _moved(run: TrainRun, x: NDArray[Any], want: NDArray[Any], roundings: int) -> NDArray[np.float64]:
    """How far the outputs of each example go by roundings of what the model gets, in front of its transforms too."""
    moved = np.zeros(len(want))
    for key in (2, 3):  # one draw may miss what a number does
        nudged = _nudged(transformed(run, _nudged(x, roundings, key)), roundings, key + 2)
        if nudged.dtype.kind != "f":  # tokens, which nothing moves
            return moved
        away = np.abs(model_outputs(run, nudged).astype(np.float64) - want).reshape(len(want), -1)
        moved = np.maximum(moved, away.max(axis=1, initial=0.0))
    return np.maximum(moved, np.quantile(moved, USUAL))


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
            f"{x.dtype}{list(x.shape)}; it was removed; please report this"
        ) from error


def _nudged(x: NDArray[Any], roundings: int, key: int) -> NDArray[Any]:
    """Each number moved by so many roundings of float32, up or down; whole numbers stay."""
    if x.dtype.kind != "f":
        return x
    signs = np.random.Generator(np.random.Philox(key=key)).choice(np.array([-1.0, 1.0]), x.shape)
    return (x * (1 + roundings * EPS * signs)).astype(x.dtype)
