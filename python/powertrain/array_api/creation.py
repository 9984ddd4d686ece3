"""What makes arrays, by the array API standard's names and arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import powertrain as pt
from powertrain._core import Tensor
from powertrain._core import asarray as _asarray
from powertrain._core import from_dlpack as _from_dlpack
from powertrain.ops.functional import OPERATORS

if TYPE_CHECKING:
    from powertrain.typing import Device, DTypeLike, TensorLike


class CopyError(pt.Error, ValueError):
    """A copy that was refused and is needed."""


def asarray(
    obj: TensorLike, /, *, dtype: DTypeLike | None = None, device: Device = None, copy: bool | None = None
) -> Tensor:
    """A tensor; copied where that is asked for, and an error where it is refused and needed.

    Example
        >>> import powertrain.array_api as xp
        >>> xp.asarray([1, 2]).tolist()
        [1, 2]
    """
    made = pt.tensor(obj, dtype, device) if copy else _asarray(obj, dtype, device)
    if copy is False and (not hasattr(obj, "dtype") or str(obj.dtype) != made.dtype.name):
        raise CopyError(
            f"[asarray] copy = False of {type(obj).__name__}, which a tensor of {made.dtype.name} cannot share; "
            "expected an array of that dtype; leave copy out"
        )
    return made


def from_dlpack(x: TensorLike, /, *, device: Device = None, copy: bool | None = None) -> Tensor:
    """A tensor over the memory of another library's array; copied where that is asked for.

    Example
        >>> import powertrain.array_api as xp
        >>> xp.from_dlpack(np.ones((2,), np.float32)).tolist()
        [1.0, 1.0]
    """
    shared = _from_dlpack(x)
    if copy:
        return pt.tensor(shared, device=device)
    moved = shared if device is None else shared.to_device(device)
    if copy is False and moved is not shared:
        raise CopyError(
            f"[from_dlpack] copy = False of {type(x).__name__} on {shared.device}, for {device}; expected the device "
            "that it is on; leave copy out"
        )
    return moved


def astype(x: TensorLike, dtype: DTypeLike | None, /, *, copy: bool = True, device: Device = None) -> Tensor:
    """x in another dtype.

    Example
        >>> import powertrain.array_api as xp
        >>> xp.astype(xp.asarray([1, 2]), xp.float32).tolist()
        [1.0, 2.0]
    """
    made = OPERATORS["astype"](x, dtype)
    return made if device is None else made.to_device(device)


def arange(
    start: float,
    /,
    stop: float | None = None,
    step: float = 1,
    *,
    dtype: DTypeLike | None = None,
    device: Device = None,
) -> Tensor:
    """The numbers start, start + step, ... below stop.

    Example
        >>> import powertrain.array_api as xp
        >>> xp.arange(3).tolist()
        [0, 1, 2]
    """
    return pt.arange(start, stop, step, dtype, device)


def full(
    shape: int | Sequence[int], fill_value: complex, *, dtype: DTypeLike | None = None, device: Device = None
) -> Tensor:
    """A tensor of one value, of the default dtype of its kind.

    Example
        >>> import powertrain.array_api as xp
        >>> xp.full((2,), 0.5).tolist()
        [0.5, 0.5]
    """
    return pt.full(shape, fill_value, _asarray(fill_value).dtype if dtype is None else dtype, device)


def full_like(
    x: TensorLike, /, fill_value: complex, *, dtype: DTypeLike | None = None, device: Device = None
) -> Tensor:
    """A tensor of one value, in the shape of x, and its dtype unless another is given.

    Example
        >>> import powertrain.array_api as xp
        >>> xp.full_like(pt.tensor([3.0, 1.0, 2.0]), 0.5).tolist()
        [0.5, 0.5, 0.5]
    """
    return pt.full_like(x, fill_value, dtype, device)


def zeros(shape: int | Sequence[int], *, dtype: DTypeLike | None = None, device: Device = None) -> Tensor:
    """A tensor of zeros.

    Example
        >>> import powertrain.array_api as xp
        >>> xp.zeros((2,)).tolist()
        [0.0, 0.0]
    """
    return pt.zeros(shape, dtype, device)


def zeros_like(x: TensorLike, /, *, dtype: DTypeLike | None = None, device: Device = None) -> Tensor:
    """Zeros in the shape of x, and its dtype unless another is given.

    Example
        >>> import powertrain.array_api as xp
        >>> xp.zeros_like(pt.tensor([3.0, 1.0, 2.0])).tolist()
        [0.0, 0.0, 0.0]
    """
    return pt.zeros_like(x, dtype, device)


# What is not set is 0.
empty, empty_like = zeros, zeros_like


def ones(shape: int | Sequence[int], *, dtype: DTypeLike | None = None, device: Device = None) -> Tensor:
    """A tensor of ones.

    Example
        >>> import powertrain.array_api as xp
        >>> xp.ones((2,)).tolist()
        [1.0, 1.0]
    """
    return pt.ones(shape, dtype, device)


def ones_like(x: TensorLike, /, *, dtype: DTypeLike | None = None, device: Device = None) -> Tensor:
    """Ones in the shape of x, and its dtype unless another is given.

    Example
        >>> import powertrain.array_api as xp
        >>> xp.ones_like(pt.tensor([3.0, 1.0, 2.0])).tolist()
        [1.0, 1.0, 1.0]
    """
    return pt.ones_like(x, dtype, device)


def eye(
    n_rows: int, n_cols: int | None = None, /, *, k: int = 0, dtype: DTypeLike | None = None, device: Device = None
) -> Tensor:
    """Ones on a diagonal, zeros elsewhere.

    Example
        >>> import powertrain.array_api as xp
        >>> xp.eye(2).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    return pt.eye(n_rows, n_cols, k, dtype, device)


def linspace(
    start: float,
    stop: float,
    /,
    num: int,
    *,
    dtype: DTypeLike | None = None,
    device: Device = None,
    endpoint: bool = True,
) -> Tensor:
    """Evenly spaced numbers.

    Example
        >>> import powertrain.array_api as xp
        >>> xp.linspace(0.0, 1.0, 3).tolist()
        [0.0, 0.5, 1.0]
    """
    return pt.linspace(start, stop, num, endpoint, dtype, device=device)
