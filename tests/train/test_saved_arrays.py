"""Arrays of a checkpoint's file: read one by one, from headers that anybody may have written, without room for all."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from powertrain.io.array_pieces import DTYPES
from powertrain.train.folder.checkpoint import Checkpoints
from powertrain.train.folder.saved_arrays import FileDamagedError, SavedArrays, below, each, form

PART_BYTES = 1 << 22
ARRAYS = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array(5, np.int64), "none": np.zeros((0, 4), np.float16),
    "c": np.array([True, False]), "wide": np.arange(PART_BYTES // 8 + 3, dtype=np.float64),
}  # fmt: skip


def opened(path: Path, content: bytes) -> SavedArrays:
    path.write_bytes(content)
    with path.open("rb") as file:
        return SavedArrays(file, len(content))


def test_arrays_are_those_that_safetensors_wrote(tmp_path: Path) -> None:
    found = opened(tmp_path / "a", save(ARRAYS))
    assert set(found) == set(ARRAYS) and len(found) == len(ARRAYS) and "a" in found and "z" not in found
    for name, array in ARRAYS.items():
        assert found[name].dtype == array.dtype and np.array_equal(found[name], array)
        assert (form(found, name).shape, form(found, name).dtype) == (array.shape, array.dtype)
    for name, array in each(found, ["wide", "b", "none", "a", "c"]):
        assert array.dtype == ARRAYS[name].dtype and np.array_equal(array, ARRAYS[name])
    with pytest.raises(KeyError):
        found["z"]


def test_every_dtype_comes_back(tmp_path: Path) -> None:
    given = {name: np.arange(3).astype(name) for name in DTYPES}
    found = opened(tmp_path / "a", save(given))
    assert all(found[name].dtype == name and np.array_equal(found[name], array) for name, array in given.items())


def test_others_come_in_place_of_its_own(tmp_path: Path) -> None:
    found = opened(tmp_path / "a", save(ARRAYS))
    more = {"a": np.ones(2), "rows": np.zeros(3)}
    found.add(more)
    assert found["a"] is more["a"] and form(found, "rows") is more["rows"] and len(found) == len(ARRAYS) + 1
    assert [array.shape for _, array in each(found, ["rows", "b", "a"])] == [(3,), (), (2,)]


def test_of_those_below_a_prefix_no_others_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    inner = SavedArrays._read
    monkeypatch.setattr(SavedArrays, "_read", lambda self, *given: (read.append(1), inner(self, *given)))
    found = opened(tmp_path / "a", save({"best.a": np.ones(2), "best.b": np.ones(3), "a": np.ones(4)}))
    assert {name: len(array) for name, array in below(found, "best.").items()} == {"a": 2, "b": 3}
    assert len(read) == 2


def file_of(header: Any, data: bytes = b"\0" * 8) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def entry(dtype: Any = "F32", shape: Any = (2,), places: Any = (0, 8)) -> dict[str, Any]:
    return {"a": {"dtype": dtype, "shape": shape, "data_offsets": places}}


DAMAGED = {
    "empty": b"",
    "short": b"\1\0",
    "longer than the file": (1 << 60).to_bytes(8, "little") + b"{}",
    "no JSON": file_of(b"{{{{"),
    "deep": file_of(b'{"a":' + b"[" * 100_000),
    "a list": file_of([]),
    "a number": file_of({"a": 5}),
    "no dtype": file_of({"a": {"shape": [2], "data_offsets": [0, 8]}}),
    "unknown dtype": file_of(entry("F8")),
    "listed dtype": file_of(entry(["F32"])),
    "negative size": file_of(entry(shape=(-2,))),
    "broken size": file_of(entry(shape=(2.0,))),
    "true for a size": file_of(entry(shape=(True, 2))),
    "huge size": file_of(entry(shape=(1 << 62, 1 << 62))),
    "many axes": file_of(entry(shape=(1,) * 40 + (2,))),
    "another length": file_of(entry(shape=(3,))),
    "beyond the end": file_of(entry(places=(8, 16))),
    "backwards": file_of(entry(places=(8, 0))),
    "three places": file_of(entry(places=(0, 8, 16))),
    "gap": file_of(entry(places=(4, 12)), b"\0" * 12),
    "rest": file_of(entry(), b"\0" * 9),
    "overlap": file_of({**entry(), "b": entry()["a"]}),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_what_is_no_file_of_arrays_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(FileDamagedError):
        opened(tmp_path / "a", DAMAGED[name])


def test_a_header_that_would_fill_the_memory_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a").open("wb") as file:
        file.write((1 << 30).to_bytes(8, "little"))
        file.truncate(2 << 30)
    with (
        (tmp_path / "a").open("rb") as file,
        pytest.raises(FileDamagedError, match="its header of 1,073,741,824 bytes"),
    ):
        SavedArrays(file, 2 << 30)


def test_a_file_that_became_shorter_is_said(tmp_path: Path) -> None:
    content = save(ARRAYS)
    found = opened(tmp_path / "a", content)
    with (tmp_path / "a").open("r+b") as file:
        file.truncate(len(content) // 2)
    with pytest.raises(FileDamagedError, match="became shorter while it was read"):
        [array for _, array in each(found, ARRAYS)]


def test_a_checkpoint_is_taken_up_array_by_array(tmp_path: Path) -> None:
    arrays = {f"a{number}": np.full(1 << 20, number, np.float64) for number in range(8)}
    Checkpoints(tmp_path).save(3, arrays, {"seconds": 1.0, "steps": 3})
    tracemalloc.start()
    try:
        found, problems = Checkpoints(tmp_path).latest()
        assert found is not None and not problems
        assert [float(array[5]) for _, array in each(found.arrays, arrays)] == list(range(8))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 5 * PART_BYTES + arrays["a0"].nbytes < sum(array.nbytes for array in arrays.values()) // 2
