"""What an earlier run of the process held does not stay until Python happens to look for cycles."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.train.run import earlier
from powertrain.train.run.train_run import TrainRun

SIZE = 1 << 30


@pytest.fixture
def of_others() -> Iterator[list[TrainRun]]:
    """The runs that other tests of this process still hold. The collector waits meanwhile."""
    gc.collect()
    gc.disable()
    try:
        yield [one for one in gc.get_objects() if type(one) is TrainRun]
    finally:
        gc.enable()


def fitted(of_others: list[TrainRun]) -> list[weakref.ref[TrainRun]]:
    """The runs that are there after one more, without those of others."""
    x = np.zeros((8, 2), np.float32)
    pt.fit(model="mlp", data=(x, np.arange(8) % 2), epochs=1, batch_size=4, verbose=False)
    known = {id(one) for one in of_others}
    return [weakref.ref(one) for one in gc.get_objects() if type(one) is TrainRun and id(one) not in known]


def test_runs_that_nobody_holds_go_when_the_process_has_grown(
    monkeypatch: pytest.MonkeyPatch, of_others: list[TrainRun]
) -> None:
    size = [SIZE]
    monkeypatch.setattr(earlier, "resident_bytes", lambda: size[0])
    monkeypatch.setattr(earlier, "EARLIER", earlier.Earlier())
    monkeypatch.setattr("powertrain.train.building.EARLIER", earlier.EARLIER)
    first = fitted(of_others)
    assert len(first) == 1
    second = fitted(of_others)
    assert len(second) == 2, "a small process is left alone"
    size[0] += earlier._GROWTH
    third = fitted(of_others)
    assert len(third) == 1
    assert all(one() is None for one in (*first, *second))


def test_what_is_held_is_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    collected: list[int] = []
    sizes = iter([5, 6, 7, 100, 90, 95, 50, 59, 60, 61])
    monkeypatch.setattr(earlier, "_GROWTH", 10)
    monkeypatch.setattr(earlier, "resident_bytes", lambda: next(sizes))
    monkeypatch.setattr(gc, "collect", lambda: collected.append(1))
    one = earlier.Earlier()
    one._before = 5
    found: list[Any] = []
    for _ in range(8):
        one.free()
        found.append((one._before, len(collected)))
    # 5, 6, 7: nothing new; 100 and then 90; 95; 50 is less than before; 59; 60 has grown, and 61 is what stays.
    assert found == [(5, 0), (5, 0), (5, 0), (90, 1), (90, 1), (50, 1), (50, 1), (61, 2)]
