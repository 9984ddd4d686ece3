"""The state of an optimizer divided among processes: each holds the moments of a range of the parameters, and updates
these. The others get the new parameters from it. An update treats each number by itself, so no bit depends on it.

The first stage of ZeRO (Rajbhandari et al. 2020, ZeRO: Memory Optimizations Toward Training Trillion Parameter Models).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain import _core
from powertrain.optim.settings import OptimizerError

if TYPE_CHECKING:
    from powertrain.optim.optimizer import Optimizer
    from powertrain.optim.parts import Part
    from powertrain.plugin.transport import Transport

# Fills arrays, of which each process holds its part, with those of the others.
Gather = Callable[[Sequence[NDArray[Any]]], None]


def demand_divisible(optimizer: Optimizer) -> None:
    """Refuse an optimizer whose updates look at more than one number at a time."""
    from powertrain.optim.optimizer import Optimizer as Frame

    for received, good in (
        (type(optimizer).__name__, optimizer.elementwise and type(optimizer).update_part is Frame.update_part),
        ("complex parameters", not any(part.complex for part in optimizer.parts)),
        ("row-sparse gradients", not any(part.sparse for part in optimizer.parts)),
    ):
        if not good:
            raise OptimizerError(
                f"[{optimizer.name}] {received} with run.zero; expected an optimizer that treats each number by "
                "itself, such as AdamW, and dense, real parameters; leave run.zero out"
            )


def divide(optimizer: Optimizer, own: Callable[[int], slice]) -> None:
    """Keep the moments of a range of each flat buffer alone, which `own` says by its length; before the first update of
    this process."""
    for number, part in enumerate(optimizer.parts):
        part.range = own(part.values.shape[0])
        part.updated = _piece(part, part.values, f"{optimizer.name}.{number}.updated")
        part.state = {
            moment: _piece(part, slot, f"{optimizer.name}.{number}.{moment}") for moment, slot in part.state.items()
        }


def _piece(part: Part, whole: pt.Slot, name: str) -> pt.Slot:
    piece = pt.Slot(pt.tensor(whole.value.numpy()[part.range].copy()), name=name)
    _core.move_slot(piece, whole.device)
    return piece


class Sharing:
    """Gives all processes the parameters that each has updated, in the memory in which their transport exchanges them;
    called after each update."""

    def __init__(self, optimizer: Optimizer, transport: Transport) -> None:
        self._transport = transport
        self._divided = [(part, part.updated) for part in optimizer.parts if part.updated is not None]
        self._take: Callable[..., None] = pt.compile(self._trace)

    def _trace(self, *given: pt.Tensor) -> None:
        for (part, _), whole in zip(self._divided, given, strict=True):
            part.values.value = whole

    def __call__(self) -> None:
        if not self._divided:
            return
        pieces = [updated.value.numpy() for _, updated in self._divided]
        sizes = [(part.values.shape[0], one.dtype) for (part, _), one in zip(self._divided, pieces, strict=True)]
        given = self._transport.lend(sizes)
        for (part, _), whole, piece in zip(self._divided, given, pieces, strict=True):
            whole[part.range] = piece
        self._transport.all_gather(given)
        self._take(*given)


def gathered(optimizer: Optimizer, gather: Gather) -> dict[str, NDArray[Any]]:
    """All moments by the names that they have where nothing is divided."""
    found = {}
    for part in optimizer.parts:
        for moment, slot in part.state.items() if part.updated is not None else ():
            whole = _whole(part, slot, gather)
            for one in part.values.segments:
                piece = whole[one.offset : one.offset + int(np.prod(one.shape, dtype=np.int64))]
                found[f"{optimizer.name}.{moment}.{one.name}"] = piece.reshape(one.shape)
    return found


def _whole(part: Part, piece: pt.Slot, gather: Gather) -> NDArray[Any]:
    values = piece.value.numpy()
    whole = np.empty(part.values.shape[0], values.dtype)
    whole[part.range] = values
    gather([whole])
    return whole
