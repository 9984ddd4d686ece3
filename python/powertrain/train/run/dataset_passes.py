"""What a strategy may do besides looping: one pass over a part, a copy to try things on, state that is no array."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain.data import DataLoader
from powertrain.data.head import known_to_end
from powertrain.train.folder.run_folder import RunError
from powertrain.train.run.step import Step, TracedBatch, demand_weight_read, names_and_arrays

if TYPE_CHECKING:
    from powertrain.train.run.sources import TrainSource
    from powertrain.train.run.train_run import TrainRun


class Fold:
    """Sums what a traced function gives for each batch, over one pass through a part in its order."""

    def __init__(self, function: Callable[..., Any], backend: Any = None) -> None:
        self._names: tuple[str, ...] = ()
        self._weighted = False

        def traced(*tensors: Any) -> Any:
            batch = TracedBatch(self._names, tensors)
            made = function(Step(), batch)
            if self._weighted:
                demand_weight_read(function, batch)
            return made if isinstance(made, tuple) else (made,)

        self.compiled = pt.compile(traced, backend=backend)

    def __call__(self, source: TrainSource) -> tuple[NDArray[np.float64], ...]:
        """The sums, in float64 and in the order of the batches, so that they do not depend on workers or threads."""
        if source.streams and not known_to_end(source.loader.dataset):
            raise RunError(
                "[run.fold] received a stream without a length; expected examples that end, "
                "since the sums are over all of them; define __len__, or learn from batches, by run.loop"
            )
        sums: list[NDArray[np.float64]] = []
        for batch in DataLoader(source.loader.dataset, source.batch_size, pad_last=True):
            self._names, arrays = names_and_arrays(batch)
            self._weighted = batch.has_weights
            parts = [tensor.numpy().astype(np.float64) for tensor in self.compiled(*arrays)]
            sums = parts if not sums else [total + part for total, part in zip(sums, parts, strict=True)]
        return tuple(sums)


@contextlib.contextmanager
def fork(run: TrainRun, roles: tuple[str, ...]) -> Iterator[TrainRun]:
    """Inside the block the slots of some roles, and of their optimizers, may change; afterwards they are as before."""
    table = run.table
    slots = [slot for role in roles for _, slot in table.modules[role].named_slots()]
    slots += [slot for role in roles if role in table.optimizers for _, slot in table.optimizers[role].named_slots()]
    before = [np.array(slot.numpy()) for slot in slots]
    try:
        yield run
    finally:
        for slot, value in zip(slots, before, strict=True):
            slot.value = pt.tensor(value)


class Blob:
    """State that is no array, such as a booster: its own `dump` makes the bytes that a checkpoint holds."""

    def __init__(self, make: Callable[[], Any], dump: Callable[[Any], bytes], load: Callable[[bytes], Any]) -> None:
        self.value = make()
        self._dump, self._load = dump, load

    def array(self) -> NDArray[np.uint8]:
        return np.frombuffer(self._dump(self.value), dtype=np.uint8)

    def misfit(self, saved: NDArray[Any]) -> str:
        return "" if saved.dtype == np.uint8 and saved.ndim == 1 else "holds no bytes in the checkpoint"

    def restore(self, array: NDArray[Any]) -> None:
        self.value = self._load(array.tobytes())
