"""pt.nn.adapters: what the layers compute, what is trained, merging, and files that go on the same base again."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load as arrays_of
from safetensors.numpy import save as file_of

import powertrain as pt
from oracles import check
from powertrain.nn import adapters

KINDS = ("lora", "dora", "bottleneck")
TERMS = 8  # eps * mag that a product may be off, in any order of its sums


def network(seed: int = 0) -> pt.nn.Sequential:
    draw = pt.random.Generator(seed)
    linear = pt.nn.Linear
    return pt.nn.Sequential(linear(12, 16, generator=draw), pt.nn.ReLU(), linear(16, 5, generator=draw))


def inputs(rows: int = 6, width: int = 12) -> Any:
    return np.random.default_rng(rows).standard_normal((rows, width)).astype("float32")


def learned(model: Any, seed: int = 1) -> Any:
    """A model whose adapters, and whatever else is trained, hold numbers as training leaves them."""
    draw = np.random.default_rng(seed)
    for slot in model.trainable():
        slot.value = pt.tensor(slot.numpy() + draw.normal(0, 0.3, slot.shape).astype("float32"))
    return model


def double(layer: Any, x: Any) -> tuple[Any, Any]:
    """What a LoRALinear stands for, in float64 by its definition, and the size of what is summed."""
    base = layer.base
    weight = np.asarray(base.weight.value if isinstance(base, pt.nn.Linear) else base.dequantized(), "float64")
    whole = weight + layer.alpha / layer.rank * (layer.lora_a.numpy().astype("float64") @ layer.lora_b.numpy())
    if layer.magnitude is not None:
        whole = whole * layer.magnitude.numpy() / np.linalg.norm(whole, axis=0)
    bias = 0 if base.bias is None else base.bias.numpy().astype("float64")
    beside = layer.alpha / layer.rank * np.abs(layer.lora_a.numpy()) @ np.abs(layer.lora_b.numpy())
    grown = 1 if layer.magnitude is None else np.maximum(1, layer.magnitude.numpy() / np.linalg.norm(whole, axis=0))
    return x @ whole + bias, (np.abs(x) @ (np.abs(weight) + beside)) * grown + np.abs(bias)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("bits", [None, 8, 4])
@pytest.mark.parametrize("kind", ["lora", "dora"])
def test_a_layer_computes_what_its_paper_says(kind: str, bits: int | None, bias: bool) -> None:
    plain = pt.nn.Linear(12, 16, bias=bias, generator=pt.random.Generator(0))
    base = plain if bits is None else pt.nn.QuantizedLinear.from_float(plain, bits=bits, group_size=None)
    layer = adapters.LoRALinear(base, rank=3, alpha=6, dora=kind == "dora", generator=pt.random.Generator(1))
    x = inputs()
    np.testing.assert_array_equal(layer(x).numpy(), base(x).numpy())  # a new one changes nothing
    learned(layer)
    want, mag = double(layer, x)
    check(layer(x).numpy(), want, mag, TERMS, "float32", kind)
    assert np.abs(layer(x).numpy() - base(x).numpy()).max() > 0.1
    # Merged it is one matrix, with the same answers under the same rule.
    made = layer.merged()
    assert type(made) is pt.nn.Linear and (made.bias is None) is not bias
    check(made(x).numpy(), want, mag, TERMS, "float32", f"{kind} merged")


def test_a_bottleneck_computes_what_its_paper_says() -> None:
    layer = adapters.BottleneckLinear(pt.nn.Linear(12, 16), rank=3, alpha=6)
    x = inputs()
    np.testing.assert_array_equal(layer(x).numpy(), layer.base(x).numpy())
    learned(layer)
    y = layer.base(x)
    want = y + 2.0 * layer.up(pt.nn.functional.gelu(layer.down(y)))
    np.testing.assert_array_equal(layer(x).numpy(), want.numpy())
    with pytest.raises(pt.nn.StateError, match=r"\[merge\] a BottleneckLinear computes more than one matrix can"):
        layer.merged()


@pytest.mark.peers
@pytest.mark.parametrize("kind", ["lora", "dora"])
def test_gradients_are_those_of_pytorch(kind: str) -> None:
    torch = pytest.importorskip("torch", reason="the peer is torch")
    layer = learned(adapters.LoRALinear(pt.nn.Linear(12, 16), rank=3, alpha=6, dora=kind == "dora"))
    x, along = inputs(), np.random.default_rng(9).standard_normal((6, 16)).astype("float32")
    _, found = pt.nn.value_and_grad(layer, lambda x: (layer(x) * along).sum())(pt.tensor(x))
    theirs = {name: torch.tensor(slot.numpy(), requires_grad=True) for name, slot in layer.named_parameters()}
    delta = 2.0 * theirs["lora_a"] @ theirs["lora_b"]
    y = torch.tensor(x) @ (theirs["base.weight"] + delta)
    if kind == "dora":
        y = y * (theirs["magnitude"] / (theirs["base.weight"] + delta).detach().norm(dim=0))
    ((y + theirs["base.bias"]) * torch.tensor(along)).sum().backward()
    assert set(found) == {"lora_a", "lora_b", *(["magnitude"] if kind == "dora" else [])}
    for name, gradient in found.items():
        np.testing.assert_allclose(gradient.numpy(), theirs[name].grad.numpy(), rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_with_adapters_trains_them_alone(kind: str) -> None:
    model = network()
    before, x = model.state_dict(), inputs(32)
    want = model(x).numpy()
    assert adapters.add(model, kind, rank=2, targets="0", trained="2.bias") is model
    np.testing.assert_array_equal(model(x).numpy(), want)
    opt = pt.optim.AdamW(model, lr=1e-2)
    trained = [name for name, slot in model.named_parameters() if slot.trainable]
    assert "2.bias" in trained and "0.base.weight" not in trained and opt.param_groups[0]["names"] == trained
    gradients = pt.nn.value_and_grad(model, lambda x, y: pt.nn.functional.cross_entropy(model(x), y))

    @pt.compile
    def step(x: Any, y: Any) -> Any:
        loss, grads = gradients(x, y)
        opt.update(grads)
        return loss

    y = np.arange(32) % 5
    losses = [step(x, y).item() for _ in range(60)]
    assert losses[-1] < 0.9 * losses[0]
    after = adapters.remove(model).state_dict()
    for name, value in before.items():
        assert np.array_equal(after[name], value) is (name != "2.bias"), name


@pytest.mark.parametrize("kind", ["lora", "dora"])
def test_a_merged_model_gives_the_same_answers(kind: str) -> None:
    model = learned(adapters.add(network(), kind, rank=4))
    x = inputs(64)
    want = model(x).numpy()
    merged = adapters.merge(model)
    assert merged is model and [type(layer) for layer in model] == [pt.nn.Linear, pt.nn.ReLU, pt.nn.Linear]
    assert model.trainable() == []
    hidden = np.abs(np.maximum(model[0](x).numpy(), 0))
    mag = hidden @ np.abs(model[2].weight.numpy()) + np.abs(x).sum(axis=1, keepdims=True) * np.abs(
        model[0].weight.numpy()
    ).max() * np.abs(model[2].weight.numpy()).sum(axis=0)
    check(model(x).numpy(), want, mag, TERMS, "float32", "merged")


def test_dropout_is_of_training_alone() -> None:
    model = learned(adapters.add(network(), rank=4, dropout=0.5))
    x = inputs()
    assert not np.array_equal(model(x).numpy(), model(x).numpy())
    model.eval()
    np.testing.assert_array_equal(model(x).numpy(), model(x).numpy())


def test_quantized_layers_keep_their_bits_under_adapters() -> None:
    model = adapters.add(pt.quantize(network(), bits=4, group_size=4), rank=2, targets="2")
    assert type(model[2].base) is pt.nn.QuantizedLinear and type(model[0]) is pt.nn.QuantizedLinear
    codes, x, y = model[2].base.weight.numpy().copy(), inputs(32), np.arange(32) % 5
    opt = pt.optim.AdamW(model, lr=1e-2)
    gradients = pt.nn.value_and_grad(model, lambda x, y: pt.nn.functional.cross_entropy(model(x), y))
    losses = []
    for _ in range(150):
        loss, grads = gradients(x, y)
        opt.update(grads)
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]
    np.testing.assert_array_equal(model[2].base.weight.numpy(), codes)


def test_16_bit_weights_have_adapters_in_float32() -> None:
    model = learned(adapters.add(network().to("bfloat16"), "dora", rank=2))
    assert {slot.dtype.name for slot in model.trainable()} == {"float32"}
    x = pt.asarray(inputs()).astype("bfloat16")
    assert model(x).dtype == pt.bfloat16
    assert adapters.merge(model)[0].weight.dtype == pt.bfloat16


def test_copies_have_adapters_of_their_own() -> None:
    model = learned(adapters.add(network(), "dora", rank=2))
    x = inputs()
    for twin in (model.clone(), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(twin(x).numpy(), model(x).numpy())
        adapters.merge(twin)
    assert isinstance(model[0], adapters.LoRALinear)


# ------------------------------------------------------------ files


def saved(tmp_path: Path, kind: str = "lora", **settings: Any) -> tuple[Any, Path]:
    model = learned(adapters.add(network(), kind, rank=2, **settings))
    adapters.save(tmp_path / "adapters.safetensors", model)
    return model, tmp_path / "adapters.safetensors"


@pytest.mark.parametrize("kind", KINDS)
def test_adapters_go_on_their_base_again(tmp_path: Path, kind: str) -> None:
    model, path = saved(tmp_path, kind, alpha=5.0, trained="2.bias")
    assert set(arrays_of(path.read_bytes())) == {form for form, slot in model.named_parameters() if slot.trainable} - {
        "2.base.bias"
    } | {"2.bias"}
    again = adapters.load(path, network())
    x = inputs()
    np.testing.assert_array_equal(again(x).numpy(), model(x).numpy())
    assert [slot.trainable for slot in again.parameters()] == [slot.trainable for slot in model.parameters()]


def test_running_statistics_are_in_the_file(tmp_path: Path) -> None:
    base = pt.nn.Sequential(pt.nn.Linear(12, 4), pt.nn.BatchNorm1d(4))
    model = adapters.add(base.clone(), rank=2)
    model(inputs(32))  # in training mode: the statistics move
    adapters.save(tmp_path / "a.safetensors", model)
    again = adapters.load(tmp_path / "a.safetensors", base)
    np.testing.assert_array_equal(again.eval()(inputs()).numpy(), model.eval()(inputs()).numpy())


def test_another_base_is_refused_before_anything_changes(tmp_path: Path) -> None:
    _, path = saved(tmp_path)
    other = network(seed=1)
    before = other.state_dict()
    with pytest.raises(pt.nn.StateError) as caught:
        adapters.load(path, other)
    assert str(caught.value) == (
        "[adapters.load adapters.safetensors] the frozen weights of the Sequential are not those that the adapters "
        "were trained beside; expected the same base model; load its weights first, or pass strict=False"
    )
    assert other.state_dict().keys() == before.keys() and other.trainable() == other.parameters()
    assert isinstance(adapters.load(path, other, strict=False)[0], adapters.LoRALinear)
    wider = pt.nn.Sequential(pt.nn.Linear(12, 20), pt.nn.ReLU(), pt.nn.Linear(20, 5))
    with pytest.raises(pt.nn.StateError) as caught:
        adapters.load(path, wider)
    assert str(caught.value) == (
        "[adapters.load adapters.safetensors] 0.lora_b is [2, 16], expected [2, 20]; 2.lora_a is [16, 2], expected "
        "[20, 2]; expected adapters of a Sequential of this size; build the model with the parameters that they were "
        "trained with"
    )
    with pytest.raises(pt.nn.StateError, match=r"2 is no linear layer of it; expected adapters of a Sequential"):
        adapters.load(path, pt.nn.Sequential(pt.nn.Linear(12, 16)))


def test_a_file_that_is_none_or_was_changed_is_refused(tmp_path: Path) -> None:
    _, path = saved(tmp_path)
    raw, base = path.read_bytes(), network()
    size = 8 + int.from_bytes(raw[:8], "little")
    about = json.loads(json.loads(raw[8:size])["__metadata__"]["powertrain.adapters"])
    damaged = [b"", b"PK\3\4", raw[:40], raw[:-3], raw[:-1] + bytes([raw[-1] ^ 1]), file_of({"a": np.zeros(2)})]
    for change in (
        {"rank": 0}, {"rank": -1}, {"rank": 1 << 40}, {"kind": "other"}, {"alpha": 0.0}, {"dropout": 1.0},
        {"format": 2}, {"layers": "0"}, {"base": 3},
    ):  # fmt: skip
        damaged.append(file_of(arrays_of(raw), {"powertrain.adapters": json.dumps({**about, **change})}))
    for content in damaged:
        path.write_bytes(content)
        with pytest.raises(pt.nn.StateError, match=r"adapters.safetensors (is damaged, or was not|was changed after)"):
            adapters.load(path, base)
    for change, words in (
        ({"layers": []}, "it names no layer"),
        ({"layers": ["1", "x" * 500]}, "1 is no linear layer"),
    ):
        path.write_bytes(file_of(arrays_of(raw), {"powertrain.adapters": json.dumps({**about, **change})}))
        with pytest.raises(pt.nn.StateError, match=words) as caught:
            adapters.load(path, base)
        assert len(str(caught.value)) < 500
    with pytest.raises(pt.Error, match=r"No such file or directory; expected a file that pt\.nn\.adapters\.save wrote"):
        adapters.load(tmp_path / "gone", base)
    assert [type(layer) for layer in base] == [pt.nn.Linear, pt.nn.ReLU, pt.nn.Linear]


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"rank": 0}, "[adapters] rank = 0; expected a whole number from 1 to 2147483647; for example rank = 8"),
        ({"rank": 2.5}, "[adapters] rank = 2.5; expected a whole number from 1 to 2147483647; for example rank = 8"),
        ({"alpha": 0}, "[adapters] alpha = 0; expected a finite number > 0; leave alpha out for the usual one"),
        ({"dropout": 1}, "[adapters] dropout = 1; expected 0 <= dropout < 1; 0.1 is usual"),
        ({"kind": "lara"}, "[adapters] kind = 'lara'; expected 'lora', 'dora' or 'bottleneck'; 'lora' is usual"),
        ({"targets": "q_proj"}, "[adapters] targets = 'q_proj' names no linear layer; expected a pattern of names such "
                                "as 0, 2; see model.named_modules()"),
        ({"targets": ["0", "1"]}, "[adapters] targets = '1' names no linear layer; expected a pattern of names such as "
                                  "0, 2; see model.named_modules()"),
        ({"trained": "2.bia"}, "[adapters] trained = '2.bia' names no parameter; expected a pattern of names such as "
                               "0.weight, 0.bias, 2.weight, 2.bias; did you mean '2.bias'?"),
        ({"trained": "*"}, "[adapters] targets = ['*'] and trained = ['*']: no linear layer is left; expected some to "
                           "put adapters beside, such as 0, 2; train fewer whole"),
    ],
)  # fmt: skip
def test_what_cannot_be_added_is_refused_before_anything_changes(settings: dict[str, Any], text: str) -> None:
    model = network()
    with pytest.raises(pt.Error) as caught:
        adapters.add(model, **settings)
    assert str(caught.value) == text
    assert [type(layer) for layer in model] == [pt.nn.Linear, pt.nn.ReLU, pt.nn.Linear]
    assert model.trainable() == model.parameters()


def test_what_has_adapters_gets_no_others_and_what_has_none_gives_none(tmp_path: Path) -> None:
    model = adapters.add(network(), targets="0")
    for call in (lambda: adapters.add(model), lambda: adapters.load(saved(tmp_path)[1], model)):
        with pytest.raises(pt.nn.StateError, match=r"\[adapters\] 0 has an adapter; expected a model without"):
            call()
    for call in (
        lambda: adapters.merge(network()), lambda: adapters.remove(network()),
        lambda: adapters.save(tmp_path / "a", network()),
    ):  # fmt: skip
        with pytest.raises(pt.nn.StateError, match=r"a Sequential without adapters; expected one that"):
            call()
    with pytest.raises(pt.nn.StateError, match=r"the model is a single Linear; .* write pt.nn.adapters.LoRALinear"):
        adapters.add(pt.nn.Linear(2, 2))
    with pytest.raises(pt.nn.SettingError, match=r"\[LoRALinear\] base is a ReLU; expected a Linear or"):
        adapters.LoRALinear(pt.nn.ReLU())  # type: ignore[arg-type]
