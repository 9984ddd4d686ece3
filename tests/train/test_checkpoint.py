"""Checkpoints and the ledger: what was written is what is read, and no kill or full disk costs the last good one."""

from __future__ import annotations

import errno
import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from powertrain.io.files import Files, NoSpaceError
from powertrain.io.hashing import hash_arrays
from powertrain.train.folder.checkpoint import FOLDER, CheckpointError, Checkpoints
from powertrain.train.folder.ledger import FILE, Ledger, read_history, read_lines
from resealed import reseal


def arrays(seed: int = 0) -> dict[str, Any]:
    generator = np.random.default_rng(seed)
    return {
        "model.w": generator.normal(size=(3, 4)).astype(np.float32),
        "model.strided": generator.normal(size=(4, 6))[::2, ::3],
        "optimizer.updates": np.array(seed, dtype=np.int64),
        "empty": np.zeros((0, 3), dtype=np.float32),
        "bytes": np.arange(7, dtype=np.uint8),
        "flag": np.array([True, False]),
    }


def same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return a.keys() == b.keys() and all(
        a[name].dtype == b[name].dtype and a[name].shape == b[name].shape and (a[name] == b[name]).all() for name in a
    )


@pytest.fixture
def store(tmp_path: Path) -> Checkpoints:
    return Checkpoints(tmp_path)


def lying(store: Checkpoints) -> list[str]:
    return store.files.names(FOLDER)


META = {"seconds": 1.5, "steps": 10}


def test_what_was_written_is_what_is_read(store: Checkpoints) -> None:
    store.save(3, arrays(), META)
    found, problems = store.latest()
    assert found is not None and problems == []
    assert (found.number, found.meta) == (3, META)
    assert same(found.arrays, {name: np.asarray(a, order="C") for name, a in arrays().items()})
    assert hash_arrays(found.arrays) == hash_arrays(arrays())


def test_the_last_two_are_kept_and_nothing_else(store: Checkpoints) -> None:
    for number in (1, 2, 3, 10):
        store.save(number, arrays(number), META)
    assert store.numbers() == [3, 10]
    assert lying(store) == [
        "round-000000000003.json",
        "round-000000000003.safetensors",
        "round-000000000010.json",
        "round-000000000010.safetensors",
    ]


DAMAGE = {
    "cut": lambda raw: raw[:-5],
    "empty": lambda raw: b"",
    "a flipped bit": lambda raw: raw[:-3] + bytes([raw[-3] ^ 1]) + raw[-2:],
    "longer": lambda raw: raw + b"x",
}


@pytest.mark.parametrize("suffix", [".safetensors", ".json"])
@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_checkpoint_is_noticed_and_the_one_before_is_used(
    store: Checkpoints, suffix: str, damage: Any
) -> None:
    store.save(1, arrays(1), META)
    store.save(2, arrays(2), META)
    path = store.files.path / FOLDER / f"round-000000000002{suffix}"
    path.write_bytes(damage(path.read_bytes()))
    found, problems = store.latest()
    assert found is not None and found.number == 1
    assert len(problems) == 1 and problems[0].startswith("checkpoint 2 is not used: round-000000000002")
    assert problems[0].endswith("; trying the one before")


def test_a_changed_number_in_the_json_is_noticed(store: Checkpoints) -> None:
    store.save(1, arrays(), META)
    path = store.files.path / FOLDER / "round-000000000001.json"
    path.write_text(path.read_text().replace('"seconds": 1.5', '"seconds": 2.5'))
    assert store.latest() == (
        None,
        ["checkpoint 1 is not used: round-000000000001.json is not what was written: its SHA-256 differs; "
         "trying the one before"],
    )  # fmt: skip


def test_checkpoints_of_another_version_are_refused_where_there_are_no_others(store: Checkpoints) -> None:
    """To warn and begin again would cost days."""
    store.demand_format()
    for number in (1, 2):
        store.save(number, arrays(), META)
    store.demand_format()
    reseal(store.files.path, 1, format=1)
    reseal(store.files.path, 2, format=99)
    found, problems = store.latest()
    assert found is None and "round-000000000002.json has format 99; this version reads 4" in problems[0]
    with pytest.raises(CheckpointError, match=r"has format 99; this version reads 4; expected a run of this version"):
        store.demand_format()


def test_a_number_in_the_json_that_is_not_finite_is_noticed(store: Checkpoints) -> None:
    store.save(1, arrays(), META)
    path = store.files.path / FOLDER / "round-000000000001.json"
    path.write_text(path.read_text().replace('"seconds": 1.5', '"seconds": 1e999'))
    found, problems = store.latest()
    assert found is None and problems[0].startswith("checkpoint 1 is not used: round-000000000001.json is damaged: ")


def test_arrays_that_are_missing_are_noticed(store: Checkpoints) -> None:
    store.save(1, arrays(1), META)
    store.save(2, arrays(2), META)
    (store.files.path / FOLDER / "round-000000000002.safetensors").unlink()
    found, problems = store.latest()
    assert found is not None and found.number == 1
    assert problems == [
        "checkpoint 2 is not used: round-000000000002.safetensors cannot be read: No such file or directory; "
        "trying the one before"
    ]


@pytest.mark.parametrize("step", range(11))
def test_a_kill_at_any_step_of_a_save_leaves_a_whole_checkpoint(
    store: Checkpoints, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Every change on the disk goes through one of these calls: stop before the n-th of them."""
    store.save(1, arrays(1), META)
    calls = 0

    class Killed(BaseException):
        pass

    def counted(real: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls > step:
                raise Killed
            return real(*args, **kwargs)

        return call

    monkeypatch.setattr(os, "fsync", counted(os.fsync))
    monkeypatch.setattr(os, "replace", counted(os.replace))
    monkeypatch.setattr(os, "unlink", counted(os.unlink))
    try:
        store.save(2, arrays(2), META)
        finished = True
    except Killed:
        finished = False
    monkeypatch.undo()
    found, problems = store.latest()
    assert found is not None and problems == []
    assert hash_arrays(found.arrays) == hash_arrays(arrays(found.number))
    assert found.number == 2 or not finished
    store.save(3, arrays(3), META)
    assert store.latest()[0] is not None and store.numbers()[-1] == 3


@pytest.mark.parametrize("fails_at", [1, 2])
def test_a_full_disk_keeps_the_earlier_checkpoint(
    store: Checkpoints, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    store.save(1, arrays(1), META)
    before = lying(store)
    calls = 0

    def full(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls >= 2 * fails_at - 1:  # each file is synced, and then the folder
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NoSpaceError, match="No space left on device"):
        store.save(2, arrays(2), META)
    monkeypatch.undo()
    assert lying(store) == before
    found, _ = store.latest()
    assert found is not None and found.number == 1


def test_the_hash_sees_names_dtypes_shapes_and_bytes() -> None:
    base = {"a": np.arange(6, dtype=np.int32), "b": np.zeros(2, np.float32)}
    changed = [
        {"a": base["a"], "c": base["b"]},
        {**base, "a": base["a"].astype(np.int64)},
        {**base, "a": base["a"].reshape(2, 3)},
        {**base, "b": np.array([0.0, -0.0], np.float32)},
        {**base, "a": base["a"].view(np.float32)},
    ]
    hashes = {hash_arrays(one) for one in [base, *changed]}
    assert len(hashes) == 6
    assert hash_arrays(dict(reversed(base.items()))) == hash_arrays(base)


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    files = Files(tmp_path)
    files.replace("file", b"old")
    files.replace("file", b"new")
    assert files.read("file") == b"new"
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_the_ledger_counts_replayed_steps_once(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.write("metrics", 10, 1, values={"loss": 3.0})
    ledger.write("metrics", 20, 2, values={"loss": 2.0})
    ledger.close()
    with (tmp_path / FILE).open("ab") as file:
        file.write(b'{"event": "metrics", "step": 30, "val')  # a kill in the middle of a line
    ledger = Ledger(tmp_path)
    ledger.write("resume", 10, 1)
    ledger.write("metrics", 20, 2, values={"loss": float("inf")})
    ledger.sync()
    ledger.close()
    assert [line["event"] for line in read_lines(tmp_path)] == ["metrics", "metrics", "resume", "metrics"]
    history = [(line["step"], line["values"]["loss"]) for line in read_history(tmp_path)]
    assert history == [(10, 3.0), (20, math.inf)]
    for raw in (tmp_path / FILE).read_text().splitlines()[:2]:
        json.loads(raw)


def large(seed: int) -> dict[str, Any]:
    return {"model.base": np.random.default_rng(seed).random((600, 600)), "model.lora_a": np.full(3, float(seed))}


def test_what_never_changes_is_written_once(tmp_path: Path) -> None:
    here = Checkpoints(tmp_path)
    base = large(0)["model.base"]
    for number in (1, 2, 3):
        here.save(number, {**large(number), "model.base": base}, {"seconds": 1.0, "steps": number}, ["model.base"])
    files = {path.name: path.stat() for path in (tmp_path / FOLDER).iterdir()}
    (lasting,) = (name for name in files if name.startswith("lasting-"))
    assert files[lasting].st_size > base.nbytes and sum(stat.st_size for stat in files.values()) < 1.1 * base.nbytes
    assert here.files_of(3) == [f"{FOLDER}/round-000000000003.json", f"{FOLDER}/round-000000000003.safetensors",
                                f"{FOLDER}/{lasting}"]  # fmt: skip
    for number in (2, 3):
        found = here.load(number).arrays
        np.testing.assert_array_equal(found["model.base"], base)
        np.testing.assert_array_equal(found["model.lora_a"], np.full(3, float(number)))
    # Another base is another file; the first one goes with the last checkpoint that names it.
    for number in (4, 5):
        here.save(number, large(9), {"seconds": 1.0, "steps": number}, ["model.base"])
        assert (tmp_path / FOLDER / lasting).exists() is (number == 4)
    np.testing.assert_array_equal(here.load(5).arrays["model.base"], large(9)["model.base"])


def test_few_bytes_that_never_change_need_no_file(tmp_path: Path) -> None:
    Checkpoints(tmp_path).save(1, arrays(), {"seconds": 1.0, "steps": 1}, list(arrays()))
    assert not list((tmp_path / FOLDER).glob("lasting-*"))
    assert hash_arrays(Checkpoints(tmp_path).load(1).arrays) == hash_arrays(arrays())


@pytest.mark.parametrize("how", ["gone", "cut", "changed", "pipe"])
def test_a_checkpoint_without_its_lasting_file_is_not_used(tmp_path: Path, how: str) -> None:
    here = Checkpoints(tmp_path)
    here.save(1, large(0), {"seconds": 1.0, "steps": 1}, ["model.base"])
    (path,) = (tmp_path / FOLDER).glob("lasting-*")
    raw = path.read_bytes()
    path.unlink()
    if how == "pipe":
        os.mkfifo(path)
    elif how != "gone":
        path.write_bytes(raw[:-8] if how == "cut" else raw[:-1] + bytes([raw[-1] ^ 1]))
    found, problems = here.latest()
    assert found is None and len(problems) == 1 and path.name in problems[0]


def test_a_lasting_file_is_named_by_a_hash_alone(tmp_path: Path) -> None:
    here = Checkpoints(tmp_path)
    here.save(1, large(0), {"seconds": 1.0, "steps": 1}, ["model.base"])
    reseal(tmp_path, 1, lasting="../../elsewhere")
    found, problems = here.latest()
    assert found is None and "lasting is not a SHA-256" in problems[0]
