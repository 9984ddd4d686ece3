"""Random numbers as a function of (seed, stream, call): the same on every machine, for any number of threads."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from powertrain import _core
from powertrain._core import Slot, Tensor
from powertrain.boundary import export
from powertrain.hints import attributes

__all__ = ["Generator", "default_generator", "normal", "seed", "uniform"]


class Generator:
    """A stream of random numbers. Its whole state is the slot, int64 [seed, stream, call].

    Source    Salmon et al. 2011, Philox 4x32-10
    Example
        >>> import powertrain as pt
        >>> a, b = pt.random.Generator(7), pt.random.Generator(7)
        >>> bool((a.uniform((3,)) == b.uniform((3,))).all())
        True
    """

    def __init__(self, seed: int, stream: int = 0, name: str = "random") -> None:
        self.slot = Slot(_state(seed, stream), name)

    def uniform(self, shape: int | Sequence[int] = (), dtype: Any = None) -> Tensor:
        """Numbers in [0, 1)."""
        return _draw("random_uniform", self.slot, shape, dtype)

    def normal(self, shape: int | Sequence[int] = (), dtype: Any = None) -> Tensor:
        """Numbers of the standard normal distribution."""
        return _draw("random_normal", self.slot, shape, dtype)

    def bernoulli(self, probability: float, shape: int | Sequence[int] = ()) -> Tensor:
        """True with the given probability.

        Errors    a probability outside 0 <= probability <= 1
        """
        if not 0 <= probability <= 1:
            raise _core.ShapeError(
                f"[bernoulli] probability = {probability}; expected 0 <= probability <= 1; 0.5 is a fair coin"
            )
        return self.uniform(shape) < probability


def _state(seed: int, stream: int) -> Tensor:
    import numpy as np

    for name, value in (("seed", seed), ("stream", stream)):
        if not _whole(value) or not -(2**63) <= value < 2**63:
            raise _core.ShapeError(
                f"[random] {name} = {value!r}; expected a whole number from -2^63 to 2^63 - 1; for example {name} = 0"
            )
    return _core.tensor(np.array([seed, stream, 0], np.int64))


def _draw(op: str, slot: Slot, shape: int | Sequence[int], dtype: Any) -> Tensor:
    sizes = _core.integers(shape, "shape", op)
    return _core.draw(op, slot, sizes, dtype)


def _whole(value: Any) -> bool:
    try:
        operator.index(value)
    except TypeError:
        return False
    return not isinstance(value, bool)


_default: Generator | None = None


def default_generator() -> Generator:
    """The generator that functions without one of their own draw from."""
    global _default
    if _default is None:
        _default = Generator(0, name="random.default")
    return _default


def seed(value: int) -> None:
    """Start the default generator anew."""
    default_generator().slot.value = _state(value, 0)


def uniform(shape: int | Sequence[int] = (), dtype: Any = None) -> Tensor:
    """Numbers in [0, 1) from the default generator."""
    return default_generator().uniform(shape, dtype)


def normal(shape: int | Sequence[int] = (), dtype: Any = None) -> Tensor:
    """Standard normal numbers from the default generator."""
    return default_generator().normal(shape, dtype)


export(globals())
__getattr__, __dir__ = attributes(__name__, __all__)
