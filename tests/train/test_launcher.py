"""What a launcher of MPI tells the processes that it starts, and how one that fails ends all of them."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

import powertrain as pt
from powertrain.io.launcher import launched, together
from running import SECONDS, environment


@pytest.mark.parametrize(
    ("told", "count"),
    [({}, 1), ({"PMI_SIZE": "4"}, 4), ({"OMPI_COMM_WORLD_SIZE": "2"}, 2), ({"PMI_SIZE": "x"}, 1)],
)
def test_how_many_processes_were_started(told: dict[str, str], count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    assert launched() == count
    with together():
        assert launched() == 1
    assert launched() == count


@pytest.mark.parametrize(("size", "code"), [("2", -signal.SIGTERM), ("1", 1)])
def test_a_script_that_fails_before_it_has_joined_ends_the_job(size: str, code: int) -> None:
    """By a signal: MPICH waits for a process that ends otherwise, and so do the others in `pt.fit`."""
    done = subprocess.run(
        [sys.executable, "-c", "import powertrain; raise ValueError('of a script')"], env=environment(PMI_SIZE=size),
        capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == code
    assert done.stderr.splitlines()[-1] == "ValueError: of a script"


def test_one_worker_trains_alone_in_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PMI_SIZE", "2")
    assert pt.fit("digits", steps=1, workers=1, verbose=False).finished


@pytest.mark.parametrize("workers", [0, 1.5, True])
def test_a_number_of_workers_that_is_none(workers: object) -> None:
    with pytest.raises(pt.plugin.WorkerError, match=r"\[workers\] received .*; expected a whole number >= 1"):
        pt.fit("digits", steps=1, workers=workers, verbose=False)  # type: ignore[arg-type]
