"""Disks that fail: full at any write, broken, read-only, or of a file system that cannot sync. The run says so, and
goes on afterwards to the same bits."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from powertrain.io.files import NoSpaceError
from powertrain.recipe import load_recipe
from powertrain.train.display.display import Display
from powertrain.train.folder.listing import run_hash
from powertrain.train.session import train
from running import SMALL, environment

# Without a schedule, which is stretched over the target: a run of one epoch may go on to two.
RECIPE = SMALL.replace("6 epochs", "2 epochs").replace(', stop = { watch = "valid.accuracy" }', "")
RECIPE = RECIPE.replace(', schedule = "cosine"', "")
# Whatever changes a disk goes through one of these, but for the writes to a file that is open; their errors may come as
# late as that of fsync, which stands for them.
CALLS = ("mkdir", "fsync", "replace", "write")


@pytest.fixture(autouse=True)
def plain_reports() -> Iterator[None]:
    """Pictures take longer than the trainings here."""
    with mock.patch("powertrain.train.report.elements.charts_module", lambda: None):
        yield


def go(folder: Path, name: str = "a") -> Any:
    (folder / "small.toml").write_text(RECIPE)
    return train(load_recipe(str(folder / "small.toml")), folder / name, resume=True, display=Display(quiet=True))


@pytest.fixture(scope="module")
def digest(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The hash of a run that nothing disturbs."""
    return str(go(tmp_path_factory.mktemp("whole")).results["hash"])


class Faults:
    """Fails from the n-th of the calls on; counts them."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, first: int, number: int, calls: tuple[str, ...] = CALLS
    ) -> None:
        self.count, self.first, self.number = 0, first, number
        for call in calls:
            monkeypatch.setattr(os, call, self._failing(getattr(os, call)))

    def _failing(self, real: Any) -> Any:
        def call(*given: Any, **how: Any) -> Any:
            self.count += 1
            if self.count > self.first:
                raise OSError(self.number, os.strerror(self.number))
            return real(*given, **how)

        return call


def count_of_calls(folder: Path) -> int:
    with pytest.MonkeyPatch.context() as patch:
        faults = Faults(patch, 1 << 30, 0)
        go(folder, "counted")
    return faults.count


def test_a_disk_that_is_full_from_any_write_on_costs_no_bit(tmp_path: Path, digest: str) -> None:
    writes = count_of_calls(tmp_path)
    assert writes > 20
    ended = 0
    for first in range(writes):
        name = f"full-{first}"
        with pytest.MonkeyPatch.context() as patch:
            Faults(patch, first, errno.ENOSPC)
            try:
                assert not go(tmp_path, name).saved or first > writes - 5, first
            except (OSError, NoSpaceError) as error:  # before it is a run
                assert "No space left on device" in str(error)
                ended += 1
        done = go(tmp_path, name)
        assert done.finished and done.saved and run_hash(tmp_path / name) == digest, first
    assert 0 < ended < writes


@pytest.mark.parametrize("number", [errno.EIO, errno.EROFS, errno.EDQUOT])
def test_a_disk_that_fails_at_some_write_costs_no_bit(tmp_path: Path, digest: str, number: int) -> None:
    writes = count_of_calls(tmp_path)
    for first in range(0, writes, 5):
        name = f"broken-{first}"
        with pytest.MonkeyPatch.context() as patch:
            Faults(patch, first, number)
            try:
                go(tmp_path, name)
            except (OSError, NoSpaceError) as error:
                assert os.strerror(number) in str(error)
        assert go(tmp_path, name).finished and run_hash(tmp_path / name) == digest, first


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP])
def test_a_file_system_that_cannot_sync_trains_all_the_same(
    tmp_path: Path, digest: str, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    Faults(monkeypatch, 0, number, ("fsync",))
    assert go(tmp_path).saved
    monkeypatch.undo()
    assert run_hash(tmp_path / "a") == digest


# As root every folder can be written. The modules are read first, since somebody else may not read them.
READ_ONLY = """
import os, sys
from pathlib import Path
from powertrain.cli import main

os.chdir(sys.argv[1])
train = ["train", "small.toml", "--resume", "--run"]
assert main([*train, "warm"]) == 0
assert main([*train, "begun", "--set", "run.until=1 epoch"]) == 0
for path in [*Path("begun").rglob("*"), Path("begun"), Path(".")]:
    path.chmod(path.stat().st_mode & ~0o222)
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
print("codes", main([*train, "new"]), main([*train, "begun"]))
"""


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, digest: str) -> None:
    for folder in (tmp_path, *list(tmp_path.parents)[:2]):  # pytest's own are its user's alone
        folder.chmod(0o755)
    (tmp_path / "small.toml").write_text(RECIPE)
    done = subprocess.run(
        [sys.executable, "-c", READ_ONLY, str(tmp_path)], env=environment(), capture_output=True, text=True, check=False
    )
    tmp_path.chmod(0o755)
    assert done.stdout.splitlines()[-1] == "codes 2 2", done.stderr
    assert done.stderr.count("Permission denied") == 2 and "Traceback" not in done.stderr
    for path in [tmp_path / "begun", *(tmp_path / "begun").rglob("*")]:
        path.chmod(path.stat().st_mode | 0o200)
    assert go(tmp_path, "begun").finished and run_hash(tmp_path / "begun") == digest
