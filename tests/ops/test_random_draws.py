"""What is drawn beside uniform and normal numbers: distributions, order, choice; eager and compiled the same."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

import powertrain as pt
from oracles import same_bits
from powertrain.random import Generator

N = 100_000
P = np.array([0.1, 0.0, 0.45, 0.2, 0.25])

CONTINUOUS: list[tuple[Callable[[Generator], Any], Any]] = [
    (lambda g: g.uniform(-2, 3, size=N), stats.uniform(-2, 5)),
    (lambda g: g.normal(1.5, 0.5, size=N), stats.norm(1.5, 0.5)),
    (lambda g: g.standard_normal(N), stats.norm()),
    (lambda g: g.lognormal(0.2, 0.7, size=N), stats.lognorm(0.7, scale=np.exp(0.2))),
    (lambda g: g.exponential(2.5, size=N), stats.expon(scale=2.5)),
    (lambda g: g.gumbel(0.5, 2.0, size=N), stats.gumbel_r(0.5, 2.0)),
    (lambda g: g.laplace(-1.0, 1.5, size=N), stats.laplace(-1.0, 1.5)),
]


@pytest.mark.parametrize(("draw", "distribution"), CONTINUOUS)
def test_distributions(draw: Callable[[Generator], Any], distribution: Any) -> None:
    drawn = draw(Generator(21))
    assert drawn.dtype == pt.float32 and drawn.shape == (N,) and np.isfinite(drawn.numpy()).all()
    assert stats.kstest(drawn.numpy(), distribution.cdf).pvalue > 1e-3


COUNTED: list[tuple[Callable[[Generator], Any], Any]] = [
    (lambda g: g.integers(7, size=N), np.full(7, 1 / 7)),
    (lambda g: g.integers(-3, 3, size=N, endpoint=True) + 3, np.full(7, 1 / 7)),
    (lambda g: g.choice(5, size=N, p=P), P),
    (lambda g: g.choice(pt.arange(5), size=N), np.full(5, 0.2)),
    (lambda g: g.bernoulli(0.3, size=N).astype("int64"), np.array([0.7, 0.3])),
    # Who comes first of those that are drawn without replacement has its chance.
    (lambda g: pt.stack([g.choice(5, size=2, replace=False, p=P)[0] for _ in range(2000)]), P),
    (lambda g: pt.stack([g.permutation(4)[1] for _ in range(2000)]), np.full(4, 0.25)),
]


@pytest.mark.parametrize(("draw", "chances"), COUNTED)
def test_chances(draw: Callable[[Generator], Any], chances: Any) -> None:
    drawn = draw(Generator(22)).numpy()
    seen = np.bincount(drawn, minlength=len(chances))
    assert seen.shape == chances.shape and (seen[chances == 0] == 0).all()
    possible = chances > 0
    assert stats.chisquare(seen[possible], drawn.size * chances[possible] / chances.sum()).pvalue > 1e-3


DRAWS: list[Callable[[Generator], Any]] = [
    *(draw for draw, _ in (*CONTINUOUS, *COUNTED[:5])),
    lambda g: g.permutation(1000),
    lambda g: g.permutation(pt.arange(60).reshape(3, 4, 5), axis=-1),
    lambda g: g.choice(pt.arange(60).reshape(12, 5), size=(2, 3), replace=False),
    lambda g: g.choice(50, size=9, replace=False, p=(pt.arange(50) + 1.0) / 1275),
    lambda g: g.normal(pt.arange(4), pt.ones(4), size=(3, 4)),
]


@pytest.mark.parametrize("draw", DRAWS)
def test_bits_depend_on_the_state_alone(draw: Callable[[Generator], Any]) -> None:
    want = draw(Generator(5)).numpy()
    generator, threads = Generator(5), pt.get_threads()
    assert same_bits(pt.compile(lambda: draw(generator))().numpy(), want)
    try:
        for count in (1, 4):
            pt.set_threads(count)
            assert same_bits(draw(Generator(5)).numpy(), want)
    finally:
        pt.set_threads(threads)
    assert not np.array_equal(draw(Generator(6)).numpy(), want)


@pytest.mark.parametrize(("low", "high"), [(0, 10), (-5, 2**53 - 5), (2**62, 2**62 + 3)], ids=str)
def test_integers_are_the_shares_of_uniform_numbers(low: int, high: int) -> None:
    """Call by call, as a program from the second call on, and in a compiled step."""
    shares, given = pt.random.Generator(3), pt.random.Generator(3)
    compiled = pt.compile(lambda: given.integers(low, high, size=(3, 11)))
    for draw in (*[lambda: given.integers(low, high, size=(3, 11))] * 3, compiled, compiled):
        part = np.floor(shares.uniform(size=(3, 11), dtype="float64").numpy() * (high - low)).astype("int64")
        assert draw().tolist() == (low + part).tolist()


def test_integers_reach_both_ends_and_keep_their_dtype() -> None:
    g = Generator(0)
    assert g.integers(5, 6).tolist() == 5 and g.integers(2**40, 2**40 + 1, size=2).tolist() == [2**40] * 2
    wide = g.integers(-(2**52), 2**52, size=1000).numpy()
    assert wide.min() < -(2**51) and wide.max() > 2**51 and len(set(wide.tolist())) == 1000
    assert g.integers(200, size=3, dtype="uint8").dtype == pt.uint8


def test_permutations_and_choices_are_of_what_they_are_given() -> None:
    g, x = Generator(1), np.arange(12.0).reshape(4, 3).astype("float32")
    assert sorted(g.permutation(100).tolist()) == list(range(100)) and g.permutation(0).shape == (0,)
    rows = g.permutation(pt.tensor(x)).numpy()
    assert sorted(map(tuple, rows)) == sorted(map(tuple, x))
    columns = g.permutation(pt.tensor(x), axis=1).numpy()
    assert sorted(map(tuple, columns.T)) == sorted(map(tuple, x.T))
    picked = g.choice(pt.tensor(x), size=3, replace=False).numpy()
    assert picked.shape == (3, 3) and len({tuple(row) for row in picked} & {tuple(row) for row in x}) == 3
    assert g.choice(pt.tensor(x), axis=1).shape == (4,) and sorted(g.choice(6, 6, replace=False).tolist()) == [
        *range(6)
    ]


def test_the_everyday_ones_draw_from_the_default_generator() -> None:
    pt.random.seed(3)
    got = [pt.rand(2, 3), pt.randn((4,)), pt.randint(10, (5,)), pt.randint(2, 4, size=6), pt.permutation(7)]
    g = Generator(3)
    want = [g.uniform(size=(2, 3)), g.normal(size=4), g.integers(10, size=5), g.integers(2, 4, 6), g.permutation(7)]
    for one, other in zip(got, want, strict=True):
        assert same_bits(one.numpy(), other.numpy())
    assert pt.rand().shape == () and pt.randn(2, dtype="float64").dtype == pt.float64


@pytest.mark.parametrize(
    "draw", [pt.rand, pt.randn, functools.partial(pt.randint, 9)], ids=["rand", "randn", "randint"]
)
def test_the_everyday_ones_take_a_device(draw: Any) -> None:
    pt.random.seed(3)
    want = draw((2, 3)).tolist()
    pt.random.seed(3)
    made = draw((2, 3), device="cpu")
    assert made.device == "cpu" and made.tolist() == want
    with pytest.raises(pt.Error, match="expected a device of this machine"):
        draw((2, 3), device="cuda:7")


ERRORS: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: pt.random.normal((3, 4)), TypeError,
     "[normal] loc = (3, 4); expected a number or a tensor; write normal(size=(3, 4))"),
    (lambda: pt.random.uniform([2]), TypeError,
     "[uniform] low = [2]; expected a number or a tensor; write uniform(size=[2])"),
    (lambda: pt.random.normal(0, -1.0), ValueError, "[normal] scale = -1.0; expected at least 0; 1 is usual"),
    (lambda: pt.random.lognormal(0, float("nan")), ValueError,
     "[lognormal] sigma = nan; expected at least 0; 1 is usual"),
    (lambda: pt.random.integers(0), ValueError,
     "[integers] low = 0, high = 0; expected low < high, and at most 2^53 integers in between; swap or "
     "narrow them"),
    (lambda: pt.random.integers(0, 2**60), ValueError,
     f"[integers] low = 0, high = {2**60}; expected low < high, and at most 2^53 integers in between; swap "
     "or narrow them"),
    (lambda: pt.random.integers(1.5), TypeError,
     "[integers] high = 1.5; expected an integer; pass one of 64 bits"),
    (lambda: pt.random.permutation(-1), ValueError,
     "[permutation] x = -1; expected at least 0; pass how many there are"),
    (lambda: pt.random.permutation(pt.ones((2, 3)), axis=2), ValueError,
     "[permutation] axis = 2 of [2, 3]; expected an axis that it has; pass another"),
    (lambda: pt.random.choice(3, size=4, replace=False), ValueError,
     "[choice] size = [4] of 3 elements; expected at most as many as there are; use replace=True"),
    (lambda: pt.random.choice(3, p=[0.5, 0.5]), ValueError,
     "[choice] p is of shape [2]; expected [3], a chance for each element; check it"),
    *[(lambda p=p: pt.random.choice(3, p=p), ValueError,
       "[choice] p is below 0, NaN, or does not add up to 1; expected the chance of each element; divide weights by "
       "their sum: p / p.sum()")
      for p in ([0.5, 0.6, -0.1], [float("nan"), 0.5, 0.5], [1, 1, 0], [0.5, 0.5, 1e-2], [0.0, 0.0, 0.0],
                pt.tensor([0.3, 0.3, 0.3]))],
    (lambda: pt.random.choice(3, 2, replace=False, p=[0.0, 0.0, 1.0]), ValueError,
     "[choice] replace=False, and fewer than 2 elements have a chance; expected one for each draw; use replace=True"),
    (lambda: pt.random.uniform(1.0, -1.0), ValueError,
     "[uniform] low = 1.0, high = -1.0; expected finite numbers, low <= high; swap them"),
    (lambda: pt.random.uniform(0, float("inf")), ValueError,
     "[uniform] low = 0, high = inf; expected finite numbers, low <= high; swap them"),
    (lambda: pt.rand("a"), TypeError,
     "[uniform] size = ('a',); expected an integer or a tuple of integers; pass a tuple such as (0, 1)"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "text"), ERRORS, ids=[str(number) for number in range(len(ERRORS))])
def test_errors(call: Callable[[], Any], kind: type[Exception], text: str) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == text and isinstance(caught.value, pt.Error)


# A setting, by function, that a tensor may hold; good and bad ones; what the error begins with.
SETTINGS: list[tuple[Callable[[Any], Any], list[float], list[float], str]] = [
    (lambda p: pt.random.bernoulli(p), [0.0, 1.0, 0.5], [0.5, 1.1], "[bernoulli] p has elements outside of 0 to 1; "),
    (lambda p: pt.random.bernoulli(p), [0.1], [float("nan")], "[bernoulli] p has elements outside of 0 to 1; "),
    (lambda s: pt.random.normal(0, s, (2,)), [0.0, 1.0], [1.0, -1.0], "[normal] scale has elements outside of 0 to "),
    (lambda s: pt.random.lognormal(0, s, (2,)), [1.0, 2.0], [-1.0, 1.0], "[lognormal] sigma has elements outside "),
    (lambda s: pt.random.exponential(s, (2,)), [1.0, 2.0], [float("nan"), 1.0], "[exponential] scale has elements "),
    (lambda s: pt.random.gumbel(0, s, (2,)), [1.0, 2.0], [-1.0, 1.0], "[gumbel] scale has elements outside of 0 to "),
    (lambda s: pt.random.laplace(0, s, (2,)), [1.0, 2.0], [-1.0, 1.0], "[laplace] scale has elements outside of 0 to "),
    (lambda b: pt.random.uniform(0, b, (2,)), [1.0, 0.0], [1.0, -1.0], "[uniform] low is above high, or one is not f"),
    (lambda b: pt.random.uniform(b, 2.0, (2,)), [1.0, 0.0], [1.0, float("nan")], "[uniform] low is above high, or "),
    (lambda p: pt.random.choice(2, 3, p=p), [0.5, 0.5], [0.5, 0.6], "[choice] p is below 0, NaN, or does not add up "),
]  # fmt: skip


@pytest.mark.parametrize(("draw", "good", "bad", "text"), SETTINGS)
def test_settings_in_tensors_are_checked_when_they_are_known(
    draw: Callable[[Any], Any], good: list[float], bad: list[float], text: str
) -> None:
    compiled = pt.compile(draw)
    unread = pt.compile(lambda setting: (draw(setting), setting)[1])
    for run in (draw, compiled, unread):
        run(pt.tensor(good))
        with pytest.raises(pt.ShapeError) as caught:
            run(pt.tensor(bad))
        assert str(caught.value).startswith(text)
        assert isinstance(caught.value, ValueError)
        run(pt.tensor(good))
