"""Tracing a function of tensors and slots into one replayed program."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar, overload

from powertrain import _core
from powertrain.errors.boundary import public
from powertrain.program import frozen

if TYPE_CHECKING:
    from powertrain._core import CompiledFunction
    from powertrain.plugin.backends.adapter import Adapter
    from powertrain.plugin.bases import Backend

P = ParamSpec("P")
R = TypeVar("R")

_log = logging.getLogger("powertrain")
# After this many traces of one function its arguments are probably not what the user thinks.
_NAME_THE_CAUSE_AFTER = 3


# How causes begin, and what helps.
_FIXES = {
    "the Python arguments": "a number that changes with the calls is frozen into a program each time; pass it as a "
    "tensor, such as pt.tensor(0.1), or keep it in a Slot",
    "input": "pad to fewer shapes",
    "": "keep what changes with the calls in a Slot, or pass it as a tensor",
}


class _Retraces:
    """Says why one function was traced again: a warning once for each kind of cause, and lines of the log."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.names = frozen.positional(function)  # and not the function: nothing may keep its model alive
        self.warned: set[str] = set()

    def __call__(self, name: str, traces: int, cause: str, seconds: float) -> None:
        kind = next(kind for kind in _FIXES if cause.startswith(kind))
        cause = frozen.changed(self.names, cause) or cause
        if traces <= _NAME_THE_CAUSE_AFTER or kind in self.warned:
            _log.info("%s traced again (%d programs, %.0f ms): %s", name, traces, seconds * 1e3, cause)
            return
        self.warned.add(kind)
        _log.warning("%s traced again (%d programs, %.0f ms): %s; %s", name, traces, seconds * 1e3, cause, _FIXES[kind])


@overload
def compile(
    function: Callable[P, R],
    *,
    on_nonfinite: Literal["error", "skip"] = "error",
    simplify: bool = True,
    fuse: bool = True,
    limit: int = 16,
    backend: str | Backend | Adapter | None = None,
) -> CompiledFunction[P, R]: ...
@overload
def compile(
    function: None = None,
    *,
    on_nonfinite: Literal["error", "skip"] = "error",
    simplify: bool = True,
    fuse: bool = True,
    limit: int = 16,
    backend: str | Backend | Adapter | None = None,
) -> Callable[[Callable[P, R]], CompiledFunction[P, R]]: ...
def compile(
    function: Callable[..., object] | None = None,
    *,
    on_nonfinite: Literal["error", "skip"] = "error",
    simplify: bool = True,
    fuse: bool = True,
    limit: int = 16,
    backend: str | Backend | Adapter | None = None,
) -> object:
    """Trace `function` on its first call for each shape of its arguments, and replay the program afterwards.

    Slots that the function reads or assigns become state of the program. Tensors and arrays are its inputs. Python
    numbers are frozen into it, and so is what the function reads of modules, optimizers, closures and globals. When
    such a value changes, as by `model.eval()`, the program that fits is used, or the function is traced again.
    `step.captured()` lists these values. For a
    gradient and inside of another compiled function it is called as it is. `step.plan(...)` traces and plans for such
    arguments without running anything, so that the first call starts at once; `step.describe()` prints the programs.

    `on_nonfinite` says what a tripped guard does: "error" raises NonFiniteError, "skip" leaves the phase out and goes
    on: slots that it would have written keep their values, also for what the step reads after it.

    `simplify` and `fuse` switch passes off (docs/design/passes.md); the bits stay the same. `backend` names a plugin
    that runs the program in place of the engine's own kernels, such as "xla", or is one that was made with parameters.
    It has the same mathematics, not the same bits (docs/numerics.md). `limit` is how many programs are kept: those used
    last.

    Errors    a branch on a symbolic value; a symbolic tensor kept from one call to the next: TraceError; a backend that
              is not installed, cannot run here, or has no rule for an op: powertrain.plugin.BackendError
    Example
        >>> import powertrain as pt
        >>> counter = pt.Slot(pt.tensor(0.0), name="counter")
        >>> @pt.compile
        ... def add(x):
        ...     counter.value = counter.value + x
        ...     return counter.value
        >>> add(pt.tensor(2.0)).item(), add(pt.tensor(3.0)).item()
        (2.0, 5.0)
    """
    if not isinstance(limit, int) or limit < 1:
        raise _core.ShapeError(f"[compile] limit = {limit!r}; expected one program or more; 16 is usual")
    if not isinstance(on_nonfinite, str) or on_nonfinite not in ("error", "skip"):
        raise _core.ShapeError(
            f"[compile] on_nonfinite = {on_nonfinite!r}; expected 'error' or 'skip'; for example 'error'"
        )

    adapter = None
    if backend is not None:
        from powertrain.plugin.backends import adapter_of

        adapter = adapter_of(backend)

    @public
    def make(fn: Callable[..., object]) -> object:
        if not callable(fn):
            raise _core.DTypeError(f"[compile] received {type(fn).__name__}; expected a function; decorate a def")
        name = getattr(fn, "__name__", type(fn).__name__)
        made = _core.make_compiled(fn, name, _Retraces(fn), simplify, fuse, on_nonfinite == "skip", limit, adapter)
        made.__doc__ = fn.__doc__
        return made

    return make if function is None else make(function)
