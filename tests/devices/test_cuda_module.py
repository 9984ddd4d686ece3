"""`pt.cuda` on simulated GPUs: names, the current one, and how much of the memory is used."""

from __future__ import annotations

import numpy as np
import pytest

import powertrain as pt
from powertrain.devices import loading
from simulated_gpu import built, simulated_gpus

GPUS = simulated_gpus(at_least=2)
FIRST, SECOND = GPUS[0], GPUS[1]
MEGABYTE = 1 << 20


@pytest.fixture(autouse=True)
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "path_of", lambda kind: str(built()))


def test_gpus_are_counted_and_named() -> None:
    assert pt.cuda.is_available() and not pt.cuda.why_not()
    assert pt.cuda.device_count() == len(GPUS)
    names = [pt.cuda.get_device_name(device) for device in (None, 0, "cuda:0", pt.device("cuda", 0))]
    assert len(set(names)) == 1 and "compute capability" in names[0]


def test_the_current_one_is_that_of_the_block() -> None:
    assert pt.cuda.current_device() == 0
    with pt.device(SECOND):
        assert pt.cuda.current_device() == 1 and pt.zeros((2,)).device == SECOND
        with pt.device("cpu"):
            assert pt.cuda.current_device() == 0
    assert pt.cuda.current_device() == 0


def test_memory_is_counted_for_each_gpu() -> None:
    pt.cuda.reset_peak_memory_stats(SECOND)
    before, other = pt.cuda.memory_usage(1), pt.cuda.memory_usage(FIRST)
    assert before.peak == before.allocated and before.total >= 128 * MEGABYTE
    held = pt.tensor(np.zeros(MEGABYTE, np.float32), device=SECOND)
    now = pt.cuda.memory_usage(SECOND)
    assert now.allocated - before.allocated == 4 * MEGABYTE
    assert (now.allocated, now.peak) == (pt.cuda.memory_allocated(SECOND), pt.cuda.max_memory_allocated(SECOND))
    assert pt.cuda.memory_usage(FIRST) == other

    del held
    freed = pt.cuda.memory_usage(SECOND)
    assert freed.allocated == before.allocated and freed.cached >= 4 * MEGABYTE and freed.peak == now.peak
    assert pt.cuda.memory_reserved(SECOND) == freed.allocated + freed.cached
    pt.cuda.empty_cache(SECOND)
    pt.cuda.reset_peak_memory_stats(SECOND)
    emptied = pt.cuda.memory_usage(SECOND)
    assert emptied.cached < 4 * MEGABYTE and emptied.peak == emptied.allocated == before.allocated


def test_the_functions_of_the_current_gpu() -> None:
    with pt.device(SECOND):
        held = pt.ones((64,))
        assert pt.cuda.memory_allocated() == pt.cuda.memory_allocated(SECOND) > 0
        pt.cuda.synchronize()
    assert held.device == SECOND


@pytest.mark.parametrize(
    ("device", "text"),
    [
        ("cpu", "[cuda] device = 'cpu'; expected a GPU; for example 'cuda:0'"),
        (7, "[cuda] device = 'cuda:7'; expected one of 2 from cuda:0 on; write 'cuda:0'"),
        (-1, "[device] index = -1 of 'cuda'; expected which of its devices, from 0 on; leave it out"),
        ("gpu", "[device] received 'gpu'; expected 'cpu', 'cuda' or 'cuda:1'; write 'cuda'"),
    ],
)
def test_another_place_is_named(device: object, text: str) -> None:
    functions = (
        pt.cuda.memory_usage, pt.cuda.reset_peak_memory_stats, pt.cuda.empty_cache, pt.cuda.synchronize,
        pt.cuda.get_device_name,
    )  # fmt: skip
    for function in functions:
        with pytest.raises(pt.Error) as error:
            function(device)
        assert str(error.value).startswith(text)
