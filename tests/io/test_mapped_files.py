"""Arrays in mapped files: a file that is cut off is an error, where reading what is gone would end the process."""

from __future__ import annotations

import mmap
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.io import mapped
from powertrain.io.mapped import CutOffError, check_mapped, unmapped

ROWS, WIDE = 3000, 16
WHOLE = 128 + ROWS * WIDE * 4


@pytest.fixture
def path(tmp_path: Path) -> Path:
    np.save(tmp_path / "x.npy", np.arange(ROWS * WIDE, dtype=np.float32).reshape(ROWS, WIDE))
    return tmp_path / "x.npy"


def mapping(path: Path) -> Any:
    return np.load(path, mmap_mode="r")


VIEWS: dict[str, Callable[[Any], Any]] = {
    "the array": lambda x: x,
    "a plain view": np.asarray,
    "some rows": lambda x: x[100:],
    "turned": lambda x: x[::-1].T,
    "as other numbers": lambda x: np.asarray(x).view(np.int32),
    "a memoryview": memoryview,
}
READS: dict[str, Callable[[Any], Any]] = {
    "asarray": pt.asarray,
    "tensor": pt.tensor,
    "an op": lambda x: pt.sum(x),
    "a compiled function": pt.compile(lambda x: x * 2),
    "a slot": lambda x: pt.Slot(x, name="s"),
}


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("view", VIEWS)
def test_a_file_that_was_cut_off_is_an_error_wherever_it_is_read(path: Path, view: str, read: str) -> None:
    x = VIEWS[view](mapping(path))
    READS[read](x)
    os.truncate(path, 4096)
    with pytest.raises(CutOffError) as caught:
        READS[read](x)
    assert str(caught.value).partition("] ")[2] == (
        f"an array in a mapped file that was cut off: it has 4,096 bytes now; expected the {WHOLE:,} that the array "
        "needs; leave the file as it is while something reads it"
    )


def test_rows_that_are_still_there_are_read(path: Path) -> None:
    x = mapping(path)
    os.truncate(path, 4096)
    assert pt.asarray(x[:10]).numpy().tolist() == np.arange(10 * WIDE).reshape(10, WIDE).tolist()


def test_a_tensor_of_a_mapped_file_outlives_it(path: Path) -> None:
    want = np.load(path)
    tensor = pt.asarray(mapping(path))
    os.truncate(path, 0)
    assert np.array_equal(tensor.numpy(), want)
    assert np.array_equal(pickle.loads(pickle.dumps(tensor)).numpy(), want)


def test_an_array_that_does_not_begin_on_the_first_page(tmp_path: Path) -> None:
    (tmp_path / "raw").write_bytes(bytes(3 * mmap.ALLOCATIONGRANULARITY + 400))
    x = np.memmap(tmp_path / "raw", np.uint8, "r", offset=2 * mmap.ALLOCATIONGRANULARITY + 16, shape=(1000,))
    assert check_mapped(x[5:], "raw")
    os.truncate(tmp_path / "raw", 2 * mmap.ALLOCATIONGRANULARITY + 1000)
    with pytest.raises(CutOffError, match=f"expected the {2 * mmap.ALLOCATIONGRANULARITY + 1016:,} that the array"):
        check_mapped(x[5:], "raw")


def test_memory_without_a_file_is_shared() -> None:
    memory = np.frombuffer(mmap.mmap(-1, 4096), np.float32)
    assert not check_mapped(memory, "memory") and unmapped(memory, "memory") is memory
    tensor = pt.asarray(memory)
    memory[3] = 7.0
    assert tensor[3].item() == 7.0


def test_a_data_set_of_a_mapped_file_outlives_it(path: Path) -> None:
    data = pt.data.TensorDataset(mapping(path), np.arange(ROWS) % 3)
    os.truncate(path, 0)
    assert data.fetch(np.array([ROWS - 1]))["x"][0, -1] == ROWS * WIDE - 1


def test_one_that_is_larger_than_the_memory_stays_in_its_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapped, "max_input_bytes", lambda: 1000)
    data = pt.data.TensorDataset(mapping(path), np.arange(ROWS) % 3)
    assert data.fetch(np.array([ROWS - 1]))["x"][0, -1] == ROWS * WIDE - 1
    os.truncate(path, 4096)
    with pytest.raises(CutOffError, match=r"^\[arrays x\] an array in a mapped file"):
        data.fetch(np.array([0, 1]))


def test_windows_of_a_mapped_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save(tmp_path / "tokens.npy", np.arange(5000))
    kept = pt.data.Windows(mapping(tmp_path / "tokens.npy"), context=4)
    monkeypatch.setattr(mapped, "max_input_bytes", lambda: 1000)
    large = pt.data.Windows(mapping(tmp_path / "tokens.npy"), context=4)
    os.truncate(tmp_path / "tokens.npy", 4096)
    assert kept.fetch(np.array([4990]))["y"].tolist() == [[4991, 4992, 4993, 4994]]
    with pytest.raises(CutOffError, match=r"^\[windows\] an array in a mapped file"):
        large.fetch(np.array([0]))


TRAINED = """
import os
import numpy as np
import powertrain as pt

np.save("x.npy", np.random.default_rng(0).normal(size=(3000, 16)).astype("float32"))
np.save("y.npy", np.arange(3000) % 3)
arrays = [np.load(name, mmap_mode="r") for name in ("x.npy", "y.npy")]


class CutOff(pt.data.TensorDataset):
    fetched = 0

    def fetch(self, indices):
        self.fetched += 1
        if self.fetched == 3:
            for name in ("x.npy", "y.npy"):
                os.truncate(name, 0)
        return super().fetch(indices)


model = pt.nn.Linear(16, 3)
losses = [pt.nn.functional.cross_entropy(model(x), y).item() for x, y in pt.data.DataLoader(CutOff(*arrays), 100)]
print(len(losses), np.isfinite(losses).all())
try:
    pt.fit(model=pt.nn.Linear(16, 3), data=arrays, loss="cross-entropy", epochs=1, verbose=False)
except pt.Error as error:
    print(error)
"""


def test_training_goes_on_and_another_one_is_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", TRAINED], cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    losses, refused = done.stdout.splitlines()
    assert losses == "30 True"
    assert refused.startswith("[train x] an array in a mapped file that was cut off: it has 0 bytes now; expected ")
