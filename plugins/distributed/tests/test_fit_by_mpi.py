"""Scripts that mpirun starts: `pt.fit` in all processes is one run, with the bits of one process."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from running import SECONDS, environment, run
from worker_processes import WATCHDOG, said_in_time, write_shared

MPIRUN = shutil.which("mpirun", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("mpi4py") is None, reason="mpi4py is not installed"),
    pytest.mark.skipif(MPIRUN is None, reason="mpirun is not installed"),
]

# What scripts begin with: `note` keeps what the test looks at, of each process; `refused` the text of an error.
BEGIN = """\
import hashlib, json, os, sys, time
import numpy as np
import powertrain as pt

rank = int(os.environ.get("PMI_RANK", os.environ.get("OMPI_COMM_WORLD_RANK", "0")))
noted = {}


def weights(run):
    digest = hashlib.sha256()
    for name, slot in sorted(run.run.table.model_slots().items()):
        digest.update(slot.numpy().tobytes())
    return digest.hexdigest()


def note(name, run):
    of_this_time = ("run", "seconds", "examples_per_second", "energy", "data_wait")
    results = {key: value for key, value in run.results.items() if key not in of_this_time}
    noted[name] = {
        "results": results, "weights": weights(run), "finished": run.finished, "folder": os.path.relpath(run.folder),
        "steps": run.run.progress.steps, "stopped": run.stopped, "training": run.model.training,
    }
    save()


def refused(name, **arguments):
    start = time.monotonic()
    try:
        pt.fit(**arguments)
    except pt.Error as error:
        noted[name] = {"error": str(error), "seconds": time.monotonic() - start}
    save()


def save():
    with open(f"noted-{sys.argv[1]}-{rank}.json", "w") as file:
        json.dump(noted, file)


def model(seed=0, activation=pt.nn.ReLU):
    pt.random.seed(seed)
    return pt.nn.Sequential(pt.nn.Linear(4, 8), activation(), pt.nn.Linear(8, 3))


x = np.random.default_rng(0).normal(size=(240, 4)).astype("float32")
y = (x[:, 0] > 0) + (x[:, 1] > 0).astype("int64")
"""


def started(folder: Path, count: int, script: str) -> subprocess.Popen[str]:
    """A job of so many processes that run a script."""
    assert MPIRUN is not None
    (folder / "script.py").write_text(BEGIN + script)
    return subprocess.Popen(
        [MPIRUN, "-n", str(count), sys.executable, "script.py", str(count)], cwd=folder, env=environment(),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def ended(process: subprocess.Popen[str], fine: bool = True, seconds: float = SECONDS) -> tuple[str, str]:
    """What a job said, which must end in time, well or with an error."""
    said, errors = said_in_time(process, seconds)
    assert (process.returncode == 0) == fine, said + errors
    return said, errors


def alone(folder: Path, script: str) -> dict[str, Any]:
    """What a script notes in one process, without a launcher."""
    (folder / "script.py").write_text(BEGIN + script)
    done = subprocess.run(
        [sys.executable, "script.py", "1"], cwd=folder, env=environment(), capture_output=True, text=True,
        timeout=SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return noted(folder, 1)[0]


def noted(folder: Path, count: int) -> list[dict[str, Any]]:
    """What each process of a job has noted."""
    return [json.loads((folder / f"noted-{count}-{rank}.json").read_text()) for rank in range(count)]


# A recipe by its path; a model and data, of which early stopping keeps weights that are not the last; a table.
THREE = """\
note("path", pt.fit("small.toml", folder=f"a-{sys.argv[1]}"))
given = model()
kept = pt.fit(
    model=given, data=(x, y), epochs=6, lr=0.3, batch_size=48, validation=0.25, folder=f"b-{sys.argv[1]}",
    run={"shards": 4, "stop": {"watch": "valid.loss", "patience": 4}}, evaluate={"calibrate": "temperature"},
    verbose=False,
)
note("objects", kept)
assert np.array_equal(given[0].weight.numpy(), kept.model[0].weight.numpy())
noted["answers"] = kept.predict(x[:5]).probabilities.tolist()
table = {"model": {"use": "mlp", "hidden": [8]}, "data": {"use": "digits"}, "optimizer": {"use": "adamw", "lr": 1e-3}}
note("table", pt.fit(table, steps=4, run={"shards": 4}, verbose=False))
"""


def test_a_script_trains_one_run_after_the_other_with_the_bits_of_one_process(tmp_path: Path) -> None:
    write_shared("digits", tmp_path)
    expected = alone(tmp_path, THREE)
    assert expected["path"].pop("folder") == "a-1"
    assert expected["objects"].pop("folder") == "b-1"
    del expected["table"]["folder"]
    said, _ = ended(started(tmp_path, 4, THREE))
    found = noted(tmp_path, 4)
    temporary = {one["table"]["folder"] for one in found}
    assert len(temporary) == 1
    for one in found:
        assert one["path"].pop("folder") == "a-4"
        assert one["objects"].pop("folder") == "b-4"
        del one["table"]["folder"]
        assert one == expected
    assert said.count("epoch 1 ") + said.count("epoch 1:") <= 1
    assert said.count("4 workers x 1 threads") == 1
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["a-1", "a-4", "b-1", "b-4"]


# What processes ask for, and what each of them is told.
REFUSED = {
    "shards": ("run={}", "[fit] received run.shards = 1 in 2 processes that mpirun has started, which train one run "),
    "workers": ("workers=4", "[fit] received workers=4, and mpirun has started 2 processes, which are the workers; "),
    "ray": ("ray='local'", "[fit] received ray='local', and mpirun has started 2 processes, which are the workers; "),
    "lost": ("when_lost='wait'", "[when_lost] received 'wait' without Ray"),
    "recipe": ("seed=rank", "[workers] worker 1 and worker 0 differ in recipe; "),
    "folder": ("folder=f'c-{rank}'", "[workers] worker 1 and worker 0 differ in folder; "),
    "weights": ("model=model(rank)", "[workers] worker 1 and worker 0 differ in state; "),
    "layers": (
        "model=model(activation=(pt.nn.ReLU, pt.nn.GELU)[rank])",
        "[workers] worker 1 and worker 0 differ in model; ",
    ),
    "data": ("data=(x[rank::2], y[rank::2])", "[workers] worker 1 and worker 0 differ in data; "),
    "of one": ("steps=(None, 5)[rank]", "["),
    "of the first": ("folder='taken'", "[HERE/taken] it holds a run already; "),
}


def test_what_cannot_be_one_run_is_refused_in_each_process(tmp_path: Path) -> None:
    script = """\
def given(**more):
    usual = dict(model=model(), data=(x, y), epochs=1, batch_size=48, verbose=False, folder="c", run={"shards": 4})
    return {**usual, **more}


pt.fit(**given(folder="taken"))
"""
    script += "".join(f"refused({name!r}, **given({asked}))\n" for name, (asked, _) in REFUSED.items())
    ended(started(tmp_path, 2, script + 'note("last", pt.fit(**given(folder="d")))\n'))
    found = noted(tmp_path, 2)
    for one in found:
        for name, (_, text) in REFUSED.items():
            assert one[name]["error"].startswith(text.replace("HERE", str(tmp_path))), (name, one[name])
            assert one[name]["error"].count("; ") >= 2, (name, one[name])
            assert one[name]["seconds"] < WATCHDOG
    assert found[0]["of one"]["error"].startswith("[workers] worker 1 has ended: [fit] received epochs=1 and steps=5; ")
    assert found[0]["last"] == found[1]["last"]
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["d", "taken"]


def test_one_worker_is_a_run_of_its_own(tmp_path: Path) -> None:
    script = 'note("own", pt.fit("small.toml", folder=f"own-{rank}", epochs=1, seed=rank, workers=1, verbose=False))'
    write_shared("digits", tmp_path)
    ended(started(tmp_path, 2, script))
    first, second = noted(tmp_path, 2)
    assert first["own"]["folder"] == "own-0"
    assert second["own"]["folder"] == "own-1"
    assert first["own"]["weights"] != second["own"]["weights"]


def test_a_run_that_is_stopped_goes_on_in_the_same_script(tmp_path: Path) -> None:
    """The first process alone knows that the time is over, while the others are in the next round."""
    script = """\
settings = dict(folder="a", verbose=False)
note("stopped", pt.fit("small.toml", **settings, max_minutes=0))
note("whole", pt.fit("small.toml", **settings, resume=True))
"""
    write_shared("digits", tmp_path)
    ended(started(tmp_path, 4, script))
    found = noted(tmp_path, 4)
    assert all(one == found[0] for one in found)
    assert found[0]["stopped"]["stopped"].startswith("the time")
    assert not found[0]["stopped"]["finished"]
    assert found[0]["whole"]["finished"]
    done = run(["train", "small.toml", "--run", "whole", "--json"], tmp_path)
    assert json.loads(done.stdout.splitlines()[-1])["hash"] == found[0]["whole"]["results"]["hash"]


def test_ctrl_c_ends_the_run_and_the_script_goes_on(tmp_path: Path) -> None:
    script = 'note("stopped", pt.fit("small.toml", folder="a", epochs=10_000))'
    write_shared("digits", tmp_path)
    process = started(tmp_path, 2, script)
    assert process.stdout is not None
    while not process.stdout.readline().startswith("epoch"):
        pass
    process.send_signal(signal.SIGINT)
    ended(process, process.wait() == 0)
    found = noted(tmp_path, 2)
    assert found[0] == found[1]
    assert found[0]["stopped"]["stopped"] == "interrupted by SIGINT"


FAILS = {
    "before": ("", "ValueError: of this script"),
    "between": (
        'pt.fit("small.toml", epochs=1, folder="first", verbose=False)',
        "[mpirun] process 1 has ended, by ValueError: of this script; expected all to train this run together; ",
    ),
}


@pytest.mark.parametrize("when", list(FAILS))
def test_a_script_that_fails_in_one_process_ends_the_job(when: str, tmp_path: Path) -> None:
    first, said = FAILS[when]
    lines = [
        first, "if rank == 1:", "    raise ValueError('of this script')", "open('reached', 'w').close()",
        'pt.fit("small.toml", folder="a")',
    ]  # fmt: skip
    write_shared("digits", tmp_path)
    start = time.monotonic()
    _, errors = ended(started(tmp_path, 2, "\n".join(lines)), fine=False)
    assert said in errors
    assert not (tmp_path / "a").exists()
    assert time.monotonic() - start < SECONDS / 4


def test_a_callback_that_trains_does_so_in_its_own_process(tmp_path: Path) -> None:
    script = """\
class Inner(pt.plugin.Callback):
    def after_commit(self, event):
        noted["inner"] = pt.fit(model=model(), data=(x, y), steps=1, batch_size=48, verbose=False).finished
        return []


note("outer", pt.fit("small.toml", folder="a", epochs=1, callbacks=[Inner()], verbose=False))
"""
    write_shared("digits", tmp_path)
    ended(started(tmp_path, 2, script))
    first, second = noted(tmp_path, 2)
    assert first["inner"] is True
    assert "inner" not in second
    assert first["outer"] == second["outer"]
