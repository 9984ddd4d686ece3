"""A softmax over clusters of classes, against torch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from test_nn_torch import near, normal

import powertrain as pt
from powertrain import nn

torch = pytest.importorskip("torch", reason="the peer module is torch's")
pytestmark = pytest.mark.peers
SETTINGS: list[tuple[Any, dict[str, Any]]] = [
    ((16, 30, [5, 12]), {}), ((16, 30, [1]), {"div_value": 2.0}), ((9, 7, [2, 3, 6]), {"div_value": 1.5}),
    ((16, 30, [29]), {"head_bias": True}),
]  # fmt: skip


def pair(given: Any, settings: dict[str, Any]) -> tuple[Any, Any]:
    ours, theirs = nn.AdaptiveLogSoftmaxWithLoss(*given, **settings), torch.nn.AdaptiveLogSoftmaxWithLoss(
        *given, **settings)  # fmt: skip
    state = {name: value.numpy() for name, value in theirs.state_dict().items()}
    assert list(ours.state_dict()) == list(state)
    ours.load_state_dict(state, layout="torch")
    return ours, theirs


def message(make: Callable[[], Any], kind: type[Exception] = nn.SettingError) -> str:
    with pytest.raises(kind) as caught:
        make()
    assert isinstance(caught.value, pt.Error)
    return str(caught.value)


@pytest.mark.parametrize(("given", "settings"), SETTINGS, ids=str)
def test_it_is_torchs(given: Any, settings: dict[str, Any]) -> None:
    ours, theirs = pair(given, settings)
    x, label = 3 * normal(40, given[0]), np.arange(40) % given[1]
    want = theirs(torch.tensor(x), torch.tensor(label))
    got = ours(x, label)
    near(got.output, want.output)
    near(got.loss, want.loss)
    for one, other in zip(pt.compile(lambda x, y: tuple(ours(x, y)))(x, label), got, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    near(ours.log_prob(x), theirs.log_prob(torch.tensor(x)))
    np.testing.assert_allclose(np.exp(ours.log_prob(x).numpy()).sum(1), 1, rtol=1e-5)
    np.testing.assert_array_equal(ours.predict(x).numpy(), theirs.predict(torch.tensor(x)).numpy())


@pytest.mark.parametrize(("given", "settings"), SETTINGS, ids=str)
def test_gradients(given: Any, settings: dict[str, Any]) -> None:
    ours, theirs = pair(given, settings)
    x, label, cotangent = normal(9, given[0]), np.arange(9) * 3 % given[1], normal(9)
    (theirs(torch.tensor(x), torch.tensor(label)).output * torch.tensor(cotangent)).sum().backward()
    _, grads = pt.nn.value_and_grad(ours, lambda: (ours(x, label).output * cotangent).sum())()
    for name, parameter in theirs.named_parameters():
        want = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        near(grads[name], want.T if name.endswith("weight") else want, 1e-4)


def test_what_is_refused() -> None:
    for cutoffs in ([], [3, 3], [0], [10], [2.5]):
        assert message(lambda cutoffs=cutoffs: nn.AdaptiveLogSoftmaxWithLoss(8, 10, cutoffs)) == (
            f"[AdaptiveLogSoftmaxWithLoss] cutoffs = {cutoffs}, n_classes = 10; expected whole numbers from 1 to 9, "
            "each larger than the one before; for example cutoffs = [1]"
        )
    assert message(lambda: nn.AdaptiveLogSoftmaxWithLoss(3, 10, [2]), pt.ShapeError) == (
        "[AdaptiveLogSoftmaxWithLoss] features of cluster 1 = 0; expected a whole number from 1 to 2147483647; for "
        "example features of cluster 1 = 8"
    )
    layer = nn.AdaptiveLogSoftmaxWithLoss(8, 10, [2])
    assert message(lambda: layer(pt.ones((2, 7)), pt.tensor([0, 1])), pt.ShapeError) == (
        "[AdaptiveLogSoftmaxWithLoss] input is [2, 7]; expected [n, 8]; reshape it"
    )
    assert message(lambda: layer(pt.ones((2, 8)), pt.tensor([0])), pt.ShapeError) == (
        "[AdaptiveLogSoftmaxWithLoss] target_ is [1], input_ is [2, 8]; expected a label for each row; reshape one"
    )
    for label in (-1, 10):
        with pytest.raises(pt.IndexError):
            layer(pt.ones((1, 8)), pt.tensor([label])).output.numpy()
