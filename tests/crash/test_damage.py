"""Damaged checkpoints: wherever a file is cut and whichever bit is flipped, the one before is used, or the same bits
are read; and what a run writes afterwards stays."""

from __future__ import annotations

import errno
import json
import os
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from powertrain.io.files import Files
from powertrain.io.hashing import hash_arrays
from powertrain.train.folder import checkpoint
from powertrain.train.folder.checkpoint import FOLDER, Checkpoints
from powertrain.train.folder.keeping import Policy

FLIPS = 1_000
META = {"seconds": 1.5, "steps": 10, "progress": {"epochs": 3}, "values": {"valid.loss": 0.25}, "lower": ["valid.loss"]}


def arrays(seed: int) -> dict[str, Any]:
    generator = np.random.default_rng(seed)
    return {
        "model.w": generator.normal(size=(3, 40)).astype(np.float32),
        "model.base": np.full(150_000, seed, np.float64),  # frozen, and large enough for a file of its own
        "ring.x": np.random.default_rng(seed).random((50_000, 3)),  # in files of its own too, of some rows each
        "optimizer.updates": np.array(seed, dtype=np.int64),
        "empty": np.zeros((0, 3), dtype=np.float32),
        "bytes": np.arange(7, dtype=np.uint8),
    }


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of two checkpoints that have nothing in common."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "PIECE_BYTES", 1 << 19)
        for number in (1, 2):
            Checkpoints(folder).save(number, arrays(number), META, ["model.base"], rings=["ring.x"])
    return {path.name: path.read_bytes() for path in (folder / FOLDER).iterdir()}


@pytest.fixture
def store(tmp_path: Path, files: dict[str, bytes]) -> Checkpoints:
    (tmp_path / FOLDER).mkdir()
    for name, content in files.items():
        (tmp_path / FOLDER / name).write_bytes(content)
    return Checkpoints(tmp_path)


def newest(store: Checkpoints) -> list[Path]:
    return [store.files.path / name for name in store.files_of(2)]


def demand_the_one_before(store: Checkpoints, path: Path) -> None:
    found, problems = store.latest()
    assert found is not None and found.number == 1 and hash_arrays(found.arrays) == hash_arrays(arrays(1))
    assert len(problems) == 1 and problems[0].startswith("checkpoint 2 is not used: ") and path.name in problems[0]


def places(raw: bytes) -> list[int]:
    """Where a file may be cut: in its first bytes, between its parts and beside these places, and at its end."""
    if raw.startswith(b"{"):
        parts = [at for at, byte in enumerate(raw) if byte in b"\n,:"]
    else:
        length = int.from_bytes(raw[:8], "little")
        header = json.loads(raw[8 : 8 + length])
        parts = [
            8,
            8 + length // 2,
            8 + length,
            *(8 + length + at for one in header.values() for at in one["data_offsets"]),
        ]
    near = [at + by for at in parts for by in (-1, 0, 1)]
    return sorted({at for at in (0, 1, 7, *near, len(raw) // 2, len(raw) - 1) if 0 <= at < len(raw)})


def test_a_file_that_is_cut_anywhere_is_noticed(store: Checkpoints) -> None:
    tried = 0
    for path in newest(store):
        raw = path.read_bytes()
        for place in places(raw):
            path.write_bytes(raw[:place])
            if raw[place:].strip():  # a line feed at the end of JSON means nothing
                demand_the_one_before(store, path)
                tried += 1
        path.write_bytes(raw)
    assert tried > 50 and store.latest()[1] == []


def test_any_flipped_bit_is_noticed_or_harmless(store: Checkpoints) -> None:
    chance, noticed = random.Random(0), 0
    whole = hash_arrays(arrays(2))
    contents = {path: path.read_bytes() for path in newest(store)}
    for count in range(FLIPS):
        path = sorted(contents)[count % len(contents)]
        raw = bytearray(contents[path])
        # A third of them where a file says what it is: most of its bytes are numbers.
        at = chance.randrange(min(len(raw), 400) if chance.random() < 1 / 3 else len(raw))
        raw[at] ^= 1 << chance.randrange(8)
        path.write_bytes(raw)
        found, problems = store.latest()
        assert found is not None
        if problems:
            demand_the_one_before(store, path)
            noticed += 1
        else:
            assert (found.number, hash_arrays(found.arrays), found.meta) == (2, whole, META), (
                f"byte {at} of {path.name}"
            )
        path.write_bytes(contents[path])
    assert noticed > 0.95 * FLIPS


def flip_last_bit(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)


@pytest.mark.parametrize("policy", [Policy(1), Policy(2), Policy(1, 1, "valid.loss")])
def test_a_run_that_begins_before_damaged_checkpoints_keeps_its_own(tmp_path: Path, policy: Policy) -> None:
    store = Checkpoints(tmp_path)
    for number in (9, 10):
        store.save(number, arrays(number), META, policy=Policy(2))
        flip_last_bit(tmp_path / FOLDER / f"round-{number:012d}.safetensors")
    assert store.latest()[0] is None
    for number in (3, 5, 10, 12):
        store.save(number, arrays(number), META, policy=policy)
        found, _ = store.latest()
        assert found is not None and found.number == number


def test_a_lasting_file_that_is_damaged_is_written_anew(store: Checkpoints) -> None:
    for path in (store.files.path / FOLDER).glob("lasting-*"):
        flip_last_bit(path)
    assert store.latest()[0] is None
    again = Checkpoints(store.files.path)
    again.save(3, arrays(1), META, ["model.base"], rings=["ring.x"])
    found, problems = again.latest()
    assert found is not None and problems == [] and hash_arrays(found.arrays) == hash_arrays(arrays(1))


def test_what_cannot_be_read_for_a_while_costs_no_lasting_file(
    store: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*given: Any) -> bytes:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with monkeypatch.context() as patch:
        patch.setattr(Files, "read", fail)
        assert store.prune(Policy(1), 2) == []
    assert hash_arrays(store.load(2).arrays) == hash_arrays(arrays(2))
    assert hash_arrays(store.load(1).arrays) == hash_arrays(arrays(1))
