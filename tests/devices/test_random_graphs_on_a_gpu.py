"""Some random graphs on a simulated GPU beside the CPU, more with `-m long`. `make fuzz DEVICE=cuda` runs thousands."""

from __future__ import annotations

import pytest

import fuzz_graphs
import powertrain as pt
from fuzz_devices import against_cpu
from simulated_gpu import simulated_gpus

GPU = simulated_gpus()[0]


def examine(seed: int) -> None:
    found = list(fuzz_graphs.problems_there(seed, GPU))
    assert not found, "\n".join([fuzz_graphs.grow(seed).listing(), *found])


@pytest.mark.parametrize("seed", range(4, 20))
def test_a_random_graph_is_the_cpu_s(seed: int) -> None:
    examine(seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1000, 1300))
def test_more_random_graphs_are_the_cpu_s(seed: int) -> None:
    examine(seed)


def test_other_bits_are_found() -> None:
    x = pt.ones((3, 3))
    call = fuzz_graphs.Call("exp", [0], made=[1])
    assert not list(against_cpu([call], [x, pt.exp(x)], GPU))
    assert list(against_cpu([call], [x, pt.exp(x) * (1 + 2**-22)], GPU)) == ["v1 = exp(v0): not the CPU's bits"]


def test_a_wrong_product_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    x = pt.ones((3, 3))
    call = fuzz_graphs.Call("matmul", [0, 0], made=[1])
    assert not list(against_cpu([call], [x, pt.matmul(x, x)], GPU))
    monkeypatch.setattr(fuzz_graphs.Call, "apply", lambda self, values: pt.matmul(*values) * 1.001)
    assert list(against_cpu([call], [x, pt.matmul(x, x)], GPU))
