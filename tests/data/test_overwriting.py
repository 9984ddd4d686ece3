"""Transforms write into a batch only where nobody else has its memory, and the bits are those of new arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.data.order import CHANGES, Cursor, Draw
from powertrain.data.transforms import RandomTransform, Scale, Standardize, Transform, Transformed
from powertrain_vision.changes import RandomErasing, RandomFlip

Array = Any
RNG = np.random.default_rng(0)
ROWS = np.arange(5)
MEAN, STD = np.asarray(0.5), np.asarray(0.25)


class Held(pt.data.Dataset):
    """Gives the same arrays each time."""

    def __init__(self, x: Array) -> None:
        self.x = x

    def __len__(self) -> int:
        return len(self.x)

    def fetch(self, indices: Array) -> dict[str, Array]:
        return {"x": self.x, "y": np.arange(len(self.x))}


class Copied(Held):
    """Gives new ones."""

    given: Array = None

    @pt.data.anew()
    def fetch(self, indices: Array) -> dict[str, Array]:
        self.given = self.x[indices]
        return {"x": self.given, "y": np.arange(len(indices))}


class Twice(Held):
    """Gives a new one, twice."""

    @pt.data.anew()
    def fetch(self, indices: Array) -> dict[str, Array]:
        one = self.x[indices]
        return {"x": one, "y": one[:, 0]}


class Table(Transform):
    """Gives what it holds."""

    HELD = np.ones((5, 6, 6, 3), np.float32)

    def __call__(self, x: Array) -> Array:
        return self.HELD


def pictures(count: int = 5) -> Array:
    return RNG.normal(size=(count, 6, 6, 3)).astype(np.float32)


def flip() -> RandomFlip:
    return RandomFlip(RandomFlip.Params())


def plainly(x: Array, chain: list[Transform | RandomTransform]) -> Array:
    fields = {"x": x, "y": np.arange(len(x))}
    for number, one in enumerate(chain):
        if isinstance(one, RandomTransform):
            fields = one.change(fields, Draw(7, CHANGES + number, Cursor(0, 0)))
        else:
            fields = {**fields, "x": one(fields["x"])}
    return fields["x"]


CHAINS: dict[str, list[Transform | RandomTransform]] = {
    "scaled": [Scale(0.5, 1.0), Standardize(MEAN, STD)],
    "flipped": [flip(), Standardize(MEAN, STD)],
    "each": [Scale(2.0), flip(), RandomErasing(RandomErasing.Params()), Standardize(MEAN, STD)],
    "by feature": [Standardize(pictures(1)[0], np.abs(pictures(1)[0])), flip()],
}


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
@pytest.mark.parametrize("kind", [Held, Copied, Twice])
def test_bits_are_those_of_new_arrays(chain: list[Any], kind: type[Held]) -> None:
    x = pictures()
    before = x.copy()
    made = Transformed(kind(x), chain).fetch_changed(ROWS, 7, Cursor(0, 0))
    assert made["x"].tobytes() == plainly(before, chain).tobytes()
    assert x.tobytes() == before.tobytes()  # the data set is as it was
    if kind is Twice:
        assert made["y"].tobytes() == before[:, 0].tobytes()


def test_a_batch_of_its_own_is_written_into() -> None:
    source = Copied(pictures())
    made = Transformed(source, CHAINS["scaled"]).fetch(ROWS)
    assert made["x"] is source.given
    bytes_of = Copied(RNG.integers(0, 256, (5, 6, 6, 3), np.uint8))  # which float32 does not fit into
    assert Transformed(bytes_of, CHAINS["scaled"]).fetch(ROWS)["x"].dtype == np.float32


def test_what_a_transform_holds_stays() -> None:
    table = Table()
    before = table.HELD.copy()
    made = Transformed(Copied(pictures()), [table, Scale(3.0), flip()]).fetch_changed(ROWS, 7, Cursor(0, 0))
    assert table.HELD.tobytes() == before.tobytes()
    assert made["x"].tolist() == (3 * before).tolist()


def test_read_only_and_repeated_arrays_are_left_alone() -> None:
    class Row(Held):
        @pt.data.anew()
        def fetch(self, indices: Array) -> dict[str, Array]:
            return {"x": np.broadcast_to(self.x[:1], self.x.shape)}

    source = Row(pictures())
    chain: list[Any] = [flip(), Standardize(MEAN, STD)]
    assert Transformed(source, chain).fetch_changed(ROWS, 7, Cursor(0, 0))["x"].shape == source.x.shape


def test_fields_that_a_caller_has_are_left_alone() -> None:
    x = pictures()
    before = x.copy()
    Transformed(Copied(x), CHAINS["scaled"]).mapped({"x": x})
    assert x.tobytes() == before.tobytes()
