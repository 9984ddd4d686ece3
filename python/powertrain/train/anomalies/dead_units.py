"""Units that are zero for every example of an evaluation: their gradients are zero too, so that they stay dead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain import _core
from powertrain.data import DataLoader, Subset
from powertrain.data.source import evenly_spaced
from powertrain.nn.hooks import Hook, attached
from powertrain.train.evaluate.evaluation import evaluating
from powertrain.train.run.step import Step, TracedBatch, names_and_arrays

if TYPE_CHECKING:
    from powertrain.train.run.train_run import TrainRun

# What is zero, with a slope of zero, over half of its inputs.
RECTIFIERS = (pt.nn.ReLU, pt.nn.ReLU6)


class DeadUnits:
    """Counts the dead units of each rectifier of a run's models. A unit is a neuron, or a channel of pictures: the last
    axis of what the module gives. What is called inside of pt.checkpoint, pt.vmap, a loop or a branch is not counted:
    such a part has a trace of its own, whose values do not leave it."""

    def __init__(self, run: TrainRun) -> None:
        self._run = run
        self._names: tuple[str, ...] = ()
        self._layers: list[str] = []  # in the order in which they are called
        self._alive: list[pt.Tensor] = []
        self._weight: Any = None
        self._trace = 0  # the number of the trace of the whole step
        self._hooks = list(self._rectifiers())
        self._program = pt.compile(self._traced)

    def _rectifiers(self) -> Iterator[tuple[Any, Hook]]:
        for role, module in self._run.table.modules.items():
            for path, inner in module.named_modules():
                if isinstance(inner, RECTIFIERS):
                    yield inner, Hook.after(self._seen(f"{role}.{path}"))

    def _seen(self, path: str) -> Any:
        def see(module: Any, args: Any, output: pt.Tensor) -> None:
            if _core.trace_id() != self._trace:
                return
            alive = pt.not_equal(output, 0)
            if output.shape[0] == self._weight.shape[0]:  # a row for each example: padding counts for nothing
                real = pt.reshape(self._weight, (-1, *[1] * (len(output.shape) - 1)))
                alive = pt.logical_and(alive, pt.greater(real, 0))
            calls = sum(layer.partition(" (call ")[0] == path for layer in self._layers)
            self._layers.append(f"{path} (call {calls + 1})" if calls else path)
            self._alive.append(pt.any(alive, axis=tuple(range(len(output.shape) - 1))))

        return see

    def _traced(self, *tensors: Any) -> list[pt.Tensor]:
        self._layers, self._alive, self._trace = [], [], _core.trace_id()
        batch = TracedBatch(self._names, tensors)
        self._weight = batch.weight
        self._run.strategy.predict(Step(), batch)
        return self._alive

    def count(self, part: str, most: int) -> dict[str, tuple[int, int]]:
        """Of each layer the dead units and all of them, over a part or `most` evenly spaced examples of it."""
        source = self._run.dataset.splits[part]
        if len(source) > most:
            source = Subset(source, evenly_spaced(len(source), most))
        alive: list[NDArray[np.bool_]] = []
        with evaluating(self._run.table.modules), attached(self._hooks):
            for batch in DataLoader(source, self._run.evaluations.batch, pad_last=True):
                self._names, arrays = names_and_arrays(batch)
                found = [tensor.numpy() for tensor in self._program(*arrays)]
                alive = [one | other for one, other in zip(alive, found, strict=True)] if alive else found
        return {path: (int((~units).sum()), units.size) for path, units in zip(self._layers, alive, strict=True)}
