"""Lazy layers: after their first call they are the layers that they stand for, with the same numbers."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain import nn, optim

RNG = np.random.default_rng(4)
# The settings of each, and a shape that it is called with.
LAYERS: dict[str, tuple[dict[str, Any], tuple[int, ...]]] = {
    "Linear": ({"out_features": 3, "std": 0.5}, (2, 5, 4)),
    "Conv1d": ({"out_channels": 4, "kernel_size": 3, "padding": 1, "groups": 2}, (2, 7, 6)),
    "Conv2d": ({"out_channels": 4, "kernel_size": (3, 2), "bias": False}, (2, 7, 6, 5)),
    "Conv3d": ({"out_channels": 2, "kernel_size": 2, "padding_mode": "reflect", "padding": 1}, (1, 4, 5, 6, 3)),
    "ConvTranspose1d": ({"out_channels": 4, "kernel_size": 3, "stride": 2}, (2, 7, 5)),
    "ConvTranspose2d": ({"out_channels": 4, "kernel_size": 3, "dilation": 2}, (2, 4, 3, 5)),
    "ConvTranspose3d": ({"out_channels": 2, "kernel_size": 2, "dtype": "float64"}, (1, 4, 3, 2, 5)),
    "BatchNorm1d": ({"momentum": 0.3}, (5, 4)),
    "BatchNorm2d": ({"affine": False}, (2, 3, 5, 4)),
    "BatchNorm3d": ({"eps": 0.1}, (2, 3, 2, 2, 4)),
    "InstanceNorm1d": ({"affine": True, "track_running_stats": False}, (2, 5, 3)),
    "InstanceNorm2d": ({"affine": False, "track_running_stats": True}, (2, 5, 3, 2)),
    "InstanceNorm3d": ({"affine": False, "track_running_stats": False}, (2, 2, 5, 3, 2)),
}


def pair(name: str) -> tuple[nn.Module, nn.Module, pt.Tensor]:
    """A lazy layer that was not called, the whole one, which begins with the same numbers, and an input."""
    settings, shape = LAYERS[name]
    x = pt.asarray(RNG.standard_normal(shape).astype(settings.get("dtype", "float32")))
    pt.random.seed(0)
    whole = getattr(nn, name)(shape[-1], **settings)
    pt.random.seed(0)
    return getattr(nn, f"Lazy{name}")(**settings), whole, x


@pytest.mark.parametrize("name", LAYERS)
def test_it_becomes_the_layer(name: str) -> None:
    lazy, whole, x = pair(name)
    assert isinstance(lazy, nn.Module) and type(lazy).__name__ == f"Lazy{name}"
    np.testing.assert_array_equal(lazy(x).numpy(), whole(x).numpy())
    assert type(lazy) is type(whole) and repr(lazy) == repr(whole)
    found, wanted = lazy.state_dict(), whole.state_dict()
    assert list(found) == list(wanted) and all((found[one] == wanted[one]).all() for one in wanted)
    assert [p.name for p in lazy.parameters()] == [p.name for p in whole.parameters()]
    again = pickle.loads(pickle.dumps(copy.deepcopy(lazy)))
    np.testing.assert_array_equal(again.eval()(x).numpy(), whole.eval()(x).numpy())


def test_defaults_of_instance_norms_are_those_of_torchs_lazy_ones() -> None:
    layer = nn.LazyInstanceNorm1d(1e-3)
    layer(pt.ones((2, 5, 3)))
    assert sorted(layer.state_dict()) == ["bias", "running_mean", "running_var", "weight"]


def net() -> nn.Module:
    return nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.ReLU(), nn.Flatten(), nn.LazyLinear(2))


def test_a_model_of_them_trains() -> None:
    model, x, y = net(), RNG.standard_normal((6, 5, 5, 3)).astype("float32"), np.arange(6) % 2
    assert repr(model[0]) == "LazyConv2d(4, 3)"
    assert model(x).shape == (6, 2)
    opt = optim.SGD(model, lr=0.1)
    loss_and_grads = nn.value_and_grad(model, lambda x, y: nn.functional.cross_entropy(model(x), y))

    @pt.compile
    def step(x: Any, y: Any) -> Any:
        loss, grads = loss_and_grads(x, y)
        opt.update(grads)
        return loss

    losses = [step(pt.asarray(x), pt.asarray(y)).item() for _ in range(20)]
    assert losses[-1] < losses[0] / 2 and step.traces == 1


def test_mode_hooks_and_attributes_stay() -> None:
    layer = nn.LazyBatchNorm1d()
    layer.tag = "first"
    seen: list[Any] = []
    layer.register_forward_hook(lambda module, args, output: seen.append(type(module)))
    x = RNG.standard_normal((5, 3)).astype("float32")
    np.testing.assert_allclose(layer.eval()(x).numpy(), x, rtol=1e-4)  # by the running statistics
    assert (layer.training, layer.tag, seen) == (False, "first", [nn.BatchNorm1d])


def test_a_call_that_fails_leaves_it_lazy() -> None:
    layer = nn.LazyConv1d(4, 3, groups=2)
    with pytest.raises(pt.ShapeError):
        layer(pt.ones((1, 5, 3)))
    assert layer(pt.ones((1, 5, 6))).shape == (1, 3, 4)


BEFORE = (
    "[LazyConv2d] parameters of a layer that was never called; expected a call first, which fixes their sizes; write "
    "model(x) once with an example, then make the optimizer or load the state"
)
REFUSED: list[tuple[Callable[[], object], str]] = [
    (lambda: net().parameters(), BEFORE),
    (lambda: optim.AdamW(net()), BEFORE),
    (lambda: net().state_dict(), BEFORE),
    (lambda: net().load_state_dict({}), BEFORE),
    (lambda: net().freeze(), BEFORE),
    (lambda: nn.value_and_grad(net(), lambda: pt.ones(()))(), BEFORE),
    (lambda: pt.compile(net())(pt.ones((1, 5, 5, 3))),
     "[LazyConv2d] first called in a compiled function; expected a call before that, which fixes the sizes; write "
     "model(x) once with an example"),
    (lambda: nn.LazyLinear(3)(1.0),
     "[LazyLinear] input is []; expected a last axis of features; reshape it"),
    (lambda: nn.LazyLinear(3, bais=False),  # type: ignore[call-arg]
     "[LazyLinear] received 3, bais=False: TypeError: got an unexpected keyword argument 'bais'; expected "
     "LazyLinear(out_features, bias=True, device=None, dtype=None, *, std=None, generator=None); check the arguments"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "text"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_refused(call: Callable[[], object], text: str) -> None:
    with pytest.raises(pt.Error) as caught:
        call()
    assert str(caught.value) == text
