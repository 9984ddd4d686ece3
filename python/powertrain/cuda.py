"""GPUs of NVIDIA: whether there are some, and how much of their memory is used. The distribution powertrain-cuda brings
what runs on them.

Example
    >>> import powertrain as pt
    >>> pt.cuda.is_available() or bool(pt.cuda.why_not())
    True
"""

from __future__ import annotations

from typing import NamedTuple

from powertrain import _core
from powertrain.devices import loading
from powertrain.devices.place import device as _device
from powertrain.errors.hints import attributes

__all__ = [
    "MemoryUsage",
    "current_device",
    "device_count",
    "empty_cache",
    "get_device_name",
    "is_available",
    "max_memory_allocated",
    "memory_allocated",
    "memory_reserved",
    "memory_usage",
    "synchronize",
    "why_not",
]


class MemoryUsage(NamedTuple):
    """Bytes of a device's memory."""

    total: int  # of the device
    allocated: int  # by tensors and by what compiled steps keep
    cached: int  # kept from freed tensors, for the next
    peak: int  # the most that was allocated at a time


def is_available() -> bool:
    """Whether a tensor can be put on a GPU here."""
    return not why_not()


def why_not() -> str:
    """Why there is no GPU to use, and what to do about it; an empty text if there is one."""
    return loading.why_not("cuda")


def device_count() -> int:
    """How many GPUs there are; 0 where `why_not()` says why."""
    return loading.count("cuda")


def current_device() -> int:
    """The index of the GPU on which this thread makes tensors; 0 outside of a `with pt.device(...)`."""
    name = _core.current_device()
    return int(name.partition(":")[2] or 0)


def _at(device: object | None) -> str:
    if device is None:
        device = current_device()
    place = _device("cuda", device) if isinstance(device, int) else _device(device)
    if place.type != "cuda":
        raise loading.MissingDeviceError(f"[cuda] device = {str(place)!r}; expected a GPU; for example 'cuda:0'")
    return loading.ready(place, "cuda")


def get_device_name(device: object | None = None) -> str:
    """What a GPU is called, with its compute capability and memory.

    device      a name, an index, or None for the current one
    """
    return _core.device_description(_at(device))


def memory_usage(device: object | None = None) -> MemoryUsage:
    """How much of a GPU's memory is used, in bytes."""
    return MemoryUsage(*_core.device_usage(_at(device)))


def memory_allocated(device: object | None = None) -> int:
    """Bytes of a GPU that tensors use now."""
    return memory_usage(device).allocated


def memory_reserved(device: object | None = None) -> int:
    """Bytes of a GPU that this process holds: those of tensors, and those kept for the next."""
    usage = memory_usage(device)
    return usage.allocated + usage.cached


def max_memory_allocated(device: object | None = None) -> int:
    """The most bytes that tensors used at a time."""
    return memory_usage(device).peak


def empty_cache(device: object | None = None) -> None:
    """Give back to the system what is kept for the next tensors."""
    _core.trim_device(_at(device))


def synchronize(device: object | None = None) -> None:
    """Wait until all that was given to a GPU is done: before a clock is read."""
    _core.synchronize(_at(device))


__getattr__, __dir__ = attributes(__name__, __all__)
