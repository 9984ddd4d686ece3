"""Flat state: thousands of parameters as one buffer to the optimizer, and a tensor each to the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from powertrain import _core
from powertrain._core import NonFiniteError, Slot, Tensor, end_phase

if TYPE_CHECKING:
    from powertrain.typing import DTypeLike

__all__ = ["Segment", "end_phase", "flat_like", "flatten_slots", "guard", "pack"]

_PACK: Callable[..., Tensor] = _core.op_function("pack")
_GUARD: Callable[..., Tensor] = _core.op_function("guard")


class SkippedError(NonFiniteError):
    """A guard with `skip` that found a number which is not finite, outside of a compiled step."""


# The dtype of the parts of complex numbers.
REAL = {"complex64": "float32", "complex128": "float64"}


@dataclass(frozen=True)
class Segment:
    """Where one tensor lies in a flat slot. Units: offset in elements."""

    name: str
    offset: int
    shape: tuple[int, ...]


@dataclass(frozen=True)
class RealLayout:
    """How a flat slot of complex numbers lies as real ones: each is two neighbours, its parts."""

    shape: tuple[int, ...]
    dtype: str
    segments: list[Segment]
    device: str

    @classmethod
    def of(cls, flat: Slot) -> RealLayout:
        segments = [Segment(s.name, 2 * s.offset, (*s.shape, 2)) for s in flat.segments]
        return cls((2 * flat.shape[0],), REAL[flat.dtype.name], segments, _core.device_of(flat))


def flatten_slots(slots: Sequence[Slot], name: str) -> Slot:
    """Move the slots' values into one flat buffer, of which they become views; `flat.segments` lists the pieces.

    Shapes    any -> [N], each piece padded to 64 bytes with zeros
    Errors    no slots; slots of two dtypes; a slot that already lies in a flat one
    Example
        >>> slots = [pt.Slot(np.ones(n, np.float32), f's{n}') for n in (2, 3)]
        >>> flat = pt.flatten_slots(slots, 'flat')
        >>> len(flat.segments)
        2
    """
    flat = _core.flatten_slots(list(slots), name)
    flat.segments = [Segment(slot.name, slot.offset, slot.shape) for slot in slots]
    return flat


def flat_like(flat: Slot | RealLayout, name: str, dtype: DTypeLike | None = None) -> Slot:
    """Zeros laid out and placed as `flat` is, such as a moment; `like.views` has a named slot for each segment.

    Shapes    [N] -> [N]
    Example
        >>> slots = [pt.Slot(np.ones(n, np.float32), f's{n}') for n in (2, 3)]
        >>> flat = pt.flatten_slots(slots, 'flat')
        >>> pt.flat_like(flat, 'moment').shape == flat.shape
        True
    """
    like = Slot(_core.tensor(_core.full(flat.shape, 0.0, dtype or flat.dtype)), name)
    _core.move_slot(like, flat.device)
    like.segments = flat.segments
    like.views = [_core.slot_view(like, s.offset, list(s.shape), f"{name}.{s.name}") for s in flat.segments]
    return like


def pack(tensors: Sequence[Tensor], flat: Slot | RealLayout) -> Tensor:
    """Lay tensors out as the flat slot does. In a compiled step they are written there in the first place.

    Shapes    one tensor per segment, of its shape -> [N]
    Example
        >>> slots = [pt.Slot(np.ones(n, np.float32), f's{n}') for n in (2, 3)]
        >>> flat = pt.flatten_slots(slots, 'flat')
        >>> pt.pack([pt.ones((2,)), pt.ones((3,))], flat).shape == flat.shape
        True
    """
    return _PACK(list(tensors), [segment.offset for segment in flat.segments], flat.shape[0])


def guard(tensor: Tensor, skip: bool = False) -> Tensor:
    """The same tensor, checked: if a value is not finite, nothing that was written in this phase happens.

    A phase is the part of a step up to the end of an optimizer's `update`: it is committed whole or not at all. With
    `skip` a compiled step leaves the phase out and goes on with the next one; a call outside of one raises.

    Errors    NonFiniteError, naming the op that made the first value that is not finite
    Example
        >>> pt.guard(pt.ones((2,))).tolist()
        [1.0, 1.0]
    """
    try:
        return _GUARD(tensor, skip)
    except NonFiniteError as error:
        raise (SkippedError(*error.args) if skip else error) from None
