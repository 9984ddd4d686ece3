"""Whether a model's outputs, the loss of each example and the targets fit each other: by their shapes alone, so that it
is said before anything is trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain.data import DataLoader, Subset
from powertrain.nn import modes
from powertrain.plugin.blame import written_in
from powertrain.train.run.step import Step, TracedBatch, names_and_arrays

if TYPE_CHECKING:
    from powertrain.data import DataModule
    from powertrain.plugin.learning import Strategy
    from powertrain.train.run.train_run import TrainRun

NEAR_1 = 1e-2  # of bfloat16 too


def demand_scores(dataset: DataModule, output: Sequence[int], target: Sequence[int]) -> None:
    """A score for each class: with fewer some are never the answer, and others are no class of the data. One score for
    two classes would be answered with the first class always."""
    if not dataset.kind.classes or len(output) != len(target) + 1:
        return
    scores, classes = output[-1], dataset.outputs
    if scores == classes:
        return
    fix = f"end it with pt.nn.Linear(..., {classes})"
    if scores > classes:
        fix += f", or give data of {scores} classes, as pt.data.DataModule(..., outputs={scores})"
    # Of open classes a wrong key counts as one more.
    by = ", by the labels and class_weight" if dataset.open_classes and dataset.class_weight is not None else ""
    raise pt.ShapeError(
        f"[model] gives {list(output[1:])} for each example of {classes} classes{by}; expected a score for each class; "
        f"{fix}"
    )


def demand_returned(given: Any, function: Callable[..., Any], expected: str) -> None:
    """Refuse None, which a function gives that forgets its `return`."""
    if given is None:
        raise pt.DTypeError(f"[{written_in(function)}] gives None; expected {expected}; end it with return")


def answering(strategy: Strategy, modules: Mapping[str, Any]) -> Callable[..., Any]:
    """What gives the outputs: `predict` of a strategy of one's own, else `forward` of the first model."""
    predict = strategy.predict
    model = next(iter(modules.values()), None) if predict.__module__.startswith("powertrain.") else None
    return getattr(model, "forward", predict)


def output_of(given: Any) -> pt.Tensor:
    """What a model gives for a batch, as one tensor."""
    if isinstance(given, (tuple, Mapping)):
        raise pt.DTypeError(
            f"[model] gives a {type(given).__name__} of {len(given)}; expected one tensor for a batch; join them by "
            "pt.concat(outputs, axis=-1), and take them apart in the loss; or train it in a loop of your own, as "
            "docs/guides/training-loop.md shows"
        )
    return pt.asarray(given)


def scored_classes(run: TrainRun, size: int) -> int:
    """How many classes a run's model has scores for, by the shape of what it gives for a batch of this size."""
    rows = np.arange(min(len(run.dataset.train), size), dtype=np.int64)
    names, arrays = names_and_arrays(next(iter(DataLoader(Subset(run.dataset.train, rows), size, pad_last=True))))
    shapes: list[tuple[int, ...]] = []

    def look(*tensors: Any) -> Any:
        output = output_of(run.strategy.predict(Step(), TracedBatch(names, tensors)))
        shapes.append(output.shape)
        return output

    with modes.evaluating(*run.table.modules.values()):
        pt.compile(look, backend=run.backend).plan(*arrays)
    return shapes[-1][-1] if len(shapes[-1]) == 2 else 0


def demand_logits(outputs: NDArray[Any]) -> None:
    """Logits, of which the loss takes the softmax: it would flatten shares, and hardly anything be learned."""
    if outputs.ndim != 2 or outputs.shape[1] < 2 or not len(outputs) or outputs.dtype.kind != "f":
        return
    wide = outputs.astype(np.float64)
    if wide.min() >= 0 and (np.abs(wide.sum(axis=1) - 1) <= NEAR_1).all():
        raise pt.DTypeError(
            "[model] gives probabilities, each row from 0 to 1 and 1 in sum; expected logits, or LogSoftmax of them, "
            "for this loss; leave Softmax out at the end of the model: run.predict(x).probabilities has them"
        )


def demand_losses(losses: Sequence[int], output: Sequence[int], target: Sequence[int]) -> None:
    """No loss of every output with every target, as of outputs [n, 1] and targets [n] that are subtracted."""
    pairs = (target[0],) * 2
    if tuple(losses[:2]) == pairs and pairs not in (tuple(output[:2]), tuple(target[:2])):
        raise pt.ShapeError(
            f"[loss] gives {list(losses)} for outputs {list(output)} and targets {list(target)}, each output with each "
            "target; expected one value per example; bring them to one shape, as output[:, 0]"
        )


def drawn(shape: Sequence[int], dtype: type[np.generic]) -> NDArray[Any]:
    """Numbers that outputs of any kind may be: of several in a row shares that add up to 1, from 0 to 1 else."""
    made = np.random.default_rng(0).random(tuple(shape)) + 1e-3
    if len(shape) > 1 and shape[-1] > 1:
        made /= made.sum(axis=-1, keepdims=True)
    return made.astype(dtype)
