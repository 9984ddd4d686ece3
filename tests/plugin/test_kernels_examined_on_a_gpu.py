"""`powertrain plugins check` runs a kernel's code for GPUs on the device, here a simulated one."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_check import examine
from test_plugin_docs import KINDS, files

from powertrain.devices import loading
from simulated_gpu import built, compiles, simulated_gpus

simulated_gpus()
pytestmark = pytest.mark.skipif(not compiles(), reason="test_kernels_with_a_compiler.py runs it")


@pytest.fixture(autouse=True)
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    monkeypatch.setattr(loading, "path_of", lambda kind: str(built()))


CAP = """
extern "C" __global__ void cap(const float* x, float* y, long long count, double limit) {
  const long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
  if (i < count) y[i] = (float)limit * tanhf(x[i] / (float)limit);
}
"""
SLOPE = """
extern "C" __global__ void slope(const float* x, float* y, long long count, double limit) {
  const long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
  const float t = i < count ? tanhf(x[i] / (float)limit) : 0.0f;
  if (i < count) y[i] = 1.0f - t * t;
}
"""
PLUGIN = """
from dataclasses import dataclass
import math
import powertrain as pt
from powertrain.plugin import *

@dataclass(frozen=True)
class Params:
    limit: float = param(3.0, above=0)

def slope_of(x, limit):
    t = math.tanh(x / limit)
    return 1 - t * t

def value_of(x, limit):
    return limit * math.tanh(x / limit)

slope = Kernel("checked_slope", Numba(slope_of), params=Params, elementwise=True, cuda=Cuda('''SLOPE''', "slope"))

def vjp(inputs, outputs, grads, limit):
    return grads[0] * slope(inputs[0], limit=limit)

it = Kernel("checked_cap", Numba(value_of), params=Params, elementwise=True, vjp=vjp, cuda=Cuda('''CAP''', "cap"),
            reference=lambda x, limit: pt.tanh(x / limit) * limit)
"""


@pytest.mark.parametrize(
    ("name", "cap_source", "slope_source", "expected"),
    [
        ("right", CAP, SLOPE, []),
        ("wrong", CAP.replace("tanhf(", "1.01f * tanhf("), SLOPE, ["wrong-result"]),
        ("unwritten", CAP.replace("i < count", "i + 1 < count"), SLOPE, ["wrong-result"]),
        ("wrong-slope", CAP, SLOPE.replace("1.0f - t * t", "1.0f - t"), ["wrong-gradient"]),
    ],
)
def test_the_check_examines_it_on_the_device(
    name: str, cap_source: str, slope_source: str, expected: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = PLUGIN.replace("SLOPE", slope_source).replace("CAP", cap_source)
    source = source.replace("checked", f"checked_{name.replace('-', '_')}")
    found = examine("kernel", f"gpu-{name}", source, tmp_path, monkeypatch)
    assert [one.code for one in found] == expected, "\n".join(one.line() for one in found)
    assert all("GPU" in one.line() for one in found)


def test_the_kernel_of_the_page_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = next(page for page in KINDS if page.stem == "kernel")
    found = examine("kernel", "by-cuda", files(page)["scaled.py"], tmp_path, monkeypatch, "scaled")
    assert [one.line() for one in found] == []
