"""Loops and branches for each row: one loop for all rows, with the numbers of a loop for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from test_control_flow import both, near, normal

import powertrain as pt
from oracles import same_bits


def names(function: Callable[..., Any], *args: Any) -> list[str]:
    step = pt.compile(function)
    step(*args)
    return [one["name"] for one in step.programs[0]["instructions"]]


def row_by_row(function: Callable[..., Any], *args: Any, shared: tuple[int, ...] = ()) -> list[np.ndarray]:
    n = next(len(x) for i, x in enumerate(args) if i not in shared)
    found = [function(*(x if i in shared else x[k] for i, x in enumerate(args))) for k in range(n)]
    return [np.stack([one[i].numpy() for one in found]) for i in range(len(found[0]))]


@pytest.mark.parametrize("reverse", [False, True])
def test_rows_of_a_scan_are_one_scan(reverse: bool) -> None:
    """With a weight that is shared, states and inputs of each row, and all gradients."""
    w, h, xs = normal(3, 3), normal(5, 3), normal(5, 7, 3)

    def loop(w: Any, h: Any, xs: Any) -> Any:
        return pt.scan(lambda h, x: (pt.tanh(h @ w + x), pt.sum(h * x)), h, xs, reverse=reverse)

    def one(w: Any, h: Any, xs: Any) -> tuple[Any, ...]:
        gradient = pt.grad(lambda *args: pt.sum(loop(*args)[0]) + pt.sum(pt.sin(loop(*args)[1])), (0, 1, 2))
        return *loop(w, h, xs), *gradient(w, h, xs)

    many = pt.vmap(one, in_axes=(None, 0, 0))
    got = both(lambda *args: list(many(*args)), w, h, xs)
    for ours, want in zip(got, row_by_row(one, w, h, xs, shared=(0,)), strict=True):
        near(ours, want)
    plain = pt.vmap(lambda w, h, xs: loop(w, h, xs)[0], in_axes=(None, 0, 0))
    assert names(plain, w, h, xs).count("scan") == 1


def test_what_the_rows_of_a_scan_share() -> None:
    """The rows of xs alone, the state alone, and what the step reads from around it alone."""
    h, xs = normal(4, 3), normal(6, 3)
    for axes, args in (
        ((None, 0, None), (h[0], normal(4, 6, 3), xs[0])),
        ((0, None, None), (h, xs, xs[0])),
        ((None, None, 0), (h[0], xs, h)),
    ):
        loop = lambda h, xs, c: tuple(pt.scan(lambda h, x: (h * x + c, (h, x)), h, xs)[0:1])  # noqa: E731
        shared = tuple(i for i, axis in enumerate(axes) if axis is None)
        (got,) = both(lambda *given, axes=axes, loop=loop: pt.vmap(loop, in_axes=axes)(*given), *args)
        near(got, row_by_row(loop, *args, shared=shared)[0])


def test_gradients_through_the_rows_of_a_scan() -> None:
    w, xs = normal(3, 3, dtype="float64"), normal(4, 5, 3, dtype="float64")

    def last(w: Any, row: Any) -> Any:
        return pt.scan(lambda h, x: (pt.tanh(h @ w + x), None), pt.zeros(3, "float64"), row)[0]

    def loss(loop: Callable[..., Any]) -> Callable[..., Any]:
        return lambda w, xs: pt.sum(pt.square(loop(w, xs)))

    by_row = lambda w, xs: pt.stack([last(w, xs[i]) for i in range(4)])  # noqa: E731
    got = both(lambda w, xs: list(pt.grad(loss(pt.vmap(last, in_axes=(None, 0))), (0, 1))(w, xs)), w, xs)
    for ours, want in zip(got, pt.grad(loss(by_row), (0, 1))(w, xs), strict=True):
        near(ours, want.numpy())


def test_scans_within_scans_for_rows_of_rows() -> None:
    xs = normal(2, 3, 4, 5)

    def inner(row: Any) -> Any:
        return pt.scan(lambda p, x: (p * pt.cos(x), None), pt.ones(()), row)[0]

    def outer(rows: Any) -> Any:
        return pt.scan(lambda s, row: (s + inner(row), None), 0.0, rows)[0]

    (got,) = both(lambda xs: [pt.vmap(pt.vmap(outer))(xs)], xs)
    near(got, np.prod(np.cos(xs.numpy()), -1).sum(-1))


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_shared_choice_runs_one_function_for_all_rows(sign: float) -> None:
    w, xs, flag = normal(3, 2), normal(4, 3), pt.tensor(sign > 0)

    def one(flag: Any, w: Any, x: Any) -> tuple[Any, ...]:
        choose = lambda w, x: pt.cond(flag, lambda x: pt.exp(x) @ w, lambda x: -x @ pt.ones((3, 2)), x)  # noqa: E731
        return choose(w, x), *pt.grad(lambda w, x: pt.sum(pt.square(choose(w, x))), (0, 1))(w, x)

    many = pt.vmap(one, in_axes=(None, None, 0))
    got = both(lambda *args: list(many(*args)), flag, w, xs)
    for ours, want in zip(got, row_by_row(one, flag, w, xs, shared=(0, 1)), strict=True):
        near(ours, want)
    alone = pt.vmap(lambda flag, x: pt.cond(flag, pt.exp, pt.sin, x), in_axes=(None, 0))
    assert names(alone, flag, xs).count("cond") == 1


def test_rows_that_choose_for_themselves() -> None:
    """What the other function would make of a row is no number: it never sees it, here and in gradients."""
    one = lambda x: pt.cond(x >= 0, pt.sqrt, lambda x: x * 3.0, x)  # noqa: E731
    for xs, roots, slopes in (
        ([1.0, -1.0, 4.0], [1.0, -3.0, 2.0], [0.5, 3.0, 0.25]),
        ([0.0, -1.0, 4.0], [0.0, -3.0, 2.0], [np.inf, 3.0, 0.25]),  # what the first lends has no gradient
        ([-1.0, -2.0], [-3.0, -6.0], [3.0, 3.0]),  # none chose the root
        ([4.0, 16.0], [2.0, 4.0], [0.25, 0.125]),
        ([-1.0], [-3.0], [3.0]),
        ([], [], []),
    ):
        given = pt.tensor(np.array(xs, np.float32))
        got, gradient = both(lambda xs: [pt.vmap(one)(xs), pt.grad(lambda xs: pt.sum(pt.vmap(one)(xs)))(xs)], given)
        assert got.tolist() == roots and gradient.tolist() == slopes
    assert names(pt.vmap(one), pt.tensor([1.0, -1.0, 4.0, 2.0])).count("cond") == 2


def test_rows_that_choose_share_weights_and_read_by_index() -> None:
    """An index that the other function would find out of range, what both capture, and gradients of it."""
    table, w = normal(3, 4), normal(4, 2)
    places, xs = pt.tensor([0, 7, 2, -9, 1]), normal(5, 4)

    def one(table: Any, w: Any, place: Any, x: Any) -> Any:
        inside = (place >= 0) & (place < 3)
        return pt.cond(inside, lambda x: pt.take(table, place) @ w + x[:2], lambda x: pt.tanh(x @ w), x)

    def with_gradients(table: Any, w: Any, places: Any, xs: Any) -> tuple[Any, ...]:
        rows = lambda table, w, xs: pt.vmap(one, in_axes=(None, None, 0, 0))(table, w, places, xs)  # noqa: E731
        loss = lambda *args: pt.sum(pt.sin(rows(*args)))  # noqa: E731
        return rows(table, w, xs), *pt.grad(loss, (0, 1, 2))(table, w, xs)

    def by_row(table: Any, w: Any, places: Any, xs: Any) -> tuple[Any, ...]:
        rows = lambda table, w, xs: pt.stack([one(table, w, places[i], xs[i]) for i in range(5)])  # noqa: E731
        return rows(table, w, xs), *pt.grad(lambda *args: pt.sum(pt.sin(rows(*args))), (0, 1, 2))(table, w, xs)

    for ours, want in zip(both(with_gradients, table, w, places, xs), by_row(table, w, places, xs), strict=True):
        near(ours, want.numpy())


def test_rows_of_rows_that_choose() -> None:
    xs = normal(4, 5)
    one = lambda x: pt.cond(x > 0, lambda x: pt.cond(x > 1, pt.log, pt.sqrt, x), pt.exp, x)  # noqa: E731
    with np.errstate(invalid="ignore"):
        x = xs.numpy()
        want = np.where(x > 1, np.log(x), np.where(x > 0, np.sqrt(x), np.exp(x)))
    (got,) = both(lambda xs: [pt.vmap(pt.vmap(one))(xs)], xs)
    near(got, want)


def test_long_functions_that_rows_choose_are_run_for_these_alone() -> None:
    w, xs = normal(1024, 1024), normal(3, 1024)
    one = lambda x: pt.cond(x[0] > 0, lambda x: x @ w, lambda x: x * 1.0, x)  # noqa: E731
    assert names(pt.vmap(one), xs).count("cond") == 3


def test_rows_of_a_loop_end_one_by_one() -> None:
    def root(x: Any) -> Any:
        """By Newton's steps, counted."""
        better = lambda s: ((s[0] + x / s[0]) / 2.0, s[1] + 1)  # noqa: E731
        return pt.while_loop(lambda s: pt.abs(s[0] * s[0] - x) > 1e-5 * x, better, (x, 0))

    xs = pt.tensor([1.0, 2.0, 9.0, 1e6])
    got = both(pt.vmap(root), xs)
    want = row_by_row(root, xs)
    assert same_bits(got[0], want[0]) and same_bits(got[1], want[1])
    assert got[1][0] == 0 and len(set(got[1].tolist())) == 4
    assert names(lambda xs: pt.vmap(root)(xs)[0], xs).count("while_loop") == 1


def test_a_loop_for_no_rows() -> None:
    loop = lambda x: pt.while_loop(lambda x: x < 9.0, lambda x: x * 2.0, x)  # noqa: E731
    assert pt.vmap(loop)(pt.zeros((0,))).shape == (0,)
    assert pt.vmap(lambda x: pt.scan(lambda s, x: (s + x, s), 0.0, x)[1])(pt.zeros((0, 3))).shape == (0, 3)


def test_rows_that_have_ended_read_nothing() -> None:
    """A loop along a table from where each row says: behind the last element, where the first row waits, is none."""
    table, starts = pt.tensor([1.0, 2.0, 4.0]), pt.tensor([2, 0, 3])
    step = lambda s: (s[0] + 1, s[1] + pt.take(table, s[0]))  # noqa: E731

    def total(start: Any) -> Any:
        return pt.while_loop(lambda s: s[0] < 3, step, (start, pt.tensor(0.0)))[1]

    (got,) = both(lambda starts: [pt.vmap(total)(starts)], starts)
    assert got.tolist() == [4.0, 7.0, 0.0]
