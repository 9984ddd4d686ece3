"""Kernels in Python through Numba, and CUDA sources: declared, and compiled where NVRTC is. tests/devices runs them."""

from __future__ import annotations

import math
import sys
import types
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_check import examine

import powertrain as pt
from powertrain.plugin import Case, Cuda, Kernel, Numba, param
from powertrain.plugin.kernels.library import SourceError
from powertrain.plugin.kernels.nvrtc import arguments_of, includes, nvrtc

DOUBLED = """
extern "C" __global__ void doubled(const float* x, float* y, long long count, double factor) {
  const long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
  if (i < count) y[i] = x[i] * (float)factor;
}
"""


@dataclass(frozen=True)
class Limit:
    limit: float = param(3.0, above=0)


@dataclass(frozen=True)
class Shift:
    by: int = 1
    scale: float = 2.0


def value_of(x: Any, limit: Any) -> Any:
    return limit * math.tanh(x / limit)


def larger(a: Any, b: Any) -> Any:
    return a if a > b else b


def shift_rows(x: Any, index: Any, y: Any, total: Any, begin: Any, end: Any, by: Any, scale: Any) -> Any:
    for i in range(begin, end):
        if index[i] < 0:
            return 3
        total[i] = 0
        for j in range(x.shape[1]):
            y[i, j] = scale * x[i, (j + by) % x.shape[1]]
            total[i] += x[i, j]
    return 0


def fill(x: Any, y: Any) -> None:
    for i in range(x.shape[0]):
        y[i] = x[i] * x[i]


def normal(*shape: int) -> Any:
    return np.random.Generator(np.random.Philox(7)).normal(size=shape)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_elementwise_function_of_numbers(dtype: str) -> None:
    pytest.importorskip("numba")
    cap = Kernel("cap", Numba(value_of), params=Limit, elementwise=True)
    x = normal(130, 33).astype(dtype)
    made = cap(pt.tensor(x), limit=0.5)
    number = np.dtype(dtype).type(0.5)
    np.testing.assert_allclose(made.numpy(), number * np.tanh(x / number), rtol=1e-5)
    assert made.numpy().dtype == dtype
    top = Kernel("larger", Numba(larger), inputs=["a", "b"], elementwise=True)
    step = pt.compile(lambda x: top(cap(x), 0.25) * 2.0)
    assert step(pt.tensor(x)).numpy().tobytes() == (top(cap(pt.tensor(x)), 0.25) * 2.0).numpy().tobytes()
    assert len(step.programs[0]["instructions"]) == 1


def test_a_function_of_arrays_in_parts() -> None:
    pytest.importorskip("numba")
    kernel = Kernel(
        "shift_rows", Numba(shift_rows, ["float32"]), inputs={"x": "float", "index": "integer"}, outputs=2,
        params=Shift, split=True, shape=lambda x, index, **_: [x, (x[0],)], flops=20,
    )  # fmt: skip
    x = normal(3000, 40).astype("float32")
    index = np.arange(3000)
    step = pt.compile(lambda x, index: kernel(x, index, by=3))
    for y, total in (kernel(pt.tensor(x), index, by=3), step(pt.tensor(x), pt.tensor(index))):
        assert y.numpy().tobytes() == (np.float32(2) * np.roll(x, -3, axis=1)).tobytes()
        np.testing.assert_allclose(total.numpy(), x.sum(axis=1), rtol=1e-3, atol=1e-3)
    assert step.programs[0]["instructions"][0]["chunks"] > 1
    with pytest.raises(pt.KernelError, match=r"^\[shift_rows\] its kernel returned 3; expected 0; see the plugin's"):
        kernel(pt.tensor(x), index - 1)
    squares = Kernel("squares", Numba(fill, ["float64", "int64"]), inputs={"x": "number"})
    assert squares(pt.tensor([2, 3], dtype="int64")).numpy().tolist() == [4, 9]
    assert squares(pt.tensor([0.5], dtype="float64")).item() == 0.25


def test_without_numba_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from powertrain.plugin.kernels import jitted

    monkeypatch.setitem(sys.modules, "numba", None)
    jitted._tools.cache_clear()
    kernel = Kernel("cap", Numba(value_of), params=Limit, elementwise=True)
    with pytest.raises(pt.KernelError, match=r"^\[kernel cap\] Numba cannot be imported .*; pip install 'powert"):
        kernel(1.0)


def test_cuda_source_is_checked_without_a_compiler() -> None:
    raw = types.SimpleNamespace(code=DOUBLED, name="doubled")  # what a cupy.RawKernel says of itself
    Cuda.of(raw).check()
    with pytest.raises(SourceError, match=r'^\[cuda tripled\] the source has no extern "C" __global__ void tripled'):
        Cuda(DOUBLED, "tripled").check()


needs_nvrtc = pytest.mark.skipif(nvrtc() is None, reason="no NVRTC: pip install nvidia-cuda-nvrtc-cu12")


@needs_nvrtc
def test_cuda_source_is_compiled_where_nvrtc_is() -> None:
    made = Cuda(DOUBLED, "doubled").compile()
    assert b".visible .entry doubled" in made and b".target sm_80" in made
    assert b".target sm_75" in Cuda(DOUBLED, "doubled").compile("compute_75")
    assert arguments_of(made, "doubled") == ["u64", "u64", "u64", "f64"] and arguments_of(made, "tripled") is None


@needs_nvrtc
def test_a_wrong_cuda_source_is_an_error_with_all_of_the_compilers_words() -> None:
    wrong = DOUBLED.replace("x[i]", "z[i]").replace("long long i", "long long j")
    with pytest.raises(SourceError) as caught:
        Cuda(wrong, "doubled").compile()
    first, *log = str(caught.value).splitlines()
    assert caught.value.code == "not-compiled"
    assert first == (
        '[cuda doubled] NVRTC cannot compile it: doubled.cu(4): error: identifier "i" is undefined (and 1 more); '
        "expected CUDA C++; fix what the compiler names:"
    )
    assert [line.strip() for line in log if "error:" in line] == [
        'doubled.cu(4): error: identifier "i" is undefined', 'doubled.cu(4): error: identifier "z" is undefined',
    ]  # fmt: skip
    assert "    if (i < count) y[i] = z[i] * (float)factor;" in str(caught.value)


@needs_nvrtc
def test_options_and_headers_of_cuda_source(monkeypatch: pytest.MonkeyPatch) -> None:
    halves = DOUBLED.replace("float*", "half*").replace("x[i] *", "__half2float(x[i]) * N *")
    source = "#include <cuda_fp16.h>\n" + halves
    raw = types.SimpleNamespace(code=source, name="doubled", options=("-DN=3",))
    if includes():
        assert b"doubled" in Cuda.of(raw, "float16").compile()
    monkeypatch.setattr("powertrain.plugin.kernels.nvrtc.includes", list)
    with pytest.raises(SourceError, match=r'could not open source file "cuda_fp16.h"'):
        Cuda.of(raw, "float16").compile()
    with pytest.raises(SourceError, match=r"^\[cuda doubled\] NVRTC does not compile at all: .*fix the options"):
        Cuda(DOUBLED, "doubled", options=("--no-such",)).compile()
    with pytest.raises(SourceError, match=r"^\[cuda doubled\] NVRTC does not compile at all: .*; install") as caught:
        Cuda(DOUBLED, "doubled").compile("compute_12")
    assert caught.value.code == "no-nvrtc"


def test_without_nvrtc_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("powertrain.plugin.kernels.nvrtc.nvrtc", lambda: None)
    with pytest.raises(SourceError, match=r"^\[cuda doubled\] NVRTC is not here; .*; pip install nvidia-c"):
        Cuda(DOUBLED, "doubled").compile()


def test_a_raw_kernel_of_cupy_is_declared_without_a_gpu() -> None:
    cupy = pytest.importorskip("cupy", reason="no CuPy: pip install cupy-cuda12x")
    declared = Cuda.of(cupy.RawKernel(DOUBLED, "doubled", options=("-DN=3",)))
    assert declared == Cuda(DOUBLED, "doubled", options=("-DN=3",))
    declared.check()


PLUGIN = """
from dataclasses import dataclass
from powertrain.plugin import *

@dataclass(frozen=True)
class Params:
    factor: float = 2.0

def value(x, factor):
    return x * factor

it = Kernel("times", Numba(value), params=Params, elementwise=True, reference=lambda x, factor: x * factor,
            cuda=Cuda('''SOURCE''', "doubled"))
"""


def test_the_check_looks_at_the_text_of_cuda_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    source = PLUGIN.replace("SOURCE", DOUBLED.replace("__global__", ""))
    (found,) = examine("kernel", "no-function", source, tmp_path, monkeypatch)
    assert found.code == "cuda-source"


def test_cuda_source_takes_numbers_alone() -> None:
    @dataclass(frozen=True)
    class Words:
        mode: str = "fast"

    with pytest.raises(pt.KernelError, match=r"^\[kernel k\] it has cuda= and a parameter that is not a number; exp"):
        Kernel("k", Numba(value_of), params=Words, cuda=Cuda(DOUBLED, "doubled"))


@needs_nvrtc
@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        (("x[i]", "z[i]"), "not-compiled", 'doubled.cu(4): error: identifier "z" is undefined; expected CUDA C++'),
        (("long long count, double", "int count, double"), "cuda-arguments", "(u64, u64, u32, f64 in PTX); expected 4"),
        (("double factor", "float factor"), "cuda-arguments", "(u64, u64, u64, f32 in PTX); expected 4"),
        (("const float* x, float* y", "float* y"), "cuda-arguments", "(u64, u64, f64 in PTX); expected 4 (u64,"),
        (('extern "C"', '#if 0\nextern "C"'), "cuda-source", "compiled, it has no function of that name; expected"),
    ],
    ids=["undefined", "narrow-count", "float-parameter", "no-input", "left-out"],
)
def test_the_check_names_what_is_wrong_with_cuda_source(
    change: tuple[str, str], code: str, text: str, request: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("numba")
    source = DOUBLED.replace(*change)
    if change[0].startswith("const float* x"):
        source = source.replace("x[i]", "y[i]")
    source += "#endif\n" if "#if" in change[1] else ""
    name = f"cuda-{request.node.callspec.id}"
    (found,) = examine("kernel", name, PLUGIN.replace("SOURCE", source), tmp_path, monkeypatch)
    assert found.code == code and text in found.line(), found.line()


def test_a_case_has_inputs_and_parameters() -> None:
    case = Case(1.0, 2.0, limit=3.0)
    assert (case.inputs, case.params) == ((1.0, 2.0), {"limit": 3.0})
