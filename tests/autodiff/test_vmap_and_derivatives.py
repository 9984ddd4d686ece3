"""Transformed functions: rows, derivatives along directions, recomputing, gradients by hand; against torch.func."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import powertrain as pt
import powertrain.nn.functional as F
from calls import OPS, outputs, to_array, to_tensor
from kit import Case, case_files
from oracles import same_bits
from powertrain import nn

# torch.func loads its own decompositions by a way that torch itself calls out of date.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")
RNG = np.random.default_rng(0)
FILES = case_files()
ROWS = 3


def normal(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype("float32")


def near(got: Any, want: Any, tolerance: float = 2e-5) -> None:
    want = np.asarray(want)
    assert tuple(got.shape) == want.shape
    assert np.abs(got.numpy() - want).max(initial=0) <= tolerance * max(1.0, np.abs(want).max(initial=0))


# ---------------------------------------------------------------- rows of every op


def arrays_of(value: Any) -> list[np.ndarray]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, np.ndarray)]


class Call:
    """A case as a function of its arrays alone."""

    def __init__(self, name: str, case: Case) -> None:
        self.function = pt.ops.functional.OPERATORS[name]
        self.made = [case.make("float32", seed) for seed in range(ROWS)]

    def rows(self) -> list[list[np.ndarray]]:
        """For each array, its value in each row."""
        columns = [
            [array for value in [*inputs, *rest.values()] for array in arrays_of(value)] for inputs, rest in self.made
        ]
        return [list(column) for column in zip(*columns, strict=True)]

    def __call__(self, *tensors: Any) -> list[Any]:
        left = list(tensors)

        def place(value: Any) -> Any:
            if isinstance(value, list):
                return [place(item) for item in value]
            return left.pop(0) if isinstance(value, np.ndarray) else value

        inputs, rest = self.made[0]
        inputs = [place(value) for value in inputs]
        return outputs(self.function(*inputs, **{key: place(value) for key, value in rest.items()}))


def row_cases(name: str) -> list[Case]:
    """Some cases, not large, of arrays with room for one more axis."""
    chosen = []
    for case in FILES[name].CASES:
        rows = Call(name, case).rows()
        if rows and all(row[0].ndim < 7 and row[0].size <= 20_000 for row in rows):
            chosen.append(case)
    return chosen[:: max(1, len(chosen) // 6)][:8]


@pytest.mark.parametrize("name", sorted(set(FILES) & set(OPS)))
def test_rows_of_an_op_are_the_op_of_each_row(name: str) -> None:
    """To the bit: the order of sums does not hang on axes in front."""
    for case in row_cases(name):
        call = Call(name, case)
        rows = call.rows()
        for shared in [None, *range(len(rows) if len(rows) > 1 else 0)]:
            axes = tuple(None if place == shared else 0 for place in range(len(rows)))
            given = [row[0] if axis is None else np.stack(row) for row, axis in zip(rows, axes, strict=True)]
            found = pt.vmap(call, in_axes=axes)(*to_tensor(given, "float32"))
            for row in range(ROWS):
                parts = [values[0] if axis is None else values[row] for values, axis in zip(rows, axes, strict=True)]
                for got, want in zip(found, call(*to_tensor(parts, "float32")), strict=True):
                    assert got.dtype == want.dtype, f"{name} {case} {axes}"
                    np.testing.assert_array_equal(to_array(got)[row], to_array(want), err_msg=f"{name} {case} {axes}")


# ---------------------------------------------------------------- vmap


def test_axes_in_and_out() -> None:
    a, b = normal(4, 3), normal(5, 2, 4)
    got = pt.vmap(lambda x, y: {"product": pt.matmul(x, y), "shared": x}, in_axes=(None, 2), out_axes=1)(a.T, b.T)
    near(got["product"], np.stack([a.T @ b[row].T for row in range(5)], axis=1))
    near(got["shared"], np.stack([a.T] * 5, axis=1))
    near(pt.vmap(pt.vmap(lambda x: x * x))(a), a * a)
    near(pt.vmap(lambda x: 3.0)(a), np.full(4, 3.0))


def test_rows_inside_a_compiled_step_have_the_same_bits() -> None:
    x, w = pt.asarray(normal(6, 5)), pt.asarray(normal(5, 5))

    def step(x: Any, w: Any) -> Any:
        inner = pt.vmap(lambda row: pt.softmax(pt.tanh(pt.matmul(row, w)) * row))
        return pt.grad(lambda w: pt.square(inner(x)).sum() + (w * w).sum())(w), inner(x)

    for got, want in zip(pt.compile(step)(x, w), step(x, w), strict=True):
        assert same_bits(got.numpy(), want.numpy())


@pytest.mark.peers
@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_gradients_of_each_example(compiled: bool) -> None:
    torch = pytest.importorskip("torch", reason="the peer is torch.func")
    model = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 3))
    peer = torch.nn.Sequential(torch.nn.Conv2d(2, 4, 3), torch.nn.ReLU(), torch.nn.MaxPool2d(2), torch.nn.Flatten(),
                               torch.nn.Linear(36, 3))  # fmt: skip
    model.load_state_dict({name: value.numpy() for name, value in peer.state_dict().items()}, layout="torch",
                          flattened={"4.weight": (4, 3, 3)})  # fmt: skip
    x, labels = normal(5, 8, 8, 2), RNG.integers(0, 3, 5)

    def each(x: Any, labels: Any) -> Any:
        def loss(image: Any, label: Any) -> Any:
            return F.cross_entropy(model(pt.expand_dims(image, 0)), pt.reshape(label, (1,)))

        return pt.vmap(pt.nn.value_and_grad(model, loss))(x, labels)

    losses, grads = (pt.compile(each) if compiled else each)(x, labels)

    def theirs(parameters: Any, image: Any, label: Any) -> Any:
        return torch.nn.functional.cross_entropy(
            torch.func.functional_call(peer, parameters, (image[None],)), label[None]
        )

    state = {name: value.detach() for name, value in peer.named_parameters()}
    call = torch.func.vmap(torch.func.grad_and_value(theirs), in_dims=(None, 0, 0))
    wanted, wanted_losses = call(state, torch.tensor(x.transpose(0, 3, 1, 2)), torch.tensor(labels))
    near(losses, wanted_losses.detach())
    near(grads["0.weight"], wanted["0.weight"].numpy().transpose(0, 3, 4, 2, 1))
    near(grads["4.bias"], wanted["4.bias"].numpy())
    _, whole = pt.nn.value_and_grad(model, lambda x, y: F.cross_entropy(model(x), y, reduction="sum"))(x, labels)
    assert list(grads) == list(whole) == [name for name, _ in model.named_parameters()]
    for name, grad in grads.items():
        near(pt.sum(grad, axis=0), whole[name].numpy(), 1e-4)


def test_an_embedding_for_each_row() -> None:
    table, index = pt.Slot(pt.tensor(normal(7, 3)), name="table", trainable=True), RNG.integers(-7, 7, (4, 5))
    weights = normal(4, 5, 3)
    of_one = pt.nn.value_and_grad([table], lambda row, weight: (pt.take(table, row) * weight).sum())
    _, grads = pt.vmap(of_one)(index, weights)
    want = np.zeros((4, 7, 3))
    for row in range(4):
        np.add.at(want[row], index[row], weights[row])
    near(grads[0], want)
    with pytest.raises(pt.IndexError):
        pt.vmap(lambda table, row: pt.take(table, row))(normal(4, 7, 3), np.full((4, 2), 7))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: pt.vmap(lambda x, y: x)(normal(3), normal(4)), pt.ShapeError,
         "[vmap] [3, 4] rows; expected one number of rows in all arguments with an axis; check in_axes"),
        (lambda: pt.vmap(lambda x: x, in_axes=None)(normal(3)), pt.ShapeError, "[vmap] no rows; expected one number"),
        (lambda: pt.vmap(lambda x: x, in_axes=(0, 0))(normal(3)), pt.ShapeError,
         "[vmap] in_axes has 2 entries, the function 1 arguments; expected one for each; None is for"),
        (lambda: pt.vmap(lambda x: x, in_axes=1)(normal(3)), pt.ShapeError,
         "[vmap] in_axes = 1 of float32[3]; expected one of its axes, or None for what all rows share"),
        (lambda: pt.vmap(lambda x: F.dropout(x, 0.5))(normal(3, 2)), pt.TraceError,
         "[vmap] the function draws random numbers; expected a function that does not; draw them outside and pass"),
        (lambda: pt.vmap(nn.BatchNorm1d(2))(normal(3, 4, 2)), pt.TraceError, "[vmap] the function assigns "),
    ],
)  # fmt: skip
def test_what_rows_cannot_do(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value).startswith(message)


def test_a_row_that_is_kept_is_known_to_be_over() -> None:
    kept: list[Any] = []
    pt.vmap(lambda x: kept.append(x) or x)(normal(3))
    with pytest.raises(pt.TraceError, match="a symbolic tensor of a trace that has ended"):
        kept[0] + 1


# ---------------------------------------------------------------- derivatives


def energy(x: Any, tanh: Any, exp: Any) -> Any:
    return (tanh(x[:2] * x[1:]) * exp(-x[:2])).sum()


def torch_energy(x: Any) -> Any:
    import torch

    return energy(x, torch.tanh, torch.exp)


def our_energy(x: Any) -> Any:
    return energy(x, pt.tanh, pt.exp)


@pytest.mark.peers
@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_derivatives_are_those_of_torch_func(compiled: bool) -> None:
    torch = pytest.importorskip("torch", reason="the peer is torch.func")
    x, v, w = normal(3), normal(3), normal(4, 3)
    wrap = pt.compile if compiled else (lambda function: function)
    mlp = lambda x: pt.sigmoid(pt.matmul(pt.asarray(w), x))  # noqa: E731
    peer = lambda x: torch.sigmoid(torch.tensor(w) @ x)  # noqa: E731
    t = torch.tensor
    value, tangent = wrap(lambda x, v: pt.jvp(mlp, (x,), (v,)))(x, v)
    want = torch.func.jvp(peer, (t(x),), (t(v),))
    near(value, want[0])
    near(tangent, want[1])
    near(wrap(pt.jacobian(mlp))(x), torch.func.jacrev(peer)(t(x)))
    near(wrap(pt.hessian(our_energy))(x), torch.func.hessian(torch_energy)(t(x)))
    (product,) = wrap(lambda x, v: pt.hvp(our_energy, (x,), (v,)))(x, v)
    near(product, torch.func.jvp(torch.func.grad(torch_energy), (t(x),), (t(v),))[1])


@pytest.mark.parametrize("transform", [
    lambda x, v: pt.jvp(our_energy, (x,), (v,))[1], lambda x, v: pt.hvp(our_energy, (x,), (v,))[0],
    lambda x, v: pt.jacobian(lambda x: pt.tanh(x) * x)(x), lambda x, v: pt.hessian(our_energy)(x),
])  # fmt: skip
def test_derivatives_have_the_same_bits_compiled(transform: Callable[..., Any]) -> None:
    x, v = pt.asarray(normal(3)), pt.asarray(normal(3))
    assert same_bits(pt.compile(transform)(x, v).numpy(), transform(x, v).numpy())


@pytest.mark.peers
def test_derivatives_along_directions_of_a_layer() -> None:
    torch = pytest.importorskip("torch", reason="the peer is torch.func")
    x, k, dx, dk = normal(2, 6, 6, 3), normal(3, 3, 3, 4), normal(2, 6, 6, 3), normal(3, 3, 3, 4)

    def ours(x: Any, k: Any) -> Any:
        return pt.ops.functional.OPERATORS["layer_norm"](F.max_pool2d(F.gelu(F.conv2d(x, k)), 2))

    def theirs(x: Any, k: Any) -> Any:
        f = torch.nn.functional
        y = f.max_pool2d(f.gelu(f.conv2d(x.permute(0, 3, 1, 2), k.permute(3, 2, 0, 1))), 2)
        return f.layer_norm(y.permute(0, 2, 3, 1), (4,))

    value, tangent = pt.jvp(ours, (x, k), (dx, dk))
    want = torch.func.jvp(theirs, tuple(map(torch.tensor, (x, k))), tuple(map(torch.tensor, (dx, dk))))
    near(value, want[0])
    near(tangent, want[1], 1e-4)


@pytest.mark.parametrize("transform", ["jvp", "hvp"])
def test_arguments_are_a_tuple(transform: str) -> None:
    with pytest.raises(pt.DTypeError) as caught:
        getattr(pt, transform)(lambda x: x.sum(), normal(3), normal(3))
    assert str(caught.value) == (
        f"[{transform}] received a tensor; expected a tuple of arguments, and one of tangents; write "
        f"{transform}(function, (x,), (direction,))"
    )


@pytest.mark.parametrize("transform", ["jvp", "hvp"])
def test_a_direction_that_does_not_fit(transform: str) -> None:
    with pytest.raises(pt.ShapeError) as caught:
        getattr(pt, transform)(lambda x: x.sum(), (normal(3),), (normal(2),))
    assert str(caught.value) == (
        f"[{transform}] tangents of shapes [[2]], arguments of shapes [[3]]; expected one tangent for each argument, "
        "of its shape; pass tuples"
    )


def test_no_rows_at_all() -> None:
    none = pt.zeros((0, 3))
    for function, shape in ((pt.sum, (0,)), (pt.argmax, (0,)), (pt.grad(lambda x: pt.softmax(x)[0]), (0, 3))):
        assert pt.vmap(function)(none).shape == shape


def test_trees_keep_their_shape() -> None:
    class Both(NamedTuple):
        sine: Any
        cosine: Any

    x, v = normal(3), normal(3)
    value, tangent = pt.jvp(lambda x: Both(pt.sin(x), {"c": [pt.cos(x)]}), (x,), (v,))
    assert isinstance(value, Both) and isinstance(tangent, Both)
    near(tangent.sine, np.cos(x) * v)
    near(tangent.cosine["c"][0], -np.sin(x) * v)
    near(pt.vmap(lambda pair: pair["a"] * pair["b"][0], in_axes=0)({"a": x, "b": (v,)}), x * v)
