"""pt.nn.utils against torch's: computed parameters, parameters as a vector, padded sequences."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from test_nn_torch import near, normal

import powertrain as pt
from powertrain import nn, optim
from powertrain.errors.hints import UnknownNameError
from powertrain.nn.utils import parametrizations, parametrize, rnn

torch = pytest.importorskip("torch", reason="the peer functions are torch's")
pytestmark = pytest.mark.peers
theirs_of = torch.nn.utils.parametrizations


def message(make: Callable[[], Any], kind: type[Exception] = nn.SettingError) -> str:
    with pytest.raises(kind) as caught:
        make()
    assert isinstance(caught.value, pt.Error)
    return str(caught.value)


def first(x: np.ndarray) -> Any:
    return torch.tensor(np.moveaxis(x, -1, 1).copy()) if x.ndim > 2 else torch.tensor(x)


def last(y: Any) -> Any:
    return y.moveaxis(1, -1) if y.ndim > 2 else y


LAYERS: dict[str, tuple[Callable[[Any], Any], np.ndarray]] = {
    "linear": (lambda of: of.Linear(4, 3), normal(5, 4)),
    "conv": (lambda of: of.Conv2d(3, 4, (3, 2)), normal(2, 6, 5, 3)),
    "transposed": (lambda of: of.ConvTranspose2d(3, 4, 2, 2), normal(2, 4, 3, 3)),
}


def loaded(layer: str, change: Callable[[Any, Any], Any]) -> tuple[nn.Module, Any]:
    """Both layers, changed and with torch's state, which is the same in every order of tests."""
    torch.manual_seed(0)
    make, _ = LAYERS[layer]
    ours, theirs = change(make(nn), parametrizations), change(make(torch.nn), theirs_of)
    state = {name: value.numpy() for name, value in theirs.state_dict().items()}
    assert set(ours.state_dict(layout="torch")) == set(state)
    ours.load_state_dict({name: value.copy() for name, value in state.items()}, layout="torch")
    for name, value in ours.state_dict(layout="torch").items():
        np.testing.assert_array_equal(value, state[name])
    return ours, theirs


def gradients_agree(ours: nn.Module, theirs: Any, x: np.ndarray) -> None:
    """Values and gradients of all parameters, for a random cotangent."""
    want = theirs(first(x))
    cotangent = normal(*last(want).shape)
    (last(want) * torch.tensor(cotangent)).sum().backward()
    _, grads = pt.nn.value_and_grad(ours, lambda x: (ours(x) * cotangent).sum())(pt.asarray(x))
    named = dict(theirs.named_parameters())
    assert set(grads) == set(named)
    places = {path: owner.torch_layout(name) for path, owner, name, _ in ours.every_path()}
    for name, grad in grads.items():
        axes = places[name]
        near(grad, named[name].grad.permute(axes) if axes else named[name].grad, 1e-4)


@pytest.mark.parametrize("dim", [0, 1, -2, None])
@pytest.mark.parametrize("layer", LAYERS)
def test_weight_norm(layer: str, dim: int | None) -> None:
    ours, theirs = loaded(layer, lambda module, of: of.weight_norm(module, dim=dim))
    x = LAYERS[layer][1]
    with torch.no_grad():
        theirs.parametrizations.weight.original0.mul_(1.5)
    slot = ours.get_parameter("parametrizations.weight.original0")
    slot.value = slot * 1.5
    near(ours(pt.asarray(x)), last(theirs(first(x))))
    np.testing.assert_array_equal(pt.compile(ours)(pt.asarray(x)).numpy(), ours(pt.asarray(x)).numpy())
    gradients_agree(ours, theirs, x)


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("layer", LAYERS)
def test_spectral_norm(layer: str, compiled: bool) -> None:
    ours, theirs = loaded(layer, lambda module, of: of.spectral_norm(module, n_power_iterations=2))
    x = LAYERS[layer][1]
    run = pt.compile(ours) if compiled else ours
    for _ in range(2):  # in training each call moves the vectors
        near(run(pt.asarray(x)), last(theirs(first(x))))
    state = theirs.state_dict()
    for name in ("_u", "_v"):
        path = f"parametrizations.weight.0.{name}"
        near(ours.get_buffer(path), state[path], 1e-4)
    ours.eval(), theirs.eval()
    near(run(pt.asarray(x)), last(theirs(first(x))))
    gradients_agree(ours, theirs, x)
    values = np.linalg.svd(theirs.weight.detach().numpy().reshape(theirs.weight.shape[0], -1))[1]
    assert layer == "transposed" or values[0] == pytest.approx(1, abs=0.1)


def test_parameters_of_a_recurrent_layer_and_of_one_axis() -> None:
    ours, theirs = nn.LSTM(3, 4), torch.nn.LSTM(3, 4, batch_first=True)
    for module, of in ((ours, parametrizations), (theirs, theirs_of)):
        of.weight_norm(module, "weight_hh_l0")
        of.spectral_norm(module, "bias_ih_l0")
    ours.load_state_dict({name: value.numpy() for name, value in theirs.state_dict().items()}, layout="torch")
    x = normal(2, 5, 3)
    near(ours(pt.asarray(x))[0], theirs(torch.tensor(x))[0])


def test_a_computed_parameter_is_trained_saved_and_copied() -> None:
    model = nn.Sequential(
        parametrizations.weight_norm(nn.Linear(3, 4)), parametrizations.spectral_norm(nn.Linear(4, 2))
    )
    opt, x = optim.Adam(model, lr=0.05), pt.asarray(normal(8, 3))
    step = pt.nn.value_and_grad(model, lambda: pt.square(model(x) - 1).mean())
    before = step()[0].item()

    @pt.compile
    def trained() -> Any:
        loss, grads = step()
        opt.update(grads)
        return loss

    assert min(trained().item() for _ in range(40)) < before / 2
    model.eval()
    for twin in (model.clone(), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(twin(x).numpy(), model(x).numpy())
        assert list(twin.state_dict()) == list(model.state_dict())
    half = model.clone().to("bfloat16").train()
    assert (
        half[1].weight.dtype == pt.bfloat16
        and np.isfinite(half(pt.astype(x, "bfloat16")).astype("float32").numpy()).all()
    )


class Symmetric(nn.Module):
    def forward(self, x: Any) -> Any:
        return pt.triu(x) + pt.triu(x, 1).T

    def right_inverse(self, x: Any) -> Any:
        return pt.triu(x)


class Doubled(nn.Module):
    def forward(self, x: Any) -> Any:
        return x * 2


class Exponential(nn.Module):
    def forward(self, x: Any) -> Any:
        return pt.exp(x)

    def right_inverse(self, x: Any) -> Any:
        return pt.log(x)


def test_parametrizations_of_ones_own() -> None:
    layer = nn.Linear(3, 3)
    was = np.array(layer.weight.numpy())
    assert parametrize.register_parametrization(layer, "weight", Symmetric()) is layer
    assert parametrize.is_parametrized(layer) and parametrize.is_parametrized(layer, "weight")
    assert not parametrize.is_parametrized(layer, "bias") and not parametrize.is_parametrized(nn.Linear(2, 2))
    np.testing.assert_array_equal(layer.weight.numpy(), np.triu(was) + np.triu(was, 1).T)
    parametrize.register_parametrization(layer, "weight", Doubled())
    np.testing.assert_array_equal(layer.weight.numpy(), 2 * (np.triu(was) + np.triu(was, 1).T))
    assert list(layer.state_dict()) == ["bias", "parametrizations.weight.original"]
    parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    np.testing.assert_array_equal(layer.weight.numpy(), np.triu(was))
    assert list(layer.state_dict()) == ["bias", "weight"] and layer.weight.trainable
    parametrize.register_parametrization(layer, "bias", Doubled())
    value = np.array(layer.bias.numpy())
    parametrize.remove_parametrizations(layer, "bias")
    np.testing.assert_array_equal(layer.bias.numpy(), value)
    assert not hasattr(layer, "parametrizations")


def test_a_second_parametrization_keeps_the_value() -> None:
    layer = nn.Linear(3, 3)
    layer.weight.value = pt.exp(layer.weight)
    parametrize.register_parametrization(layer, "weight", Symmetric())
    value = np.array(layer.weight.numpy())
    parametrize.register_parametrization(layer, "weight", Exponential())
    np.testing.assert_allclose(layer.weight.numpy(), value, rtol=1e-6)


def test_a_frozen_parameter_stays_frozen() -> None:
    layer = nn.Linear(3, 2)
    layer.freeze("weight")
    parametrizations.weight_norm(layer)
    assert [name for name, slot in layer.named_parameters() if slot.trainable] == ["bias"]


class Cut(nn.Module):
    def forward(self, x: Any) -> Any:
        return x[:1]


def test_what_parametrizations_refuse() -> None:
    layer = nn.Linear(3, 2)
    assert message(lambda: parametrizations.weight_norm(layer, "wight")) == (
        "[weight_norm] name = 'wight'; expected a parameter of Linear: weight, bias; see module.named_parameters()"
    )
    assert message(lambda: parametrizations.spectral_norm(layer, dim=2)) == (
        "[spectral_norm] dim = 2; expected an axis of a parameter with 2; 0, that of the outputs, is usual"
    )
    assert message(lambda: parametrize.register_parametrization(layer, "gain", Doubled())) == (
        "[register_parametrization] tensor_name = 'gain'; expected a parameter of Linear: weight, bias; see "
        "module.named_parameters()"
    )
    assert message(lambda: parametrize.register_parametrization(layer, "weight", Cut()), pt.ShapeError) == (
        "[register_parametrization] weight becomes float32[1, 2]; expected float32[3, 2], as it is; check the "
        "parametrization"
    )
    assert message(lambda: parametrize.register_parametrization(layer, "weight", abs), pt.DTypeError) == (
        "[register_parametrization] parametrization is builtin_function_or_method; expected a module; write a class of "
        "pt.nn.Module with forward(self, x)"
    )
    assert list(layer.state_dict()) == ["weight", "bias"]
    parametrizations.weight_norm(layer)
    assert message(lambda: setattr(layer, "weight", pt.ones((3, 2))), pt.DTypeError) == (
        "[Linear.weight] Tensor in place of a computed parameter; expected no assignment; set what it is computed "
        "from, the slots of module.parametrizations.weight, or write "
        "pt.nn.utils.parametrize.remove_parametrizations(module, 'weight') first"
    )
    assert message(lambda: parametrize.remove_parametrizations(layer, "weight", False)) == (
        "[remove_parametrizations] leave_parametrized = False, weight has 2 originals; expected one; leave it out"
    )
    assert message(lambda: parametrize.remove_parametrizations(layer, "bias")) == (
        "[remove_parametrizations] tensor_name = 'bias'; expected a parametrized tensor of Linear; ask "
        "pt.nn.utils.parametrize.is_parametrized(module, tensor_name)"
    )


# ---------------------------------------------------------------- vectors and sequences


def test_parameters_as_a_vector() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2, dtype="float64"))
    vector = nn.utils.parameters_to_vector(model.parameters())
    assert vector.shape == (26,)
    np.testing.assert_array_equal(vector.numpy()[:12], model[0].weight.numpy().ravel())
    other = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2, dtype="float64"))
    nn.utils.vector_to_parameters(vector, other.parameters())
    assert all((a == b).all() for a, b in zip(model.state_dict().values(), other.state_dict().values(), strict=True))
    assert other[1].weight.dtype == pt.float64
    before = other.state_dict()
    for vec, text in (
        (pt.zeros(25), "vec is [25]; expected [26]"),
        (pt.zeros((26, 1)), "vec is [26, 1]; expected [26]"),
    ):
        assert message(lambda vec=vec: nn.utils.vector_to_parameters(vec, other.parameters()), pt.ShapeError) == (
            f"[vector_to_parameters] {text}, a number for each of the parameters; pass what parameters_to_vector gave"
        )
    assert message(lambda: nn.utils.vector_to_parameters(pt.zeros(1), [pt.zeros(1)]), pt.DTypeError) == (
        "[vector_to_parameters] received Tensor among parameters; expected slots; pass model.parameters()"
    )
    assert message(lambda: nn.utils.parameters_to_vector([]), pt.ShapeError) == (
        "[parameters_to_vector] received no parameters; expected some; pass model.parameters()"
    )
    assert all((before[name] == value).all() for name, value in other.state_dict().items())


@pytest.mark.parametrize("side", ["right", "left"])
def test_padded_sequences(side: Any) -> None:
    rows = [normal(length, 3) for length in (4, 1, 6, 0)]
    got = rnn.pad_sequence(rows, padding_value=-1.5, padding_side=side)
    peers = [torch.tensor(row) for row in rows]
    near(got, torch.nn.utils.rnn.pad_sequence(peers, True, -1.5, side))
    weights = normal(*got.shape)
    grad = pt.grad(lambda x: (rnn.pad_sequence([x, pt.zeros((6, 3))], padding_side=side) * weights[:2]).sum())
    part = weights[0, :4] if side == "right" else weights[0, 2:]
    np.testing.assert_array_equal(grad(pt.asarray(rows[0])).numpy(), part)


def test_sequences_come_back_and_layers_take_their_lengths() -> None:
    rows = [normal(length, 3) for length in (4, 1, 6)]
    padded = rnn.pad_sequence(rows)
    back = rnn.unpad_sequence(padded, [4, 1, 6])
    assert all((a.numpy() == b).all() and a.shape == b.shape for a, b in zip(back, rows, strict=True))
    lstm = nn.LSTM(3, 5)
    y, _ = lstm(padded, lengths=[4, 1, 6])
    for row, want in zip(rows, rnn.unpad_sequence(y, [4, 1, 6]), strict=True):
        np.testing.assert_allclose(lstm(pt.asarray(row))[0].numpy(), want.numpy(), rtol=1e-5, atol=1e-6)


def test_sequences_that_are_refused() -> None:
    assert message(lambda: rnn.pad_sequence([pt.ones((2, 3)), pt.ones((2, 4))]), pt.ShapeError) == (
        "[pad_sequence] received [[2, 3], [2, 4]]; expected sequences whose axes behind the first one are alike; "
        "reshape them"
    )
    assert message(lambda: rnn.pad_sequence([pt.ones(2)], batch_first=False)) == (
        "[pad_sequence] batch_first = False; expected True; sequences are [batch, time, features]; turn them with "
        "pt.swapaxes(x, 0, 1)"
    )
    assert message(lambda: rnn.unpad_sequence(pt.ones((2, 3)), [1, 4]), pt.ShapeError) == (
        "[unpad_sequence] padded_sequences is [2, 3], lengths = [1, 4]; expected a batch [n, t, ...] and n lengths "
        "from 0 to t; check them"
    )


def test_names_of_torch_that_are_not_here() -> None:
    for name, where, line in (
        ("clip_grad_norm_", nn.utils, "write grads, norm = pt.optim.clip_by_global_norm(grads, max_norm)"),
        ("clip_grad_value_", nn.utils, "write grads = pt.optim.clip_by_value(grads, clip_value)"),
        ("weight_norm", nn.utils, "write pt.nn.utils.parametrizations.weight_norm(module)"),
        ("remove_weight_norm", nn.utils,
         "write pt.nn.utils.parametrize.remove_parametrizations(module, 'weight')"),
        ("pack_padded_sequence", rnn, "write y, state = lstm(padded, lengths=lengths): layers take sequences of "
         "several lengths padded"),
    ):  # fmt: skip
        with pytest.raises(UnknownNameError) as caught:
            getattr(where, name)
        home = where.__name__
        assert str(caught.value) == f"[{home}] {name}; expected a name of {home}; {line}"
