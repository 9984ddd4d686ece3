"""A run that loses workers on the way: how often it goes on, with what, and for how long."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from powertrain.plugin.transport import Alone, LostWorkerError, Transport, WorkerError
from powertrain.train.folder.checkpoint import Checkpoints
from powertrain.train.workers import regrouping
from powertrain.train.workers.cluster import demand_policy
from powertrain.train.workers.regrouping import MOST_LOSSES, lead


class Groups:
    """Workers that are there at once."""

    then = "with those that are left"

    @contextmanager
    def group(self) -> Iterator[Transport]:
        yield Alone()


def test_a_run_goes_on_from_its_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    resumed = []

    def attempt(transport: Transport, resume: bool, minutes: float | None) -> str:
        resumed.append(resume)
        if len(resumed) < MOST_LOSSES:
            raise LostWorkerError.lost(2, "has left the others")
        return "done"

    assert lead(Groups(), tmp_path, False, None, attempt) == "done"
    assert resumed == [False, True, True]
    line = (
        "[workers] worker 2 has left the others; the run goes on from its last checkpoint, with those that are left\n"
    )
    assert capsys.readouterr().err == 2 * line


@pytest.mark.parametrize(("progress", "attempts"), [(False, MOST_LOSSES), (True, 10)])
def test_losses_without_progress_end_it(
    progress: bool, attempts: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = 0

    def attempt(transport: Transport, resume: bool, minutes: float | None) -> None:
        nonlocal made
        made += 1
        if made < 10:
            raise LostWorkerError.lost(1, "has left the others")

    meta = lambda self: {"progress": {"steps": made if progress else 0}}  # noqa: E731
    monkeypatch.setattr(Checkpoints, "newest_meta", meta)
    if progress:
        lead(Groups(), tmp_path, False, None, attempt)
    else:
        with pytest.raises(LostWorkerError):
            lead(Groups(), tmp_path, False, None, attempt)
    assert made == attempts


def test_another_error_ends_it_at_once(tmp_path: Path) -> None:
    made = []

    def attempt(transport: Transport, resume: bool, minutes: float | None) -> None:
        made.append(minutes)
        raise WorkerError.lost(1, "has ended: no such luck")

    with pytest.raises(WorkerError, match="no such luck"):
        lead(Groups(), tmp_path, False, None, attempt)
    assert made == [None]


def test_the_minutes_of_a_run_count_for_all_its_attempts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now, left = 0.0, []
    monkeypatch.setattr(regrouping.time, "monotonic", lambda: now)

    def attempt(transport: Transport, resume: bool, minutes: float | None) -> None:
        nonlocal now
        left.append(minutes)
        now += 90.0
        if len(left) < MOST_LOSSES:
            raise LostWorkerError.lost(1, "has left the others")

    lead(Groups(), tmp_path, False, 2.0, attempt)
    assert left == [2.0, 0.5, 0.0]


def test_policies() -> None:
    demand_policy(None, None)
    demand_policy("wait", "auto")
    with pytest.raises(WorkerError) as caught:
        demand_policy("retry", "auto")
    assert str(caught.value) == (
        '[when_lost] received \'retry\'; expected "fewer" or "wait"; leave it out to go on with fewer'
    )
    with pytest.raises(WorkerError) as caught:
        demand_policy("wait", None)
    assert str(caught.value) == (
        "[when_lost] received 'wait' without Ray, and workers of one machine are all started again; expected the "
        'address of a cluster; add --ray ADDRESS (in Python ray="auto"), or leave it out'
    )
