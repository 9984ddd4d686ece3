"""Workers that are slower than others: they are named, once, and only where it matters."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from numpy.typing import NDArray

from powertrain.train.workers import pace
from powertrain.train.workers.pace import Pace
from running import results, run
from worker_processes import write_shared


class Others:
    """The transport of worker 0, whose sums others have added to."""

    rank, size = 0, 4

    def __init__(self, *others: float) -> None:
        self.others = others

    def all_reduce(self, arrays: Sequence[NDArray[Any]]) -> None:
        arrays[0][1:] += self.others


def after(monkeypatch: pytest.MonkeyPatch, seconds: Sequence[float]) -> Pace:
    """A worker that has computed so long between its sums."""
    found, now = Pace(), [0.0]
    monkeypatch.setattr(pace.time, "perf_counter", lambda: now[0])
    for one in (0.0, *seconds):
        now[0] += one
        with found.waiting():
            now[0] += 100.0  # the others
    return found


def test_a_straggler_is_named_once(monkeypatch: pytest.MonkeyPatch) -> None:
    found = after(monkeypatch, [0.2] * 20)
    assert found.straggler(Others(0.2, 0.4, 0.21)) == (
        "[workers] worker 2 computes 0.4 s in each step and the others 0.2 s; expected as long for all, since they "
        "wait for it; give its machine no other work, or leave it out"
    )
    found._seconds = [0.2] * 20
    assert found.straggler(Others(0.2, 0.4, 0.21)) == ""
    found._seconds = [0.2] * 20
    assert "worker 3" in found.straggler(Others(0.2, 0.2, 0.9))


@pytest.mark.parametrize(
    ("seconds", "others"),
    [
        ([0.2] * 19, (0.2, 0.9, 0.2)),  # too few steps
        ([0.2] * 20, (0.2, 0.29, 0.2)),  # a little slower
        ([0.001] * 20, (0.001, 0.01, 0.001)),  # nobody waits for long
        ([0.2] * 11 + [9.0] * 9, (0.2, 0.2, 0.2)),  # what takes long now and then
    ],
)
def test_nobody_is_named(seconds: list[float], others: tuple[float, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    assert after(monkeypatch, seconds).straggler(Others(*others)) == ""


def test_a_worker_that_is_slow_in_each_step(tmp_path: Path) -> None:
    write_shared("digits", tmp_path)
    alone = results(run(["train", "small.toml", "--run", "alone", "--json"], tmp_path))["hash"]
    imports = tmp_path / "imports"
    imports.mkdir()
    (imports / "sitecustomize.py").write_text(
        "import sys\n"
        "if 'powertrain.train.workers.worker' in ' '.join(sys.orig_argv):\n"
        "    import time\n"
        "    from powertrain.train.run.reduction import TreeSum\n"
        "    quick = TreeSum.of\n"
        "    TreeSum.of = lambda *given: (time.sleep(0.2), quick(*given))[1]\n"
    )
    done = run(["train", "small.toml", "--run", "a", "--json", "--workers", "2"], tmp_path, [imports])
    assert "[workers] worker 1 computes 0." in done.stderr
    assert done.stderr.count("[workers]") == 1
    assert results(done)["hash"] == alone
