"""Arrays of other libraries become tensors and back: every dtype, 0-d, empty, any strides, read-only; without a copy
where it is legal; and memory lives as long as somebody looks at it."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import powertrain as pt
from powertrain import array_api as xp

DTYPES = ("bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16", "float32",
          "float64", "complex64", "complex128")  # fmt: skip
BFLOAT = pt.asarray(np.arange(6.0).reshape(2, 3) - 2).astype("bfloat16")


def numbers(shape: tuple[int, ...], dtype: str) -> Any:
    whole = np.arange(int(np.prod(shape))).reshape(shape)
    return (whole % 3 == 0) if dtype == "bool" else (whole + (0.5j if dtype.startswith("complex") else 0)).astype(dtype)


def read_only(array: Any) -> Any:
    array.flags.writeable = False
    return array


FORMS: dict[str, Callable[[str], Any]] = {
    "rows": lambda dtype: numbers((3, 4), dtype),
    "0-d": lambda dtype: np.asarray(numbers((), dtype)),
    "empty": lambda dtype: numbers((2, 0, 3), dtype),
    "Fortran": lambda dtype: np.asfortranarray(numbers((3, 4), dtype)),
    "transposed": lambda dtype: numbers((2, 3, 4), dtype).transpose(2, 0, 1),
    "backwards": lambda dtype: numbers((3, 4), dtype)[::-1, ::-1],
    "every second": lambda dtype: numbers((6, 8), dtype)[1::2, ::2],
    "broadcast": lambda dtype: np.broadcast_to(numbers((4,), dtype), (3, 4)),
    "read-only": lambda dtype: read_only(numbers((3, 4), dtype)),
}


def address(tensor: Any) -> int:
    return int(tensor.numpy().ctypes.data)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_numpy(dtype: str, form: str) -> None:
    array = FORMS[form](dtype)
    ways: dict[str, Callable[[Any], Any]] = {"asarray": pt.asarray, "memoryview": lambda a: pt.asarray(memoryview(a))}
    if array.flags.writeable or hasattr(np, "astype"):  # before version 2 NumPy lends nothing that is read only
        ways["from_dlpack"] = xp.from_dlpack
    for way, take in ways.items():
        tensor = take(array)
        assert (tensor.dtype.name, tensor.shape) == (dtype, array.shape), way
        np.testing.assert_array_equal(tensor.numpy(), array, err_msg=way)
        assert array.size == 0 or address(tensor) == array.ctypes.data, f"{way} copies"
        assert array.size == 0 or way == "memoryview" or tensor.numpy().strides == array.strides
    tensor = pt.asarray(array)
    backs: list[Callable[[Any], Any]] = [lambda t: t.numpy(), np.asarray, lambda t: np.asarray(memoryview(t))]
    if hasattr(np, "astype"):
        backs.append(np.from_dlpack)
    for back in backs:
        found = back(tensor)
        assert (found.dtype, found.shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(found, array)
        assert not found.flags.writeable
        assert array.size == 0 or found.ctypes.data == array.ctypes.data
    for copy in (pt.tensor(array), xp.from_dlpack(tensor, copy=True), xp.asarray(array, copy=True)):
        np.testing.assert_array_equal(copy.numpy(), array)
        assert array.size == 0 or not np.shares_memory(copy.numpy(), array)
    for copy in (np.array(tensor), tensor.__array__(copy=True)):
        assert copy.flags.writeable and (array.size == 0 or not np.shares_memory(copy, array))


def test_the_buffer_protocol_is_read_only() -> None:
    view = memoryview(pt.asarray(np.arange(6, dtype="int16").reshape(2, 3)))
    assert (view.readonly, view.format, view.shape, view.strides, view.itemsize) == (True, "h", (2, 3), (6, 2), 2)
    assert bytes(view) == np.arange(6, dtype="int16").tobytes()
    with pytest.raises(TypeError):
        view[0, 0] = 1
    with pytest.raises(BufferError):
        np.frombuffer(BFLOAT, "uint16")


class Owner(np.ndarray):  # type: ignore[type-arg]
    """An array that can be asked whether it is still there."""


@pytest.mark.parametrize("take", [pt.asarray, xp.from_dlpack, lambda a: pt.asarray(memoryview(a))])
def test_memory_lives_as_long_as_somebody_looks_at_it(take: Callable[[Any], Any]) -> None:
    array = np.arange(1000.0).view(Owner)
    there = weakref.ref(array)
    looks: list[Any] = [take(array)]
    del array
    looks.append(looks[0][::-1])
    for look in (np.asarray, np.from_dlpack, memoryview):
        looks.append(look(looks.pop(0)))
        gc.collect()
        assert there() is not None
    np.testing.assert_array_equal(np.asarray(looks[-1]), np.asarray(looks[-1]))
    looks.clear()
    gc.collect()
    assert there() is None


def test_a_capsule_that_nobody_takes_lets_go() -> None:
    array = np.arange(4.0).view(Owner)
    there = weakref.ref(array)
    tensor = pt.asarray(array)
    capsules = [tensor.__dlpack__(max_version=(1, 0)), tensor.__dlpack__()]
    del array, tensor
    gc.collect()
    assert there() is not None
    capsules.clear()
    gc.collect()
    assert there() is None


def test_what_dlpack_is_asked_for() -> None:
    tensor = pt.asarray(np.arange(3.0))
    assert tensor.__dlpack_device__() == (1, 0)
    tensor.__dlpack__(stream=None, max_version=(1, 1), dl_device=(1, 0), copy=False)
    for asked, says in [
        ({"copy": False}, r"^\[dlpack\] copy = False and no max_version; expected a version of 1 or later"),
        ({"stream": 1}, r"^\[dlpack\] stream = 1; expected None; tensors are in main memory"),
        ({"dl_device": (2, 0)}, r"^\[dlpack\] dl_device = \(2, 0\); expected \(1, 0\); tensors are in main memory"),
    ]:
        with pytest.raises(BufferError, match=says):
            tensor.__dlpack__(**asked)
    with pytest.raises(pt.TraceError, match=r"^\[dlpack\] received a symbolic tensor"):
        pt.compile(lambda x: x.__dlpack__())(tensor)


class Lender:
    """Somebody else's array, of another device or with memory that it does not give."""

    def __init__(self, device: int = 1) -> None:
        self.device = device

    def __dlpack_device__(self) -> tuple[int, int]:
        return (self.device, 0)

    def __dlpack__(self, **asked: Any) -> Any:
        raise RuntimeError("it is busy")


def test_who_lends_nothing_is_told() -> None:
    for lender, text in [
        (object(), "object, which lends no memory by DLPack; expected an array that does; convert it with "
         "numpy.asarray"),
        (Lender(device=10), "Lender on ROCm (DLPack's device (10, 0)); expected main memory or CUDA's; copy it to main "
         "memory first"),
    ]:  # fmt: skip
        with pytest.raises(pt.DTypeError) as raised:
            xp.from_dlpack(lender)
        assert str(raised.value) == f"[from_dlpack] received {text}"
    with pytest.raises(pt.DTypeError) as raised:
        pt.exp(Lender())
    assert str(raised.value) == (
        "[exp] received Lender that lends no memory (it is busy); expected an array in main memory; convert it there "
        "first"
    )


class Old(Lender):
    """Speaks DLPack as before version 1, whose __dlpack__ takes no version."""

    def __init__(self, array: Any) -> None:
        super().__init__()
        self.array = array

    def __dlpack__(self) -> Any:  # type: ignore[override]
        return self.array.__dlpack__()


def test_dlpack_before_version_1() -> None:
    array = np.arange(6, dtype="int32").reshape(2, 3)
    tensor = xp.from_dlpack(Old(array))
    np.testing.assert_array_equal(tensor.numpy(), array)
    assert address(tensor) == array.ctypes.data


# PyTorch and JAX.


@pytest.mark.peers
@pytest.mark.parametrize("form", ["rows", "0-d", "empty", "transposed", "every second", "broadcast"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_pytorch(dtype: str, form: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed; make test-peers installs it")
    array = np.array(FORMS[form](dtype), subok=False) if form == "broadcast" else FORMS[form](dtype)
    theirs = torch.from_numpy(array)
    for take in (pt.asarray, xp.from_dlpack):
        tensor = take(theirs)
        assert (tensor.dtype.name, tensor.shape) == (dtype, array.shape)
        np.testing.assert_array_equal(tensor.numpy(), array)
        assert array.size == 0 or address(tensor) == theirs.data_ptr(), "it is copied"
    own = pt.tensor(array)
    back = torch.from_dlpack(own)
    assert str(back.dtype) == f"torch.{dtype}"
    np.testing.assert_array_equal(back.numpy(), array)
    np.testing.assert_array_equal(pt.equal(theirs, own).numpy(), np.ones(array.shape, bool))


@pytest.mark.peers
def test_pytorch_bfloat16_and_lifetime() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed; make test-peers installs it")
    theirs = torch.tensor([[-2.0, -1.0, 0.0], [1.0, 2.0, 3.0]], dtype=torch.bfloat16)
    for take in (pt.asarray, xp.from_dlpack):
        tensor = take(theirs.T)
        assert tensor.dtype == pt.bfloat16
        np.testing.assert_array_equal(tensor.astype("float32").numpy(), BFLOAT.astype("float32").numpy().T)
    back = torch.from_dlpack(BFLOAT)
    assert back.dtype == torch.bfloat16 and torch.equal(back, theirs)
    tensor = pt.asarray(torch.arange(1000.0))  # whose memory nobody else holds
    gc.collect()
    np.testing.assert_array_equal(tensor.numpy(), np.arange(1000.0))
    with pytest.raises(pt.DTypeError, match=r"^\[asarray\] received Tensor that lends no memory \(.*require gradient"):
        pt.asarray(torch.ones(2, requires_grad=True))


@pytest.mark.parametrize("form", ["rows", "0-d", "empty"])
@pytest.mark.parametrize("dtype", [*DTYPES, "bfloat16"])
def test_jax(dtype: str, form: str) -> None:
    jax = pytest.importorskip("jax", reason="JAX is not installed: pip install jax")
    with jax.enable_x64(True):
        array = FORMS[form]("float32" if dtype == "bfloat16" else dtype)
        theirs = jax.numpy.asarray(array, dtype=dtype)
        for take in (pt.asarray, xp.from_dlpack):
            tensor = take(theirs)
            assert (tensor.dtype.name, tensor.shape) == (dtype, array.shape)
            np.testing.assert_array_equal((tensor.astype("float32") if dtype == "bfloat16" else tensor).numpy(), array)
            assert array.size == 0 or dtype == "bfloat16" or address(tensor) == theirs.unsafe_buffer_pointer()
        back = jax.numpy.from_dlpack(tensor)
        assert back.dtype.name == dtype and bool((back == theirs).all())
        del theirs
        gc.collect()
        np.testing.assert_array_equal((tensor.astype("float32") if dtype == "bfloat16" else tensor).numpy(), array)


def test_bfloat16_by_dlpack() -> None:
    tensor = xp.from_dlpack(BFLOAT)
    assert tensor.dtype == pt.bfloat16
    np.testing.assert_array_equal(tensor.astype("float32").numpy(), BFLOAT.astype("float32").numpy())


def test_bfloat16_of_numpy_with_ml_dtypes() -> None:
    array = np.arange(12.0).reshape(3, 4).astype(ml_dtypes.bfloat16)[::-1, ::2]
    tensor = pt.asarray(array)
    assert tensor.dtype == pt.bfloat16 and tensor.strides == (-4, 2)
    np.testing.assert_array_equal(tensor.astype("float32").numpy(), array.astype("float32"))


def test_the_namespace_of_a_tensor() -> None:
    tensor = pt.ones((2,))
    assert tensor.__array_namespace__() is xp and tensor.__array_namespace__(api_version="2024.12") is xp


def test_numpy_asks_a_symbolic_tensor_for_its_shape() -> None:
    found: list[Any] = []

    @pt.compile
    def step(x: pt.Tensor) -> pt.Tensor:
        found.append((np.shape(x), np.ndim(x), np.size(x), np.size(x, 1), np.size(x, (0, -1))))
        return x * np.size(x, axis=0)

    assert step(pt.ones((2, 3))).numpy().tolist() == [[2.0] * 3] * 2
    assert found == [((2, 3), 2, 6, 3, 6)]
    assert np.shape(pt.Slot(pt.ones((2, 3)))) == (2, 3) and np.size(pt.ones(3), 0) == 3
    with pytest.raises(pt.ShapeError) as caught:
        np.size(pt.ones(3), 1)
    assert str(caught.value) == "[size] axis = 1 of a tensor with 1 axes; expected one that it has; see x.shape"
