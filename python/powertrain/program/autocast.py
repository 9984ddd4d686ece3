"""Mixed precision: what a training step keeps in 16 bits, and what in 32."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from powertrain import _core
from powertrain.errors.arguments import shown

if TYPE_CHECKING:
    from powertrain.typing import DTypeLike

PRECISIONS = ("f32", "bf16", "f16")
_DTYPES = {"f32": _core.DType.float32, "bf16": _core.DType.bfloat16, "f16": _core.DType.float16}


def precision_of(value: Any) -> str | None:
    """One of `PRECISIONS` for a name of its dtype, or the dtype itself; None for anything else."""
    dtype = _core.as_dtype(value)
    return next((name for name, known in _DTYPES.items() if known == dtype), None)


@contextlib.contextmanager
def autocast(precision: DTypeLike | None = None, dots: str = "hardware", **others: object) -> Iterator[None]:
    """Inside the block, products keep what they read and write in `precision`: "bf16" or "f16"; "f32" switches it off.
    A dtype, or another of its names, is as good: pt.bfloat16, "bfloat16".

    Products and convolutions cast float32 operands; sums, losses, norms and powers widen 16-bit ones to float32; every
    other op works in the dtype of its inputs. `powertrain._core.ops()` has each op's rule, docs/numerics.md the table.
    All ops compute in float32 and round what they store. Parameters stay float32, and so do their gradients: a cast is
    part of the graph. Gradients and optimizers are not touched by the block, wherever they are called.

    With "bf16", `matmul` and `linear` multiply by the processor's own instructions for bf16 (AMX, AVX512-BF16) where it
    has them, whose sums round otherwise than those of other machines; dots="exact" keeps these.

    Errors    another precision or `dots`
    Source    the rules of torch.autocast
    Example
        >>> import powertrain as pt
        >>> with pt.autocast("bf16"):
        ...     y = pt.ones((2, 3)) @ pt.ones((3, 4))
        ...     total = y.sum()
        >>> y.dtype == pt.bfloat16, total.dtype == pt.float32
        (True, True)
    """
    if others:
        wanted = "f32" if others.get("enabled") is False else precision_of(others.get("dtype")) or "bf16"
        received = ", ".join(f"{name}={shown(value)}" for name, value in others.items())
        raise _core.DTypeError(f"[autocast] received {received}; expected a precision; write pt.autocast({wanted!r})")
    named = precision_of(precision)
    if named is None:
        known = ", ".join(map(repr, PRECISIONS))
        raise _core.DTypeError(f"[autocast] received {precision!r}; expected one of {known}; for example 'bf16'")
    if not isinstance(dots, str) or dots not in ("hardware", "exact"):
        raise _core.DTypeError(f"[autocast] dots = {dots!r}; expected 'hardware' or 'exact'; leave it out")
    before = _core.set_autocast(_DTYPES[named], dots == "exact")
    try:
        yield
    finally:
        _core.set_autocast(*before)
