"""Optimizer state that workers divide: the same bits, a part of the memory, and checkpoints that know of no workers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import powertrain as pt
from powertrain.optim.division import Sharing, divide, gathered
from powertrain.optim.optimizer import Optimizer
from powertrain.plugin.transport import Alone, own_part
from powertrain.train.folder.checkpoint import Checkpoints
from running import inside, results, run
from worker_processes import HALF, TEXTS, write_shared

# Two groups, clipping and accumulation; anomalies keep the state of the last good commit.
DIVIDED = [
    "--set", "run.zero=true", "--set", 'optimizer.groups=[{ match = "*.bias", weight_decay = 0.0 }]',
    "--set", 'run.anomalies={ spike = "roll_back", window = 8, deviations = 1.5, least_rise = 0.0 }',
]  # fmt: skip


def train(folder: str, *more: str) -> list[str]:
    return ["train", "small.toml", "--run", folder, "--json", *more]


def test_one_hash_for_any_number_of_workers_with_and_without(tmp_path: Path) -> None:
    write_shared("digits", tmp_path)
    (tmp_path / "small.toml").write_text(TEXTS["digits"].replace("seed = 3", "seed = 3, zero = false"))
    plain = [*DIVIDED, "--set", "run.zero=false"]
    alone = results(inside(train("alone", *plain), tmp_path))["hash"]
    assert results(inside(train("one", *DIVIDED), tmp_path))["hash"] == alone
    assert results(run(train("four", *DIVIDED, "--workers", "4"), tmp_path))["hash"] == alone
    run(train("a", *DIVIDED, "--workers", "2", "--set", f"run.until={HALF['digits']}"), tmp_path)
    run(train("a", *DIVIDED, "--workers", "4", "--resume", "--set", "run.until=3 epochs"), tmp_path)
    assert results(inside(train("a", *plain, "--resume"), tmp_path))["hash"] == alone
    # What a checkpoint holds is named as without workers.
    first, last = (Checkpoints(tmp_path / one).latest()[0] for one in ("alone", "four"))
    assert first is not None and last is not None and set(first.arrays) == set(last.arrays)


def test_a_finished_run_is_opened_by_several(tmp_path: Path) -> None:
    write_shared("digits", tmp_path)
    short = [*DIVIDED, "--set", "run.until=1 epochs"]
    first = results(run(train("a", *short, "--workers", "2"), tmp_path))
    again = results(run(train("a", *short, "--workers", "2", "--resume"), tmp_path))
    assert again["hash"] == first["hash"]


class Other(Alone):
    """The transport of one of two workers of a group."""

    def __init__(self, group: Group, optimizer: Optimizer) -> None:
        super().__init__()
        self.group, self.optimizer = group, optimizer

    def all_gather(self, arrays: Sequence[NDArray[Any]]) -> None:
        self.group.gather(self.optimizer, "updated", arrays)


class Group:
    """Two optimizers of the same parameters, as two workers have them."""

    def __init__(self, kind: type[Optimizer], **settings: Any) -> None:
        self.models = [pt.nn.Sequential(pt.nn.Linear(5, 7), pt.nn.Linear(7, 3)) for _ in range(3)]
        for model in self.models[1:]:
            for slot, first in zip(model.parameters(), self.models[0].parameters(), strict=True):
                slot.value = pt.tensor(first.value.numpy().copy())
        self.alone, *self.two = [kind(model, lr=0.1, **settings) for model in self.models]
        for rank, one in enumerate(self.two):
            divide(one, lambda length, rank=rank: own_part(rank, 2, length))  # type: ignore[misc]

        self.shares = [Sharing(one, Other(self, one)) for one in self.two]

    def update(self, draw: np.random.Generator) -> None:
        grads = [draw.normal(size=slot.shape).astype(np.float32) for _, slot in self.alone.params]
        for one in (self.alone, *self.two):
            one.update([pt.tensor(g) for g in grads])
        for share in self.shares:
            share()

    def gather(self, one: Optimizer, what: str, arrays: Sequence[NDArray[Any]]) -> None:
        other = self.two[one is self.two[0]]
        part = other.parts[0]
        slot = part.updated if what == "updated" else part.state[what]
        assert slot is not None
        arrays[0][part.range] = slot.value.numpy()


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (pt.optim.SGD, {"momentum": 0.9}),
        (pt.optim.AdamW, {"clip": 0.5}),
        (pt.optim.AdamW, {"accumulate": 2}),
        (pt.optim.Lion, {"clip_value": 0.1}),
    ],
)
def test_two_that_divide_the_state_make_the_updates_of_one(kind: type[Optimizer], settings: dict[str, Any]) -> None:
    group, draw = Group(kind, **settings), np.random.default_rng(0)
    for _ in range(4):
        group.update(draw)
        for one in group.two:
            for (_, mine), (_, wanted) in zip(one.params, group.alone.params, strict=True):
                assert mine.value.numpy().tobytes() == wanted.value.numpy().tobytes()
    names = dict(group.alone.named_slots())
    for one in group.two:
        found: dict[str, Any] = {}
        for moment in one.parts[0].state:
            found |= {
                name: array
                for name, array in gathered(one, lambda arrays, m=moment, o=one: group.gather(o, m, arrays)).items()
                if name.startswith(f"optimizer.{moment}.")
            }
        assert found and all(array.tobytes() == names[name].value.numpy().tobytes() for name, array in found.items())


def test_each_holds_its_part_of_the_moments() -> None:
    group = Group(pt.optim.AdamW)
    whole = sum(slot.size for slot in group.alone.parts[0].state.values())
    pieces = [sum(slot.size for slot in one.parts[0].state.values()) for one in group.two]
    assert sum(pieces) == whole and abs(pieces[0] - pieces[1]) <= 2


@pytest.mark.parametrize("optimizer", ["muon", "lamb", "adafactor"])
def test_optimizers_that_look_at_several_numbers_are_refused(optimizer: str, tmp_path: Path) -> None:
    write_shared("digits", tmp_path)
    said = inside(
        train("a", "--set", "run.zero=true", "--set", f"optimizer={{ use = {optimizer!r}, lr = 0.1 }}"), tmp_path, 2
    ).stderr  # fmt: skip
    assert "with run.zero; expected an optimizer that treats each number by itself, such as AdamW" in said
    assert not (tmp_path / "a").exists()


def test_zero_without_shards_has_no_effect(tmp_path: Path) -> None:
    write_shared("digits", tmp_path)
    said = inside(train("a", "--set", "run.zero=true", "--set", "run.shards=1"), tmp_path, 2).stderr
    assert "received zero = true and shards = 1; expected several shards; add shards = 4" in said
