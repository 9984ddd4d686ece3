"""Checkpoints of large rings: what was not appended to since the last one is not written again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from powertrain.io.hashing import hash_arrays
from powertrain.train.folder.checkpoint import FOLDER, PIECE_BYTES, Checkpoints
from powertrain.train.folder.keeping import Policy
from powertrain.train.run.named_slots import SlotTable
from powertrain.train.run.ring import Ring
from resealed import reseal

SIZE = 3 * PIECE_BYTES // 80  # rows of 80 bytes


def filled(count: int = SIZE) -> tuple[Ring, SlotTable]:
    ring, table = Ring("replay", SIZE, {"x": np.zeros(10), "n": np.int64(0)}, 0), SlotTable({})
    table.groups["replay"] = ring
    append(ring, count)
    return ring, table


def append(ring: Ring, count: int) -> None:
    n = np.arange(ring.appended, ring.appended + count)
    ring.append(x=np.repeat(n[:, None], 10, axis=1).astype(np.float64), n=n)


def saved(here: Checkpoints, table: SlotTable, number: int, **how: Any) -> int:
    """Save it; the bytes of files that were not there before."""
    before = {path.name for path in (here.files.path / FOLDER).glob("*")}
    here.save(number, table.snapshot(), {"seconds": 1.0, "steps": number}, rings=table.rings(), **how)
    return sum(path.stat().st_size for path in (here.files.path / FOLDER).glob("*") if path.name not in before)


def test_only_what_was_appended_to_is_written_again(tmp_path: Path) -> None:
    (ring, table), here = filled(), Checkpoints(tmp_path)
    whole = sum(rows.nbytes for rows in ring.rows().values())
    assert saved(here, table, 1) > whole
    for number in range(2, 8):
        append(ring, SIZE // 20)
        assert saved(here, table, number) < 0.75 * whole
        found = Checkpoints(tmp_path).load(number)
        assert hash_arrays(found.arrays) == hash_arrays(table.snapshot())
    assert saved(here, table, 8) < 2_000  # nothing was
    on_disk = sum(path.stat().st_size for path in (tmp_path / FOLDER).iterdir())
    assert on_disk < 2 * whole  # of two checkpoints


def test_a_ring_that_grows_writes_its_new_rows(tmp_path: Path) -> None:
    (ring, table), here = filled(SIZE // 2), Checkpoints(tmp_path)
    saved(here, table, 1)
    append(ring, SIZE // 4)
    assert saved(here, table, 2) < 0.7 * sum(rows.nbytes for rows in ring.rows().values())
    again, other = filled(0)
    found = here.load(2).arrays
    assert again.misfits(found) == []
    again.restore(found)
    assert hash_arrays(other.snapshot()) == hash_arrays(table.snapshot())


def test_pieces_go_with_the_last_checkpoint_that_names_them(tmp_path: Path) -> None:
    (ring, table), here = filled(), Checkpoints(tmp_path)
    saved(here, table, 1)
    append(ring, 10)
    saved(here, table, 2)
    first, second = set(here.files_of(1)), set(here.files_of(2))
    assert len({name for name in first & second if "lasting-" in name}) >= 2
    assert here.prune(Policy(1), 2) == [1]
    assert {f"{FOLDER}/{name}" for name in here.files.names(FOLDER)} == second
    assert hash_arrays(here.load(2).arrays) == hash_arrays(table.snapshot())


def test_a_few_rows_need_no_file(tmp_path: Path) -> None:
    (_, table), here = filled(100), Checkpoints(tmp_path)
    saved(here, table, 1)
    assert here.files_of(1) == [f"{FOLDER}/round-000000000001.json", f"{FOLDER}/round-000000000001.safetensors"]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ({"replay.x": ["../../elsewhere"]}, "rows.replay.x is not a SHA-256"),
        ({"replay.x": 3}, "rows.replay.x is not a list"),
        ({"replay.x": []}, "names no rows of replay.x"),
        ({"replay.x": ["BASE"]}, "names no rows of replay.x"),
        ({"replay.x": ["WIDE", "NARROW"]}, "names no rows of replay.x"),
    ],
)
def test_rows_that_no_run_writes_are_refused(tmp_path: Path, rows: dict[str, Any], said: str) -> None:
    here = Checkpoints(tmp_path)
    here.save(1, {"a": np.zeros(2)}, {"seconds": 1.0, "steps": 1})
    held: dict[str, Any] = {
        "BASE": {"x": np.zeros(3)},
        "WIDE": {"rows": np.zeros((2, 3))},
        "NARROW": {"rows": np.zeros(3)},
    }
    known = {name: here._save_lasting(arrays) for name, arrays in held.items()}
    names = {
        key: [known.get(one, one) for one in value] if isinstance(value, list) else value for key, value in rows.items()
    }
    reseal(tmp_path, 1, rows=names)
    found, problems = Checkpoints(tmp_path).latest()
    assert found is None and said in problems[0]
