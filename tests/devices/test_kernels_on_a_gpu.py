"""Kernel plugins on a device: CUDA source and RawKernels become launches of eager calls and of recorded steps, with
their gradients; what has no code for a device is computed by its reference."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from cuda_driver import call, counter, use
from powertrain.plugin import CLibrary, Cuda, Kernel, param
from simulated_gpu import compiles, simulated_gpus

GPUS = simulated_gpus()
pytestmark = pytest.mark.skipif(not compiles(), reason="test_kernels_with_a_compiler.py runs it")
FIRST, SECOND = GPUS[0], GPUS[-1]

CAP = """
extern "C" __global__ void cap(const float* x, float* y, long long count, double limit) {
  const long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
  if (i < count) y[i] = (float)limit * tanhf(x[i] / (float)limit);
}
"""
SLOPE = """
extern "C" __global__ void __launch_bounds__(64) slope(const float* x, float* y, long long count, double limit) {
  const long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
  if (i >= count) return;
  const float t = tanhf(x[i] / (float)limit);
  y[i] = 1.0f - t * t;
}
"""
SUMS = """
extern "C" __global__ void sums(const float* x, const long long* which, float* scaled, float* total, long long count) {
  const long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
  if (i < count) scaled[i] = x[i] * (float)(which[i / COLUMNS] + 1);
  if (i >= count / COLUMNS) return;
  float sum = 0;
  for (int k = 0; k < COLUMNS; ++k) sum += x[i * COLUMNS + k];
  total[i] = sum;
}
"""
WRONG = CAP.replace("x[i]", "z[i]")
NOWHERE = CLibrary("no-such-library", float32="f", float64="g")  # on a device nobody opens it


@dataclass(frozen=True)
class Limit:
    limit: float = param(3.0, above=0)


slope = Kernel("gpu_slope", NOWHERE, params=Limit, elementwise=True, cuda=Cuda(SLOPE, "slope", threads=64))


def vjp(inputs: Any, outputs: Any, grads: Any, limit: float) -> Any:
    return grads[0] * slope(inputs[0], limit=limit)


def reference(x: Any, limit: float) -> Any:
    return pt.tanh(x / limit) * limit


cap = Kernel(
    "gpu_cap", NOWHERE, params=Limit, elementwise=True, vjp=vjp, reference=reference, cuda=Cuda(CAP, "cap")
)  # fmt: skip
sums = Kernel(
    "gpu_sums", NOWHERE, inputs={"x": "float", "which": "integer"}, outputs=2, shape=lambda x, which: [x, (x[0],)],
    cuda=Cuda(SUMS, "sums", options=("-DCOLUMNS=7",)),
)  # fmt: skip
X = np.random.default_rng(0).normal(size=(37, 7)).astype("float32") * 4


def on(device: str, array: Any) -> pt.Tensor:
    return pt.tensor(array, device=device)


def test_it_joins_eager_calls() -> None:
    for device in (FIRST, SECOND):
        for array in (X, X.T, X[::2, 1:], X[:0], X[0, 0]):
            made = cap(on(device, array), limit=2.0)
            assert (made.device, made.shape, made.dtype) == (device, array.shape, pt.float32)
            np.testing.assert_allclose(made.numpy(), 2 * np.tanh(array / 2), rtol=1e-6, atol=1e-6)
    scaled, total = sums(on(FIRST, X), on(FIRST, np.arange(37)))
    np.testing.assert_array_equal(scaled.numpy(), X * np.arange(1, 38, dtype="float32")[:, None])
    np.testing.assert_allclose(total.numpy(), X.sum(axis=1), rtol=1e-5, atol=1e-5)


@pytest.mark.simulated
def test_it_joins_a_step_that_is_recorded_with_its_gradient() -> None:
    w = pt.Slot(on(FIRST, np.ones(7, "float32")), "w", trainable=True)

    @pt.compile
    def step(x: Any) -> Any:
        loss, grad = pt.value_and_grad(lambda w: (cap(x * w, limit=2.0) ** 2).mean())(w.value)
        w.value = w.value - 0.1 * grad
        return loss

    def by_ops(x: Any, w: Any) -> Any:
        return pt.value_and_grad(lambda w: (reference(x * w, 2.0) ** 2).mean())(w)

    ours = pt.tensor(np.ones(7, "float32"))
    graphs = counter("simGraphLaunches")
    for _ in range(5):
        loss, grad = by_ops(pt.tensor(X), ours)
        ours = ours - 0.1 * grad
        assert abs(step(on(FIRST, X)).item() - loss.item()) <= 1e-5
    np.testing.assert_allclose(w.value.numpy(), ours.numpy(), rtol=1e-5)
    assert counter("simGraphLaunches") > graphs, "the step was not recorded"
    assert [row["kernel"] for row in step.programs[0]["instructions"]].count("gpu_slope") == 1


def test_a_step_that_fails_writes_nothing_of_it() -> None:
    w = pt.Slot(on(FIRST, X), "w", trainable=True)

    @pt.compile
    def step(x: Any) -> None:
        w.value = pt.guard(cap(x))  # the kernel's own result

    step(on(FIRST, X))
    kept = w.value.numpy().tobytes()
    for _ in range(3):
        with pytest.raises(pt.NonFiniteError):
            step(on(FIRST, np.full_like(X, np.nan)))
        assert w.value.numpy().tobytes() == kept


def test_what_has_no_code_for_it_is_computed_by_the_reference() -> None:
    doubles = X.astype("float64")
    made = cap(on(FIRST, doubles))
    assert made.dtype == pt.float64
    np.testing.assert_allclose(made.numpy(), 3 * np.tanh(doubles / 3), rtol=1e-12)
    both = Kernel("gpu_twice", NOWHERE, reference=lambda x: x * 2)
    for call_it in (both, pt.compile(both)):
        np.testing.assert_array_equal(call_it(on(FIRST, X)).numpy(), X * 2)


class Raw:
    """What is asked of a CuPy RawKernel; its function was loaded by somebody else's call of the driver."""

    def __init__(self, code: str, name: str) -> None:
        self.code, self.name, self.options = code, name, ()
        self.asked = 0

    @property
    def kernel(self) -> Any:
        self.asked += 1
        return type("Function", (), {"ptr": loaded(self.code, self.name)})


class NotLoaded(Raw):
    @property
    def kernel(self) -> Any:
        raise RuntimeError("CuPy finds no driver")


def loaded(code: str, name: str) -> int:
    """A CUfunction of a source, compiled by the NVRTC beside the simulated driver."""
    program, size = ctypes.c_void_p(), ctypes.c_size_t()
    call("nvrtcCreateProgram", ctypes.byref(program), code.encode(), b"theirs.cu", 0, None, None)
    call("nvrtcCompileProgram", program, 0, None)
    call("nvrtcGetCUBINSize", program, ctypes.byref(size))
    image = ctypes.create_string_buffer(size.value)
    call("nvrtcGetCUBIN", program, image)
    use()
    module, function = ctypes.c_void_p(), ctypes.c_void_p()
    call("cuModuleLoadData", ctypes.byref(module), image)
    call("cuModuleGetFunction", ctypes.byref(function), module, name.encode())
    return int(function.value or 0)


@pytest.mark.simulated
def test_a_raw_kernel_is_called_by_the_function_that_cupy_loaded() -> None:
    raw = Raw(CAP, "cap")
    kernel = Kernel("gpu_raw", NOWHERE, params=Limit, elementwise=True, vjp=vjp, cuda=Cuda.of(raw))
    raw.code = CAP.replace("tanhf", "1 + tanhf")  # as CuPy would compile it with settings that the source does not show
    step = pt.compile(lambda x: kernel(x, limit=2.0) + 1)
    for _ in range(4):
        np.testing.assert_allclose(step(on(FIRST, X)).numpy(), 2 + np.tanh(X / 2) + 1, rtol=1e-5, atol=1e-6)
    assert raw.asked == 1


ERRORS: list[tuple[str, Callable[[], Any], str]] = [
    ("no code", lambda: Kernel("gpu_none", NOWHERE)(on(FIRST, X)),
     "[gpu_none] the kernel has no code for cuda:0, and no reference; expected one of them; pass cuda= or reference= "
     "to Kernel, or compute it on the CPU with .to('cpu')"),
    ("no elementwise code", lambda: pt.compile(Kernel("gpu_nothing", NOWHERE, elementwise=True))(on(FIRST, X)),
     "[gpu_nothing] the kernel has no code for cuda:0, and no reference; expected one of them; pass cuda= or "
     "reference= to Kernel, or compute it on the CPU with .to('cpu')"),
    ("another dtype", lambda: slope(on(FIRST, X.astype("float64"))),
     "[gpu_slope] received float64 on a device, for which the kernel has no code and no reference; expected float32; "
     "convert it with astype, or pass reference= to Kernel"),
    ("a wrong source", lambda: Kernel("gpu_wrong", NOWHERE, cuda=Cuda(WRONG, "cap"))(on(FIRST, X)),
     "[cuda cap] NVRTC cannot compile it: cap.cu:4:"),
    ("a name that is not there", lambda: Kernel("gpu_name", NOWHERE, cuda=Cuda(CAP, "top"))(on(FIRST, X)),
     '[cuda top] the source has no extern "C" __global__ void top(...); expected the function that it names; fix the '
     "name or the source"),
    ("a CuPy without a GPU", lambda: Kernel("gpu_cupy", NOWHERE, cuda=Cuda.of(NotLoaded(CAP, "cap")))(on(FIRST, X)),
     "[cuda cap] CuPy does not load its RawKernel on cuda:0: RuntimeError: CuPy finds no driver; expected it to be "
     "compiled; fix what it names, or pass Cuda(source, name), which powertrain compiles"),
]  # fmt: skip


@pytest.mark.simulated
@pytest.mark.parametrize(("use_it", "text"), [row[1:] for row in ERRORS], ids=[row[0] for row in ERRORS])
def test_errors(use_it: Callable[[], Any], text: str) -> None:
    with pytest.raises(pt.KernelError) as error:
        use_it()
    assert str(error.value).startswith(text)
