"""Parts of the data that take turns: their batches are made together, and are those that each makes by itself."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from powertrain.data import prefetch
from powertrain.data.block import Block
from powertrain.data.in_memory import dataset_of
from powertrain.recipe.durations import Duration
from powertrain.recipe.sections import RunSection
from powertrain.train.run import sources, turns

ROWS = [np.arange(at, 400, 7) for at in range(6)]  # parts of a few batches


class Table:
    def __init__(self):
        self.host, self.named, self.groups = {}, {}, {}


class Recipe:
    def __init__(self, workers):
        self.data = {"train": None}
        self.run = RunSection(until=Duration(1, "epochs"), batch_size=8, num_workers=workers)
        self.strategy = self
        self.plugin = self
        self.ordered = self.poisson = False


def made(workers=1, rows=ROWS):
    x = np.arange(1200, dtype=np.float32).reshape(400, 3)
    found = sources.Sources(Recipe(workers), dataset_of((x, np.arange(400) % 3)), Table(), None)
    return found, [found.get("train", one, f"part-{at}") for at, one in enumerate(rows)]


def plan(parts, seed=0):
    """Turns of several lengths, of parts in any order."""
    random = np.random.default_rng(seed)
    while True:
        part = int(random.integers(len(parts)))
        yield parts[part], int(random.integers(1, 30))


def taken(part, count, most=64):
    """The batches of a turn: numbers of their examples, weights, and where the part stands behind each take."""
    found, stream = [], part.take(count)
    while (one := stream.several(most)) is not None:
        for batch in one.batches() if isinstance(one, Block) else [one]:
            found.append((batch.arrays["x"].tolist(), batch.arrays["weight"].tolist(), len(batch)))
        found.append(tuple(part.array().tolist()))
    return found


def flat(turn):
    return [one for one in turn if len(one) == 3], turn[-1]


def compare(parts, plain, foreseen, most=(64,)):
    for (part, count), size in zip(foreseen, itertools.cycle(most), strict=False):
        assert flat(taken(parts[part], count, size)) == flat(taken(plain[part], count, size)), (part, count)


def numbered(parts, count, seed=0):
    return [(parts.index(part), batches) for part, batches in itertools.islice(plan(parts, seed), count)]


@pytest.fixture
def streams(monkeypatch):
    """The batches of each block of a shared stream."""
    seen = []
    inner = turns.Turns.next_made

    def noted(self):
        given = inner(self)
        if given is not None:
            seen.append(len(given[0]) if isinstance(given[0], Block) else 1)
        return given

    monkeypatch.setattr(turns.Turns, "next_made", noted)
    return seen


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_they_are_those_that_each_part_makes(workers, streams):
    (shared, parts), (_, plain) = made(workers), made()
    shared.take_turns(parts, lambda: plan(parts))
    compare(parts, plain, numbered(parts, 200), [64, 1, 5, 64, 64])
    assert (sum(streams) > 2000 and max(streams) > 20) if workers else not streams
    shared.close()


def test_no_block_is_of_two_turns_or_cut_without_need(streams, monkeypatch):
    monkeypatch.setattr(prefetch, "_QUICK_SECONDS", 1e9)
    monkeypatch.setattr(prefetch, "_BLOCK_SECONDS", 1e9)
    shared, parts = made()
    shared.take_turns(parts, lambda: plan(parts))
    foreseen = numbered(parts, 200)
    for part, count in foreseen:
        taken(parts[part], count)
    assert sum(streams) == sum(count for _, count in foreseen)
    assert len(foreseen) <= len(streams) < len(foreseen) + 20  # the first batches are made one by one
    shared.close()


@pytest.mark.parametrize("wrong", ["part", "count", "end", "place", "rest"])
def test_a_turn_that_nobody_foresaw_changes_nothing(wrong, streams):
    (shared, parts), (_, plain) = made(), made()
    foreseen = numbered(parts, 60)
    told = [(parts[part], count) for part, count in foreseen]
    if wrong == "part":
        told[30] = (parts[(foreseen[30][0] + 1) % 6], foreseen[30][1])
    elif wrong == "count":
        told[30] = (told[30][0], told[30][1] + 1)
    elif wrong == "end":
        told = told[:30]
    shared.take_turns(parts, lambda: iter(told))
    compare(parts, plain, foreseen[:30])
    before = sum(streams)
    assert before == sum(count for _, count in foreseen[:30])
    part, _ = foreseen[30]
    for one in (parts, plain):
        if wrong == "place":
            one[part].restore(np.array([3, 8]))
        elif wrong == "rest":  # a turn that is left early
            next(one[part].take(foreseen[30][1] + 3))
    compare(parts, plain, foreseen[30:])
    assert wrong == "place" or sum(streams) <= before + foreseen[30][1]
    shared.close()


def test_errors_of_the_plan_are_told():
    shared, parts = made()

    def broken():
        yield parts[0], 4
        raise OSError("the list of clients is gone")

    shared.take_turns(parts, broken)
    assert len(list(parts[0].take(4))) == 4
    with pytest.raises(OSError, match="the list of clients is gone"):
        list(parts[1].take(4))


def test_parts_of_other_kinds_do_not_take_turns():
    shared, parts = made()
    whole = shared.get("train", None, None)
    text = (
        r"\[run.take_turns\] 2 parts that are not rows of one part of the data; expected such as "
        r'\[run.data\("train", rows=rows, name=name\), ...\]; give those that take turns'
    )
    for given in ([whole, whole], [whole, parts[0]]):
        with pytest.raises(sources.RunError, match=text):
            shared.take_turns(given, lambda: iter(()))
