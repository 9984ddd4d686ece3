"""nn.utils.prune: which weights become zeros, that they stay so, and that a shrunk model answers the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.nn.utils import prune


def normal(*shape: int) -> Any:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype("float32")


def array(slot: Any) -> Any:
    return np.asarray(pt.asarray(slot))


@pytest.mark.parametrize("amount", [0, 0.0, 5, 0.5, 1.0, 32])
def test_the_smallest_weights_go(amount: Any) -> None:
    layer = pt.nn.Linear(8, 4)
    before = np.abs(array(layer.weight))
    prune.l1_unstructured(layer, "weight", amount)
    gone = array(layer.weight) == 0
    count = round(amount * 32) if isinstance(amount, float) else amount
    assert gone.sum() == count
    if 0 < count < 32:
        assert before[gone].max() <= before[~gone].min()
    np.testing.assert_array_equal(np.abs(array(layer.weight))[~gone], before[~gone])


def test_of_several_layers_the_smallest_of_all_go() -> None:
    model = pt.nn.Sequential(pt.nn.Linear(10, 10), pt.nn.ReLU(), pt.nn.Linear(10, 10))
    model[2].weight.value = model[2].weight.value * 100
    prune.global_unstructured([(model[0], "weight"), (model[2], "weight")], 0.5)
    found = prune.sparsity(model)
    assert found["0"] > 0.95 and found["2"] < 0.05 and found["weight"] == 0.5


@pytest.mark.parametrize("compiled", [False, True])
def test_zeros_stay_zeros_while_a_model_is_trained(compiled: bool) -> None:
    model = pt.nn.Sequential(pt.nn.Linear(6, 16), pt.nn.ReLU(), pt.nn.Linear(16, 3))
    prune.global_unstructured([(model[0], "weight"), (model[2], "weight")], 0.4)
    gone = [array(model[at].weight) == 0 for at in (0, 2)]
    opt = pt.optim.AdamW(model, lr=0.05, weight_decay=0.1)
    loss_and_grads = pt.nn.value_and_grad(model, lambda x, y: F.cross_entropy(model(x), y))

    def step(x: Any, y: Any) -> Any:
        loss, grads = loss_and_grads(x, y)
        opt.update(grads)
        return loss

    run = pt.compile(step) if compiled else step
    x = normal(64, 6)
    y = x[:, :3].argmax(axis=1)
    first = run(x, y).item()
    losses = [run(x, y).item() for _ in range(30)]
    assert losses[-1] < 0.9 * first
    for at, zeros in zip((0, 2), gone, strict=True):
        np.testing.assert_array_equal(array(model[at].weight) == 0, zeros)
    want = model(x).numpy()
    for at in (0, 2):
        prune.remove(model[at], "weight")
    np.testing.assert_array_equal(model(x).numpy(), want)
    assert sorted(model.state_dict()) == ["0.bias", "0.weight", "2.bias", "2.weight"]


def test_a_second_call_prunes_on_and_masks_are_saved() -> None:
    layer = prune.l1_unstructured(pt.nn.Linear(8, 4), "weight", 0.25)
    once = array(layer.weight) == 0
    prune.l1_unstructured(layer, "weight", 0.5)
    twice = array(layer.weight) == 0
    assert twice.sum() == 16 and twice[once].all() and prune.is_pruned(layer, "weight")
    other = prune.l1_unstructured(pt.nn.Linear(8, 4), "weight", 0.0)
    other.load_state_dict(layer.state_dict())
    np.testing.assert_array_equal(array(other.weight), array(layer.weight))


@pytest.mark.parametrize("n", [1, 2, np.inf])
def test_whole_outputs_go_with_their_bias(n: float) -> None:
    layer = pt.nn.Conv2d(3, 8, 3)
    flat = np.abs(array(layer.weight)).reshape(-1, 8)
    norms = flat.max(axis=0) if np.isinf(n) else (flat**n).sum(axis=0) ** (1 / n)
    prune.ln_structured(layer, "weight", 3, n=n)
    gone = (array(layer.weight).reshape(-1, 8) == 0).all(axis=0)
    np.testing.assert_array_equal(np.flatnonzero(gone), np.sort(np.argsort(norms)[:3]))
    np.testing.assert_array_equal(array(layer.bias) == 0, gone)


def pruned(model: Any, *places: int) -> Any:
    for at in places:
        prune.ln_structured(model[at], "weight", 0.5)
        for name in ("weight", "bias"):
            if prune.is_pruned(model[at], name):
                prune.remove(model[at], name)
    return model


def test_a_shrunk_network_answers_the_same() -> None:
    nn = pt.nn
    model = nn.Sequential(nn.Linear(6, 20), nn.GELU(), nn.Dropout(0.3), nn.Linear(20, 12, bias=False), nn.Tanh(),
                          nn.Linear(12, 4)).eval()  # fmt: skip
    pruned(model, 0, 3)
    small, report = prune.shrink(model)
    assert [small[at].weight.shape for at in (0, 3, 5)] == [(6, 10), (10, 6), (6, 4)]
    assert report.units == {"0": (10, 20), "3": (6, 12)} and not report.kept
    assert report.parameters == (6 * 20 + 20 + 20 * 12 + 12 * 4 + 4, 6 * 10 + 10 + 10 * 6 + 6 * 4 + 4)
    x = normal(9, 6)
    np.testing.assert_allclose(small(x).numpy(), model(x).numpy(), rtol=1e-5, atol=1e-6)
    assert model[0].out_features == 20, "the model that was given stays as it is"


def test_a_shrunk_convolutional_network_answers_the_same() -> None:
    nn = pt.nn
    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 6, 3, padding=1),
                          nn.ReLU(), nn.Flatten(), nn.Linear(6 * 16, 5))  # fmt: skip
    pruned(model, 0, 3)
    small, report = prune.shrink(model)
    assert report.units == {"0": (4, 8), "3": (3, 6)} and small[6].in_features == 3 * 16
    x = normal(2, 8, 8, 3)
    np.testing.assert_allclose(small(x).numpy(), model(x).numpy(), rtol=1e-5, atol=1e-6)


def test_what_cannot_shrink_is_said() -> None:
    nn = pt.nn
    model = pruned(nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Conv2d(8, 8, 3, groups=2), nn.ReLU(),
                                 nn.Conv2d(8, 4, 1)), 0, 2, 4)  # fmt: skip
    small, report = prune.shrink(model)
    assert report.kept == {
        "0": "the BatchNorm2d behind it makes other numbers of zeros",
        "2": "its channels are in groups",
        "4": "no layer of the same Sequential reads it",
    }
    assert report.parameters[0] == report.parameters[1] and len(report.lines()) == 4
    np.testing.assert_array_equal(small(normal(1, 8, 8, 3)).numpy(), model(normal(1, 8, 8, 3)).numpy())


def test_a_layer_of_zeros_keeps_one_unit() -> None:
    model = pt.nn.Sequential(pt.nn.Linear(4, 3), pt.nn.ReLU(), pt.nn.Linear(3, 2))
    model[0].weight.value, model[0].bias.value = pt.zeros((4, 3)), pt.zeros((3,))
    small, report = prune.shrink(model)
    assert report.units == {"0": (1, 3)}
    np.testing.assert_allclose(small(normal(2, 4)).numpy(), model(normal(2, 4)).numpy())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda layer: prune.l1_unstructured(layer, "wieght", 0.5),
            "[l1_unstructured] name = 'wieght'; expected a parameter of Linear that is not computed by other means: "
            "weight, bias; see module.named_parameters()",
        ),
        (
            lambda layer: prune.l1_unstructured(layer, "weight", 1.5),
            "[l1_unstructured] amount = 1.5; expected a share from 0.0 to 1.0, or a whole number up to 32; 0.5 takes "
            "half",
        ),
        (
            lambda layer: prune.ln_structured(layer, "weight", 0.5, dim=2),
            "[ln_structured] dim = 2; expected an axis of [8, 4]; -1 is usual",
        ),
        (
            lambda layer: prune.remove(layer, "weight"),
            "[remove] 'weight' of Linear is not pruned; expected a parameter that is; see is_pruned",
        ),
        (
            lambda layer: prune.custom_from_mask(layer, "weight", np.ones((4, 8))),
            "[custom_from_mask] mask is [4, 8], weight is [8, 4]; expected one number for each weight; reshape the "
            "mask",
        ),
        (
            lambda layer: prune.shrink(prune.l1_unstructured(layer, "weight", 0.5)),
            "[shrink] the weight of Linear is computed from others; expected plain weights; make them so: "
            "pt.nn.utils.prune.remove(layer, name)",
        ),
    ],
)  # fmt: skip
def test_errors(call: Any, message: str) -> None:
    with pytest.raises(pt.Error) as found:
        call(pt.nn.Linear(8, 4))
    assert str(found.value) == message


class Twice(pt.nn.Module):
    """A layer of a Sequential, or the one that reads it, that is called by itself too."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.body = pt.nn.Sequential(pt.nn.Linear(4, 4), pt.nn.ReLU(), pt.nn.Linear(4, 4))
        self.own = self.body[at]

    def forward(self, x: pt.Tensor) -> pt.Tensor:
        return self.own(self.body(x))


@pytest.mark.parametrize(
    ("at", "why"), [(0, "it stands elsewhere too"), (2, "the Linear behind it stands elsewhere too")]
)
def test_layers_that_stand_at_several_places_stay_whole(at: int, why: str) -> None:
    model = Twice(at)
    prune.ln_structured(model.body[0], "weight", 0.5)
    for name in ("weight", "bias"):
        prune.remove(model.body[0], name)
    small, report = prune.shrink(model)
    assert report.units == {} and report.kept == {"body.0": why}
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    np.testing.assert_array_equal(small(x).numpy(), model(x).numpy())


def test_a_layer_that_follows_itself_stays_whole() -> None:
    layer = pt.nn.Linear(4, 4)
    model = pt.nn.Sequential(layer, pt.nn.ReLU(), layer, pt.nn.ReLU(), pt.nn.Linear(4, 2))
    prune.ln_structured(layer, "weight", 0.5)
    for name in ("weight", "bias"):
        prune.remove(layer, name)
    small, report = prune.shrink(model)
    assert report.units == {}
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    np.testing.assert_array_equal(small(x).numpy(), model(x).numpy())
