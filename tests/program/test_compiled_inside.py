"""A compiled function is its function wherever somebody listens: gradients, rows, loops, mixed precision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from oracles import same_bits
from powertrain import nn

RNG = np.random.default_rng(0)
X = pt.tensor(RNG.standard_normal((5, 7)).astype("float32"))
V = pt.tensor(RNG.standard_normal((5, 7)).astype("float32"))
MODEL = nn.Sequential(nn.Linear(7, 7), nn.Tanh(), nn.Linear(7, 7))
Function = Callable[[Any], Any]


def plain(x: Any) -> Any:
    return MODEL(x) * x


def with_slots(f: Function) -> Any:
    loss, grads = pt.nn.value_and_grad(MODEL, lambda: (f(X) * V).sum())()
    return [loss, *grads.values()]


def custom(f: Function) -> Any:
    @pt.custom_gradient
    def tripled(x: Any) -> Any:
        return f(x), lambda g: g * f(x) * 3.0

    return pt.grad(lambda x: (tripled(x) * V).sum())(X)


def in_autocast(f: Function) -> Any:
    with pt.autocast("bf16"):
        return [f(X).astype("float32"), pt.grad(lambda x: (f(x) * V).sum())(X)]


PLACES: dict[str, Callable[[Function], Any]] = {
    "value_and_grad": with_slots,
    "grad": lambda f: pt.grad(lambda x: (f(x) * V).sum())(X),
    "grad of grad": lambda f: pt.grad(lambda y: (pt.grad(lambda x: (f(x) * V).sum())(y) * V).sum())(X),
    "vjp": lambda f: pt.vjp(f, X)[1](V),
    "jvp": lambda f: pt.jvp(f, (X,), (V,)),
    "vmap": lambda f: pt.vmap(f)(X),
    "vmap of grad": lambda f: pt.vmap(pt.grad(lambda x: f(x).sum()))(X),
    "checkpoint": lambda f: pt.grad(lambda x: (pt.checkpoint(f)(x) * V).sum())(X),
    "custom_gradient": custom,
    "scan": lambda f: pt.grad(lambda x: pt.scan(lambda s, r: (s + f(r), None), pt.zeros(7), x)[0].sum())(X),
    "cond": lambda f: pt.grad(lambda x: (pt.cond(x.sum() > 0, f, lambda y: f(y) * 2.0, x) * V).sum())(X),
    "while_loop": lambda f: pt.while_loop(lambda s: pt.sum(pt.abs(s)) > 1.0, lambda s: f(s) * 0.01, X),
    "autocast": in_autocast,
    "compile": lambda f: pt.compile(lambda x: f(x) + x)(X),
}


def leaves(tree: Any) -> list[Any]:
    if isinstance(tree, (list, tuple)):
        return [leaf for item in tree for leaf in leaves(item)]
    return [np.array(tree.numpy())]


@pytest.mark.parametrize("traced", [False, True], ids=["new", "called before"])
@pytest.mark.parametrize("place", PLACES)
def test_a_compiled_function_is_its_function(place: str, traced: bool) -> None:
    compiled = pt.compile(plain)
    if traced:
        compiled(X)
    want, got = leaves(PLACES[place](plain)), leaves(PLACES[place](compiled))
    assert len(want) == len(got) and all(map(same_bits, got, want))
    assert any(np.abs(leaf).max() > 0 for leaf in got)


def test_a_compiled_loss_under_an_eager_optimizer() -> None:
    """The slots that it assigns are part of the eager step too."""
    results = []
    for wrap in (lambda f: f, pt.compile):
        pt.random.seed(0)
        model = nn.Sequential(nn.Linear(7, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 1))
        model.load_state_dict({k: np.full(v.shape, 0.3, v.dtype) for k, v in model.state_dict().items()})
        opt = pt.optim.AdamW(model, lr=0.1)
        loss = wrap(lambda x, model=model: (model(x) ** 2).mean())
        for _ in range(3):
            opt.update(pt.nn.value_and_grad(model, lambda loss=loss: loss(X))()[1])
        results.append(model.state_dict())
    for name, value in results[0].items():
        assert same_bits(value, results[1][name]), name


def test_a_slot_that_a_custom_gradient_assigns_on_the_way_back_is_an_error() -> None:
    seen = pt.Slot(pt.tensor(0.0), name="seen")

    @pt.custom_gradient
    def watched(x: Any) -> Any:
        def back(g: Any) -> Any:
            seen.value = g.sum()
            return g

        return x * 1.0, back

    for gradient in (pt.grad(lambda x: watched(x).sum()), pt.compile(pt.grad(lambda x: watched(x).sum()))):
        with pytest.raises(pt.TraceError) as caught:
            gradient(X)
        assert str(caught.value) == (
            "[custom_gradient] the gradient function assigns seen; expected a function that does not; assign the slot "
            "outside of it"
        )
        assert seen.value.item() == 0.0
