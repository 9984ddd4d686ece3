"""Machines that give out: a small disk that is really full, memory that ends, a clock that is set back. The run says
so, or does not notice, and goes on to the same bits.

The system's killer of processes without memory sends SIGKILL: test_kills.py.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from powertrain.io.files import NoSpaceError
from powertrain.recipe import load_recipe
from powertrain.train.display.display import Display
from powertrain.train.folder.ledger import read_lines
from powertrain.train.folder.listing import run_hash
from powertrain.train.session import train
from running import SMALL, environment

# Without a schedule, which is stretched over the target: a run may go on.
RECIPE = SMALL.replace(', stop = { watch = "valid.accuracy" }', "").replace(', schedule = "cosine"', "")
PAGE = 4096
DAY = 86_400


@pytest.fixture(autouse=True)
def plain_reports() -> Iterator[None]:
    """Pictures take longer than the trainings here."""
    with mock.patch("powertrain.train.report.elements.charts_module", lambda: None):
        yield


def go(folder: Path, run: Path, *settings: str) -> Any:
    (folder / "small.toml").write_text(RECIPE)
    recipe = load_recipe(str(folder / "small.toml"), settings)
    return train(recipe, run, resume=True, display=Display(quiet=True))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing disturbs."""
    folder = tmp_path_factory.mktemp("whole")
    go(folder, folder / "a")
    return folder / "a"


@contextlib.contextmanager
def small_disk(place: Path, size: int) -> Iterator[Path]:
    """A file system in memory of so many bytes."""
    place.mkdir()
    options = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    try:
        done = subprocess.run(options, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("mount is not installed")
    if done.returncode:
        pytest.skip(f"a file system cannot be mounted: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="tmpfs is of Linux")
def test_a_small_disk_that_is_really_full_costs_no_bit(tmp_path: Path, whole: Path) -> None:
    digest, ended, told = run_hash(whole), 0, 0
    used = sum(-(-path.stat().st_size // PAGE) * PAGE for path in whole.rglob("*") if path.is_file())
    for at, size in enumerate(range(2 * PAGE, 2 * used, max(PAGE, 2 * used // 40 // PAGE * PAGE))):
        with small_disk(tmp_path / f"disk-{at}", size) as disk:
            try:
                done = go(tmp_path, disk / "a")
                told += not done.saved
            except (OSError, NoSpaceError) as error:  # before it is a run
                assert "No space left on device" in str(error)
                ended += 1
            subprocess.run(["mount", "-o", f"remount,size={4 * used}", str(disk)], check=True)
            done = go(tmp_path, disk / "a")
            assert done.finished and done.saved and run_hash(disk / "a") == digest, size
    assert ended and told


# More memory than a process has at that moment, in steps: it gives out while data are read, while a step is compiled,
# while a checkpoint is written, or not at all.
WITHOUT_MEMORY = """
import os, resource, sys
from powertrain.cli import main
import powertrain.train.session, powertrain.builtin.strategies

os.chdir(sys.argv[1])
pages = int(open("/proc/self/statm").read().split()[0])
most = pages * os.sysconf("SC_PAGE_SIZE") + int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_AS, (most, resource.RLIM_INFINITY))
sys.exit(main(["train", "small.toml", "--resume", "--run", "a"]))
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the memory of a process is read from /proc")
def test_a_run_whose_memory_gives_out_goes_on_where_there_is_more(tmp_path: Path, whole: Path) -> None:
    (tmp_path / "small.toml").write_text(RECIPE)
    codes = []
    for size in (0, 32, 64, 4096):
        done = subprocess.run(
            [sys.executable, "-c", WITHOUT_MEMORY, str(tmp_path), str(size << 20)], env=environment(),
            capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        codes.append(done.returncode)
    assert codes[-1] == 0 and any(codes), codes
    assert run_hash(tmp_path / "a") == run_hash(whole)


class Backwards:
    """A clock that is set back by a day whenever somebody looks."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        self.now -= DAY
        return self.now


def test_a_clock_that_is_set_back_changes_nothing(tmp_path: Path, whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", Backwards())
    for until in ("2 epochs", "4 epochs", "6 epochs"):
        go(tmp_path, tmp_path / "a", f"run.until={until}")
        for path in (tmp_path / "a").rglob("*"):  # what is older looks newer
            os.utime(path, (time.time() + 1e5 * DAY,) * 2)
    assert run_hash(tmp_path / "a") == run_hash(whole)
    times = [line["time"] for line in read_lines(tmp_path / "a")]
    assert times == sorted(times, reverse=True)
    resumed = [line["step"] for line in read_lines(tmp_path / "a") if line["event"] == "resume"]
    assert resumed == [40, 80]
