"""The types of modules of max pooling: with `return_indices` a call gives the places of the maxima too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Literal, overload

from powertrain.nn.module import Module

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    from powertrain import Tensor
    from powertrain.typing import TensorLike

    # Whether places are given: what the argument is known to be, and False where it is left out.
    B = TypeVar("B", Literal[True], Literal[False], bool, default=Literal[False])
else:
    from typing import TypeVar

    B = TypeVar("B")


class Maxima(Module, Generic[B]):
    """A module that gives maxima, or (the maxima, their places)."""

    return_indices: B

    if TYPE_CHECKING:

        @overload
        def __call__(self: Maxima[Literal[False]], input: TensorLike) -> Tensor: ...
        @overload
        def __call__(self: Maxima[Literal[True]], input: TensorLike) -> tuple[Tensor, Tensor]: ...
        @overload
        def __call__(self, input: TensorLike) -> Tensor | tuple[Tensor, Tensor]: ...
        def __call__(self, input: TensorLike) -> Any: ...
