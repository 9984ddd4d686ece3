"""parametrizations.orthogonal against torch's: values, gradients, beginnings, and that training keeps it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain import nn, optim
from powertrain.nn.utils import parametrizations, parametrize

RNG = np.random.default_rng(2)
LAYERS: dict[str, Callable[[Any], Any]] = {
    "wide": lambda of: of.Linear(5, 3),
    "tall": lambda of: of.Linear(3, 5),
    "square": lambda of: of.Linear(4, 4),
    "column": lambda of: of.Linear(1, 4),
    "one": lambda of: of.Linear(1, 1),
    "kernels": lambda of: of.Conv2d(2, 3, (4, 3)),
}
WAYS = [("matrix_exp", True), ("cayley", True), ("householder", True), ("householder", False)]


def turned(array: np.ndarray) -> np.ndarray:
    """Between PyTorch's order of axes and ours, of a matrix."""
    return array.T if array.ndim == 2 else array.transpose(3, 2, 0, 1)


def pair(layer: str, kind: str, trivialization: bool) -> tuple[nn.Module, Any]:
    """Both layers, made of one weight."""
    torch = pytest.importorskip("torch", reason="the peer function is torch's")
    ours, theirs = LAYERS[layer](nn), LAYERS[layer](torch.nn)
    with torch.no_grad():
        theirs.weight.copy_(torch.tensor(turned(ours.weight.numpy())))
    parametrizations.orthogonal(ours, "weight", kind, use_trivialization=trivialization)  # type: ignore[arg-type]
    torch.nn.utils.parametrizations.orthogonal(theirs, "weight", kind, use_trivialization=trivialization)
    return ours, theirs


@pytest.mark.peers
@pytest.mark.parametrize(("kind", "trivialization"), WAYS, ids=str)
@pytest.mark.parametrize("layer", LAYERS)
def test_it_is_torchs(layer: str, kind: str, trivialization: bool) -> None:
    torch = pytest.importorskip("torch", reason="the peer function is torch's")
    ours, theirs = pair(layer, kind, trivialization)
    close = {"rtol": 1e-5, "atol": 2e-6}
    np.testing.assert_allclose(turned(ours.weight.numpy()), theirs.weight.detach(), **close)  # type: ignore[arg-type]
    original = theirs.parametrizations.weight.original
    with torch.no_grad():
        original += 0.4 * torch.tensor(RNG.standard_normal(original.shape))
    state = {name: value.numpy() for name, value in theirs.state_dict().items()}
    assert set(ours.state_dict(layout="torch")) == set(state)
    ours.load_state_dict({name: value.copy() for name, value in state.items()}, layout="torch")
    want = theirs.weight
    np.testing.assert_allclose(turned(ours.weight.numpy()), want.detach(), **close)  # type: ignore[arg-type]

    cotangent = RNG.standard_normal(ours.weight.shape).astype("float32")
    (want * torch.tensor(turned(cotangent))).sum().backward()
    gradient = nn.value_and_grad(ours, lambda: (ours.weight * cotangent).sum())
    for step in (gradient, pt.compile(gradient)):
        got = step()[1]["parametrizations.weight.original"].numpy()
        np.testing.assert_allclose(turned(got), original.grad, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("kind", "trivialization"), [(None, True), *WAYS], ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_training_keeps_it(kind: Any, trivialization: bool, dtype: str) -> None:
    """With the same bits eager and compiled, and in copies."""
    layer = nn.Linear(6, 4).to(dtype)
    parametrizations.orthogonal(layer, orthogonal_map=kind, use_trivialization=trivialization)
    layers, x = (layer, copy.deepcopy(layer)), pt.asarray(RNG.standard_normal((8, 6)).astype(dtype))
    for one, compiled in zip(layers, (False, True), strict=True):
        opt = optim.SGD(one, lr=0.3)
        loss = nn.value_and_grad(one, lambda x, one=one: pt.square(one(x) - 1.0).mean())
        step = lambda x, opt=opt, loss=loss: opt.update(loss(x)[1])  # noqa: E731
        step = pt.compile(step) if compiled else step
        before = one.weight.numpy().copy()
        for _ in range(5):
            step(x)
        weight = one.weight.numpy()
        assert np.abs(weight - before).max() > 0.01
        size = 1e-5 if dtype == "float32" else 1e-13
        np.testing.assert_allclose(weight.T @ weight, np.eye(4), atol=size)
    np.testing.assert_array_equal(layers[0].weight.numpy(), layers[1].weight.numpy())
    parametrize.remove_parametrizations(layer, "weight")
    np.testing.assert_array_equal(layer.weight.numpy(), layers[1].weight.numpy())


REFUSED: list[tuple[Callable[[], object], str]] = [
    (lambda: parametrizations.orthogonal(nn.Linear(2, 3), "bias"),
     "[orthogonal] bias is float32[3]; expected a real matrix, or several; name another parameter"),
    (lambda: parametrizations.orthogonal(nn.Linear(2, 3), "wight"),
     "[orthogonal] name = 'wight'; expected a parameter of Linear: weight, bias; see module.named_parameters()"),
    (lambda: parametrizations.orthogonal(nn.Linear(2, 3), orthogonal_map="qr"),  # type: ignore[arg-type]
     "[orthogonal] orthogonal_map = 'qr'; expected 'matrix_exp', 'cayley' or 'householder'; 'matrix_exp' is usual"),
    (lambda: parametrizations.orthogonal(nn.Linear(3, 3), use_trivialization=False),
     "[orthogonal] orthogonal_map = 'matrix_exp' without use_trivialization; expected 'householder', whose numbers a "
     "weight has; leave use_trivialization out"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "text"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_refused(make: Callable[[], object], text: str) -> None:
    with pytest.raises(nn.SettingError) as caught:
        make()
    assert isinstance(caught.value, pt.Error) and str(caught.value) == text
