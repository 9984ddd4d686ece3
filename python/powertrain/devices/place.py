"""pt.device: the name of a place for tensors, and the place of tensors that are made in its block."""

from __future__ import annotations

import builtins
import re
from collections.abc import Callable
from types import TracebackType
from typing import Final, ParamSpec, TypeVar

from powertrain import _core
from powertrain.devices import loading

P = ParamSpec("P")
R = TypeVar("R")

_NAME: Final = re.compile(r"(cpu|cuda)(?::(\d{1,3}))?")
# What other libraries call their devices, and what to write here.
_ELSEWHERE: Final = {
    "gpu": "'cuda'",
    "mps": "'cpu', which is as near as there is on this machine",
    "xpu": "'cpu', which is as near as there is on this machine",
    "tpu": "'cpu', and pt.compile(step, backend='xla') for a step on a TPU",
    "meta": "'cpu'; shapes alone are known without a device inside of pt.compile",
}


class DeviceError(_core.Error, ValueError):
    """A device that has no such name, or that a call cannot use: `[where] received; expected; the fix`."""


class device:  # noqa: N801 - as torch.device is called
    """A place for tensors: "cpu", "cuda" or "cuda:1".

    device      such a name, or an object of another library whose text is one; "cuda" is "cuda:0"
    index       which of several; with a name that has none

    In a `with` block tensors are made there, in this thread. It is equal to its name: `x.device == "cuda:0"`.

    Errors    another name: DeviceError. Whether the device is there is asked when it is used.

    Example
        >>> import powertrain as pt
        >>> pt.device("cuda", 1)
        device('cuda:1')
        >>> with pt.device("cpu"):
        ...     x = pt.ones((2,))
        >>> x.device.type, x.device == "cpu"
        ('cpu', True)
    """

    __slots__ = ("_name", "index", "type")

    def __init__(self, device: object = "cpu", index: int | None = None) -> None:
        name = str(device)
        found = _NAME.fullmatch(name)
        if found is None or (index is not None and found[2] is not None):
            kind = name.partition(":")[0].lower()
            given = repr(name) if index is None else f"{name!r} and index = {index!r}"
            raise DeviceError(
                f"[device] received {given}; expected 'cpu', 'cuda' or 'cuda:1'; write "
                f"{_ELSEWHERE.get(kind, repr('cpu'))}"
            )
        at = int(found[2] or 0) if index is None else index
        least = "0, for there is one" if found[1] == "cpu" else "which of its devices, from 0 on"
        if isinstance(at, bool) or not isinstance(at, int) or not 0 <= at < 1000 or (found[1] == "cpu" and at):
            raise DeviceError(f"[device] index = {at!r} of {found[1]!r}; expected {least}; leave it out")
        self.type, self.index = found[1], at
        self._name = found[1] if found[1] == "cpu" else f"{found[1]}:{at}"

    def __str__(self) -> str:
        return self._name

    def __repr__(self) -> str:
        return f"device({self._name!r})"

    def __eq__(self, other: object) -> bool:
        return self._name == (other._name if isinstance(other, device) else other)

    def __hash__(self) -> int:
        return hash(self._name)

    def __reduce__(self) -> tuple[builtins.type[device], tuple[str]]:
        return device, (self._name,)

    def __enter__(self) -> device:
        _core.push_device(loading.ready(self, "device"))
        return self

    def __exit__(
        self, kind: builtins.type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _core.pop_device()


def _resolved(where_to: object, where: str) -> str:
    """The engine's name of a device, for what a user wrote."""
    return str(ready(where_to, where))


_core.set_device_resolver(_resolved)


def ready(where_to: object, where: str) -> device:
    """The device of that name, when it can be used."""
    found = where_to if isinstance(where_to, device) else device(where_to)
    loading.ready(found, where)
    return found


def placed(where_to: object, make: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """What a function makes, there."""
    with ready(where_to, getattr(make, "__name__", "device")):
        return make(*args, **kwargs)


# What a recipe may ask for.
PLACES: Final = ("auto", "cpu", "cuda", *(f"cuda:{index}" for index in range(8)))


def chosen(asked: str, where: str) -> device:
    """The device that one of PLACES stands for on this machine."""
    if asked == "auto":
        return device("cuda" if not loading.why_not("cuda") else "cpu")
    return ready(asked, where)


def named(value: object) -> bool:
    """Whether it names some device, of whatever library: what else could be meant by it is a dtype."""
    try:
        return bool(re.fullmatch(r"(cpu|cuda|mps|xpu|meta|gpu|tpu)(:\d+)?", str(value)))
    except Exception:  # it has no name
        return False
