"""What PyTorch's users do with a module: register, look up, hook, copy, pickle, cast, print, load."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain import nn
from powertrain.nn import SettingError, StateError


class Net(nn.Module):
    """Tied weights, a buffer that is saved and one that is not."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(3, 3), nn.Linear(3, 3)
        self.second.weight = self.first.weight
        self.norm = nn.BatchNorm1d(3)
        self.register_buffer("scale", pt.full((3,), 2.0))
        self.register_buffer("seen", np.zeros((2,), "float32"), persistent=False)
        self.notes = {"by": ["hand"]}

    def forward(self, input: Any) -> pt.Tensor:
        return self.norm(self.second(self.first(input))) * self.scale


X = np.random.default_rng(0).standard_normal((5, 3)).astype("float32")
PARAMETERS = ["first.weight", "first.bias", "second.bias", "norm.weight", "norm.bias"]


def message(act: Callable[[], Any], kind: type[Exception] = pt.Error) -> str:
    with pytest.raises(kind) as caught:
        act()
    assert isinstance(caught.value, pt.Error)
    return str(caught.value)


# ---------------------------------------------------------------- registering and finding


def test_buffers_are_registered_and_saved_where_they_are_to_be() -> None:
    net = Net()
    buffers = ["scale", "seen", "norm.running_mean", "norm.running_var"]
    assert [name for name, _ in net.named_buffers()] == buffers and len(net.buffers()) == 4
    assert list(net.state_dict()) == ["scale", "first.weight", "first.bias", "second.bias", *list(net.state_dict())[4:]]
    net.register_buffer("steps", pt.zeros(()))
    assert net.state_dict("torch")["steps"].shape == () and net.load_state_dict(net.state_dict("torch"), layout="torch")
    net.register_buffer("steps", None)
    assert "seen" not in net.state_dict() and "seen" not in net.state_dict("torch")
    assert net.load_state_dict(net.state_dict()) == ([], [])
    net.register_buffer("seen", None)
    assert net.seen is None and "seen" not in dict(net.named_buffers())
    net.register_buffer("seen", pt.ones(2))
    assert "seen" in net.state_dict()
    net.seen = pt.zeros(2)
    assert isinstance(net.seen, pt.Slot)


def test_parameters_and_modules_are_registered_by_name() -> None:
    module = nn.Module()
    module.register_parameter("bias", None)
    assert module.bias is None
    module.register_parameter("bias", nn.Parameter(np.ones(2)))
    module.register_module("inner", nn.ReLU())
    module.add_module("other", nn.Tanh())
    assert [name for name, _ in module.named_children()] == ["inner", "other"]
    assert [name for name, _ in module.named_parameters(prefix="net")] == ["net.bias"]
    assert message(lambda: module.register_parameter("w", pt.ones(2)), TypeError) == (
        "[Module.register_parameter] w is Tensor; expected a parameter; write register_parameter('w', "
        "pt.nn.Parameter(value))"
    )
    assert message(lambda: module.register_module("w", pt.relu), TypeError) == (
        "[Module.register_module] w is Op; expected a module; wrap a function in one"
    )
    assert message(lambda: module.register_buffer("w", nn.Parameter(pt.ones(2)))) == (
        "[Module.register_buffer] w is a parameter; expected a tensor; for a parameter write register_parameter('w', "
        "value)"
    )
    for name in ("a.b", "", "forward", 3):
        assert message(lambda name=name: module.register_buffer(name, pt.ones(2))) == (
            f"[Module.register_buffer] name = {name!r}; expected a text without dots that no other attribute has; "
            "rename it"
        )
    assert [name for name, _ in module.named_buffers()] == []


def test_modules_are_found_by_path() -> None:
    net = Net()
    assert list(net.children()) == [net.first, net.second, net.norm] and next(iter(net.modules())) is net
    assert net.get_submodule("norm") is net.norm and net.get_submodule("") is net
    assert net.get_parameter("second.bias") is net.second.bias and net.get_buffer("seen") is net.seen
    assert [name for name, _ in net.named_parameters()] == PARAMETERS
    assert net.parameters(recurse=False) == [] and [name for name, _ in net.named_buffers(recurse=False)] == [
        "scale",
        "seen",
    ]
    assert message(lambda: net.get_submodule("norm.inner"), AttributeError) == (
        "[Net.get_submodule] 'norm.inner': BatchNorm1d has no module 'inner'; expected one of none; see "
        "model.named_modules()"
    )
    assert message(lambda: net.get_parameter("norm.running_mean"), AttributeError) == (
        "[Net.get_parameter] 'norm.running_mean': BatchNorm1d has no parameter 'running_mean'; expected one of weight, "
        "bias; see model.named_parameters()"
    )


def test_apply_visits_children_first() -> None:
    seen: list[str] = []
    model = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.ReLU()))
    assert model.apply(lambda module: seen.append(type(module).__name__)) is model
    assert seen == ["Linear", "ReLU", "Sequential", "Sequential"]


# ---------------------------------------------------------------- names of PyTorch


@pytest.mark.parametrize("name", ["xpu", "half", "zero_grad", "requires_grad_", "fit_", "wieght"])
def test_names_that_are_not_here_say_what_to_write(name: str) -> None:
    layer = nn.Linear(2, 3)
    lines = {
        "xpu": "expected a name of Linear; write model.to('cpu') or model.to('cuda')",
        "half": "expected a name of Linear; write model.to('float16')",
        "zero_grad": "expected a name of Linear; write nothing: gradients are values, and each call gives its own; "
        "loss, grads = pt.nn.value_and_grad(model, loss_fn)(x, y), then opt.update(grads)",
        "requires_grad_": "expected a name of Linear; write model.freeze() for False, model.unfreeze() for True",
        "fit_": "expected an attribute of Linear; assign it before it is read",
        "wieght": "expected an attribute of Linear; did you mean weight?",
    }
    assert message(lambda: getattr(layer, name), AttributeError) == f"[Linear] {name}; {lines[name]}"
    assert not hasattr(layer, name)


def test_before_the_constructor_ran() -> None:
    class Early(nn.Module):
        def __init__(self) -> None:
            self.scale = 1.0

    early = Early()
    for use in (lambda: early.training, early.parameters, early.state_dict, early.eval):
        assert message(use, AttributeError) == (
            "[Early] used before super().__init__(); expected that call first; begin __init__ with super().__init__()"
        )


def test_settings_may_come_before_the_constructor() -> None:
    @dataclasses.dataclass(eq=False)
    class Wide(nn.Module):
        width: int

        def __post_init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(2, self.width)

        def forward(self, x: pt.Tensor) -> pt.Tensor:
            return self.layer(x)

    model = Wide(3)
    assert model(pt.ones((1, 2))).shape == (1, 3) and len(model.parameters()) == 2


def test_the_distance_of_a_loss_is_a_part_of_it() -> None:
    class Distance(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(3, 3)

        def forward(self, a: pt.Tensor, b: pt.Tensor) -> pt.Tensor:
            return abs(self.layer(a) - self.layer(b)).sum(axis=-1)

    loss = nn.TripletMarginWithDistanceLoss(Distance(), margin=1.0)
    twin = loss.clone()
    twin.distance_function.layer.weight.value = pt.zeros((3, 3))
    assert len(twin.parameters()) == 2 and twin(X, X, 2 * X).item() == 1.0 != loss(X, X, 2 * X).item()


def test_a_property_that_fails_says_why() -> None:
    class Net(nn.Module):
        @property
        def width(self) -> int:
            return self.wdth  # type: ignore[no-any-return]

    assert message(lambda: Net().width, AttributeError).startswith("[Net] wdth; expected an attribute of Net; did you")


def test_what_is_a_parameter() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    assert all(isinstance(slot, nn.Parameter) for slot in model.parameters())
    assert not any(isinstance(slot, nn.Parameter) for slot in model.buffers())
    model.freeze("0.*")
    assert [isinstance(slot, nn.Parameter) for slot in model.parameters()] == [False, False, True, True]
    assert not isinstance(pt.ones(()), nn.Parameter)
    assert message(nn.Parameter) == (
        "[Parameter] received no data; expected Parameter(data, name='', *, requires_grad=True); pass it"
    )


# ---------------------------------------------------------------- hooks


def test_hooks_see_and_change_what_goes_in_and_out() -> None:
    layer, seen = nn.Linear(3, 2), []
    plain = layer(X).numpy()
    before = layer.register_forward_pre_hook(lambda module, args: (args[0] * 2,))
    twice = layer(X).numpy()
    np.testing.assert_array_equal(twice, layer.forward(X * 2).numpy())
    after = layer.register_forward_hook(lambda module, args, output: output + 1)
    first = layer.register_forward_hook(lambda module, args, output: seen.append(output.shape), prepend=True)
    np.testing.assert_array_equal(layer(X).numpy(), (pt.asarray(twice) + 1).numpy())
    assert seen == [(5, 2)]
    for handle in (before, after, first, first):
        handle.remove()
    np.testing.assert_array_equal(layer(X).numpy(), plain)
    with layer.register_forward_pre_hook(lambda module, args: args[0] * 0):
        np.testing.assert_array_equal(layer(X).numpy(), np.broadcast_to(layer.bias.numpy(), (5, 2)))
    np.testing.assert_array_equal(layer(X).numpy(), plain)


def test_hooks_with_keywords() -> None:
    layer = nn.MultiheadAttention(4, 2)
    x = pt.asarray(np.ones((1, 3, 4), "float32"))
    layer.register_forward_pre_hook(
        lambda module, args, kwargs: (args, {**kwargs, "need_weights": False}), with_kwargs=True
    )
    assert layer(x, x, x, need_weights=True)[1] is None
    layer.register_forward_hook(lambda module, args, kwargs, output: (output[0], kwargs), with_kwargs=True)
    assert layer(x, x, x)[1] == {"need_weights": False}


def test_a_compiled_step_sees_hooks_come_and_go() -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.Tanh())
    predict = pt.compile(lambda x: model(x))
    plain = predict(X).numpy().copy()
    handle = model[0].register_forward_hook(lambda module, args, output: output * 0)
    assert not predict(X).numpy().any() and predict.traces == 2
    handle.remove()
    np.testing.assert_array_equal(predict(X).numpy(), plain)
    assert not any(hook for hook in model[0]._hooks)


# ---------------------------------------------------------------- copies and pickles


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_keeps_values_ties_modes_and_dtypes(protocol: int) -> None:
    net = Net().to("float64").eval()
    net.freeze("first.bias")
    net.norm.running_mean = pt.asarray(np.arange(3.0))
    again = pickle.loads(pickle.dumps(net, protocol))
    assert type(again) is Net and not again.training and again.notes == {"by": ["hand"]}
    assert again.second.weight is again.first.weight is not net.first.weight
    assert [name for name, _ in again.named_parameters()] == PARAMETERS and not again.first.bias.trainable
    assert again.state_dict().keys() == net.state_dict().keys()
    assert {slot.dtype.name for _, slot in again.named_slots()} == {"float64"}
    np.testing.assert_array_equal(again(X.astype("float64")).numpy(), net(X.astype("float64")).numpy())
    again.first.weight.value = pt.zeros((3, 3))
    assert net.first.weight.numpy().any()
    assert not [one for one in pickle.dumps(net, protocol).split(b"\n") if b"_Travelling" in one]


@pytest.mark.parametrize("make", [copy.deepcopy, lambda module: pickle.loads(pickle.dumps(module))])
def test_layers_of_every_kind_are_copied(make: Callable[[Any], Any]) -> None:
    model = nn.Sequential(
        nn.Embedding(5, 4, padding_idx=0, sparse=True), nn.GRU(4, 3, 2, bidirectional=True),
        nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2), 2), nn.Softplus(2.0), nn.CrossEntropyLoss(pt.ones(3)),
    )  # fmt: skip
    again = make(model)
    assert repr(again) == repr(model) and again[0].weight.sparse
    index = np.array([[0, 1, 4]])
    np.testing.assert_array_equal(again[1](again[0](index))[0].numpy(), model[1](model[0](index))[0].numpy())
    assert not {id(slot) for slot in again.parameters()} & {id(slot) for slot in model.parameters()}


def test_a_shallow_copy_shares_its_slots() -> None:
    net = Net()
    again = copy.copy(net)
    assert again.first is net.first and again.scale is net.scale
    again.scale = None
    assert net.scale is not None and "scale" in net.state_dict() and "scale" not in again.state_dict()


# ---------------------------------------------------------------- dtypes


def test_to_another_dtype() -> None:
    net = Net()
    assert net.to("cpu") is net and net.to(pt.float64) is net and net.to(device="cpu", dtype=None) is net
    assert {slot.dtype.name for _, slot in net.named_slots()} == {"float64"}
    assert net.second.weight is net.first.weight
    assert nn.Linear(2, 3, dtype="bfloat16").weight.dtype == pt.bfloat16
    half = nn.Linear(2, 3).to("bfloat16")
    again = nn.Linear(2, 3, dtype="bfloat16")
    again.load_state_dict(half.state_dict())
    assert bool(pt.all(pt.equal(again.weight, half.weight))) and half.state_dict()["weight"].dtype == np.float32
    assert net(X.astype("float64")).dtype == pt.float64
    assert message(lambda: net.to("gpu")) == (
        "[device] received 'gpu'; expected 'cpu', 'cuda' or 'cuda:1'; write 'cuda'"
    )
    assert message(lambda: net.to("int32"), TypeError) == (
        "[Net] dtype = int32; expected a floating dtype; for example 'bfloat16'"
    )
    pt.optim.Adam(net)
    before = net.first.weight
    assert message(lambda: net.to("float32")) == (
        "[Net.to] first.weight is held by an optimizer; expected a model without one; call model.to(dtype) before the "
        "optimizer is made"
    )
    assert net.first.weight is before


def test_a_compiled_step_sees_another_dtype() -> None:
    layer = nn.Linear(3, 2)
    predict = pt.compile(lambda x: layer(x))
    assert predict(X).dtype == pt.float32
    layer.to("float64")
    assert predict(X.astype("float64")).dtype == pt.float64


# ---------------------------------------------------------------- text


def test_a_module_shows_its_parts_and_settings() -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding="same", bias=False), pt.relu, nn.MaxPool2d(2), Net())
    assert repr(model) == (
        "Sequential(\n"
        "  (0): Conv2d(in_channels=3, out_channels=8, kernel_size=(3, 3), padding='same', bias=False)\n"
        "  (1): relu\n"
        "  (2): MaxPool2d(kernel_size=(2, 2), stride=(2, 2))\n"
        "  (3): Net(\n"
        "    (first): Linear(in_features=3, out_features=3)\n"
        "    (second): Linear(in_features=3, out_features=3)\n"
        "    (norm): BatchNorm1d(num_features=3)\n"
        "  )\n"
        ")"
    )
    assert repr(nn.ModuleList([nn.ReLU() for _ in range(3)])) == "ModuleList(\n  (0-2): 3 x ReLU()\n)"
    assert repr(nn.LSTM(3, 4, 2, bidirectional=True)) == (
        "LSTM(input_size=3, hidden_size=4, num_layers=2, bidirectional=True)"
    )

    class Own(nn.Module):
        def extra_repr(self) -> str:
            return "of my own"

    assert repr(Own()) == "Own(of my own)" and repr(nn.Module()) == "Module()"


# ---------------------------------------------------------------- states


def test_what_is_missing_and_unknown_is_reported() -> None:
    layer = nn.Linear(2, 3)
    state = {"weight": np.ones((2, 3)), "more": np.ones(1)}
    found = layer.load_state_dict(state, strict=False)
    assert found.missing_keys == ["bias"] and found.unexpected_keys == ["more"] and layer.weight.numpy().all()
    assert repr(found) == "Loaded(missing_keys=['bias'], unexpected_keys=['more'])"
    assert repr(layer.load_state_dict(layer.state_dict())) == "<All keys matched successfully>"
    assert message(lambda: layer.load_state_dict([1])) == (  # type: ignore[arg-type]
        "[load_state_dict] received list; expected a dict of values by name; pass what state_dict() gave, "
        "or safetensors.numpy.load_file(path)"
    )
    wrapped = {f"module.{name}": value for name, value in layer.state_dict().items()}
    assert message(lambda: layer.load_state_dict(wrapped)).endswith(
        'the state is of a wrapped model: pass {name.removeprefix("module."): x for name, x in state.items()}'
    )


def test_assigned_values_bring_their_dtype() -> None:
    layer = nn.Linear(2, 3)
    layer.load_state_dict({"weight": np.ones((2, 3)), "bias": np.ones(3, "float32")})
    assert layer.weight.dtype == pt.float32
    layer.load_state_dict({"weight": np.ones((2, 3)), "bias": np.ones(3, "float32")}, assign=True)
    assert layer.weight.dtype == pt.float64 and layer.bias.dtype == pt.float32 and layer.weight.trainable


def test_arrays_in_the_other_layout_are_an_error_that_says_so() -> None:
    layer = nn.Linear(2, 3)
    before = layer.state_dict()
    state = {"weight": np.ones((3, 2)), "bias": np.ones(3)}
    assert message(lambda: layer.load_state_dict(state), StateError) == (
        '[load_state_dict] 2 of 2 tensors fit by name in layout="own", which is assumed: weight is [3, 2], expected '
        "[2, 3]; expected the state of a Linear of this size; "
        'in PyTorch\'s layout they fit: write load_state_dict(state, layout="torch")'
    )
    np.testing.assert_array_equal(layer.weight.numpy(), before["weight"])


# ---------------------------------------------------------------- parameters


def test_parameters_of_what_holds_numbers() -> None:
    for data in (pt.ones((2,)), np.ones((2,)), [1.0, 1.0], (1, 1)):
        slot = nn.Parameter(data)
        assert slot.trainable and slot.numpy().tolist() == [1.0, 1.0]
    assert message(lambda: nn.Parameter([1.0], requires_grad=False)) == (
        "[Parameter] requires_grad = False; expected True; for a value that is not trained write "
        "module.register_buffer(name, data), for a parameter that is frozen module.freeze(name)"
    )


@pytest.mark.parametrize("name", ["grad", "data", "requires_grad"])
def test_attributes_of_torchs_parameters_say_what_to_write(name: str) -> None:
    layer = nn.Linear(2, 3)
    layer.name_slots()
    line = {
        "data": "slot.value to read it, slot.value = ... to change it",
        "grad": "loss, grads = pt.nn.value_and_grad(model, loss_fn)(x, y), which has a gradient for each parameter",
        "requires_grad": "model.freeze(pattern) or model.unfreeze(pattern), slot.trainable to ask",
    }[name]
    text = message(lambda: setattr(layer.weight, name, False), AttributeError)
    assert text == f"[slot weight] {name}; expected a name of Slot; write {line}"
    assert not hasattr(layer.weight, name)


def test_settings_of_one_value_say_what_to_write() -> None:
    for make, text in (
        (lambda: nn.ReLU(inplace=True), "[ReLU] inplace = True; expected False; tensors never change; leave inplace "
         "out and use what the module returns"),
        (lambda: nn.LSTM(3, 4, batch_first=False), "[LSTM] batch_first = False; expected True; sequences are [batch, "
         "time, features]; turn them with pt.swapaxes(x, 0, 1)"),
        (lambda: nn.Conv2d(3, 4, 3, stride=2, padding="same"), "[Conv2d] padding = 'same', stride = 2; expected stride "
         "= 1, since a larger one gives another size; give padding as a number"),
    ):  # fmt: skip
        assert message(make, SettingError) == text


def test_every_class_of_sequences_images_and_volumes_says_where_channels_are() -> None:
    of_space = re.compile(r"(Conv|Pool|Pad|Norm|Dropout|Upsample|Pixel|Fold)\w*?([123]d)?$")
    told = re.compile(r"channels?[ -](are )?last|last axis|channels\]| c\]")
    seen = 0
    for name in dir(pt.nn):
        kind = getattr(pt.nn, name)
        if isinstance(kind, type) and (found := of_space.search(name)) and (found[2] or found[1] in ("Pixel", "Fold")):
            seen += 1
            assert told.search(" ".join((kind.__doc__ or "").split())), f"{name} does not say where channels are"
    assert seen > 50
