"""Runs that several processes share: the same bits for any number of them, and clear ends where one is lost."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.plugin.transport import WorkerError
from powertrain.recipe import load_recipe
from powertrain.train import session
from powertrain.train.folder.checkpoint import Checkpoints
from powertrain.train.folder.ledger import read_lines
from powertrain.train.workers.processes import Job, Watch, started
from powertrain.train.workers.shared_memory import SharedMemory
from running import inside, results, run
from running import started as started_run
from worker_processes import PATIENCE, demand_ended, others_of

# Batch norm, dropout, random transforms, a last batch with a shard of padding alone, accumulation, a callback that sets
# the rate, early stopping, and a look into the gradients.
RECIPE = """\
data      = { use = "digits", split = { valid = 0.1, test = 0.2, stratify = true } }
features  = [{ use = "scale", by = 0.0625 }, "./shifted.py:Shifted"]
model     = { use = "cnn", channels = [4, 8], dropout = 0.2 }
optimizer = { use = "adamw", lr = 3e-3, clip = 1.0, schedule = "cosine", accumulate = 2 }
callbacks = [{ use = "plateau", patience = 1, factor = 0.7 }]
run       = { until = "EPOCHS epochs", batch_size = 64, shards = 4, seed = 3, save_seconds = 0, \
stop = { watch = "valid.loss", patience = 1000 }, anomalies = { every = 7 } }
report    = { baseline = false, worst = 0 }
"""
SHIFTED = """\
import numpy as np

from powertrain.plugin import RandomTransform


class Shifted(RandomTransform):
    def change(self, fields, draw):
        moved = [np.roll(x, int(by), axis=-1) for x, by in zip(fields["x"], 3 * draw.uniform((len(fields["x"]),)))]
        return {**fields, "x": np.stack(moved)}
"""


def recipe(folder: Path, epochs: int) -> str:
    (folder / "shifted.py").write_text(SHIFTED)
    text = RECIPE.replace("EPOCHS", str(epochs))
    (folder / "small.toml").write_text(text)
    return text


def train(folder: Path, *more: str, run_folder: str = "a") -> list[str]:
    return ["train", "small.toml", "--run", run_folder, "--json", *more]


def test_one_hash_for_any_number_of_workers_and_threads(tmp_path: Path) -> None:
    recipe(tmp_path, 2)
    alone = results(inside(train(tmp_path), tmp_path))["hash"]
    two = results(run(train(tmp_path, "--workers", "2", "--threads", "2", run_folder="b"), tmp_path))
    four = results(run(train(tmp_path, "--workers", "4", run_folder="c"), tmp_path))
    assert {two["hash"], four["hash"]} == {alone}
    # Only the first worker writes: the ledger of a run of four is that of one.
    first, last = ([line["event"] for line in read_lines(tmp_path / one)] for one in "ac")
    assert first == last


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (signal.SIGKILL, "has ended: its process was ended by SIGKILL, as where memory runs out"),
        (signal.SIGSTOP, "has not responded for 8 s (process P)"),
    ],
)
def test_a_run_with_a_lost_worker_goes_on_from_its_last_checkpoint(
    sent: signal.Signals, said: str, tmp_path: Path
) -> None:
    # Without a schedule, which depends on the target: that one is chosen when it is known how far the run came.
    text = recipe(tmp_path, 10_000).replace(', schedule = "cosine"', "")
    process = started_run(tmp_path, text, "--workers", "4")
    others = others_of(process.pid)
    assert len(others) == 3 and process.stdout is not None
    for lost in (others[2], None):
        before = Checkpoints(tmp_path / "a").newest_meta().get("progress", {"epochs": 0})["epochs"]
        while Checkpoints(tmp_path / "a").newest_meta().get("progress", {"epochs": 0})["epochs"] <= before:
            assert process.stdout.readline()  # one for each epoch
        if lost is not None:
            os.kill(lost, sent)
            demand_ended(others)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=2 * PATIENCE)
    assert process.returncode == 128 + signal.SIGINT, errors
    assert re.sub("process [0-9]+", "process P", re.sub("worker [123]", "worker N", errors)).startswith(
        f"[workers] worker N {said}; the run goes on from its last checkpoint, with all workers started again\n"
    )
    epochs = Checkpoints(tmp_path / "a").newest_meta()["progress"]["epochs"]
    until = ["--set", f"run.until={epochs + 1} epochs"]
    resumed = results(run(train(tmp_path, "--workers", "2", "--resume", *until), tmp_path))
    whole = results(inside(train(tmp_path, *until, run_folder="whole"), tmp_path))
    assert resumed["hash"] == whole["hash"]


def test_workers_end_with_a_leader_that_is_killed(tmp_path: Path) -> None:
    process = started_run(tmp_path, recipe(tmp_path, 10_000), "--workers", "2")
    others = others_of(process.pid)
    assert len(others) == 1
    process.kill()
    process.communicate()
    demand_ended(others)


def test_ctrl_c_saves_and_ends_all(tmp_path: Path) -> None:
    process = started_run(tmp_path, recipe(tmp_path, 10_000), "--workers", "2", start_new_session=True)
    others = others_of(process.pid)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    said, errors = process.communicate(timeout=2 * PATIENCE)
    assert process.returncode == 128 + signal.SIGINT, errors
    assert "interrupted by SIGINT; saved up to step" in said
    demand_ended(others)


def job(folder: Path, **changes: object) -> Job:
    recipe(folder, 1)
    return Job.of(load_recipe(folder / "small.toml"), folder / "a", False, False)


def test_a_worker_that_hangs_is_named(tmp_path: Path) -> None:
    with started(2, job(tmp_path), silent_seconds=1.0) as transport:
        assert isinstance(transport, SharedMemory)
        watch = transport._watch
        assert isinstance(watch, Watch)
        process = watch.workers[0].process
        os.kill(process.pid, signal.SIGSTOP)
        with pytest.raises(WorkerError) as caught:
            transport.all_reduce([])
    assert str(caught.value) == (
        f"[workers] worker 1 has not responded for 1 s (process {process.pid}); expected all to train to the "
        "end; train with --resume to continue from the last checkpoint, with any number of workers"
    )
    assert process.returncode == -signal.SIGKILL  # the stopped one too has ended


def test_what_a_worker_fails_of_is_told(tmp_path: Path) -> None:
    given = job(tmp_path)
    (tmp_path / "shifted.py").write_text("raise RuntimeError('no such luck')\n")
    with started(2, given) as transport, pytest.raises(WorkerError, match=r"worker 1 has ended: .*no such luck"):
        transport.all_reduce([])


def test_a_worker_with_other_code_is_refused(tmp_path: Path) -> None:
    text = recipe(tmp_path, 1)
    loaded = load_recipe(tmp_path / "small.toml")
    (tmp_path / "small.toml").write_text(text.replace("lr = 3e-3", "lr = 2e-3"))
    given = Job.of(loaded, tmp_path / "a", False, False)
    with started(2, given) as transport, pytest.raises(WorkerError) as caught:
        session.train(loaded, tmp_path / "a", transport=transport)
    assert str(caught.value) == (
        "[workers] worker 1 and worker 0 differ in recipe and state; expected the same for all; do not change files "
        "while workers start"
    )
    assert not (tmp_path / "a").exists()


def test_a_number_of_workers_that_does_not_divide_the_shards(tmp_path: Path) -> None:
    recipe(tmp_path, 1)
    said = inside(train(tmp_path, "--workers", "3"), tmp_path, expect=2)
    assert said.stderr.strip() == (
        "[workers] received 3 workers for run.shards = 4; expected a number that divides it: 1, 2, 4; or write "
        "run.shards = 4, which changes the numbers of a run"
    )
    assert not (tmp_path / "a").exists()


def test_a_call_from_python_gives_the_bits_of_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe(tmp_path, 2)
    command = results(inside(train(tmp_path, "--set", "run.until=1 epochs"), tmp_path))["hash"]
    monkeypatch.chdir(tmp_path)
    threads = pt.get_threads()
    named = pt.fit("small.toml", epochs=1, workers=2, verbose=False)
    tables = pt.fit(load_recipe("small.toml").tables, epochs=1, workers=2, verbose=False)
    assert {named.results["hash"], tables.results["hash"]} == {command}
    assert pt.get_threads() == threads


@pytest.mark.parametrize("workers", [0, -1, 2.0, True, "2"])
def test_a_number_of_workers_that_is_none(workers: Any) -> None:
    with pytest.raises(WorkerError) as caught:
        pt.fit("digits", workers=workers, verbose=False)
    assert str(caught.value) == f"[workers] received {workers!r}; expected a whole number >= 1; such as 2"


def test_objects_are_not_shared_with_other_processes(tmp_path: Path) -> None:
    x, y = np.zeros((8, 3)), np.arange(8) % 2
    with pytest.raises(WorkerError) as caught:
        pt.fit(
            model=pt.nn.Linear(3, 2), data=(x, y), workers=2, run={"shards": 2}, verbose=False, folder=tmp_path / "a"
        )
    assert str(caught.value) == (
        "[workers] received 2 workers and Python objects for data.use, model.use; expected names or tables, from which "
        'each process builds the same, such as model="./net.py:Net"; or leave workers out'
    )
    assert not (tmp_path / "a").exists()


def test_one_worker_needs_no_cluster(tmp_path: Path) -> None:
    recipe(tmp_path, 1)
    said = inside(train(tmp_path, "--ray", "auto"), tmp_path, expect=2)
    assert said.stderr.strip() == (
        "[ray auto] received 1 worker, which is this process; expected at least 2; add --workers 2 (in Python "
        "workers=2), or leave Ray out"
    )
