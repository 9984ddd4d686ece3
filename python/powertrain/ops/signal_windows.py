"""Windows of signals: numbers that rise from the ends of a stretch to its middle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from powertrain import _core

if TYPE_CHECKING:
    from powertrain.typing import DTypeLike


def _window(name: str, M: int, dtype: DTypeLike | None, *settings: float) -> _core.Tensor:  # noqa: N803 - NumPy's name
    import numpy as np

    n = _core.integer(M, "M", name)
    if n < 0:
        raise _core.ShapeError(f"[{name}] M = {n}; expected a number of at least 0; 512 is usual")
    return _core.tensor(getattr(np, name)(n, *settings), "float32" if dtype is None else dtype)


def bartlett(M: int, dtype: DTypeLike | None = None) -> _core.Tensor:  # noqa: N803
    """A triangle from 0 to 1 and back; float32 unless `dtype` says so.

    A periodic window, PyTorch's bartlett_window(n), is `bartlett(n + 1)[:-1]`.

    Shapes    -> [M]
    Errors    M below 0
    Numerics  computed in float64 and rounded once
    Source    NumPy, bartlett
    Example
        >>> import powertrain as pt
        >>> pt.bartlett(5).numpy().tolist()
        [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    return _window("bartlett", M, dtype)


def blackman(M: int, dtype: DTypeLike | None = None) -> _core.Tensor:  # noqa: N803
    """0.42 - 0.5 cos(2 pi i / (M - 1)) + 0.08 cos(4 pi i / (M - 1)); as bartlett.

    Shapes    -> [M]
    Source    NumPy, blackman
    Example
        >>> [round(y, 4) for y in pt.blackman(3).tolist()]
        [-0.0, 1.0, -0.0]
    """
    return _window("blackman", M, dtype)


def hamming(M: int, dtype: DTypeLike | None = None) -> _core.Tensor:  # noqa: N803
    """0.54 - 0.46 cos(2 pi i / (M - 1)); as bartlett.

    Shapes    -> [M]
    Source    NumPy, hamming
    Example
        >>> [round(y, 4) for y in pt.hamming(3).tolist()]
        [0.08, 1.0, 0.08]
    """
    return _window("hamming", M, dtype)


def hanning(M: int, dtype: DTypeLike | None = None) -> _core.Tensor:  # noqa: N803
    """0.5 - 0.5 cos(2 pi i / (M - 1)), the window of Hann; as bartlett.

    A periodic window, PyTorch's hann_window(n), is `hanning(n + 1)[:-1]`.

    Shapes    -> [M]
    Source    NumPy, hanning
    Example
        >>> import powertrain as pt
        >>> pt.hanning(5)[:-1].numpy().round(3).tolist()
        [0.0, 0.5, 1.0, 0.5]
    """
    return _window("hanning", M, dtype)


def kaiser(M: int, beta: float, dtype: DTypeLike | None = None) -> _core.Tensor:  # noqa: N803
    """i0(beta sqrt(1 - t^2)) / i0(beta) of t from -1 to 1; as bartlett.

    Shapes    -> [M]
    Source    NumPy, kaiser
    Example
        >>> import powertrain as pt
        >>> pt.kaiser(3, 0.0).numpy().tolist()
        [1.0, 1.0, 1.0]
    """
    return _window("kaiser", M, dtype, float(beta))
