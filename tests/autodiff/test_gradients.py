"""Functions of gradients: by arguments of any structure, by the parameters of a model, in and around what compiles."""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import powertrain as pt
from oracles import same_bits as same_arrays
from powertrain import nn
from powertrain.nn.gradients import paths_in_models
from powertrain.optim.settings import OptimizerError

RNG = np.random.default_rng(3)
WRAPS = [pytest.param(lambda f: f, id="eager"), pytest.param(pt.compile, id="compiled")]
Wrap = Callable[[Any], Any]


class Pair(NamedTuple):
    w: Any
    b: Any


def same_bits(left: Any, right: Any) -> bool:
    return same_arrays(np.asarray(left), np.asarray(right))


def normal(*shape: int) -> Any:
    return pt.tensor(RNG.normal(size=shape).astype("float32"))


X, W, B = normal(5, 3), normal(3, 2), normal(2)
STRUCTURES: list[tuple[Callable[[Any, Any], Any], Callable[[Any], tuple[Any, Any]]]] = [
    (lambda w, b: [w, b], lambda p: (p[0], p[1])),
    (lambda w, b: (w, b), lambda p: (p[0], p[1])),
    (lambda w, b: {"b": b, "w": w}, lambda p: (p["w"], p["b"])),
    (lambda w, b: Pair(w, b), lambda p: (p.w, p.b)),
    (lambda w, b: [{"layers": (w, None)}, [b]], lambda p: (p[0]["layers"][0], p[1][0])),
]


def loss_of(w: Any, b: Any, x: Any) -> Any:
    return pt.square(pt.tanh(x @ w) + b).mean()


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize(("make", "parts"), STRUCTURES)
def test_a_gradient_has_the_structure_of_the_argument(make: Any, parts: Any, wrap: Wrap) -> None:
    want = pt.grad(loss_of, (0, 1))(W, B, X)
    value, found = wrap(pt.value_and_grad(lambda p, x: loss_of(*parts(p), x)))(make(W, B), X)
    assert same_bits(value, loss_of(W, B, X))
    assert type(found) is type(make(W, B))
    for got, wanted in zip(parts(found), want, strict=True):
        assert same_bits(got, wanted)


@pytest.mark.parametrize("wrap", WRAPS)
def test_several_arguments_and_keywords(wrap: Wrap) -> None:
    def step(w: Any, b: Any, x: Any) -> Any:
        return pt.value_and_grad(lambda p, x, *, scale: loss_of(*p, x) * scale, (1, 0))((w, b), x, scale=2.0)

    value, (by_x, (by_w, by_b)) = wrap(step)(W, B, X)
    assert value.item() == 2 * loss_of(W, B, X).item()
    for got, wanted in zip((by_w, by_b, by_x), pt.grad(loss_of, (0, 1, 2))(W, B, X), strict=True):
        assert same_bits(got, wanted * 2.0)


@pytest.mark.parametrize("wrap", WRAPS)
def test_more_than_the_loss(wrap: Wrap) -> None:
    def with_more(w: Any) -> Any:
        return (w * w).sum(), {"w": w + 1.0}

    (loss, more), slope = wrap(pt.value_and_grad(with_more, has_aux=True))(W)
    assert same_bits(loss, (W * W).sum()) and same_bits(more["w"], W + 1.0) and same_bits(slope, W * 2.0)
    slope, more = wrap(pt.grad(with_more, has_aux=True))(W)
    assert same_bits(more["w"], W + 1.0) and same_bits(slope, W * 2.0)
    model = nn.Linear(3, 2)
    (loss, out), grads = wrap(pt.nn.value_and_grad(model, lambda x: (model(x).sum(), model(x)), has_aux=True))(X)
    assert same_bits(out, model(X)) and list(grads) == ["weight", "bias"]


@pytest.mark.parametrize("wrap", WRAPS)
def test_a_model_as_an_argument(wrap: Wrap) -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    model.freeze("0.bias")
    by_argument = wrap(lambda x: pt.grad(lambda model, x: pt.square(model(x)).mean())(model, x))(X)
    _, by_model = wrap(pt.nn.value_and_grad(model, lambda x: pt.square(model(x)).mean()))(X)
    assert list(by_argument) == list(by_model) == ["0.weight", "2.weight", "2.bias"]
    for path, gradient in by_model.items():
        assert same_bits(gradient, by_argument[path])
        assert gradient.shape == dict(model.named_parameters())[path].shape


def test_slots_in_place_of_a_model() -> None:
    w, b = pt.Slot(W, name="w", trainable=True), pt.Slot(B, name="b", trainable=True)
    want = pt.grad(loss_of, (0, 1))(W, B, X)
    given: list[Any] = [[w, b], (w, b), {"w": w, "b": b}, iter([w, b]), [w, [{"b": b}]]]
    places: list[Callable[[Any], Any]] = [
        tuple, tuple, lambda g: (g["w"], g["b"]), tuple, lambda g: (g[0], g[1][0]["b"])
    ]  # fmt: skip
    for params, place in zip(given, places, strict=True):
        gradients = pt.nn.value_and_grad(params, lambda: loss_of(w, b, X))
        for _ in range(2):  # an iterator has its slots for the second call too
            for got, wanted in zip(place(gradients()[1]), want, strict=True):
                assert same_bits(got, wanted)
    assert same_bits(pt.nn.value_and_grad(w, lambda: loss_of(w, b, X))()[1], want[0])
    models = [nn.Linear(3, 2), nn.Linear(2, 2)]
    _, several = pt.nn.value_and_grad(models, lambda x: models[1](models[0](x)).sum())(X)
    assert [list(grads) for grads in several] == [["weight", "bias"]] * 2


AROUND: dict[str, Callable[[Any], Any]] = {
    "compile": pt.compile,
    "checkpoint": pt.checkpoint,
    "vmap": lambda f: lambda x: pt.vmap(f)(pt.expand_dims(x, 0))[0],
    "cond": lambda f: lambda x: pt.cond(pt.tensor(True), f, lambda x: f(x) * 2.0, x),
    "scan": lambda f: lambda x: pt.scan(lambda s, row: (s + f(row), None), pt.zeros(()), pt.expand_dims(x, 0))[0],
}


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("around", AROUND)
def test_inside_of_other_transforms(around: str, wrap: Wrap) -> None:
    def squared_slope(x: Any) -> Any:  # a gradient inside, in a dict, and one of it outside
        return pt.square(pt.grad(lambda p: pt.sin(p["x"]).sum())({"x": x})["x"]).sum()

    inner = AROUND[around](squared_slope)
    value, (found,) = wrap(pt.value_and_grad(lambda p: inner(p[0])))([X])
    x = X.numpy().astype("float64")
    np.testing.assert_allclose(value.numpy(), np.square(np.cos(x)).sum(), rtol=1e-6)
    np.testing.assert_allclose(found.numpy(), -2 * np.cos(x) * np.sin(x), rtol=1e-5, atol=1e-6)


def test_row_sparse_gradients_keep_their_paths() -> None:
    model = nn.Sequential(nn.Embedding(9, 3, sparse=True), nn.Linear(3, 2))
    _, grads = pt.nn.value_and_grad(model, lambda index: model(index).sum())(pt.tensor([1, 7]))
    assert list(grads) == ["0.weight", "1.weight", "1.bias"]
    assert isinstance(grads["0.weight"], pt.RowSparse) and grads["0.weight"].index.numpy().tolist() == [1, 7]


@pytest.mark.parametrize("wrap", WRAPS)
def test_updates_by_path(wrap: Wrap) -> None:
    found = []
    for order in (list, lambda items: list(reversed(items)), None):
        pt.random.seed(5)
        model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
        opt = pt.optim.AdamW(model, lr=0.1)
        gradients = pt.nn.value_and_grad(model, lambda x, model=model: pt.square(model(x)).mean())

        def step(x: Any, gradients: Any = gradients, opt: Any = opt, order: Any = order) -> None:
            _, grads = gradients(x)
            opt.update(dict(order(grads.items())) if order else list(grads.values()))

        run = wrap(step)
        for _ in range(2):
            run(X)
        found.append(model.state_dict())
    for other in found[1:]:
        for path, value in found[0].items():
            assert same_bits(value, other[path]), path


def raised(call: Callable[[], object]) -> pt.Error:
    with pytest.raises(pt.Error) as caught:
        call()
    return caught.value


LINE = "write loss, grads = pt.nn.value_and_grad(model, loss_fn)(x, y)"
NET = nn.Linear(3, 2)
REFUSED: list[tuple[Callable[[], object], type[Exception], str]] = [
    (lambda: pt.nn.value_and_grad(lambda: 1.0, NET), TypeError,
     f"[value_and_grad] received function and Linear; expected a model, and a function that gives the loss; {LINE}"),
    (lambda: pt.nn.value_and_grad(NET, 3.0), TypeError,
     f"[value_and_grad] received Linear and 3.0; expected a model, and a function that gives the loss; {LINE}"),
    (lambda: pt.nn.value_and_grad(3, lambda: 1.0), TypeError,
     f"[value_and_grad] received 3 for the model; expected a module, or slots; {LINE}"),
    (lambda: pt.nn.value_and_grad([W], lambda: 1.0)(), TypeError,
     "[value_and_grad] received float32[3, 2] for the model[0]; expected a module, or slots; differentiate a function "
     "of tensors by pt.value_and_grad(function, argnums=0)"),
    (lambda: pt.value_and_grad(NET, lambda: 1.0), TypeError,
     "[value_and_grad] received a module in place of a function or argument numbers; expected a function of tensors; "
     f"{LINE} for the parameters of a model"),
    (lambda: pt.grad(3), TypeError,
     "[grad] received 3; expected a function and the numbers of its arguments; write pt.grad(function, argnums=0)(x)"),
    (lambda: pt.grad(lambda p: p["w"].sum())({"w": [pt.arange(3)]}), TypeError,
     "[grad] argument 0['w'][0] is int64[3]; expected floating-point or complex numbers; convert it with astype"),
    (lambda: pt.grad(lambda x: x * 2.0)(W), ValueError,
     "[grad] the function returned f32[3, 2]; expected one floating-point number; take its mean() or sum()"),
    (lambda: pt.grad(lambda x: pt.argmax(x))(B), TypeError,
     "[grad] the function returned i64[]; expected one floating-point number, which has derivatives; convert the "
     "result with astype"),
    (lambda: pt.grad(lambda x: (x.sum(), x))(W), TypeError,
     "[grad] the function returned a tuple; expected one floating-point number; to return more beside the loss, return "
     "(loss, more) and pass has_aux=True"),
    (lambda: pt.nn.value_and_grad(NET, lambda x: None)(X), TypeError,
     "[value_and_grad] the function returned None; expected one floating-point number; return the loss"),
    (lambda: pt.grad(lambda x: x.sum(), has_aux=True)(W), TypeError,
     "[grad] has_aux = True and the function returned a Tensor; expected (loss, auxiliary); return a pair"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "message"), REFUSED)
def test_what_is_refused(call: Callable[[], object], kind: type[Exception], message: str) -> None:
    error = raised(call)
    assert str(error) == message
    assert isinstance(error, kind)


def test_gradients_that_do_not_fit_by_path() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    opt = pt.optim.SGD(model, lr=0.1)
    before = model.state_dict()
    _, grads = pt.nn.value_and_grad(model, lambda x: model(x).sum())(X)
    other = {("head.weight" if path == "1.weight" else path): gradient for path, gradient in grads.items()}
    with pytest.raises(OptimizerError) as caught:
        opt.update(other)
    assert str(caught.value) == (
        "[optimizer] 4 gradients: 1.weight is missing; 'head.weight' is no parameter of the optimizer; expected one "
        "for each of its 4 parameters; take gradients by the model that the optimizer was made with, and make "
        "it again after freeze and unfreeze"
    )
    for wrong, shown in ((None, "None"), ([None] * 4, "None"), (3, "3")):
        with pytest.raises(OptimizerError) as caught:
            opt.update(wrong)  # type: ignore[arg-type]
        assert str(caught.value) == (
            f"[optimizer] received {shown} for gradients; expected those by the parameters; write loss, grads = "
            "pt.nn.value_and_grad(model, loss_fn)(x, y); opt.update(grads)"
        )
    for path, value in model.state_dict().items():
        assert same_bits(value, before[path])


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("compiled", [False, True])
def test_a_gradient_goes_through_what_a_function_assigns(compiled: bool, flat: bool) -> None:
    """A slot that is read after it was assigned has the assigned value, with its dependence: eagerly as in a trace."""
    layer, seen = pt.nn.Linear(3, 1, bias=False), pt.Slot(pt.zeros((3, 1)), "seen")
    if flat:
        pt.optim.SGD(layer, lr=0.1)  # whose parameters are views of one slot
    start = layer.weight.numpy().copy()
    x = np.array([[1.0, 2.0, 4.0]], np.float32)

    def loss(x):
        layer.weight.value = layer.weight * 0.5
        seen.value = layer.weight.value * 3.0
        first = layer(x).sum() + seen.value.sum()
        layer.weight.value = layer.weight.value * layer.weight.value
        return first + layer(x).sum()

    run = pt.nn.value_and_grad(layer, loss)
    value, grads = (pt.compile(run) if compiled else run)(pt.tensor(x))
    half = start * 0.5
    assert value.item() == pytest.approx(float((x @ half + (half * 3).sum() + x @ half**2).item()), rel=1e-5)
    assert grads["weight"].numpy() == pytest.approx(0.5 * (x.T + 3) + 0.5 * 2 * half * x.T, rel=1e-5)
    assert layer.weight.numpy() == pytest.approx(half**2, rel=1e-6)
    layer.weight.value = start  # a value of its own again, which depends on nothing
    again = pt.nn.value_and_grad(layer, lambda x: layer(x).sum())(pt.tensor(x))[1]
    assert again["weight"].numpy().tolist() == x.T.tolist()


def test_models_may_be_made_by_another_thread_while_paths_are_looked_up() -> None:
    done = threading.Event()
    made: deque[nn.Module] = deque(maxlen=200)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def make() -> None:
        while not done.is_set():
            model = nn.Linear(2, 1)
            pt.nn.value_and_grad(model, lambda held=model: held.weight.sum())
            made.append(model)

    other = threading.Thread(target=make)
    other.start()
    try:
        mine = nn.Linear(2, 1)
        pt.nn.value_and_grad(mine, lambda: mine.weight.sum())
        for _ in range(300):
            assert paths_in_models([mine.bias]) == [["bias"]]
    finally:
        done.set()
        other.join()
        sys.setswitchinterval(before)
