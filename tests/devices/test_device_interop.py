"""Arrays of other libraries on a device, taken and lent without a copy by DLPack and __cuda_array_interface__, in the
order of everybody's work: the simulated device does queued work as late as it may, so a forgotten order shows as old
numbers."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from cuda_driver import (
    CUDA,
    DEFAULT_STREAM,
    Interface,
    Lender,
    Memory,
    Pinned,
    Stream,
    Taken,
    call,
    follow,
    use,
)
from powertrain import _core
from powertrain.devices import loading
from simulated_gpu import simulated_gpus

GPUS = simulated_gpus()
FIRST, SECOND = GPUS[0], GPUS[-1]
DTYPES = ("bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16", "float32",
          "float64", "complex64", "complex128")  # fmt: skip


def numbers(shape: tuple[int, ...], dtype: str) -> Any:
    whole = np.arange(int(np.prod(shape))).reshape(shape)
    return (whole % 3 == 0) if dtype == "bool" else (whole + (0.5j if dtype.startswith("complex") else 0)).astype(dtype)


FORMS: dict[str, Callable[[Any], Any]] = {
    "rows": lambda array: array,
    "0-d": lambda array: array[0, 0, ...],
    "empty": lambda array: array[:, 2:2],
    "transposed": lambda array: array.T,
    "backwards": lambda array: array[::-1, ::-1],
    "every second": lambda array: array[1::2, ::2],
    "broadcast": lambda array: np.broadcast_to(array[1], (5, 4)),
}
WAYS: dict[str, Callable[[Memory, Any], Any]] = {
    "versioned": Lender,
    "unversioned": lambda memory, view: Lender(memory, view, versioned=False),
    "read-only": lambda memory, view: Lender(memory, view, read_only=True),
    "interface": Interface,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_their_memory_becomes_a_tensor(dtype: str, form: str, way: str) -> None:
    memory = Memory(numbers((4, 4), dtype))
    view = FORMS[form](memory.array)
    for take in (pt.asarray, _core.from_dlpack)[: 1 if way == "interface" else 2]:
        tensor = take(WAYS[way](memory, view))
        assert (tensor.dtype.name, tensor.shape, tensor.device) == (dtype, view.shape, FIRST)
        np.testing.assert_array_equal(tensor.numpy(), view)
        if view.size and dtype != "bool":
            at = tensor.__cuda_array_interface__["data"][0]
            assert at == memory.address + view.ctypes.data - memory.array.ctypes.data, "it is copied"
        del tensor


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_our_memory_becomes_theirs(dtype: str, form: str) -> None:
    array, stream = numbers((4, 4), dtype), Stream()
    view = FORMS[form](array)
    tensor = FORMS[form](pt.tensor(array, device=FIRST)) if form != "broadcast" else pt.broadcast_to(
        pt.tensor(array, device=FIRST)[1], (5, 4))  # fmt: skip
    assert tensor.__dlpack_device__() == (CUDA, 0)
    taken = Taken(tensor.__dlpack__(stream=stream.handle, max_version=(1, 1), dl_device=(CUDA, 0), copy=False))
    interface = tensor.__cuda_array_interface__
    assert taken.shape == interface["shape"] == view.shape and taken.flags == 1 and interface["version"] == 3
    assert interface["typestr"] == view.dtype.str and interface["data"][1] is True
    if view.size:
        assert taken.address == interface["data"][0] and taken.strides == tuple(
            s // view.itemsize for s in view.strides
        )
        assert (interface["strides"] or view.strides) == view.strides
    old = Taken(tensor.__dlpack__(stream=stream.handle))  # who cannot be told that memory is read only gets a copy
    whole = Taken(tensor.__dlpack__(stream=stream.handle, max_version=(1, 0), copy=True))
    assert whole.flags == 2 and (not view.size or len({old.address, whole.address, taken.address}) == 3)
    read = [copy.read(stream.handle) for copy in (old, whole)]
    stream.synchronize()
    for copy in read:
        np.testing.assert_array_equal(copy.array(dtype).reshape(view.shape), view)
    for one in (taken, old, whole):
        one.delete()


def test_bfloat16_goes_by_dlpack_alone() -> None:
    tensor = pt.tensor(np.arange(6.0), "float32", FIRST).astype("bfloat16")
    taken = Taken(tensor.__dlpack__(max_version=(1, 0)))
    assert (taken.tensor.code, taken.tensor.bits) == (4, 16)
    taken.delete()
    assert not hasattr(tensor, "__cuda_array_interface__")
    back = _core.from_dlpack(tensor)
    assert back.dtype == pt.bfloat16 and back.astype("float32").tolist() == [0, 1, 2, 3, 4, 5]


def test_truths_of_other_bytes_than_one_count_once() -> None:
    memory = Memory(np.array([0, 1, 2, 255], np.uint8))
    tensor = pt.asarray(Interface(memory, typestr="|b1"))
    assert tensor.sum().item() == 3 and tensor.tolist() == [False, True, True, True]


def test_our_work_waits_for_theirs() -> None:
    late = np.full(1000, 7, "float32")
    for make in (Lender, Interface):
        memory = Memory(np.zeros(1000, "float32"))
        memory.stream.synchronize()
        memory.write(late)  # queued in their stream, in which nobody waits
        lent = make(memory)
        assert (pt.asarray(lent) * 2).sum().item() == 14000
        if isinstance(lent, Lender):
            assert lent.streams[0] > 2  # ours
    memory = Memory(np.zeros(1000, "float32"))
    memory.stream.synchronize()
    memory.write(late)
    assert (pt.asarray(Interface(memory, stream=None)) * 2).sum().item() in (0, 14000)  # they asked for no order


def test_their_work_waits_for_ours() -> None:
    stream = Stream()
    for order in (stream.handle, DEFAULT_STREAM, None):
        used = stream.handle if order == stream.handle else DEFAULT_STREAM
        x = pt.tensor(np.arange(1000.0), "float32", FIRST)
        taken = Taken((x * 2 + 1).__dlpack__(stream=order, max_version=(1, 0)))
        read = taken.read(used)
        use()
        call("cuStreamSynchronize", used and _pointer(used))
        np.testing.assert_array_equal(read.array("float32"), np.arange(1000) * 2 + 1)
        taken.delete()
    made = pt.tensor(np.arange(1000.0), "float32", FIRST) * 3
    interface = made.__cuda_array_interface__
    follow(stream.handle, interface["stream"])
    read = Pinned(4000)
    read.read(interface["data"][0], stream.handle)
    stream.synchronize()
    np.testing.assert_array_equal(read.array("float32"), np.arange(1000) * 3)


def address_of(tensor: pt.Tensor) -> int:
    taken = Taken(tensor.__dlpack__(stream=-1, max_version=(1, 0)))
    taken.delete()
    return taken.address


def _pointer(stream: int) -> Any:
    import ctypes

    return ctypes.c_void_p(stream)


@pytest.mark.parametrize("way", ["stream", "default stream", "interface"])
def test_memory_that_was_lent_is_used_again_after_their_work(way: str) -> None:
    stream = Stream()
    used = DEFAULT_STREAM if way == "default stream" else stream.handle
    pt.cuda.synchronize(FIRST)
    _core.trim_device(FIRST)  # so that few other pieces are free
    tensor = pt.tensor(np.arange(1 << 18), "int32", FIRST)
    if way == "interface":
        address = tensor.__cuda_array_interface__["data"][0]
        follow(used, tensor.__cuda_array_interface__["stream"])
        let_go: Callable[[], None] = gc.collect
        read = Pinned(4 << 18)
        read.read(address, used)
    else:
        taken = Taken(tensor.__dlpack__(stream=used, max_version=(1, 0)))
        address, let_go = taken.address, taken.delete
        read = taken.read(used)  # queued, and not done
    del tensor
    let_go()
    nines = pt.tensor(np.full(1 << 18, 9, "int32"))
    after = [nines.to(FIRST) for _ in range(60)]
    assert address in map(address_of, after), "the memory is not used again"
    pt.cuda.synchronize(FIRST)
    use()
    call("cuStreamSynchronize", _pointer(used))
    np.testing.assert_array_equal(read.array("int32"), np.arange(1 << 18))
    assert after[0].tolist()[:2] == [9, 9]


def test_what_was_lent_is_a_snapshot() -> None:
    slot = pt.Slot(pt.tensor(np.zeros(4), "float32", FIRST), "w", trainable=True)

    @pt.compile
    def step() -> None:
        slot.value = slot.value + 1

    step()
    stream = Stream()
    by_interface = slot.value
    address = by_interface.__cuda_array_interface__["data"][0]
    taken = Taken(slot.value.__dlpack__(stream=stream.handle, max_version=(1, 0)))
    reads = [taken.read(stream.handle)]
    taken.delete()
    for _ in range(3):
        step()
    reads.append(Pinned(16))
    reads[1].read(address, stream.handle)
    stream.synchronize()
    for read in reads:
        assert read.array("float32").tolist() == [1] * 4
    assert slot.value.tolist() == [4] * 4
    results = pt.compile(lambda x: x + 1)
    x = pt.tensor(np.zeros(4), "float32", FIRST)
    taken = Taken(results(x).__dlpack__(stream=stream.handle, max_version=(1, 0)))
    other = results(x)
    assert other.__cuda_array_interface__["data"][0] != taken.address, "a result was written where another one was lent"
    taken.delete()


def test_their_memory_is_kept_until_our_work_is_done() -> None:
    memory = Memory(np.arange(1000.0))
    lender = Lender(memory)
    tensor = pt.asarray(lender)
    made = tensor * 2
    del tensor
    gc.collect()
    assert lender.deleted == 1
    memory.write(np.zeros(1000))  # they use it again at once, in their own stream
    memory.stream.synchronize()
    np.testing.assert_array_equal(made.numpy(), np.arange(1000.0) * 2)
    interface = Interface(memory)
    tensor = pt.asarray(interface)
    import sys

    before = sys.getrefcount(interface)
    del tensor
    gc.collect()
    assert sys.getrefcount(interface) == before - 1
    capsule = made.__dlpack__(max_version=(1, 0))  # that nobody takes
    used = _core.device_usage(FIRST)[1]
    del made
    assert _core.device_usage(FIRST)[1] == used
    del capsule
    assert _core.device_usage(FIRST)[1] < used


def test_a_step_takes_them_as_arguments() -> None:
    memory = Memory(np.arange(12, dtype="float32").reshape(3, 4))
    step = pt.compile(lambda x: pt.exp(x) @ x.T)
    wanted = step(pt.tensor(memory.array))
    for lent in (Lender(memory), Interface(memory), Lender(memory)):
        made = step(lent)
        assert made.device == FIRST
        np.testing.assert_allclose(made.numpy(), wanted.numpy(), rtol=1e-6)
    both = pt.asarray(Lender(memory)) + pt.tensor(memory.array, device=FIRST)
    np.testing.assert_array_equal(both.numpy(), memory.array * 2)


@pytest.mark.skipif(FIRST == SECOND, reason="there is one GPU")
def test_each_device_has_its_own() -> None:
    memory = Memory(np.arange(3.0), device=1)
    for lent in (Lender(memory), Interface(memory)):
        assert pt.asarray(lent).device == SECOND
    tensor = pt.ones((3,), device=SECOND)
    assert tensor.__dlpack_device__() == (CUDA, 1)
    assert pt.array_api.from_dlpack(tensor, device="cpu").device == "cpu"
    assert pt.array_api.from_dlpack(tensor, device=SECOND, copy=False).device == SECOND
    np.testing.assert_array_equal(np.from_dlpack(_ToCpu(tensor)), np.ones(3))
    with pytest.raises(pt.Error, match=r"^\[add\] received f64\[3\] on cuda:1 beside tensors on cuda:0"):
        pt.ones((3,), device=FIRST) + pt.asarray(Lender(memory)) * 1.0


class _ToCpu:
    """As NumPy 2.1 and later ask with device="cpu"."""

    def __init__(self, tensor: pt.Tensor) -> None:
        self.tensor = tensor

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)

    def __dlpack__(self, **asked: Any) -> Any:
        return self.tensor.__dlpack__(max_version=(1, 0), dl_device=(1, 0), copy=None)


class _Lies(Lender):
    def __dlpack__(self, **asked: Any) -> Any:
        return self._capsule(b"dltensor_versioned")

    def __dlpack_device__(self) -> tuple[int, int]:
        return (CUDA, 1)


def elsewhere(kind: int) -> Any:
    lender = Lender(Memory(np.ones(2, "float32")))
    lender.dlpack_type = kind
    return lender


def interface(**changes: Any) -> Any:
    return Interface(Memory(np.ones((2, 3), "float32")), **changes)


ERRORS: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: _core.from_dlpack(elsewhere(10)), pt.DTypeError,
     "[from_dlpack] received Lender on ROCm (DLPack's device (10, 0)); expected main memory or CUDA's; copy it to main "
     "memory first"),
    (lambda: _core.from_dlpack(elsewhere(8)), pt.DTypeError,
     "[from_dlpack] received Lender on Metal (DLPack's device (8, 0)); expected main memory or CUDA's; copy it to main "
     "memory first"),
    (lambda: pt.asarray(_Lies(Memory(np.ones(2)))), pt.DTypeError,
     "[asarray] received memory on CUDA (DLPack's device (2, 0)) of an array that says CUDA (DLPack's device (2, 1)); "
     "expected one device; copy the array first"),
    (lambda: pt.ones((2,), device=FIRST).__dlpack__(stream=0), BufferError,
     "[dlpack] stream = 0 of a tensor on cuda:0; expected None or 1 for the default stream, 2 for the thread's, a "
     "stream's handle, or -1 for no order of work; pass the stream in which the memory is used"),
    (lambda: pt.ones((2,), device=FIRST).__dlpack__(dl_device=(2, 1)), BufferError,
     "[dlpack] dl_device = (2, 1) of a tensor on cuda:0; expected its own, or (1, 0) for a copy in main memory; move "
     "it there first with .to(...)"),
    (lambda: pt.ones((2,), device=FIRST).__dlpack__(dl_device=(1, 0), max_version=(1, 0), copy=False), BufferError,
     "[dlpack] dl_device = (1, 0) of a tensor on cuda:0, and copy = False; expected its own, or (1, 0) for a copy in "
     "main memory; move it there first with .to(...)"),
    (lambda: pt.ones((2,)).__dlpack__(stream=1), BufferError,
     "[dlpack] stream = 1; expected None; tensors are in main memory"),
    (lambda: pt.ones((2,)).__cuda_array_interface__, AttributeError,
     "[cuda_array_interface] received f32[2] on cpu; expected a tensor on a CUDA device; move it there with "
     ".to('cuda')"),
    (lambda: pt.exp(interface(typestr=">f4")), pt.DTypeError,
     "[exp] received Interface, whose __cuda_array_interface__ has elements of type '>f4'; expected bool, integers, "
     "floats of 16 to 64 bits or complex numbers in native byte order; convert it there"),
    (lambda: pt.exp(interface(typestr="|V8")), pt.DTypeError,
     "[exp] received Interface, whose __cuda_array_interface__ has elements of type '|V8'; expected bool, integers, "
     "floats of 16 to 64 bits or complex numbers in native byte order; convert it there"),
    (lambda: pt.exp(interface(mask=1)), pt.DTypeError,
     "[exp] received Interface, whose __cuda_array_interface__ has a mask; expected an array without one; convert it "
     "there"),
    (lambda: pt.exp(interface(stream=0)), pt.DTypeError,
     "[exp] received Interface, whose __cuda_array_interface__ has stream = 0; expected None, 1 for the default "
     "stream, 2 for the thread's or a stream's handle; convert it there"),
    (lambda: pt.exp(interface(version=1)), pt.DTypeError,
     "[exp] received Interface, whose __cuda_array_interface__ has version 1; expected version 2 or 3; convert it "
     "there"),
    (lambda: pt.exp(interface(strides=(2, 4))), pt.DTypeError,
     "[exp] received Interface, whose __cuda_array_interface__ has a stride of 2 bytes; expected multiples of 4; "
     "convert it there"),
    (lambda: pt.exp(interface(data=(64, False))), pt.DTypeError,
     "[exp] received Interface, whose memory at 64 is no CUDA device's; expected memory that is still allocated; keep "
     "the array"),
]  # fmt: skip


@pytest.mark.simulated
@pytest.mark.parametrize(("use_it", "kind", "text"), ERRORS, ids=[str(number) for number in range(len(ERRORS))])
def test_errors(use_it: Callable[[], Any], kind: type[Exception], text: str) -> None:
    with pytest.raises(kind) as error:
        use_it()
    assert str(error.value) == text


def test_a_device_that_is_not_at_hand_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "path_of", lambda kind: None)
    lender = Lender(Memory(np.ones(2)))
    lender.memory.device = 5
    with pytest.raises(pt.DTypeError) as error:
        _core.from_dlpack(lender)
    assert str(error.value) == (
        "[from_dlpack] received Lender in the memory of a GPU, which is not at hand (powertrain-cuda is not installed; "
        "pip install powertrain-cuda); expected main memory; copy it first (CuPy: cupy.asnumpy, Numba: copy_to_host)"
    )
