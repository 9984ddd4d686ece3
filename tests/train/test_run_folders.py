"""Run folders: what a kill, a signal, a full disk or a refused recipe leaves behind, and that it is said truly."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

import powertrain as pt
from powertrain.io.files import Files, FolderError
from powertrain.recipe import load_recipe
from powertrain.train import session
from powertrain.train.display.display import Display
from powertrain.train.evaluate import evaluation
from powertrain.train.folder.ledger import read_history
from powertrain.train.folder.listing import run_hash
from powertrain.train.folder.run_folder import RunError, RunFolder, new_folder
from powertrain.train.run.step import names_and_arrays
from powertrain.train.run.train_run import TrainRun
from powertrain.train.session import measure, train
from powertrain.train.trainer import fit
from running import SMALL, command, environment, inside, results, started

PLAIN = SMALL.replace(', stop = { watch = "valid.accuracy" }', "")


class Killed(BaseException):
    """What a kill is to the code that it meets: nothing runs after it that could tidy up."""


@pytest.fixture(autouse=True)
def plain_reports() -> Iterator[None]:
    """Pictures take longer than the trainings here."""
    with mock.patch("powertrain.train.report.elements.charts_module", lambda: None):
        yield


def write(folder: Path, text: str = PLAIN) -> None:
    (folder / "small.toml").write_text(text)


def go(folder: Path, name: str = "a", *settings: str, resume: bool = False, display: Display | None = None) -> Any:
    recipe = load_recipe(str(folder / "small.toml"), settings)
    return train(recipe, folder / name, resume=resume, display=display or Display(quiet=True))


def points(folder: Path) -> list[tuple[int, float]]:
    return [(event["step"], event["values"]["train.loss"]) for event in read_history(folder)
            if event["event"] == "metrics"]  # fmt: skip


def hashed(folder: Path) -> str:
    return run_hash(folder)


# ---------------------------------------------------------------- kills


def test_a_run_killed_while_the_report_is_written_gets_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path)
    replace = Files.replace

    def killed(files: Files, name: str, content: bytes) -> None:
        if name == "report.html":
            raise Killed
        replace(files, name, content)

    monkeypatch.setattr(Files, "replace", killed)
    with pytest.raises(Killed):
        go(tmp_path)
    monkeypatch.undo()
    outcome = go(tmp_path, resume=True)
    assert not outcome.nothing_to_do and (tmp_path / "a" / "report.html").stat().st_size > 1000
    assert go(tmp_path, resume=True).nothing_to_do


def test_results_of_an_earlier_end_are_not_taken_for_those_of_a_later_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the last checkpoint of a longer target and its results."""
    write(tmp_path, PLAIN.replace(', schedule = "cosine"', ""))
    go(tmp_path, "a", "run.until=2 epochs")
    monkeypatch.setattr(RunFolder, "finish", lambda *_: (_ for _ in ()).throw(Killed))
    with pytest.raises(Killed):
        go(tmp_path, "a", resume=True)
    monkeypatch.undo()
    outcome = go(tmp_path, "a", resume=True)
    assert not outcome.nothing_to_do and outcome.results["steps"] == 120
    assert json.loads((tmp_path / "a" / "results.json").read_text())["steps"] == 120


@pytest.mark.parametrize("killed_at", [1, 2, 3, 4, 5, 7])
@pytest.mark.parametrize("save_seconds", [0, 1000])
def test_kills_leave_the_curves_of_an_uninterrupted_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed_at: int, save_seconds: int
) -> None:
    """Killed in the n-th evaluation of each attempt, after its line and before its checkpoint."""
    write(tmp_path)
    whole = go(tmp_path, "whole", f"run.save_seconds={save_seconds}")
    evaluated = Display.evaluated
    for _ in range(3):
        count = 0

        def killed(self: Display, *given: Any) -> None:
            nonlocal count
            count += 1
            if count == killed_at:
                raise Killed
            evaluated(self, *given)

        monkeypatch.setattr(Display, "evaluated", killed)
        try:
            parts = go(tmp_path, "parts", f"run.save_seconds={save_seconds}", resume=True)
        except Killed:
            continue
    monkeypatch.undo()
    parts = go(tmp_path, "parts", f"run.save_seconds={save_seconds}", resume=True)
    assert parts.results["hash"] == whole.results["hash"]
    assert points(tmp_path / "parts") == points(tmp_path / "whole")
    assert len(points(tmp_path / "whole")) == 6


def test_resume_begins_where_there_is_no_run_yet(tmp_path: Path) -> None:
    write(tmp_path)
    done = results(inside(["train", "small.toml", "--run", "a", "--resume", "--json"], tmp_path))
    inside(["train", "small.toml", "--resume"], tmp_path)
    assert hashed(tmp_path / "a") == hashed(tmp_path / "runs" / "small-1") == done["hash"]
    again = inside(["train", "small.toml", "--resume"], tmp_path)
    assert "nothing to do: runs/small-1 has reached 6 epochs" in again.stdout


# ---------------------------------------------------------------- recipes that are refused

REFUSED = {
    "what is watched": PLAIN.replace("save_seconds = 0", 'save_seconds = 0, stop = { watch = "valid.acuracy" }'),
    "what is expected": PLAIN + "expect = { test.acuracy = 0.5 }\n",
    "a role": PLAIN.replace("model     = {", 'model.more = { use = "mlp" }\nmodel.model = {'),
    "the first step": PLAIN.replace('use = "mlp"', 'use = "./model.py:Wrong"'),
}
MODEL = """
import powertrain as pt
from powertrain.builtin.models import MLP

class Wrong(MLP):
    def forward(self, x):
        return super().forward(x) @ pt.zeros((3, 3))
"""


@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_recipe_leaves_nothing_that_refuses_the_corrected_one(tmp_path: Path, name: str) -> None:
    (tmp_path / "model.py").write_text(MODEL)
    write(tmp_path, REFUSED[name])
    with pytest.raises(Exception, match=r"^\["):
        go(tmp_path)
    assert not (tmp_path / "a").exists()
    write(tmp_path)
    assert go(tmp_path, "a", "run.until=1 epoch").finished


def test_a_run_does_not_begin_over_somebodys_recipe(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "recipe.toml").write_text("# mine\n")
    with pytest.raises(RunError, match=r"it holds another recipe\.toml; expected a new folder, since a run keeps"):
        go(tmp_path, "mine")
    assert (tmp_path / "mine" / "recipe.toml").read_text() == "# mine\n"
    assert list((tmp_path / "mine").iterdir()) == [tmp_path / "mine" / "recipe.toml"]


def test_a_run_does_not_begin_over_what_is_left_of_one(tmp_path: Path) -> None:
    write(tmp_path)
    go(tmp_path, "a", "run.until=1 epoch")
    (tmp_path / "a" / "run.json").unlink()
    with pytest.raises(RunError) as caught:
        go(tmp_path, "a", resume=True)
    assert str(caught.value) == (
        f"[{tmp_path / 'a'}] it holds checkpoints and no run.json; expected a new folder; restore run.json, or give "
        "--run another folder"
    )
    assert len(list((tmp_path / "a" / "checkpoints").iterdir())) == 4


# ---------------------------------------------------------------- signals and readers


LONG = PLAIN.replace("6 epochs", "100000 epochs")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_saves_and_is_the_exit_code(tmp_path: Path, number: int) -> None:
    process = started(tmp_path, LONG)
    process.send_signal(number)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 128 + number
    assert "stopping after this round" in errors
    assert f"interrupted by {signal.Signals(number).name}; saved up to step" in output
    assert len(hashed(tmp_path / "a")) == 64


def test_what_the_parent_ignores_stays_ignored(tmp_path: Path) -> None:
    """nohup powertrain train ...: the closed terminal ends nothing."""
    process = started(tmp_path, LONG, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=120)
    assert process.returncode == 128 + signal.SIGTERM


def test_ctrl_c_ends_the_final_evaluation_between_two_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path)
    go(tmp_path, "whole", "run.until=1 epoch")
    batches = 0

    def measured(run: TrainRun, stopped: Any) -> Any:
        def interrupted(batch: Any) -> Any:
            nonlocal batches
            batches += 1
            if batches == 2:
                signal.raise_signal(signal.SIGINT)
            return names_and_arrays(batch)

        monkeypatch.setattr(evaluation, "names_and_arrays", interrupted)
        return measure(run, stopped)

    monkeypatch.setattr(session, "measure", measured)
    outcome = go(tmp_path, "a", "run.until=1 epoch")
    assert (outcome.finished, outcome.signal, batches) == (False, signal.SIGINT, 2)
    assert not (tmp_path / "a" / "results.json").exists()
    monkeypatch.undo()
    outcome = go(tmp_path, "a", "run.until=1 epoch", resume=True)
    assert outcome.finished and not outcome.nothing_to_do
    assert outcome.results["hash"] == hashed(tmp_path / "whole")


# Of the second checkpoint: before it are recipe, versions, examples and the run, which are replaced and synced too.
@pytest.mark.parametrize(("call", "which"), [("fsync", 15), ("replace", 7), ("replace", 8)])
def test_a_second_signal_in_the_middle_of_a_save_loses_no_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, which: int
) -> None:
    """It ends the run at once, which waits for the thread that writes."""
    write(tmp_path)
    real, saves, asked = getattr(os, call), 0, threading.Event()
    request_stop = TrainRun.request_stop

    def requested(run: TrainRun, *given: Any) -> None:
        request_stop(run, *given)
        asked.set()

    def interrupted(*given: Any, **how: Any) -> Any:
        nonlocal saves
        saves += 1
        if saves == which:
            os.kill(os.getpid(), signal.SIGTERM)
            assert asked.wait(60)
            os.kill(os.getpid(), signal.SIGTERM)
        return real(*given, **how)

    monkeypatch.setattr(TrainRun, "request_stop", requested)
    monkeypatch.setattr(os, call, interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        go(tmp_path)
    monkeypatch.undo()
    assert caught.value.args == (signal.SIGTERM,)
    assert len(RunFolder(tmp_path / "a").checkpoints.numbers()) == 2
    assert go(tmp_path, resume=True).results["hash"] == go(tmp_path, "whole").results["hash"]


def test_a_reader_that_goes_away_ends_the_run_at_a_checkpoint(tmp_path: Path) -> None:
    process = started(tmp_path, LONG)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    with process.stderr as stream:
        errors = stream.read()
    assert process.wait(timeout=120) == 128 + signal.SIGPIPE
    assert "nobody reads its output any more; saved up to step" in errors
    assert "resume  powertrain train small.toml --run a --resume" in errors and "Traceback" not in errors
    assert len(hashed(tmp_path / "a")) == 64


def test_other_verbs_end_quietly_without_a_reader(tmp_path: Path) -> None:
    read, written = os.pipe()
    os.close(read)
    done = subprocess.run(
        command(["recipes"]), cwd=tmp_path, env=environment(), stdout=written, stderr=subprocess.PIPE, check=False
    )
    os.close(written)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, b"")


def test_output_that_cannot_be_written_costs_no_training(tmp_path: Path) -> None:
    class Full:
        encoding = "utf-8"

        def write(self, text: str) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        def isatty(self) -> bool:
            return False

    write(tmp_path)
    assert go(tmp_path, display=Display(stream=Full())).finished  # type: ignore[arg-type]


# ---------------------------------------------------------------- several at once


def test_two_processes_do_not_train_in_one_folder(tmp_path: Path) -> None:
    process = started(tmp_path, LONG)
    refused = inside(["train", "small.toml", "--run", "a", "--resume"], tmp_path, expect=2)
    assert refused.stderr.startswith("[a] another process is training here; expected a free folder")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=120)
    inside(["train", "small.toml", "--run", "a", "--resume", "--max-minutes", "0.00001"], tmp_path)


def test_a_lock_that_was_removed_while_it_was_waited_for_is_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who leaves a folder without a run removes the file: a lock on it would keep nobody out."""
    real, removed = fcntl.flock, []

    def late(descriptor: int, how: int) -> None:
        if not removed:
            removed.append((tmp_path / "a" / ".lock").unlink())
        real(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", late)
    first, second = RunFolder(tmp_path / "a"), RunFolder(tmp_path / "a")
    first.lock()
    with pytest.raises(RunError, match="another process is training here"):
        second.lock()
    first.unlock()


def test_no_two_processes_take_the_same_new_folder(tmp_path: Path) -> None:
    assert [new_folder(tmp_path / "runs", "x").name for _ in range(3)] == ["x-1", "x-2", "x-3"]


def test_a_report_is_whole_whenever_it_is_read(tmp_path: Path) -> None:
    """A reader that opened the old one keeps it; who opens it later has the new one."""
    files = Files(tmp_path)
    files.replace("report.html", b"old" * 1000)
    with (tmp_path / "report.html").open("rb") as before:
        files.replace("report.html", b"new" * 2000)
        assert before.read() == b"old" * 1000
    assert files.read("report.html") == b"new" * 2000


# ---------------------------------------------------------------- full disks


def small_files(size: int) -> Any:
    """No file may grow beyond so many bytes: the same error as a full disk, without one."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_a_full_disk_leaves_the_last_checkpoint_and_a_clear_error(tmp_path: Path) -> None:
    write(tmp_path)
    go(tmp_path, "a", "run.until=3 epochs")
    before = hashed(tmp_path / "a")
    done = subprocess.run(
        command(["train", "small.toml", "--run", "a", "--resume"]),
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        preexec_fn=small_files(8_000),
        check=False,
    )
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "File too large; expected room for" in done.stderr and "the earlier checkpoint stands" in done.stderr
    assert "report not written; with space: powertrain train small.toml --run a --resume" in done.stdout
    assert hashed(tmp_path / "a") == before
    assert json.loads((tmp_path / "a" / "results.json").read_text())["steps"] == 60
    assert go(tmp_path, resume=True).results["steps"] == 120


def test_a_disk_that_is_full_from_the_start_is_a_clear_error(tmp_path: Path) -> None:
    write(tmp_path)
    done = subprocess.run(
        command(["train", "small.toml", "--run", "a"]),
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        preexec_fn=small_files(100),
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1] == (
        "[a/recipe.toml] File too large; expected room for 436 bytes; free some space".replace(
            "436", str(len(PLAIN.encode()))
        )
    )


def test_a_clock_that_is_set_back_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter(range(10_000, 0, -7))
    monkeypatch.setattr(time, "time", lambda: next(times))
    write(tmp_path)
    go(tmp_path, "a", "run.until=3 epochs")
    assert [step for step, _ in points(tmp_path / "a")] == [20, 40, 60]
    assert json.loads((tmp_path / "a" / "results.json").read_text())["seconds"] >= 0


# ---------------------------------------------------------------- reading


def test_a_damaged_run_hides_no_other(tmp_path: Path) -> None:
    write(tmp_path)
    for name in ("a", "b"):
        go(tmp_path, name, "run.until=1 epoch")
    (tmp_path / "a" / "results.json").write_text('{"part": 3}')
    lines = inside(["runs", "list", "."], tmp_path).stdout.splitlines()
    assert lines[0].split() == ["a", "damaged", "20", "steps", *lines[0].split()[4:]]
    assert "[a/results.json] it has no run; expected what powertrain train wrote" in lines[0]
    assert lines[1].split()[:3] == ["b", "finished", "20"]


def test_results_that_are_not_finite_come_back(tmp_path: Path) -> None:
    write(tmp_path)
    go(tmp_path, "a", "run.until=1 epoch")
    path = tmp_path / "a" / "results.json"
    found = json.loads(path.read_text())
    found["baselines"] = [{"name": "dummy", "metric": "accuracy", "value": "nan", "how": "guessing"}]
    path.write_text(json.dumps(found))
    inside(["report", "a"], tmp_path)
    assert "<td>nan</td>" in (tmp_path / "a" / "report.html").read_text()


def test_an_estimator_keeps_no_record(tmp_path: Path) -> None:
    """Whoever runs the loop alone gets checkpoints and nothing that would pass for a run."""
    from powertrain.train.building import build

    write(tmp_path)
    made = build(
        load_recipe(str(tmp_path / "small.toml"), ["run.until=1 epoch"]), RunFolder(tmp_path / "a"), Display(True)
    )
    with made.folder.locked():
        fit(made.strategy, made, made.recipe.run.until)
        made.close()
        assert not made.folder.started and made.folder.checkpoints.numbers()


def test_what_is_no_file_is_said_with_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "run.json").mkdir()
    with pytest.raises(FolderError) as caught:
        RunFolder(tmp_path).about()
    assert str(caught.value) == (
        f"[{tmp_path / 'run.json'}] it is a folder; expected an ordinary file; remove it, or use another folder"
    )


def test_a_run_that_is_no_folder_is_said_with_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("a page")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "report.html")
    for name, culprit, kind in (
        ("report.html", "report.html", "a file"),
        ("report.html/below", "report.html", "a file"),
        ("link", "link", "a file"),
        ("pipe", "pipe", "a pipe"),
    ):
        with pytest.raises(FolderError) as caught:
            pt.load(tmp_path / name)
        assert str(caught.value) == f"[{tmp_path / culprit}] it is {kind}; expected a folder; give the path of one"
