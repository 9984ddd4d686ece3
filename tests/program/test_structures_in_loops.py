"""The structure of what goes around in loops and comes out of branches: dicts by their keys, the rest by place."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

import powertrain as pt


class Cell(NamedTuple):
    h: Any
    c: Any


def as_called(function: Any, compiled: bool) -> Any:
    return pt.compile(function) if compiled else function


@pytest.mark.parametrize("compiled", [False, True])
def test_a_dict_goes_around_by_its_keys(compiled: bool) -> None:
    def step(state: Any, x: Any) -> Any:
        return {"c": state["c"] + state["h"] * x, "h": state["h"] * 2}, state["h"]

    def loop(xs: Any) -> Any:
        return pt.scan(step, {"h": pt.tensor(1.0), "c": pt.tensor(0.0)}, xs)

    last, before = as_called(loop, compiled)(pt.tensor([1.0, 2.0, 3.0]))
    assert list(last) == ["h", "c"] and last["h"].item() == 8.0 and last["c"].item() == 1 + 2 * 2 + 4 * 3
    assert before.tolist() == [1.0, 2.0, 4.0]

    def count(limit: Any) -> Any:
        first = {"at": pt.tensor(0), "product": pt.tensor(1)}
        return pt.while_loop(
            lambda s: s["at"] < limit, lambda s: {"product": s["product"] * 2, "at": s["at"] + 1}, first
        )

    ended = as_called(count, compiled)(pt.tensor(3))
    assert {name: value.item() for name, value in ended.items()} == {"at": 3, "product": 8}


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("positive", [False, True])
def test_branches_give_a_dict_by_its_keys(positive: bool, compiled: bool) -> None:
    def chosen(x: Any) -> Any:
        return pt.cond(
            x.sum() > 0,
            lambda x: {"loss": x, "parts": [x * 2, {"a": x * 3, "b": x * 4}]},
            lambda x: {"parts": (x * 2, {"b": x * 4, "a": x * 3}), "loss": x},
            x,
        )

    x = pt.tensor([1.0, 2.0]) if positive else pt.tensor([-1.0, -2.0])
    found = as_called(chosen, compiled)(x)
    assert np.array_equal(found["loss"], x) and np.array_equal(found["parts"][0], x * 2)
    assert np.array_equal(found["parts"][1]["a"], x * 3) and np.array_equal(found["parts"][1]["b"], x * 4)


def test_rows_that_choose_give_a_dict_by_its_keys() -> None:
    def one(x: Any) -> Any:
        return pt.cond(x > 0, lambda x: {"a": x, "b": x * 10}, lambda x: {"b": x * 10, "a": x}, x)

    found = pt.vmap(one)(pt.tensor([1.0, -2.0]))
    assert found["a"].tolist() == [1.0, -2.0] and found["b"].tolist() == [10.0, -20.0]


def test_the_gradient_of_a_loop_over_a_dict() -> None:
    def loss(w: Any) -> Any:
        def step(state: Any, x: Any) -> Any:
            return {"c": state["c"] + state["h"] * x, "h": state["h"] * w}, None

        return pt.scan(step, {"h": w, "c": w * 0}, pt.tensor([1.0, 2.0, 3.0]))[0]["c"]

    assert pt.grad(loss)(pt.tensor(2.0)).item() == 1 + 2 * 2 * 2 + 3 * 3 * 4


def test_named_tuples_and_lists_go_by_place() -> None:
    last, _ = pt.scan(lambda s, x: (Cell(c=s.c + x, h=s.h * 2), None), Cell(pt.tensor(1.0), pt.tensor(0.0)), pt.ones(4))
    assert isinstance(last, Cell) and last.h.item() == 16.0 and last.c.item() == 4.0
    pair, _ = pt.scan(lambda s, x: ([s[0] + x, s[1]], None), (pt.tensor(0.0), pt.tensor(5.0)), pt.ones(2))
    assert [value.item() for value in pair] == [2.0, 5.0]


def test_other_structures_are_refused() -> None:
    one, x = pt.tensor(1.0), pt.ones(2)
    for first, after, said in (
        ({"h": one}, {"c": one}, "the state has the keys 'c'; expected the keys 'h'"),
        ({"h": one}, one, "the state has a tensor; expected a dict"),
        ((one, (one, one)), ((one, one), one), "the state has a tuple at [0]; expected a tensor"),
        ({"a": (one, one), "b": None}, {"a": one, "b": one}, "the state has a tensor at ['a']; expected a tuple"),
        ([one, []], [one], "the state has 1 items; expected 2"),
    ):
        with pytest.raises(pt.ShapeError) as caught:
            pt.scan(lambda s, x: (after, None), first, x)  # noqa: B023
        assert str(caught.value) == f"[scan] after a step {said}, as before it; give back what was taken"
    with pytest.raises(pt.ShapeError, match=r"^\[while_loop\] after a step the state has the keys 'j'; expected"):
        pt.while_loop(lambda s: s["i"] < 3, lambda s: {"j": s["i"] + 1}, {"i": pt.tensor(0)})
    with pytest.raises(pt.ShapeError) as caught:
        pt.cond(pt.tensor(False), lambda: {"loss": one}, lambda: {"error": one})
    assert str(caught.value) == (
        "[cond] of the second function the result has the keys 'error'; expected the keys 'loss', as of the first; "
        "give results of one structure"
    )
