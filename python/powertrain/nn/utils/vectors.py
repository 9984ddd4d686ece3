"""Parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import powertrain as pt

if TYPE_CHECKING:
    from powertrain.typing import TensorLike


def parameters_to_vector(parameters: Iterable[TensorLike]) -> pt.Tensor:
    """All numbers of the parameters, one after the other.

    Shapes    parameters of any shapes -> [the sum of their sizes]
    Errors    no parameters
    Source    PyTorch, nn.utils.parameters_to_vector; our layout of weights (docs/from-pytorch.md)
    Example
        >>> import powertrain as pt
        >>> pt.nn.utils.parameters_to_vector(pt.nn.Linear(2, 3).parameters()).shape
        (9,)
    """
    parts = [pt.reshape(one, (-1,)) for one in parameters]
    if not parts:
        raise pt.ShapeError("[parameters_to_vector] received no parameters; expected some; pass model.parameters()")
    return pt.concat(parts, axis=0)


def vector_to_parameters(vec: TensorLike, parameters: Iterable[pt.Slot]) -> None:
    """Set parameters to the parts of a vector, in the order of parameters_to_vector.

    Errors    a vector of another size, or parameters that are no slots; before any of them changes
    Source    PyTorch, nn.utils.vector_to_parameters
    Example
        >>> import powertrain as pt
        >>> layer = pt.nn.Linear(2, 3)
        >>> pt.nn.utils.vector_to_parameters(pt.zeros(9), layer.parameters())
        >>> layer.weight.numpy().any()
        np.False_
    """
    vec, slots = pt.asarray(vec), list(parameters)
    wrong = [type(one).__name__ for one in slots if not isinstance(one, pt.Slot)]
    if wrong:
        raise pt.DTypeError(
            f"[vector_to_parameters] received {wrong[0]} among parameters; expected slots; pass model.parameters()"
        )
    sizes = [slot.size for slot in slots]
    if vec.shape != (sum(sizes),):
        raise pt.ShapeError(
            f"[vector_to_parameters] vec is {list(vec.shape)}; expected [{sum(sizes)}], a number for each of the "
            "parameters; pass what parameters_to_vector gave"
        )
    begin = 0
    for slot, size in zip(slots, sizes, strict=True):
        slot.value = pt.astype(pt.reshape(vec[begin : begin + size], slot.shape), slot.dtype)
        begin += size
