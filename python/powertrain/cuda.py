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
    "reset_peak_memory_stats",
    "synchronize",
    "why_not",
]


class MemoryUsage(NamedTuple):
    """Bytes of a device's memory.

    Example
        >>> usage = pt.cuda.memory_usage() if pt.cuda.is_available() else pt.cuda.MemoryUsage(100, 20, 5, 30)
        >>> usage.allocated <= usage.total
        True
    """

    total: int  # of the device
    allocated: int  # by tensors and by what compiled steps keep
    cached: int  # kept from freed tensors, for the next
    peak: int  # the most that was allocated at a time


def is_available() -> bool:
    """Whether a tensor can be put on a GPU here.

    Example
        >>> device = "cuda" if pt.cuda.is_available() else "cpu"
        >>> pt.ones((2,), device=device).sum().item()
        2.0
    """
    return not why_not()


def why_not() -> str:
    """Why there is no GPU to use, and what to do about it; an empty text if there is one.

    Example
        >>> pt.cuda.is_available() or "; " in pt.cuda.why_not()
        True
    """
    return loading.why_not("cuda")


def device_count() -> int:
    """How many GPUs there are; 0 where `why_not()` says why.

    Example
        >>> names = [f"cuda:{index}" for index in range(pt.cuda.device_count())]
        >>> bool(names) == pt.cuda.is_available()
        True
    """
    return loading.count("cuda")


def current_device() -> int:
    """The index of the GPU on which this thread makes tensors; 0 outside of a `with pt.device(...)`.

    Example
        >>> pt.cuda.current_device()
        0
    """
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

    Example
        >>> pt.cuda.get_device_name()  # doctest: +SKIP
        'NVIDIA H100 ..., compute capability 9.0, 80 GB'
    """
    return _core.device_description(_at(device))


def memory_usage(device: object | None = None) -> MemoryUsage:
    """How much of a GPU's memory is used, in bytes.

    Example
        >>> pt.cuda.memory_usage().peak  # doctest: +SKIP
        1048576
    """
    return MemoryUsage(*_core.device_usage(_at(device)))


def memory_allocated(device: object | None = None) -> int:
    """Bytes of a GPU that tensors use now.

    Example
        >>> pt.cuda.memory_allocated()  # doctest: +SKIP
        4096
    """
    return memory_usage(device).allocated


def memory_reserved(device: object | None = None) -> int:
    """Bytes of a GPU that this process holds: those of tensors, and those kept for the next.

    Example
        >>> pt.cuda.memory_reserved()  # doctest: +SKIP
        2097152
    """
    usage = memory_usage(device)
    return usage.allocated + usage.cached


def max_memory_allocated(device: object | None = None) -> int:
    """The most bytes that tensors used at a time.

    Example
        >>> pt.cuda.max_memory_allocated()  # doctest: +SKIP
        1048576
    """
    return memory_usage(device).peak


def reset_peak_memory_stats(device: object | None = None) -> None:
    """Count `max_memory_allocated` and the peak of `memory_usage` from now on.

    Example
        >>> if pt.cuda.is_available():
        ...     pt.cuda.reset_peak_memory_stats()
    """
    _core.forget_peak(_at(device))


def empty_cache(device: object | None = None) -> None:
    """Give back to the system what is kept for the next tensors.

    Example
        >>> if pt.cuda.is_available():
        ...     pt.cuda.empty_cache()
    """
    _core.trim_device(_at(device))


def synchronize(device: object | None = None) -> None:
    """Wait until all that was given to a GPU is done: before a clock is read.

    Example
        >>> if pt.cuda.is_available():
        ...     pt.cuda.synchronize()
    """
    _core.synchronize(_at(device))


__getattr__, __dir__ = attributes(__name__, __all__)
