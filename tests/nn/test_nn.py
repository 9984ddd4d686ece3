"""Modules: names, freezing, state; initialisers by their moments; layers against torch."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt
import powertrain.nn.functional as F
from powertrain import nn
from powertrain.nn import StateError, init


class Net(nn.Module):
    """Two layers, a tied one, and a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.norm = nn.BatchNorm1d(4)
        self.rest = nn.Sequential(nn.ReLU(), nn.Linear(4, 2, bias=False))
        self.tied = self.first

    def forward(self, x: Any) -> Any:
        return self.rest(self.norm(self.first(x)))


NAMES = ["first.weight", "first.bias", "norm.weight", "norm.bias", "rest.1.weight"]
BUFFERS = ["norm.running_mean", "norm.running_var"]


# ---------------------------------------------------------------- modules


def test_names_are_paths_and_tied_slots_come_once() -> None:
    net = Net()
    assert [name for name, _ in net.named_parameters()] == NAMES
    assert [name for name, _ in net.named_buffers()] == BUFFERS
    assert sorted(name for name, _ in net.named_slots()) == sorted(NAMES + BUFFERS)
    assert [name for name, _ in net.named_modules()] == ["", "first", "norm", "rest", "rest.0", "rest.1"]
    net.name_slots()
    assert [slot.name for slot in net.parameters()] == NAMES


def test_an_attribute_that_is_replaced_is_forgotten() -> None:
    net = Net()
    net.first = nn.Linear(3, 4, bias=False)
    net.norm = None
    assert [name for name, _ in net.named_slots()] == ["first.weight", "rest.1.weight", "tied.weight", "tied.bias"]


def test_modes_reach_every_module() -> None:
    net = Net().eval()
    assert not any(module.training for _, module in net.named_modules())
    assert net.train().rest[0].training and len(net.rest) == 2 and net.rest[-1] is net.rest[1]


def test_freezing_by_pattern() -> None:
    net = Net()
    assert net.freeze("*.bias") == ["first.bias", "norm.bias"]
    found = net.parameters()
    assert next(net.parameters()) is found[0] and [next(found), next(found)] == found[:2] and len([*found]) == 5
    assert len(net.trainable()) == 3 and len(net.parameters()) == 5 and len(net.buffers()) == 2
    assert net.unfreeze() == NAMES and len(net.trainable()) == 5
    with pytest.raises(StateError) as caught:
        net.freeze("last.*")
    assert str(caught.value) == (
        "[freeze] pattern 'last.*'; expected one that matches a parameter, such as first.weight, first.bias, "
        "norm.weight; see model.named_parameters()"
    )


def test_gradients_are_those_of_what_is_not_frozen() -> None:
    net = Net()
    net.freeze("first.*")
    x = pt.ones((5, 3))
    _, grads = pt.nn.value_and_grad(net, lambda: net(x).sum())()
    assert [tuple(grad.shape) for grad in grads.values()] == [tuple(slot.shape) for slot in net.trainable()]


def test_state_goes_round() -> None:
    net, other = Net(), Net()
    state = net.state_dict()
    assert other.load_state_dict(state) == ([], [])
    for name, slot in other.named_slots():
        assert (slot.numpy() == state[name]).all()
    before = state["first.weight"].copy()
    net.first.weight.value = pt.zeros((3, 4))
    assert (state["first.weight"] == before).all(), "a state is a copy"


def test_a_state_that_does_not_fit_is_refused_whole() -> None:
    net = Net()
    before = net.state_dict()
    state = {name: value + 1 for name, value in before.items()}
    state["first.weight"] = np.zeros((4, 3))
    state["head.weight"] = state.pop("rest.1.weight")
    with pytest.raises(StateError) as caught:
        net.load_state_dict(state)
    assert str(caught.value) == (
        '[load_state_dict] 6 of 7 tensors fit by name in layout="own", which is assumed: '
        "first.weight is [4, 3], expected [3, 4]; rest.1.weight is "
        "missing; head.weight is unknown; expected the state of a Net of this size; build the model with the "
        "parameters that it was saved with, or pass strict=False for names that differ"
    )
    after = net.state_dict()
    assert all((after[name] == before[name]).all() for name in before)
    del state["first.weight"]
    assert "head.weight" not in net.load_state_dict(state, strict=False)
    assert (net.norm.bias.numpy() == before["norm.bias"] + 1).all()


def test_summary_counts() -> None:
    net = Net()
    net.freeze("norm.*")
    lines = net.summary().splitlines()
    assert lines[0].split() == ["first", "Linear", "16", "weight", "[3,", "4],", "bias", "[4]"]
    assert lines[-1] == "32 parameters, of which 8 are frozen"


def test_mistakes_in_a_module_are_explained() -> None:
    class Early(nn.Module):
        def __init__(self) -> None:
            self.layer = nn.Linear(1, 1)

    with pytest.raises(TypeError) as caught:
        Early()
    assert str(caught.value) == (
        "[Early] attribute layer before super().__init__(); expected that call first; "
        "begin __init__ with super().__init__()"
    )
    with pytest.raises(TypeError) as caught:
        nn.Module().layers = [nn.Linear(1, 1)]
    assert str(caught.value) == (
        "[Module.layers] a list of modules or slots, whose parameters would not be found; expected a module; "
        "wrap it in pt.nn.Sequential(*modules)"
    )
    for value, fix in (
        ({"a": nn.Linear(1, 1)}, "pt.nn.ModuleDict(modules)"), ([(nn.Linear(1, 1), 3)], "pt.nn.Sequential(*modules)"),
        ({"a": [nn.Parameter(1.0)]}, "pt.nn.ModuleDict(modules)"),
    ):  # fmt: skip
        with pytest.raises(TypeError) as caught:
            nn.Module().parts = value
        assert str(caught.value).endswith(f"would not be found; expected a module; wrap it in {fix}")
    with pytest.raises(TypeError, match=r"\[Module\] called without a forward method; expected one"):
        nn.Module()(1)
    with pytest.raises(TypeError, match=r"\[Sequential\] list at place 0; expected a module or a function"):
        nn.Sequential([nn.ReLU()])  # type: ignore[arg-type]


# ---------------------------------------------------------------- initialisers


def generator(seed: int = 0) -> pt.random.Generator:
    return pt.random.Generator(seed)


@pytest.mark.parametrize(
    ("draw", "bound", "std"),
    [
        (lambda g: init.uniform_fan_in((100, 200), 100, g), 0.1, 0.1 / math.sqrt(3)),
        (lambda g: init.uniform((100, 200), -2, 2, g), 2.0, 2 / math.sqrt(3)),
        (lambda g: init.kaiming_uniform((100, 200), 100, generator=g), math.sqrt(0.06), math.sqrt(0.02)),
        (lambda g: init.xavier_uniform((100, 200), 100, 200, generator=g), math.sqrt(0.02), math.sqrt(2 / 300)),
        (lambda g: init.normal((100, 200), 0.02, generator=g), None, 0.02),
        (lambda g: init.kaiming_normal((100, 200), 100, generator=g), None, math.sqrt(0.02)),
        (lambda g: init.xavier_normal((100, 200), 100, 200, generator=g), None, math.sqrt(2 / 300)),
    ],
)
def test_initialisers_have_the_moments_of_their_papers(
    draw: Callable[[Any], Any], bound: float | None, std: float
) -> None:
    x = draw(generator()).numpy().astype(np.float64)
    # Of 20,000 draws the mean is off by std / 141 and the deviation by less than 0.8 %, four times over.
    assert abs(x.mean()) < 4 * std / 141 and abs(x.std() / std - 1) < 0.03
    if bound is not None:
        assert np.abs(x).max() <= bound * (1 + 1e-6) and np.abs(x).max() > 0.99 * bound


def test_initialisation_is_a_function_of_the_seed() -> None:
    def weights(seed: int) -> list[np.ndarray]:
        g = generator(seed)
        return [np.array(nn.Linear(5, 7, generator=g).weight.numpy()) for _ in range(2)]

    first, again, other = weights(1), weights(1), weights(2)
    assert (first[0] == again[0]).all() and (first[1] == again[1]).all()
    assert (first[0] != first[1]).any() and (first[0] != other[0]).any()


# ---------------------------------------------------------------- layers against torch


def torch_module() -> Any:
    return pytest.importorskip("torch", reason="the peer layers are torch's")


def close(found: Any, wanted: Any, rtol: float = 1e-5) -> None:
    wanted = wanted.detach().numpy()
    found = np.asarray(found.numpy())
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() <= rtol * max(1.0, np.abs(wanted).max())


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)


@pytest.mark.peers
def test_linear_and_embedding() -> None:
    torch = torch_module()
    layer, x = nn.Linear(6, 4), normal(5, 6)
    peer = torch.nn.functional.linear(
        torch.tensor(x), torch.tensor(layer.weight.numpy().T), torch.tensor(layer.bias.numpy())
    )
    close(layer(pt.tensor(x)), peer)
    assert nn.Linear(6, 4, bias=False).bias is None
    table = nn.Embedding(9, 3)
    index = np.array([[0, 8], [3, 3]])
    assert (table(pt.tensor(index)).numpy() == table.weight.numpy()[index]).all()


@pytest.mark.peers
@pytest.mark.parametrize(
    "settings", [{}, {"stride": 2, "padding": (1, 0)}, {"groups": 2, "dilation": 2, "bias": False}]
)
def test_conv2d(settings: dict[str, Any]) -> None:
    torch = torch_module()
    layer, x = nn.Conv2d(4, 6, (3, 2), **settings), normal(2, 9, 8, 4)
    weight = torch.tensor(np.ascontiguousarray(layer.weight.numpy().transpose(3, 2, 0, 1)))
    bias = None if layer.bias is None else torch.tensor(layer.bias.numpy())
    rest = {key: value for key, value in settings.items() if key != "bias"}
    peer = torch.nn.functional.conv2d(torch.tensor(x).permute(0, 3, 1, 2), weight, bias, **rest).permute(0, 2, 3, 1)
    close(layer(pt.tensor(x)), peer)
    with pytest.raises(pt.ShapeError, match=r"\[Conv2d\] 4 to 6 channels in 4 groups; expected channels that are"):
        nn.Conv2d(4, 6, 3, groups=4)


@pytest.mark.peers
def test_pooling() -> None:
    torch = torch_module()
    x = normal(2, 7, 8, 3)
    nchw = torch.tensor(x).permute(0, 3, 1, 2)
    functional = torch.nn.functional
    for layer, peer in (
        (nn.MaxPool2d(2), functional.max_pool2d(nchw, 2)),
        (nn.MaxPool2d(3, 2, 1), functional.max_pool2d(nchw, 3, 2, 1)),
        (nn.AvgPool2d(2), functional.avg_pool2d(nchw, 2)),
    ):
        close(layer(pt.tensor(x)), peer.permute(0, 2, 3, 1))
    close(nn.GlobalAveragePool()(pt.tensor(x)), nchw.mean((2, 3)))
    assert tuple(nn.Flatten()(pt.tensor(x)).shape) == (2, 168)


@pytest.mark.peers
@pytest.mark.parametrize(
    ("layer", "peer"),
    [
        (nn.ReLU, "relu"),
        (nn.Tanh, "tanh"),
        (nn.Sigmoid, "sigmoid"),
        (nn.SiLU, "silu"),
        (nn.GELU, "gelu"),
        (lambda: nn.GELU("tanh"), "gelu tanh"),
    ],
)
def test_activations(layer: Callable[[], Any], peer: str) -> None:
    torch = torch_module()
    x = normal(50) * 3
    name, *form = peer.split()
    function = getattr(torch, name, None) or getattr(torch.nn.functional, name)
    close(layer()(pt.tensor(x)), function(torch.tensor(x), **({"approximate": form[0]} if form else {})))


@pytest.mark.peers
def test_layer_norm_and_rms_norm() -> None:
    torch = torch_module()
    x = normal(4, 5, 16) * 3 + 2
    layer = nn.LayerNorm(16)
    layer.weight.value, layer.bias.value = pt.tensor(normal(16, seed=1)), pt.tensor(normal(16, seed=2))
    weight, bias = torch.tensor(layer.weight.numpy()), torch.tensor(layer.bias.numpy())
    close(layer(pt.tensor(x)), torch.nn.functional.layer_norm(torch.tensor(x), (16,), weight, bias))
    close(nn.RMSNorm(16, 1e-6)(pt.tensor(x)), torch.nn.functional.rms_norm(torch.tensor(x), (16,), eps=1e-6))


@pytest.mark.peers
@pytest.mark.parametrize("compiled", [False, True])
def test_batch_norm_and_its_running_statistics(compiled: bool) -> None:
    torch = torch_module()
    layer, peer = nn.BatchNorm2d(3), torch.nn.BatchNorm2d(3)
    run = pt.compile(layer) if compiled else layer
    for step in range(3):
        x = normal(4, 5, 6, 3, seed=step) * 2 + 1
        close(run(pt.tensor(x)), peer(torch.tensor(x).permute(0, 3, 1, 2)).permute(0, 2, 3, 1))
    close(layer.running_mean, peer.running_mean)
    close(layer.running_var, peer.running_var)
    x = normal(2, 5, 6, 3, seed=9)
    close(layer.eval()(pt.tensor(x)), peer.eval()(torch.tensor(x).permute(0, 3, 1, 2)).permute(0, 2, 3, 1))
    with pytest.raises(
        pt.ShapeError, match=r"\[BatchNorm2d\] one value per channel from \[1, 1, 1, 3\]; expected at least two"
    ):
        layer.train()(pt.ones((1, 1, 1, 3)))


def test_dropout() -> None:
    x = pt.ones((200, 100))
    layer = nn.Dropout(0.25)
    y = layer(x).numpy()
    assert set(np.unique(y).tolist()) == {0.0, float(np.float32(1 / 0.75))}
    assert abs((y == 0).mean() - 0.25) < 0.02
    assert (layer(x).numpy() != y).any(), "each call draws anew"
    assert (layer.eval()(x).numpy() == 1).all() and (nn.Dropout(0.0)(x).numpy() == 1).all()
    with pytest.raises(ValueError, match=r"\[Dropout\] p = 1; expected 0 <= p < 1; 0.1 is usual"):
        nn.Dropout(1)


def test_transformer_block_is_its_formula() -> None:
    block, x = nn.TransformerBlock(8, 2, depth=3), pt.tensor(normal(2, 5, 8))
    attention = nn.attention.attend(block.qkv(block.ln1(x)), 2, True)
    middle = x + block.proj(attention)
    wanted = middle + block.out(F.gelu(block.fc(block.ln2(middle)), approximate="tanh"))
    assert (block(x).numpy() == wanted.numpy()).all()
    assert not block.out.bias.numpy().any()


def test_a_linear_layer_of_the_wrong_width_names_itself() -> None:
    """The op knows a weight alone; of several layers, the numbers say which one it was."""
    net = pt.nn.Sequential(pt.nn.Linear(4, 8), pt.nn.ReLU(), pt.nn.Linear(9, 2))
    wanted = r"^\[Linear\] input is \[2, 8\]; expected a last axis of 9, .* Linear\(9, 2\); .* write Linear\(8, 2\)$"
    for called in (net, pt.compile(lambda x: net(x))):
        with pytest.raises(pt.ShapeError, match=wanted):
            called(pt.ones((2, 4)))
    with pytest.raises(pt.ShapeError, match=r"x\.flatten\(1\)$"):
        pt.nn.Linear(12, 5)(pt.ones((2, 3, 4)))


def test_a_layer_that_is_made_inside_of_a_compiled_function_is_refused() -> None:
    with pytest.raises(
        pt.TraceError, match=r"^\[slot\] was made inside a trace; expected it before; make slots outside"
    ):
        pt.compile(lambda x: pt.nn.Linear(3, 2)(x))(pt.ones((1, 3)))
