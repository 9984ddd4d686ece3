"""Methods that a base class asks for: a class without one cannot be made into an object, and the error names it."""

from __future__ import annotations

import copy
import inspect
import pickle
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

import pytest

import powertrain as pt
from powertrain.errors.methods import (
    Abstract,
    MissingMethodError,
    lacking,
    missing,
    needed_unless,
    optional,
    overridden,
)


class Base(Abstract):
    @abstractmethod
    def first(self) -> int:
        raise missing(self, "first")

    @classmethod
    @abstractmethod
    def second(cls) -> int:
        raise missing(cls, "second")

    @needed_unless("whole")
    def part(self) -> int:
        raise missing(self, "part")

    def whole(self) -> int:
        return self.part()

    @optional
    def extra(self) -> int:
        raise missing(self, "extra")


class Full(Base):
    def __init__(self, size: int = 1) -> None:
        self.size = size

    def first(self) -> int:
        return self.size

    @classmethod
    def second(cls) -> int:
        return 2

    def part(self) -> int:
        return 3


class ByWhole(Full):
    part = Base.part

    def whole(self) -> int:
        return 4


def test_what_is_lacking_is_told_in_order() -> None:
    assert lacking(Base) == ["first", "second", "part"]
    assert lacking(Full) == lacking(ByWhole) == lacking(type("Child", (ByWhole,), {})) == []
    assert lacking(type("Undone", (Full,), {"part": Base.part})) == ["part"]
    assert overridden(Full, "first") and overridden(Full(), "second") and not overridden(Base, "second")
    assert not overridden(Full, "extra") and not overridden(ByWhole, "part") and not overridden(Full, "nothing")


def test_an_object_cannot_be_made_without_them() -> None:
    half = type("Half", (Base,), {"first": lambda self: 1})
    with pytest.raises(MissingMethodError) as caught:
        half()
    assert str(caught.value) == "[Half] it has no second; expected that method; write def second(self, ...) in Half"
    assert isinstance(caught.value, pt.Error) and isinstance(caught.value, TypeError)
    made = Full(size=7)
    assert made.first() == 7 and made.whole() == 3 and ByWhole().whole() == 4
    assert copy.deepcopy(made).size == 7 and pickle.loads(pickle.dumps(made)).size == 7


def test_a_class_of_a_library_beneath_gets_its_arguments() -> None:
    class Pair(Full, tuple):  # type: ignore[type-arg]
        def __init__(self, values: Any) -> None:
            super().__init__(len(values))

    assert Pair((5, 6)) == (5, 6) and Pair((5, 6)).size == 2


def made_of(base: type, **methods: Any) -> type:
    return type("Mine", (base,), methods)


INCOMPLETE: list[tuple[type, str]] = [
    (made_of(pt.data.Sampler, __len__=lambda self: 3), "__iter__"),
    (made_of(pt.data.IterableDataset), "__iter__"),
    (made_of(pt.data.Dataset, __len__=lambda self: 3), "__getitem__"),
    (made_of(pt.data.samplers.SeededSampler), "rows"),
    (made_of(pt.plugin.Metric), "measure"),
    (made_of(pt.plugin.Loss), "__call__"),
    (made_of(pt.plugin.Schedule), "factor"),
    (made_of(pt.plugin.Transform), "__call__"),
    (made_of(pt.plugin.RandomTransform), "change"),
    (made_of(pt.plugin.Environment, reset=lambda self, seed: 0), "step"),
    (made_of(pt.plugin.Backend), "available"),
    (made_of(pt.plugin.Optimizer, moments_of=lambda self: 0), "update_flat"),
    (made_of(pt.optim.layerwise.PerParameter), "update_param"),
    (made_of(pt.metrics.regression._MeanOf), "error"),
    (made_of(pt.metrics.classification._OfAverage), "score"),
    (made_of(pt.metrics.ranking._Ranked), "of_two"),
    (made_of(pt.metrics.text._ErrorRate), "units"),
    (made_of(pt.nn.recurrent._Stack), "_run"),
]


@pytest.mark.parametrize(("cls", "method"), INCOMPLETE, ids=lambda one: one if isinstance(one, str) else one.__base__)
def test_every_base_says_what_is_missing(cls: type, method: str) -> None:
    with pytest.raises(MissingMethodError) as caught:
        cls()
    taken = ", ".join(inspect.signature(getattr(cls, method)).parameters)
    assert str(caught.value) == f"[Mine] it has no {method}; expected that method; write def {method}({taken}) in Mine"


def test_bases_are_satisfied_in_either_way() -> None:
    def update_flat(self: Any, p: Any, g: Any, state: Any, decay: float, scalars: Any) -> Any:
        return p, {}

    def rows(self: Any) -> Iterator[int]:
        return iter([0])

    model = pt.nn.Linear(2, 1)
    for methods in ({"update_flat": update_flat}, {"update_part": lambda self, part, g, scalars: (g, {})}):
        assert made_of(pt.plugin.Optimizer, **methods)(model, lr=0.1).updates.value.item() == 0
    assert list(made_of(pt.data.Sampler, __iter__=rows)()) == [0]
    assert made_of(pt.data.Dataset, fetch=lambda self, rows: {"x": rows})()
    assert made_of(pt.data.Dataset, __getitem__=lambda self, row: row)()[3] == 3


class Inheriting(Full):
    """Has no constructor of its own."""

    def __call__(self, times: int) -> int:
        return times * self.size


class Renewed(Full):
    def __new__(cls, other: int) -> Any:
        return other


def test_help_shows_what_an_inherited_constructor_takes() -> None:
    assert str(inspect.signature(Inheriting)) == str(inspect.signature(Full)) == "(size: 'int' = 1) -> 'None'"
    assert list(inspect.signature(Inheriting()).parameters) == ["times"]
    assert list(inspect.signature(Renewed).parameters) == ["other"]
    assert list(inspect.signature(pt.data.ArrowDataset).parameters) == ["paths", "fields", "shuffle_groups"]
    assert not hasattr(Full(), "__signature__")
