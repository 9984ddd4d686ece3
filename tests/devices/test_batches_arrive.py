"""Batches are copied to a device beside its work: no wait stands between the copy of the next one and a step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import powertrain as pt
from cuda_driver import counter
from powertrain import _core
from powertrain.data import DataLoader, TensorDataset
from powertrain.devices import loading
from simulated_gpu import built, simulated_gpus

GPUS = simulated_gpus()
FIRST, SECOND = GPUS[0], GPUS[-1]
X, Y = np.random.default_rng(0).normal(size=(40, 6)).astype("float32"), np.arange(40)


@pytest.fixture(autouse=True)
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "path_of", lambda kind: str(built()))


@pytest.mark.simulated
def test_a_copy_runs_beside_a_step() -> None:
    w = pt.Slot(pt.tensor(np.ones(6, "float32"), device=FIRST), "w", trainable=True)

    @pt.compile
    def step(x: Any) -> Any:
        w.value = w.value + x.sum(axis=0)
        return w.value * 1

    batches = np.split(X, 10)
    for batch in batches[:3]:  # traced, planned, recorded
        step(_core.send([batch], FIRST).receive()[0])
    pt.cuda.synchronize(FIRST)
    ahead = _core.send([batches[3]], FIRST)
    for number in range(4, 8):
        waits, queued = counter("simSynchronisations"), counter("simCopiesIn")
        (x,) = ahead.receive()
        ahead = _core.send([batches[number]], FIRST)  # as a worker does while the step runs
        assert counter("simSynchronisations") == waits, "to send or to receive waits for the device"
        done = counter("simCopiesInDone")
        made = step(x)
        assert counter("simSynchronisations") == waits + 1  # the step's end
        assert counter("simCopiesIn") == queued + 1
        assert counter("simCopiesInDone") == done + 1, "the step waited for the next batch, or not for its own"
        del x
    np.testing.assert_allclose(made.numpy(), 1 + X[:28].sum(axis=0), rtol=1e-5)


def test_memory_of_a_batch_is_used_again_behind_the_work_that_reads_it() -> None:
    sent = _core.send([np.full(1 << 16, 3.0)], FIRST)
    (x,) = sent.receive()
    at = x.__cuda_array_interface__["data"][0]
    del x, sent
    sent = _core.send([np.full(1 << 16, 3.0)], FIRST)
    (x,) = sent.receive()
    made = x * 2  # queued
    del x, sent
    again = _core.send([np.full(1 << 16, 5.0)], FIRST)
    (y,) = again.receive()
    assert y.sum().item() == 5 << 16 and made.sum().item() == 6 << 16
    assert y.__cuda_array_interface__["data"][0] == at
    dropped = _core.send([np.ones(1 << 16)], FIRST)
    del dropped
    assert _core.send([np.full(1 << 16, 7.0)], FIRST).receive()[0].sum().item() == 7 << 16


@pytest.mark.simulated
def test_memory_that_is_short_comes_from_the_cache_of_the_work() -> None:
    large = [pt.zeros((40 << 18,), device=FIRST) for _ in range(5)]  # of 256 MiB
    del large
    (x,) = _core.send([np.ones(45 << 18, "float32")], FIRST).receive()
    (y,) = _core.send([np.ones(45 << 18, "float32")], FIRST).receive()
    assert x.sum().item() == y.sum().item() == 45 << 18
    del x, y
    _, used, kept, peak = _core.device_usage(FIRST)
    assert kept >= 90 << 20 and peak >= used
    _core.trim_device(FIRST)
    assert _core.device_usage(FIRST)[2] <= 4 << 20


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_sends_its_batches(workers: int) -> None:
    data = TensorDataset(X, Y)
    for loader in (DataLoader(data, 8, num_workers=workers, device="cuda"),
                   DataLoader(data, 8, num_workers=workers, device=pt.device("cuda:1"), pad_last=True)):  # fmt: skip
        found = list(loader)
        assert {batch.x.device for batch in found} == {FIRST if loader.device == "cuda:0" else SECOND}
        np.testing.assert_array_equal(np.concatenate([batch.x.numpy() for batch in found]), X)
        np.testing.assert_array_equal(np.concatenate([batch["y"].numpy() for batch in found]), Y)
        assert isinstance(found[0].arrays["x"], np.ndarray)
        assert {field.device for field in found[0]} == {found[0].x.device}
    alone = list(DataLoader(X, 8, num_workers=workers, device="cuda"))
    assert {tensor.device for tensor in alone} == {FIRST}
    np.testing.assert_array_equal(np.concatenate([tensor.numpy() for tensor in alone]), X)
    words = list(DataLoader([("a", 1), ("b", 2)], 2, num_workers=workers, device="cuda"))
    assert words[0][1].device == FIRST and words[0].arrays["x"] == ["a", "b"]
    assert next(iter(DataLoader(data, 8, device="cpu"))).x.device == "cpu"


@pytest.mark.simulated
def test_a_run_takes_batches_that_its_loader_has_sent() -> None:
    def trained(device: str) -> Any:
        pt.random.seed(1)
        model = pt.nn.Sequential(pt.nn.Linear(6, 8), pt.nn.ReLU(), pt.nn.Linear(8, 40))
        return pt.fit(model=model, data=(X, Y), steps=12, batch_size=8, device=device, verbose=False)

    here = trained("cpu")
    copied, sizes = counter("simCopiesIn"), []
    send = _core.send
    try:
        _core.send = lambda arrays, device: sizes.append(len(arrays)) or send(arrays, device)
        there = trained("cuda")
    finally:
        _core.send = send
    assert len(sizes) >= 12 and set(sizes) == {3} and counter("simCopiesIn") > copied  # x, y and the weights
    for one, other in zip(here.model.parameters(), there.model.parameters(), strict=True):
        np.testing.assert_allclose(np.asarray(other.value), np.asarray(one.value), rtol=2e-4, atol=2e-6)
