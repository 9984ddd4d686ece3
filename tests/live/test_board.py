"""Which runs there are, what they do, and how busy the machine is."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from powertrain.live import board as boards
from powertrain.live import load
from powertrain.live.board import Board, demand_runs, identity
from powertrain.live.load import PROC, Load
from powertrain.train.folder.ledger import FILE
from powertrain.train.folder.run_folder import RESULTS, RUN, RunError, RunFolder
from run_folders import begun, metrics, shown, write

has_proc = pytest.mark.skipif(not PROC.joinpath("locks").exists(), reason="this system has no /proc/locks")


def states(board: Board) -> dict[str, str]:
    return {row["name"]: row["state"] for row in board.runs()["runs"]}


def test_each_run_is_listed_with_how_far_it_is(tmp_path: Path) -> None:
    begun(tmp_path / "a", steps=3)
    (row,) = Board([tmp_path]).runs()["runs"]
    assert (row["name"], row["recipe"], row["state"], row["until"]) == ("a", "digits", "stopped", "20 epochs")
    assert (row["step"], row["epoch"], row["values"]) == (3, 3, {"train.loss": 1 / 3, "valid.loss": 2 / 3})


def test_runs_come_and_go(tmp_path: Path) -> None:
    board = Board([tmp_path / "runs"])
    assert board.runs()["runs"] == []
    folder = begun(tmp_path / "runs/a")
    begun(tmp_path / "runs/b")
    (tmp_path / "runs/no-run").mkdir()
    assert states(board) == {"a": "stopped", "b": "stopped"}
    (folder / RESULTS).write_text("{}")
    assert states(board)["a"] == "finished"
    assert board.run(identity(folder)) is not None
    shutil.rmtree(folder)
    assert states(board) == {"b": "stopped"}
    assert board.run(identity(folder)) is None


def test_a_run_may_be_named_itself(tmp_path: Path) -> None:
    folder = begun(tmp_path / "a")
    begun(tmp_path / "b")
    board = Board([folder])
    assert states(board) == {"a": "stopped"}
    shutil.rmtree(folder)
    assert states(board) == {}


@has_proc
def test_a_run_trains_while_somebody_holds_its_lock(tmp_path: Path) -> None:
    folder = begun(tmp_path / "b")
    begun(tmp_path / "a")
    write(tmp_path / "a", metrics(1, {"train.loss": 1.0}))  # newer
    board = Board([tmp_path])
    assert states(board) == {"a": "stopped", "b": "stopped"}
    with RunFolder(folder).locked():
        assert list(states(board).items()) == [("b", "training"), ("a", "stopped")]
        (used,) = board.load()["runs"].values()
        assert used["memory"] > 1 << 20
    assert states(board)["b"] == "stopped" and board.load()["runs"] == {}


@has_proc
def test_a_lock_is_known_where_the_system_names_another_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As btrfs does: then the holder is who has the file open."""
    for name in ("a", "b"):
        begun(tmp_path / name)
    with RunFolder(tmp_path / "a").locked(), RunFolder(tmp_path / "b").locked():
        text = PROC.joinpath("locks").read_text()
        of_b = f":{(tmp_path / 'b' / '.lock').stat().st_ino} "
        other = [line.replace(f" {os.getpid()} ", " 1 ") if of_b in line else line for line in text.splitlines()]
        proc = tmp_path / "proc"
        (proc / "1" / "fd").mkdir(parents=True)  # of a process that has no such file open
        (proc / str(os.getpid())).symlink_to(PROC / str(os.getpid()))
        (proc / "locks").write_text("\n".join(re.sub(r" \w+:\w+:(\d+) ", r" 00:7f:\1 ", line) for line in other))
        monkeypatch.setattr(load, "PROC", proc)
        assert states(Board([tmp_path])) == {"a": "training", "b": "stopped"}


def test_a_damaged_run_says_so_and_hides_no_other(tmp_path: Path) -> None:
    begun(tmp_path / "a", steps=1)
    damaged = begun(tmp_path / "b", steps=2)
    (damaged / RUN).write_text("{")
    board = Board([tmp_path])
    rows = {row["name"]: row for row in board.runs()["runs"]}
    assert {name: row["state"] for name, row in rows.items()} == {"a": "stopped", "b": "damaged"}
    assert "not a complete JSON text" in rows["b"]["problem"] and rows["b"]["step"] == 2


def test_a_ledger_that_cannot_be_read_is_a_problem_of_that_run(tmp_path: Path) -> None:
    folder = begun(tmp_path / "a")
    (folder / FILE).unlink()
    (folder / FILE).mkdir()
    board = Board([tmp_path])
    assert states(board) == {"a": "stopped"}
    found = board.run(identity(folder))
    assert found is not None and "expected an ordinary file" in found["problem"]


def test_of_many_runs_the_newest_are_listed_and_few_are_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boards, "MOST_RUNS", 30)
    for at in range(50):
        write(begun(tmp_path / f"run-{at}"), {**metrics(1, {"train.loss": 1.0})})
        os.utime(tmp_path / f"run-{at}" / FILE)
    board = Board([tmp_path])
    found = board.runs()
    assert len(found["runs"]) == 30 and found["left_out"] == 20
    assert found["runs"][0]["time"] == max(row["time"] for row in found["runs"])
    for at in range(50):
        assert board.run(identity(tmp_path / f"run-{at}"))
    assert len(board._followed) == boards.MOST_FOLLOWED


def test_the_end_of_a_long_ledger_is_enough_to_list_a_run(tmp_path: Path) -> None:
    folder = begun(tmp_path / "a")
    with (folder / FILE).open("ab") as file:
        file.truncate(1 << 30)  # a hole, which nobody should read
    write(folder, metrics(9, {"train.loss": 0.5}))
    (row,) = Board([tmp_path]).runs()["runs"]
    assert row["step"] == 9 and row["version"][0] > 1 << 30


def test_places_must_be_folders(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"\[watch .*file\] it is no folder; expected a run, or a folder of runs"):
        demand_runs([tmp_path, tmp_path / "file"])
    with pytest.raises(RunError, match="it is not there"):
        demand_runs([tmp_path / "nowhere"])


@has_proc
def test_the_load_is_known_from_the_second_reading_on() -> None:
    load = Load()
    first = load.machine()
    assert "busy" not in first and 0 < first["memory"] < first["memory_total"]
    while "busy" not in (second := load.machine()):  # until the system has counted a tick
        pass
    assert 0 <= second["busy"] <= 1
    load.process(os.getpid())
    assert load.process(os.getpid())["processors"] >= 0
    assert load.process(2**22 + 1) == {}  # above every process


def test_without_proc_nothing_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("powertrain.live.load.PROC", tmp_path)
    begun(tmp_path / "runs/a")
    board = Board([tmp_path / "runs"])
    assert states(board) == {"a": "stopped"} and board.load() == {"runs": {}}


def test_histograms_at_the_end_of_a_ledger_do_not_hide_the_last_values(tmp_path: Path) -> None:
    folder = begun(tmp_path / "a", steps=2)
    one = {"first": 0, "counts": [1] * 100, "not_finite": 0}
    found = {f"weight {at}": one for at in range(100)}
    write(
        folder,
        *({"event": "histograms", "step": step, "round": step, "at": step, "found": found} for step in (3, 4, 5)),
    )
    assert (folder / FILE).stat().st_size > boards.TAILS[0]
    (row,) = Board([tmp_path]).runs()["runs"]
    assert (row["step"], row["values"]) == (5, {"train.loss": 0.5, "valid.loss": 1.0})


def test_only_files_of_samples_that_a_run_wrote_are_handed_out(tmp_path: Path) -> None:
    folder, board = begun(tmp_path / "a"), Board([tmp_path])
    path, id = shown(folder, 1, ("a", "b")), identity(folder)
    board.runs()
    assert board.samples(id, path.name) is None  # nobody has asked for the run yet
    found = board.run(id)
    assert found is not None
    assert [(one["step"], one["file"], one["columns"]) for one in found["sheets"]] == [(10, path.name, 2)]
    assert board.samples(id, path.name) == ("image/png", path.read_bytes())
    (folder / "samples" / "round-000000000002.png").write_bytes(path.read_bytes())
    for name in ("round-000000000002.png", "round-000000000001.wav", "../run.json", "../samples/" + path.name, ""):
        assert board.samples(id, name) is None
    content = path.read_bytes()
    path.write_bytes(b"<script>")
    assert board.samples(id, path.name) is None
    path.unlink()
    (tmp_path / "elsewhere").write_bytes(content)
    path.symlink_to(tmp_path / "elsewhere")
    assert board.samples(id, path.name) is None
