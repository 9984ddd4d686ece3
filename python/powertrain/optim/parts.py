"""The parts of an optimizer: parameters with the same settings, their flat buffers and moments."""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import powertrain as pt
from powertrain import _core
from powertrain.autodiff.row_sparse import is_sparse
from powertrain.optim.parameters import Chosen, holds_alone
from powertrain.optim.settings import OptimizerError
from powertrain.program.facts import Watched
from powertrain.program.slots import REAL, RealLayout, Segment

if TYPE_CHECKING:
    from powertrain.optim.optimizer import Optimizer


@dataclasses.dataclass
class Part(Watched):
    """Parameters with the same settings: one flat buffer of values and one of each moment.

    A table with row-sparse gradients is a part by itself, and values and moments are its own shape.
    """

    rate: float
    weight_decay: float
    places: list[int]
    values: pt.Slot
    state: dict[str, pt.Slot]
    gradient: pt.Slot | None
    # How gradients and moments lie: as the values, or, of complex ones, as their parts.
    layout: pt.Slot | RealLayout
    sparse: bool = False
    start: int = 0  # so many updates leave it as it is
    # Where several processes share the state, the numbers that this one updates, and what it makes of them.
    range: slice | None = None
    updated: pt.Slot | None = None

    def own(self, numbers: pt.Tensor) -> pt.Tensor:
        """Of one number for each parameter, those that this process updates."""
        return numbers if self.range is None else numbers[self.range]

    @property
    def complex(self) -> bool:
        return isinstance(self.layout, RealLayout)


@dataclasses.dataclass(frozen=True)
class Rows:
    """Which rows of a table an update changes: its index [k], and the row of the summed gradients for each.

    `before` is what the table held there. It is read in front of the guard, so that an index out of range changes
    nothing.
    """

    index: pt.Tensor
    place: pt.Tensor
    before: pt.Tensor


# The optimizers of a flat slot are held there, as an attribute of it, and the one that was made last.
_OWNERS, _LAST = "optimizers", "last_optimizer"


def make_parts(optimizer: Optimizer, chosen: Sequence[Chosen], weight_decay: float) -> Iterator[Part]:
    """The parameters by dtype, rate, decay and start, each part with its moments."""
    settings: dict[tuple[float, float, int, str, str], list[int]] = {}
    for place, one in enumerate(chosen):
        decay = weight_decay if one.weight_decay is None else one.weight_decay
        alone = one.path if is_sparse(one.slot) else ""
        settings.setdefault((one.rate, decay, one.start, str(one.slot.dtype), alone), []).append(place)
    for number, ((rate, decay, start, _, alone), places) in enumerate(settings.items()):
        if decay and not optimizer.DECAYS:
            kind = type(optimizer).__name__
            raise OptimizerError(
                f"[{optimizer.name}] weight_decay = {decay:g} of {optimizer.params[places[0]][0]}; expected 0 with "
                f"{kind}, whose updates have no weight decay; leave it out, or take an optimizer that has it, such as "
                "AdamW"
            )
        if start and optimizer.COUNTERS:
            raise OptimizerError(
                f"[{optimizer.name}] {type(optimizer).__name__} with parameters that begin after {start} updates; "
                "expected an optimizer that counts for each of them, such as AdamW; leave start and unfreeze_every out"
            )
        if alone:
            yield _make_sparse_part(optimizer, rate, decay, start, places[0])
            continue
        values = _flat_values(optimizer, [optimizer.params[place][1] for place in places], f"parameters.{number}")
        layout = RealLayout.of(values) if values.dtype.name in REAL else values
        state = {moment: _make_moment(optimizer, moment, layout) for moment in optimizer.MOMENTS}
        gradient = pt.flat_like(layout, f"{optimizer.name}.gradient") if optimizer.accumulate > 1 else None
        if isinstance(layout, RealLayout) and not optimizer.elementwise:
            raise OptimizerError(
                f"[{optimizer.name}] {type(optimizer).__name__} with complex parameters, "
                f"{optimizer.params[places[0]][0]} among them; expected real "
                "ones; take an elementwise optimizer, such as AdamW, for these"
            )
        yield Part(rate, decay, places, values, state, gradient, layout, start=start)


def _flat_values(optimizer: Optimizer, slots: list[pt.Slot], name: str) -> pt.Slot:
    """The flat buffer of parameters: that of an optimizer before, where it holds the same ones in the same order.

    Then both update the same memory, as when a cell of a notebook runs again. An optimizer whose buffer holds other
    ones loses its parameters to this one, and says so when it is to update them.
    """
    homes = [slot.base for slot in slots]
    first = homes[0]
    if first is not None and all(home is first for home in homes) and holds_alone(first, slots):
        flat = first
        flat.segments = [Segment(slot.name, slot.offset, slot.shape) for slot in slots]
    else:
        for other in {owner for home in homes for owner in getattr(home, _OWNERS, ())}:
            other.replaced_by = optimizer.name
        flat = pt.flatten_slots(slots, f"{optimizer.name}.{name}")
    setattr(flat, _OWNERS, weakref.WeakSet([optimizer, *getattr(flat, _OWNERS, ())]))
    setattr(flat, _LAST, weakref.ref(optimizer))
    return flat


def accumulating(slots: Sequence[pt.Slot]) -> pt.Tensor | None:
    """Whether an optimizer of these parameters holds gradients for an update to come; None if none ever does."""
    homes = {id(slot.base): slot.base for slot in slots}
    owners = (getattr(home, _LAST, None) for home in homes.values())
    between: pt.Tensor | None = None
    for optimizer in {id(one): one for one in (owner() for owner in owners if owner) if one is not None}.values():
        if optimizer.pending is not None:
            between = optimizer.pending if between is None else pt.logical_or(between, optimizer.pending)
    return between


def _make_sparse_part(optimizer: Optimizer, rate: float, decay: float, start: int, place: int) -> Part:
    path, table = optimizer.params[place]
    for received, good, fix in (
        (type(optimizer).__name__, optimizer.ROWS, "SGD without momentum, Adagrad or SparseAdam"),
        (
            f"weight_decay = {decay:g}",
            decay == 0,
            f"0, as by the group {{'match': {path!r}, 'weight_decay': 0.0}}",
        ),
        (f"accumulate = {optimizer.accumulate}", optimizer.accumulate == 1, "an update from each call"),
    ):
        if not good:
            raise OptimizerError(
                f"[{optimizer.name}] {received} with row-sparse gradients of {path}; expected {fix}; "
                "or make the layer with sparse=False"
            )
    zeros = pt.zeros(table.shape, table.dtype)
    state = {name: pt.Slot(zeros, name=f"{optimizer.name}.{name}.{path}") for name in optimizer.MOMENTS}
    for slot in state.values():
        _core.move_slot(slot, table.device)
    return Part(rate, decay, [place], table, state, None, table, sparse=True, start=start)


def _make_moment(optimizer: Optimizer, moment: str, values: pt.Slot | RealLayout) -> pt.Slot:
    name = f"{optimizer.name}.{moment}"
    shapes = [optimizer.moment_shape(moment, segment.shape) for segment in values.segments]
    if shapes == [segment.shape for segment in values.segments]:
        return pt.flat_like(values, name)
    named = zip(values.segments, shapes, strict=True)
    views = [pt.Slot(pt.zeros(shape, values.dtype), name=f"{name}.{segment.name}") for segment, shape in named]
    for view in views:
        _core.move_slot(view, values.device)
    flat = pt.flatten_slots(views, name)
    flat.views = views
    return flat


def scalar_dtype(slot: pt.Slot) -> str:
    """In what the numbers of an update of these parameters are given: float64 ones would lose half of their digits."""
    return "float64" if slot.dtype.name in ("float64", "complex128") else "float32"


def in_dtype(dtype: str, number: Any) -> Any:
    """A tensor in this dtype; a Python number stays one, since it takes the dtype of what it meets."""
    return pt.astype(number, dtype) if isinstance(number, pt.Tensor) and number.dtype.name != dtype else number
