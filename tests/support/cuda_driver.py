"""The CUDA driver by ctypes, the simulated one or a card's, and arrays in its memory that belong to another library: as
CuPy and PyTorch lend and take them, by DLPack and by __cuda_array_interface__."""

from __future__ import annotations

import ctypes
import functools
from ctypes import (
    POINTER,
    Structure,
    byref,
    c_int32,
    c_int64,
    c_size_t,
    c_uint8,
    c_uint16,
    c_uint32,
    c_uint64,
    c_void_p,
)
from typing import Any

import numpy as np

from simulated_gpu import driver_library

CUDA = 2  # DLDeviceType
KINDS = {"i": 0, "u": 1, "f": 2, "c": 5, "b": 6}  # DLDataTypeCode
DEFAULT_STREAM, NON_BLOCKING, NO_TIMING = 1, 1, 2


class DLTensor(Structure):
    _fields_ = [
        ("data", c_void_p), ("device_type", c_int32), ("device_id", c_int32), ("ndim", c_int32), ("code", c_uint8),
        ("bits", c_uint8), ("lanes", c_uint16), ("shape", POINTER(c_int64)), ("strides", POINTER(c_int64)),
        ("byte_offset", c_uint64),
    ]  # fmt: skip


class Managed(Structure):
    """DLManagedTensor."""


Managed._fields_ = [("tensor", DLTensor), ("context", c_void_p), ("deleter", ctypes.CFUNCTYPE(None, POINTER(Managed)))]


class ManagedVersioned(Structure):
    """DLManagedTensorVersioned."""


ManagedVersioned._fields_ = [
    ("major", c_uint32), ("minor", c_uint32), ("context", c_void_p),
    ("deleter", ctypes.CFUNCTYPE(None, POINTER(ManagedVersioned))), ("flags", c_uint64), ("tensor", DLTensor),
]  # fmt: skip
FORMS: dict[bytes, Any] = {b"dltensor": Managed, b"dltensor_versioned": ManagedVersioned}
USED = {name: b"used_" + name for name in FORMS}  # a capsule keeps the pointer to its name

_new = ctypes.pythonapi.PyCapsule_New
_new.restype, _new.argtypes = ctypes.py_object, [c_void_p, ctypes.c_char_p, c_void_p]
_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype, _pointer.argtypes = c_void_p, [ctypes.py_object, ctypes.c_char_p]
_name = ctypes.pythonapi.PyCapsule_GetName
_name.restype, _name.argtypes = ctypes.c_char_p, [ctypes.py_object]
_set_name = ctypes.pythonapi.PyCapsule_SetName
_set_name.argtypes = [ctypes.py_object, ctypes.c_char_p]


@functools.cache
def library() -> ctypes.CDLL:
    found = ctypes.CDLL(driver_library())
    assert found.cuInit(0) == 0
    return found


def call(name: str, *arguments: Any) -> None:
    """A function of the driver, which must succeed."""
    code = getattr(library(), name)(*arguments)
    assert code == 0, f"{name} gave {code}"


def counter(name: str) -> int:
    """One of cpp/cuda/sim/driver/counters.h."""
    function = getattr(library(), name)
    function.restype = c_uint64
    return int(function())


def use(device: int = 0) -> None:
    """Makes the primary context of a device current in this thread."""
    context = c_void_p()
    call("cuDevicePrimaryCtxRetain", byref(context), device)
    call("cuCtxSetCurrent", context)


class Stream:
    """A stream that the default stream does not wait for."""

    def __init__(self, device: int = 0) -> None:
        use(device)
        handle = c_void_p()
        call("cuStreamCreate", byref(handle), NON_BLOCKING)
        self.handle = int(handle.value or 0)

    def synchronize(self) -> None:
        call("cuStreamSynchronize", c_void_p(self.handle))


def follow(stream: int, before: int) -> None:
    """What is queued in a stream from now on comes after what another one holds."""
    event = c_void_p()
    call("cuEventCreate", byref(event), NO_TIMING)
    call("cuEventRecord", event, c_void_p(before))
    call("cuStreamWaitEvent", c_void_p(stream), event, 0)
    call("cuEventDestroy_v2", event)


class Memory:
    """Device memory of another library, filled from an array by work that waits in a stream of its own."""

    def __init__(self, array: Any, stream: Stream | None = None, device: int = 0) -> None:
        self.stream, self.device = stream or Stream(device), device
        self.array = np.array(array, order="C")
        use(device)
        address = c_uint64()
        call("cuMemAlloc_v2", byref(address), c_size_t(max(self.array.nbytes, 1)))
        self.address = int(address.value)
        self.write(self.array)

    def write(self, array: Any) -> None:
        held = np.ascontiguousarray(array)
        call("cuMemcpyHtoDAsync_v2", c_uint64(self.address), c_void_p(held.ctypes.data), c_size_t(held.nbytes),
             c_void_p(self.stream.handle))  # fmt: skip

    def free(self) -> None:
        use(self.device)
        call("cuMemFree_v2", c_uint64(self.address))


class Pinned:
    """Page-locked memory of the host, to which copies are queued."""

    def __init__(self, nbytes: int) -> None:
        address = c_void_p()
        call("cuMemHostAlloc", byref(address), c_size_t(max(nbytes, 1)), 0)
        self.nbytes, self.address = nbytes, int(address.value or 0)

    def read(self, address: int, stream: int) -> None:
        call("cuMemcpyDtoHAsync_v2", c_void_p(self.address), c_uint64(address), c_size_t(self.nbytes), c_void_p(stream))

    def array(self, dtype: Any) -> Any:
        return np.frombuffer(ctypes.string_at(self.address, self.nbytes), dtype)


class Lender:
    """An array that lends its memory by DLPack. `keeps`: what lives as long as a capsule of it does."""

    dlpack_type = CUDA

    def __init__(self, memory: Memory, view: Any = None, versioned: bool = True, read_only: bool = False) -> None:
        self.memory, self.versioned, self.read_only = memory, versioned, read_only
        self.view = memory.array if view is None else view
        self.streams: list[Any] = []
        self.deleted = 0

    def __dlpack_device__(self) -> tuple[int, int]:
        return (self.dlpack_type, self.memory.device)

    def __dlpack__(self, *, stream: int | None = None, **asked: Any) -> Any:
        if asked and not self.versioned:
            raise TypeError("unexpected keyword argument 'max_version'")  # as before version 1
        self.streams.append(stream)
        use(self.memory.device)
        follow(stream or DEFAULT_STREAM, self.memory.stream.handle)
        return self._capsule(b"dltensor_versioned" if asked.get("max_version", (0,))[0] >= 1 else b"dltensor")

    def _capsule(self, name: bytes) -> Any:
        view, made = self.view, FORMS[name]()
        sizes = (c_int64 * view.ndim)(*view.shape)
        steps = (c_int64 * view.ndim)(*(step // view.itemsize for step in view.strides))
        tensor = made.tensor
        offset = view.ctypes.data - self.memory.array.ctypes.data
        tensor.data, tensor.byte_offset, tensor.ndim = self.memory.address, offset, view.ndim
        tensor.device_type, tensor.device_id = self.dlpack_type, self.memory.device
        tensor.code, tensor.bits, tensor.lanes = KINDS[view.dtype.kind], 8 * view.itemsize, 1
        tensor.shape, tensor.strides = sizes, steps
        if name == b"dltensor_versioned":
            made.major, made.flags = 1, int(self.read_only)

        def delete(_: Any) -> None:
            self.deleted += 1
            held.clear()

        made.deleter = type(made.deleter)(delete)
        held = [made, sizes, steps, self.memory, made.deleter]
        _kept.append(made.deleter)  # it runs when it is called
        return _new(ctypes.addressof(made), next(one for one in FORMS if one == name), None)


_kept: list[Any] = []  # what C calls has to stay


class Taken:
    """What was taken out of a capsule of ours, to be used in a stream, and let go."""

    def __init__(self, capsule: Any) -> None:
        self.name = _name(capsule)
        self.managed = ctypes.cast(_pointer(capsule, self.name), POINTER(FORMS[self.name])).contents
        _set_name(capsule, USED[self.name])
        self.tensor = self.managed.tensor
        self.flags = self.managed.flags if self.name == b"dltensor_versioned" else 0
        self.shape = tuple(self.tensor.shape[: self.tensor.ndim])
        self.strides = tuple(self.tensor.strides[: self.tensor.ndim])
        self.address = int(self.tensor.data or 0) + self.tensor.byte_offset
        self.nbytes = int(np.prod(self.shape)) * self.tensor.bits // 8

    def read(self, stream: int) -> Pinned:
        """Queues a copy of row-major numbers in a stream."""
        made = Pinned(self.nbytes)
        made.read(self.address, stream)
        return made

    def delete(self) -> None:
        self.managed.deleter(ctypes.byref(self.managed))


class Interface:
    """An array that has a __cuda_array_interface__ alone, as those of Numba."""

    def __init__(self, memory: Memory, view: Any = None, **changes: Any) -> None:
        view = memory.array if view is None else view
        offset = view.ctypes.data - memory.array.ctypes.data
        self.memory = memory
        self.__cuda_array_interface__ = {
            "shape": view.shape, "typestr": view.dtype.str,
            "data": (memory.address + offset if view.size else 0, False),
            "strides": view.strides, "stream": memory.stream.handle, "version": 3, **changes,
        }  # fmt: skip
