"""The signatures of max pooling, each said once: with return_indices the places of the maxima come too.

A decorator gives a function the overloads of its kind, for type checkers; when the module runs it is the function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, overload

from powertrain._core import Tensor

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

Numbers = int | Sequence[int]
Pair = tuple[Tensor, Tensor]


class MaxPool(Protocol):
    """Of windows at regular distances."""

    @overload
    def __call__(
        self,
        input: TensorLike,
        kernel_size: Numbers,
        stride: Numbers | None = ...,
        padding: Numbers = ...,
        dilation: Numbers = ...,
        ceil_mode: bool = ...,
        return_indices: Literal[False] = ...,
    ) -> Tensor: ...
    @overload
    def __call__(
        self,
        input: TensorLike,
        kernel_size: Numbers,
        stride: Numbers | None = ...,
        padding: Numbers = ...,
        dilation: Numbers = ...,
        ceil_mode: bool = ...,
        *,
        return_indices: Literal[True],
    ) -> Pair: ...
    @overload
    def __call__(
        self,
        input: TensorLike,
        kernel_size: Numbers,
        stride: Numbers | None = ...,
        padding: Numbers = ...,
        dilation: Numbers = ...,
        ceil_mode: bool = ...,
        return_indices: bool = ...,
    ) -> Tensor | Pair: ...


class FractionalMaxPool(Protocol):
    """Of windows at random distances."""

    @overload
    def __call__(
        self,
        input: TensorLike,
        kernel_size: Numbers,
        output_size: Numbers | None = ...,
        output_ratio: float | Sequence[float] | None = ...,
        return_indices: Literal[False] = ...,
        _random_samples: TensorLike | None = ...,
    ) -> Tensor: ...
    @overload
    def __call__(
        self,
        input: TensorLike,
        kernel_size: Numbers,
        output_size: Numbers | None = ...,
        output_ratio: float | Sequence[float] | None = ...,
        *,
        return_indices: Literal[True],
        _random_samples: TensorLike | None = ...,
    ) -> Pair: ...
    @overload
    def __call__(
        self,
        input: TensorLike,
        kernel_size: Numbers,
        output_size: Numbers | None = ...,
        output_ratio: float | Sequence[float] | None = ...,
        return_indices: bool = ...,
        _random_samples: TensorLike | None = ...,
    ) -> Tensor | Pair: ...


class AdaptiveMaxPool(Protocol):
    """Of so many parts."""

    @overload
    def __call__(self, input: TensorLike, output_size: Numbers, return_indices: Literal[False] = ...) -> Tensor: ...
    @overload
    def __call__(self, input: TensorLike, output_size: Numbers, return_indices: Literal[True]) -> Pair: ...
    @overload
    def __call__(self, input: TensorLike, output_size: Numbers, return_indices: bool = ...) -> Tensor | Pair: ...


def max_pool(function: Callable[..., Any]) -> MaxPool:
    return function


def fractional_max_pool(function: Callable[..., Any]) -> FractionalMaxPool:
    return function


def adaptive_max_pool(function: Callable[..., Any]) -> AdaptiveMaxPool:
    return function
