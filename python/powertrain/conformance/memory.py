"""Calls of a kernel on memory that is laid out to show what the kernel must not do.

Each buffer lies between pages that nobody may touch, inputs cannot be written, and outputs hold a pattern that no
kernel makes.
"""

from __future__ import annotations

import ctypes
import itertools
import mmap
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from powertrain import _core
from powertrain.plugin.kernels import Kernel
from powertrain.plugin.kernels.kernel import Typed
from powertrain.plugin.params import parameters

GUARD = 16  # pages on each side
NONE, READ, WRITE = 0, 1, 2  # of mprotect
_libc = ctypes.CDLL(None, use_errno=True)


class Tensor(ctypes.Structure):
    """PtTensor of powertrain.h."""

    _fields_ = (
        ("data", ctypes.c_void_p), ("device_type", ctypes.c_int32), ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32), ("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)), ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    )  # fmt: skip


class Value(ctypes.Union):
    _fields_ = (("integer", ctypes.c_int64), ("number", ctypes.c_double), ("pointer", ctypes.c_void_p))


class Attribute(ctypes.Structure):
    """PtAttribute of powertrain.h."""

    _fields_ = (("name", ctypes.c_char_p), ("kind", ctypes.c_int32), ("count", ctypes.c_int32), ("value", Value))


class Call(ctypes.Structure):
    """PtCall of powertrain.h."""

    _fields_ = (
        ("version", ctypes.c_int32), ("n_inputs", ctypes.c_int32), ("n_outputs", ctypes.c_int32),
        ("n_attributes", ctypes.c_int32), ("inputs", ctypes.POINTER(Tensor)), ("outputs", ctypes.POINTER(Tensor)),
        ("attributes", ctypes.POINTER(Attribute)), ("begin", ctypes.c_int64), ("end", ctypes.c_int64),
        ("message", ctypes.c_void_p), ("message_bytes", ctypes.c_int64),
    )  # fmt: skip


class Buffer:
    """Memory between two guards; the data touch the one behind them, or the one before."""

    def __init__(self, name: str, shape: Sequence[int], dtype: str, at_end: bool, pattern: bytes = b"\xff") -> None:
        page = mmap.PAGESIZE
        self.name, self.bytes = name, int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        room = -(-self.bytes // page) * page
        self._memory = mmap.mmap(-1, room + 2 * GUARD * page)
        self._view = (ctypes.c_char * len(self._memory)).from_buffer(self._memory)
        self.base = ctypes.addressof(self._view)
        self.first = self.base + GUARD * page  # of the pages between the guards
        self.last = self.first + room
        self.address = self.last - self.bytes if at_end else self.first
        self.array = np.frombuffer(self._memory, dtype, int(np.prod(shape, dtype=np.int64)), self.address - self.base)
        self.array = self.array.reshape(shape)
        ctypes.memset(self.address, pattern[0], self.bytes)
        self._protect(self.base, self.first, NONE)
        self._protect(self.last, self.last + GUARD * page, NONE)

    def seal(self) -> Buffer:
        """From now on it can only be read."""
        self._protect(self.first, self.last, READ)
        return self

    def close(self) -> None:
        """From now on nobody may touch it."""
        self._protect(self.first, self.last, NONE)

    def holds(self, address: int) -> str:
        """`after`, `before` or `inside` for an address in it or its guards, else nothing."""
        if not self.base <= address < self.last + GUARD * mmap.PAGESIZE:
            return ""
        return "before" if address < self.first else "after" if address >= self.last else "inside"

    def _protect(self, begin: int, end: int, access: int) -> None:
        if end > begin and _libc.mprotect(ctypes.c_void_p(begin), ctypes.c_size_t(end - begin), access):
            raise OSError(ctypes.get_errno(), "mprotect")


@dataclass
class Prepared:
    """One call: the arguments of the function, and what lies behind them."""

    inputs: list[Buffer]
    outputs: list[Buffer]
    arguments: list[int]
    keep: list[Any] = field(default_factory=list)
    message: Any = None

    @property
    def buffers(self) -> list[Buffer]:
        return [*self.inputs, *self.outputs]

    def results(self) -> list[Any]:
        return [np.array(buffer.array) for buffer in self.outputs]

    def said(self) -> str:
        return "" if self.message is None else self.message.value.decode("utf-8", "replace")


def prepare(
    kernel: Kernel,
    inputs: Sequence[Any],
    outputs: Sequence[Typed],
    params: dict[str, Any],
    at_end: bool = True,
    pattern: bytes = b"\xff",
    part: tuple[int, int] | None = None,
) -> Prepared:
    """Lay out one call of a kernel; `part` are the rows (elementwise: the elements) to compute."""
    read = []
    for name, array in zip(kernel.inputs, inputs, strict=True):
        shape = outputs[0][0] if kernel.elementwise else array.shape
        buffer = Buffer(name, shape, str(array.dtype), at_end)
        buffer.array[...] = array
        read.append(buffer.seal())
    names = ["the output"] if len(outputs) == 1 else [f"output {index}" for index in range(len(outputs))]
    written = [Buffer(name, *typed, at_end, pattern) for name, typed in zip(names, outputs, strict=True)]
    make = _elementwise if kernel.elementwise else _whole
    return make(kernel, read, written, params, part)


def _elementwise(
    kernel: Kernel, read: list[Buffer], written: list[Buffer], params: dict[str, Any], part: tuple[int, int] | None
) -> Prepared:
    begin, end = part or (0, written[0].array.size)
    skip = begin * written[0].array.itemsize
    pointers = (ctypes.c_void_p * len(read))(*(buffer.address + skip for buffer in read))
    values = [float(value) for value in params.values()]
    numbers = (ctypes.c_double * max(1, len(values)))(*values)
    arguments = [end - begin, written[0].address + skip, ctypes.addressof(pointers), ctypes.addressof(numbers)]
    return Prepared(read, written, arguments, [pointers, numbers])


def _whole(
    kernel: Kernel, read: list[Buffer], written: list[Buffer], params: dict[str, Any], part: tuple[int, int] | None
) -> Prepared:
    keep: list[Any] = []
    tensors = (Tensor * (len(read) + len(written)))(*(_tensor(buffer, keep) for buffer in (*read, *written)))
    fields = parameters(kernel.Params)
    attributes = (Attribute * max(1, len(fields)))(*(_attribute(one.name, params[one.name], keep) for one in fields))
    message = ctypes.create_string_buffer(512)
    shape = written[0].array.shape
    begin, end = part or (0, shape[0] if shape else 1)
    outputs = ctypes.cast(ctypes.addressof(tensors) + len(read) * ctypes.sizeof(Tensor), ctypes.POINTER(Tensor))
    call = Call(
        _core.ABI_VERSION, len(read), len(written), len(fields), tensors, outputs, attributes, begin, end,
        ctypes.addressof(message), len(message),
    )  # fmt: skip
    return Prepared(read, written, [ctypes.addressof(call)], [call, tensors, attributes, message, *keep], message)


def _tensor(buffer: Buffer, keep: list[Any]) -> Tensor:
    array = buffer.array
    shape = (ctypes.c_int64 * max(1, array.ndim))(*array.shape)
    strides = (ctypes.c_int64 * max(1, array.ndim))(*(step // array.itemsize for step in array.strides))
    keep += [shape, strides]
    code = {"i": 0, "u": 1, "f": 2, "b": 6}[array.dtype.kind]
    return Tensor(buffer.address, 1, 0, array.ndim, code, 8 * array.itemsize, 1, shape, strides, 0)


def _attribute(name: str, given: Any, keep: list[Any]) -> Attribute:
    value, kind, count = Value(), 1, 0
    if isinstance(given, bool):
        kind, value.integer = 0, int(given)
    elif isinstance(given, float):
        kind, value.number = 2, given
    elif isinstance(given, str):
        words = ctypes.create_string_buffer(given.encode())
        kind, count, value.pointer = 3, len(words) - 1, ctypes.addressof(words)
        keep.append(words)
    elif isinstance(given, tuple):
        integers = (ctypes.c_int64 * max(1, len(given)))(*given)
        kind, count, value.pointer = 4, len(given), ctypes.addressof(integers)
        keep.append(integers)
    else:
        value.integer = given
    return Attribute(name.encode(), kind, count, value)


@dataclass(frozen=True)
class Fault:
    """What a call did that it must not: the code of the rule, what was seen, what was expected, how to fix it."""

    code: str
    received: str
    expected: str
    fix: str


def run(address: int, call: Prepared, old: Sequence[Prepared] = ()) -> Fault | None:
    """Call the function; `old` are calls that are over, whose memory is closed."""
    told = _core.call_guarded(address, call.arguments)
    if told["signal"]:
        return _explain(told, call, old)
    if told["code"]:
        said = call.said() or f"it returned {told['code']}"
        return Fault("fails", f"it fails on one of its own cases: {said}", "0", "fix the case or the kernel")
    if not told["environment"]:
        return Fault(
            "floating-point-mode",
            "it leaves the processor's floating-point mode changed",
            "the mode that it found",
            "look for _MM_SET_FLUSH_ZERO_MODE, fesetround and -ffast-math",
        )
    return None


def _explain(told: dict[str, Any], call: Prepared, old: Sequence[Prepared]) -> Fault:
    address, does = told["address"], "writes" if told["write"] else "reads"
    for buffer in call.buffers:
        at = buffer.holds(address)
        count = buffer.array.size
        if at == "after":
            past = (address - buffer.last) // buffer.array.itemsize
            text = f"{does} element {count + past} of {buffer.name}, which has {count}"
            return Fault("out-of-bounds", f"it {text}", "only elements that there are", "look at the end of its loops")
        if at == "before":
            text = f"it {does} before the first element of {buffer.name}"
            return Fault("out-of-bounds", text, "only elements that there are", "look at where its loops begin")
        if at == "inside" and buffer in call.inputs:
            return Fault(
                "writes-input", f"it writes to its input {buffer.name}", "inputs that stay as they are",
                "write to the outputs alone",
            )  # fmt: skip
    for buffer in itertools.chain.from_iterable(one.buffers for one in old):
        if buffer.holds(address):
            return Fault(
                "kept-pointer",
                f"it {does} memory of an earlier call ({buffer.name})",
                "to keep no pointer from one call to the next",
                "look for static variables, and read everything from the call",
            )
    name = signal.Signals(told["signal"]).name
    return Fault("crash", f"it crashed with {name} at address {address:#x}", "no crash", "run its function under gdb")
