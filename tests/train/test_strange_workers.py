"""Workers that cannot train with the first one: it ends at once, and says who and why. Nothing hangs.

The first worker is the command. The code that makes the others strange is run by Python as these start.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from powertrain.plugin.transport import WorkerError
from powertrain.recipe import load_recipe
from powertrain.train.workers.processes import Job, started
from running import command, environment
from running import run as run_command
from worker_processes import WATCHDOG, said_in_time, write_shared

STRANGE = """\
import os
import sys

if "powertrain.train.workers.worker" in " ".join(sys.orig_argv):
"""


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> float:
    """Seconds of a command of two workers that make two steps."""
    folder = tmp_path_factory.mktemp("usual")
    write_shared("digits", folder)
    start = time.monotonic()
    run_command(["train", "small.toml", "--run", "a", "--workers", "2", "--smoke"], folder)
    return time.monotonic() - start


def make_strange(folder: Path, *lines: str) -> Path:
    """A folder of imports in which only the other workers run these lines, as they start."""
    imports = folder / "imports"
    imports.mkdir()
    (imports / "sitecustomize.py").write_text(STRANGE + "".join(f"    {line}\n" for line in lines))
    return imports


def refused(folder: Path, usual: float, *imports: Path) -> str:
    """What a run of two workers ends with."""
    process = subprocess.Popen(
        command(["train", "small.toml", "--run", "a", "--workers", "2"]), cwd=folder, env=environment(imports),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    said, errors = said_in_time(process, usual + WATCHDOG)
    assert process.returncode == 2, said + errors
    assert not (folder / "a").exists()
    return errors.splitlines()[-1]


def other_folder(folder: Path) -> Path:
    """What the others see in place of the folder: the same files, which a test may change."""
    other = folder / "other"
    other.mkdir()
    write_shared("gpt", folder)
    write_shared("gpt", other)
    return other


ALIKE = "; expected the same for all; do not change files while workers start"


def test_another_version(usual: float, tmp_path: Path) -> None:
    write_shared("digits", tmp_path)
    imports = make_strange(tmp_path, "import numpy", "numpy.__version__ += '.post1'")
    assert refused(tmp_path, usual, imports) == f"[workers] worker 1 and worker 0 differ in versions{ALIKE}"


def test_another_recipe(usual: float, tmp_path: Path) -> None:
    recipe = other_folder(tmp_path) / "small.toml"
    recipe.write_text(recipe.read_text().replace("lr = 1e-3", "lr = 1e-4"))
    imports = make_strange(tmp_path, "os.chdir('other')")
    assert refused(tmp_path, usual, imports) == f"[workers] worker 1 and worker 0 differ in recipe and state{ALIKE}"


def test_other_data(usual: float, tmp_path: Path) -> None:
    book = other_folder(tmp_path) / "book.txt"
    book.write_text(book.read_text().replace("fox", "cat"))
    imports = make_strange(tmp_path, "os.chdir('other')")
    assert refused(tmp_path, usual, imports) == f"[workers] worker 1 and worker 0 differ in data and state{ALIKE}"


def test_no_recipe(usual: float, tmp_path: Path) -> None:
    (other_folder(tmp_path) / "small.toml").unlink()
    imports = make_strange(tmp_path, "os.chdir('other')")
    said = refused(tmp_path, usual, imports)
    assert said.startswith("[workers] worker 1 has ended: [small.toml] there is no such file; expected a recipe"), said


def test_no_plugin(usual: float, tmp_path: Path) -> None:
    """A distribution with a model, which only the first worker finds."""
    plugin = tmp_path / "plugin"
    info = plugin / "wide-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: wide\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[powertrain.v1.model]\nwide = wide:Wide\n")
    (plugin / "wide.py").write_text("from powertrain.builtin.models import MLP\n\n\nclass Wide(MLP):\n    pass\n")
    write_shared("digits", tmp_path)
    recipe = tmp_path / "small.toml"
    recipe.write_text(recipe.read_text().replace('{ use = "cnn", channels = [4, 8], dropout = 0.2 }', '"wide"'))
    imports = make_strange(tmp_path, "sys.path[:] = [path for path in sys.path if not path.endswith('plugin')]")
    said = refused(tmp_path, usual, imports, plugin)
    assert said.startswith("[workers] worker 1 has ended: [small.toml:3 model] no such model wide; "), said


def test_one_that_ends_as_it_starts(usual: float, tmp_path: Path) -> None:
    write_shared("digits", tmp_path)
    imports = make_strange(tmp_path, "os._exit(3)")
    said = refused(tmp_path, usual, imports)
    assert said.startswith("[workers] worker 1 has ended: its process ended with exit code 3; "), said


def test_one_that_hangs_as_it_starts(usual: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_shared("digits", tmp_path)
    imports = make_strange(tmp_path, "import signal", "signal.pause()")
    for name, value in environment([imports]).items():
        monkeypatch.setenv(name, value)
    job = Job.of(load_recipe(tmp_path / "small.toml"), tmp_path / "a", trust=False, changed_data=False)
    start = time.monotonic()
    with started(2, job) as transport, pytest.raises(WorkerError) as caught:
        transport.all_reduce([])
    assert time.monotonic() - start < usual + WATCHDOG
    assert "[workers] worker 1 has not responded for 8 s" in str(caught.value)
