"""Devices of other distributions: found through entry points, opened when they are first used.

A distribution has an entry point in the group `powertrain.v1.device`, named as its devices are: an object whose
`library()` gives the path of a shared library, which cpp/abi/device.h describes.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata
from typing import TYPE_CHECKING, Final, Protocol

from powertrain import _core
from powertrain.io.locks import ModuleLock

if TYPE_CHECKING:
    from powertrain.devices.place import device

GROUP: Final = "powertrain.v1.device"
_DISTRIBUTIONS: Final = {"cuda": "powertrain-cuda"}


class Library(Protocol):
    """What an entry point of the group names."""

    def library(self) -> str:
        """The path of the shared library."""


class MissingDeviceError(_core.Error, RuntimeError):
    """A device that cannot be used on this machine: `[where] what was received; what was expected; the fix`."""


_busy = ModuleLock()
_libraries: dict[str, str] = {}  # the path of each kind that was found


def path_of(kind: str) -> str | None:
    """Of the library of a kind of devices, if a distribution brings it."""
    with _busy:
        if kind not in _libraries:
            found = next((point for point in _entry_points() if point.name == kind), None)
            if found is None:
                return None
            _libraries[kind] = str(found.load().library())
        return _libraries[kind]


def _entry_points() -> Iterator[metadata.EntryPoint]:
    """Of the group; a distribution whose metadata are damaged hides no other."""
    for distribution in metadata.distributions():
        try:
            points = list(distribution.entry_points)
        except Exception:
            continue
        yield from (point for point in points if point.group == GROUP)


def why_not(kind: str) -> str:
    """The reason why there is no device of this kind; empty if there is one."""
    path = path_of(kind)
    if path is None:
        return f"{_DISTRIBUTIONS[kind]} is not installed; pip install {_DISTRIBUTIONS[kind]}"
    there, reason = _counted(path)
    return "" if there else reason


def count(kind: str) -> int:
    """How many devices of this kind this machine has."""
    path = path_of(kind)
    return _counted(path)[0] if path else 0


def _counted(path: str) -> tuple[int, str]:
    """How many devices a library has; with none, or where it cannot be opened, the reason."""
    try:
        return _core.device_count(path)
    except _core.Error as error:
        return 0, str(error)


def ready(place: device, where: str) -> str:
    """The engine's name of a device, which is opened if nobody used it before."""
    if place == "cpu" or str(place) in _core.devices():
        return str(place)
    reason = why_not(place.type)
    if reason:
        raise MissingDeviceError(f"[{where}] device = {str(place)!r}; expected a device of this machine; {reason}")
    there = count(place.type)
    if place.index >= there:
        raise MissingDeviceError(
            f"[{where}] device = {str(place)!r}; expected one of {there} from {place.type}:0 on; write "
            f"{place.type + ':0'!r}"
        )
    path = path_of(place.type)
    assert path is not None  # or there would be a reason
    with _busy:
        if str(place) not in _core.devices():
            _core.load_device(path, place.index)
    return str(place)
