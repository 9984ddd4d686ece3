"""Layers that learn their first size from the first call: `LazyLinear(10)` becomes a `Linear(in_features, 10)`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Concatenate, NoReturn, ParamSpec, TypeVar, cast

import powertrain as pt
from powertrain import _core
from powertrain.nn import checks, convolution, layers, norm
from powertrain.nn.module import Module

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

__all__ = [
    "LazyBatchNorm1d", "LazyBatchNorm2d", "LazyBatchNorm3d", "LazyConv1d", "LazyConv2d", "LazyConv3d",
    "LazyConvTranspose1d", "LazyConvTranspose2d", "LazyConvTranspose3d", "LazyInstanceNorm1d", "LazyInstanceNorm2d",
    "LazyInstanceNorm3d", "LazyLinear",
]  # fmt: skip

P = ParamSpec("P")
M = TypeVar("M", bound=Module)


class _NotYet(dict[str, pt.Slot]):
    """The slots of a layer that was not called: whoever lists them would miss what comes."""

    def __init__(self, where: str) -> None:
        super().__init__()
        self.where = where

    def items(self) -> NoReturn:
        raise checks.StateError(
            f"[{self.where}] parameters of a layer that was never called; expected a call first, which fixes their "
            "sizes; write model(x) once with an example, then make the optimizer or load the state"
        )


class Uncalled(Module):
    """A layer before its first call. The last axis of what it is called with is the size; then its class is BECOMES."""

    BECOMES: ClassVar[Callable[..., Module]]
    USUAL: ClassVar[dict[str, object]] = {}  # defaults that are not those of the layer

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__()
        # A name that it does not take is an error now.
        given = inspect.signature(type(self).BECOMES).bind(0, *args, **kwargs).arguments
        usual = {name: value for name, value in self.USUAL.items() if name not in given}
        object.__setattr__(self, "_slots", _NotYet(type(self).__name__))
        object.__setattr__(self, "_given", (args, {**kwargs, **usual}))

    def forward(self, input: TensorLike, *args: object, **kwargs: object) -> object:
        given = pt.asarray(input)
        if given.symbolic:
            raise checks.StateError(
                f"[{type(self).__name__}] first called in a compiled function; expected a call before that, which "
                "fixes the sizes; write model(x) once with an example"
            )
        if given.ndim < 1:
            raise pt.ShapeError(f"[{type(self).__name__}] input is []; expected a last axis of features; reshape it")
        self._become(given.shape[-1])
        return self.forward(given, *args, **kwargs)

    def _become(self, size: int) -> None:
        settings, named = vars(self)["_given"]
        made = type(self).BECOMES(size, *settings, **named)
        own = ("_slots", "_modules", "_buffers", "_given")
        kept = {name: value for name, value in vars(self).items() if name not in own}  # its mode and hooks among them
        vars(self).clear()
        vars(self).update({**vars(made), **kept})
        object.__setattr__(self, "__class__", type(made))
        _core.facts_changed()

    def extra_repr(self) -> str:
        settings, named = vars(self)["_given"]
        return ", ".join([*map(repr, settings), *(f"{name}={value!r}" for name, value in named.items())])


def _lazy(made: Callable[Concatenate[int, P], M], given: str, axes: int, **usual: object) -> Callable[P, M]:
    """The class whose objects become those of a layer, without its first argument; `given` and `axes` are those of its
    example."""
    full = cast("type[Module]", made)
    signature = inspect.signature(full.__init__)
    itself, _, *others = signature.parameters.values()
    others = [one.replace(default=usual.get(one.name, one.default)) for one in others]

    def __init__(self: Any, *args: object, **kwargs: object) -> None:  # noqa: N807
        Uncalled.__init__(self, *args, **kwargs)

    def forward(self: Any, *args: Any, **kwargs: Any) -> object:
        return Uncalled.forward(self, *args, **kwargs)

    __init__.__signature__ = signature.replace(parameters=[itself, *others])  # type: ignore[attr-defined]
    forward.__signature__ = inspect.signature(full.forward)  # type: ignore[attr-defined]
    text = f"""{full.__name__} whose first size is the last axis of what it is called with first.

    Example
        >>> layer = pt.nn.Lazy{full.__name__}({given})
        >>> y = layer(pt.ones({(4,) * axes}))
        >>> type(layer).__name__
        '{full.__name__}'
    """
    body = {"BECOMES": full, "USUAL": usual, "__init__": __init__, "forward": forward, "__doc__": text}
    return cast("Callable[P, M]", type(f"Lazy{full.__name__}", (Uncalled,), {**body, "__module__": __name__}))


LazyLinear = _lazy(layers.Linear, "2", 2)
LazyConv1d = _lazy(convolution.Conv1d, "5, kernel_size=3", 3)
LazyConv2d = _lazy(convolution.Conv2d, "5, kernel_size=3", 4)
LazyConv3d = _lazy(convolution.Conv3d, "5, kernel_size=3", 5)
LazyConvTranspose1d = _lazy(convolution.ConvTranspose1d, "5, kernel_size=2", 3)
LazyConvTranspose2d = _lazy(convolution.ConvTranspose2d, "5, kernel_size=2", 4)
LazyConvTranspose3d = _lazy(convolution.ConvTranspose3d, "5, kernel_size=2", 5)
LazyBatchNorm1d = _lazy(norm.BatchNorm1d, "", 3)
LazyBatchNorm2d = _lazy(norm.BatchNorm2d, "", 4)
LazyBatchNorm3d = _lazy(norm.BatchNorm3d, "", 5)
# As PyTorch's, whatever its page says.
_TRACKED = {"affine": True, "track_running_stats": True}
LazyInstanceNorm1d = _lazy(norm.InstanceNorm1d, "", 3, **_TRACKED)
LazyInstanceNorm2d = _lazy(norm.InstanceNorm2d, "", 4, **_TRACKED)
LazyInstanceNorm3d = _lazy(norm.InstanceNorm3d, "", 5, **_TRACKED)
