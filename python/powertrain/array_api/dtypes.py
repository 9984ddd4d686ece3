"""Dtypes by the array API standard: what may become what, their limits, and the inspection of the namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import powertrain as pt
from powertrain._core import DType, DTypeError, asarray
from powertrain.ops.functional import OPERATORS

if TYPE_CHECKING:
    from powertrain._core import Tensor
    from powertrain.typing import Device, DTypeLike, TensorLike


def _dtype(of: Any) -> DType:
    if isinstance(of, DType):
        return of
    return of.dtype if hasattr(of, "dtype") else asarray(np.zeros((), of)).dtype


def result_type(*arrays_and_dtypes: TensorLike | DTypeLike) -> DType:
    """The dtype of an operation on all of them; Python numbers take that of the others.

    Example
        >>> import powertrain.array_api as xp
        >>> xp.result_type(xp.float32, xp.float64).name
        'float64'
    """
    numbers = [x for x in arrays_and_dtypes if isinstance(x, (int, float, complex))]
    dtypes = [_dtype(x) for x in arrays_and_dtypes if not isinstance(x, (int, float, complex))]
    if not dtypes:
        raise DTypeError("[result_type] received only numbers; expected an array or a dtype; pass one")
    common = OPERATORS["concat"]([pt.full((0,), 0, dtype) for dtype in dtypes]).dtype
    probe = pt.full((0,), 0, common)
    return OPERATORS["where"](True, probe, numbers[0]).dtype if numbers else common


def can_cast(from_: Tensor | DType, to: DType, /) -> bool:
    """Whether promotion within a kind takes a dtype to another.

    Example
        >>> import powertrain.array_api as xp
        >>> xp.can_cast(xp.float32, xp.float64)
        True
    """
    before = _dtype(from_)
    kinds = ("bool", "integral", ("real floating", "complex floating"))
    alike = [isdtype(before, kind) for kind in kinds] == [isdtype(to, kind) for kind in kinds]
    if {before, to} > {DType.uint64} and isdtype(before, "signed integer") != isdtype(to, "signed integer"):
        return False  # which no integer dtype holds both of
    return alike and result_type(before, to) == to


_KINDS = {
    "bool": ("bool",),
    "signed integer": ("int8", "int16", "int32", "int64"),
    "unsigned integer": ("uint8", "uint16", "uint32", "uint64"),
    "real floating": ("float16", "bfloat16", "float32", "float64"),
    "complex floating": ("complex64", "complex128"),
}
_KINDS["integral"] = _KINDS["signed integer"] + _KINDS["unsigned integer"]
_KINDS["numeric"] = _KINDS["integral"] + _KINDS["real floating"] + _KINDS["complex floating"]


def isdtype(dtype: DType, kind: DType | str | tuple[DType | str, ...]) -> bool:
    """Whether a dtype is one, or of a kind, or of one of several.

    Example
        >>> import powertrain.array_api as xp
        >>> xp.isdtype(xp.float32, 'real floating')
        True
    """
    if isinstance(kind, tuple):
        return any(isdtype(dtype, one) for one in kind)
    if isinstance(kind, DType):
        return dtype == kind
    if kind not in _KINDS:
        raise DTypeError(f"[isdtype] kind = {kind!r}; expected one of {', '.join(_KINDS)}; or a dtype")
    return dtype.name in _KINDS[kind]


class FloatInfo(NamedTuple):
    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    dtype: DType


class IntInfo(NamedTuple):
    bits: int
    max: int
    min: int
    dtype: DType


def finfo(type: Tensor | DTypeLike, /) -> FloatInfo:
    """The limits of a float dtype, or of the parts of a complex one.

    Example
        >>> import powertrain.array_api as xp
        >>> xp.finfo(xp.float32).bits
        32
    """
    dtype = _dtype(type)
    dtype = {DType.complex64: DType.float32, DType.complex128: DType.float64}.get(dtype, dtype)
    if dtype == DType.bfloat16:
        return FloatInfo(16, 2.0**-7, 3.3895313892515355e38, -3.3895313892515355e38, 2.0**-126, dtype)
    facts = np.finfo(dtype.name)
    numbers = (float(facts.eps), float(facts.max), float(facts.min), float(facts.smallest_normal))
    return FloatInfo(facts.bits, *numbers, dtype)


def iinfo(type: Tensor | DTypeLike, /) -> IntInfo:
    """The limits of an integer dtype.

    Example
        >>> import powertrain.array_api as xp
        >>> xp.iinfo(xp.int8).max
        127
    """
    dtype = _dtype(type)
    facts = np.iinfo(dtype.name)
    return IntInfo(facts.bits, int(facts.max), int(facts.min), dtype)


class _Info:
    """What the standard's inspection asks for."""

    def capabilities(self) -> dict[str, Any]:
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 8}

    def default_device(self) -> str:
        return "cpu"

    def devices(self) -> list[str]:
        return ["cpu"]

    def default_dtypes(self, *, device: Device = None) -> dict[str, DType]:
        return {
            "real floating": DType.float32,
            "complex floating": DType.complex64,
            "integral": DType.int64,
            "indexing": DType.int64,
        }

    def dtypes(
        self, *, device: Device = None, kind: str | list[str] | tuple[str, ...] | None = None
    ) -> dict[str, DType]:
        names = [name for kinds in _KINDS.values() for name in kinds if name not in ("float16", "bfloat16")]
        wanted = "numeric" if kind is None else kind
        found = {name: getattr(DType, name) for name in names}
        wanted = tuple(wanted) if isinstance(wanted, list) else wanted
        return {n: d for n, d in found.items() if isdtype(d, wanted) or (kind is None and n == "bool")}


def __array_namespace_info__() -> _Info:  # noqa: N807 - the name is the standard's
    return _Info()
