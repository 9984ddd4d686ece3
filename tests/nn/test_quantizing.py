"""pt.quantize: what the layers compute, how near it is, and that their state survives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

import powertrain as pt
from powertrain.nn.weight_codes import coded, packed
from quantized import codes, dequantized


def network() -> pt.nn.Sequential:
    return pt.nn.Sequential(pt.nn.Linear(40, 64), pt.nn.ReLU(), pt.nn.Linear(64, 10))


def normal(*shape: int) -> Any:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype("float32")


@pytest.mark.parametrize(("inputs", "outputs", "group"), [(1, 1, None), (7, 5, None), (64, 33, 16), (65, 3, 16)])
def test_eight_bits_are_within_half_a_step(inputs: int, outputs: int, group: int | None) -> None:
    weight = normal(inputs, outputs)
    found = coded(weight, 8, group)
    back = dequantized(found.codes, found.scale, inputs, group)
    steps = np.repeat(found.scale, group or inputs, axis=0)[:inputs]
    assert np.all(np.abs(back - weight) <= 0.5001 * steps)
    assert np.abs(found.codes).max() == 127  # the range is used, and is symmetric


@pytest.mark.parametrize("inputs", [1, 2, 31, 64])
def test_four_bits_pack_and_cut(inputs: int) -> None:
    weight = normal(inputs, 9)
    found = coded(weight, 4, 16)
    assert found.codes.min() >= -8 and found.codes.max() <= 7
    np.testing.assert_array_equal(codes(packed(found.codes), inputs), found.codes)
    # The cut is chosen by the squared error: never worse than a scale by the largest number alone.
    back = dequantized(found.codes, found.scale, inputs, 16)
    groups = -(-inputs // 16)
    plain = np.stack([np.abs(weight[16 * g : 16 * g + 16]).max(axis=0) for g in range(groups)]) / 7
    steps = np.repeat(plain, 16, axis=0)[:inputs]
    assert (
        np.square(back - weight).sum() <= np.square(np.rint(weight / steps) * steps - weight).sum() * 1.000001 + 1e-12
    )


def test_zeros_and_tiny_numbers_have_codes() -> None:
    weight = np.zeros((8, 3), "float32")
    weight[:, 1] = 1e-44
    for bits in (8, 4):
        found = coded(weight, bits, 4)
        assert np.isfinite(found.scale).all() and (found.scale > 0).all()
        assert np.all(np.abs(dequantized(found.codes, found.scale, 8, 4) - weight) <= 1e-40)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize(("bits", "group"), [(8, None), (8, 16), (4, 16)])
def test_a_layer_is_a_linear_with_the_dequantized_weight(bits: int, group: int | None, dtype: str) -> None:
    layer = pt.nn.Linear(40, 24)
    made = pt.nn.QuantizedLinear.from_float(layer, bits=bits, group_size=group)
    plain = pt.nn.Linear(40, 24)
    plain.weight.value, plain.bias.value = made.dequantized(), layer.bias.value
    x = pt.asarray(normal(6, 40)).astype(dtype)
    want = plain(x.astype("float32")).astype(dtype)  # rounded once
    got = made(x)
    assert got.dtype == x.dtype
    np.testing.assert_array_equal(got.astype("float32").numpy(), want.astype("float32").numpy())


@pytest.mark.parametrize("activations", ["float", "dynamic", "static"])
def test_a_quantized_model_is_near(activations: str) -> None:
    model, x = network(), normal(200, 40)
    want = model(x).numpy()
    made = pt.quantize(model, activations=activations, calibration=x if activations == "static" else None)
    got = made(x).numpy()
    error = np.sqrt(np.mean((got - want) ** 2) / np.mean(want**2))
    assert 0 < error < 0.02
    assert isinstance(model[0], pt.nn.Linear), "the model that was given stays as it is"
    np.testing.assert_array_equal(got, pt.compile(made)(x).numpy())


@pytest.mark.parametrize("activations", ["dynamic", "static"])
def test_bytes_are_summed_exactly(activations: str) -> None:
    """The sums are those of integers, whatever the order: NumPy's in 64 bits."""
    layer, x = pt.nn.Linear(300, 20), normal(9, 300)
    made = pt.nn.QuantizedLinear.from_float(layer, activations=activations, seen=(float(x.min()), float(x.max())))
    weight, scale = made.weight.numpy().astype("int64"), made.scale.numpy()
    if activations == "dynamic":
        size = (np.abs(x).max(axis=1, keepdims=True) / np.float32(127)).astype("float32")
        sums = np.rint(x / size).astype("int64") @ weight
    else:
        size, zero = made.input_scale.numpy(), int(made.input_zero_point.numpy())
        sums = (np.clip(np.rint(x / size) + zero, 0, 255).astype("int64") - zero) @ weight
    if activations == "dynamic":
        want = sums.astype("float32") * size * scale[0] + layer.bias.numpy()
    else:
        want = sums.astype("float32") * (size * scale[0]) + layer.bias.numpy()
    np.testing.assert_array_equal(made(x).numpy(), want)


@pytest.mark.parametrize(("bits", "activations"), [(8, "float"), (4, "float"), (8, "dynamic"), (8, "static")])
def test_gradients_go_through_to_the_input(bits: int, activations: str) -> None:
    layer, x, weights = pt.nn.Linear(12, 5), normal(4, 12), normal(4, 5)
    made = pt.nn.QuantizedLinear.from_float(layer, bits=bits, activations=activations, seen=(-3.0, 3.0))
    assert not made.parameters()
    found = pt.grad(lambda t: (made(t) * weights).sum())(pt.asarray(x))
    np.testing.assert_allclose(found.numpy(), weights @ made.dequantized().numpy().T, rtol=1e-5, atol=1e-6)


def test_rows_of_zeros_are_zeros() -> None:
    made = pt.nn.QuantizedLinear.from_float(pt.nn.Linear(6, 3, bias=False), activations="dynamic")
    assert made(pt.zeros((2, 6))).numpy().tolist() == [[0.0] * 3] * 2


@pytest.mark.parametrize("settings", [{}, {"bits": 4, "group_size": 8}, {"activations": "static"}])
def test_state_survives_safetensors(settings: dict[str, Any]) -> None:
    x = normal(5, 40)
    calibration = {"calibration": x} if settings.get("activations") == "static" else {}
    made = pt.quantize(network(), **settings, **calibration)
    state = load(save({name: np.array(value, order="C") for name, value in made.state_dict().items()}))
    other = pt.quantize(network(), **settings, **calibration)
    other.load_state_dict(state)
    np.testing.assert_array_equal(other(x).numpy(), made(x).numpy())
    assert state["0.weight"].dtype == ("uint8" if settings.get("bits") == 4 else "int8")


def test_convolutions_have_eight_bits() -> None:
    model = pt.nn.Sequential(
        pt.nn.Conv2d(3, 8, 3, stride=2, padding=1), pt.nn.ReLU(), pt.nn.Conv2d(8, 4, 3, groups=2, padding="same")
    )
    x = normal(2, 9, 9, 3)
    want, made = model(x).numpy(), pt.quantize(model, bits=4)
    assert type(made[0]) is pt.nn.QuantizedConv2d and made[2].weight.dtype.name == "int8"
    got = made(x).numpy()
    assert got.shape == want.shape and np.sqrt(np.mean((got - want) ** 2) / np.mean(want**2)) < 0.01


def test_a_shared_layer_stays_shared_and_skipped_ones_stay() -> None:
    class Twice(pt.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = pt.nn.Linear(4, 4)
            self.again = self.first
            self.head = pt.nn.Linear(4, 2)

        def forward(self, x: Any) -> Any:
            return self.head(self.again(self.first(x)))

    made = pt.quantize(Twice(), skip=["head"])
    assert made.first is made.again and isinstance(made.first, pt.nn.QuantizedLinear)
    assert type(made.head) is pt.nn.Linear


def test_several_batches_calibrate() -> None:
    model, low, high = network(), normal(3, 40), 5 * normal(4, 40)
    both = pt.quantize(model, activations="static", calibration=[low, high])
    at_once = pt.quantize(model, activations="static", calibration=np.concatenate([low, high]))
    assert both[0].input_scale.numpy() == at_once[0].input_scale.numpy()
    assert (
        both[0].input_scale.numpy() > pt.quantize(model, activations="static", calibration=low)[0].input_scale.numpy()
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"bits": 3}, "[quantize] bits = 3; expected 8 or 4; 8 costs the least accuracy"),
        (
            {"bits": 4, "group_size": 7},
            "[quantize] group_size = 7; expected an even number of at least 2, or None for one scale for each output; "
            "64 is usual",
        ),
        (
            {"bits": 4, "activations": "dynamic"},
            "[quantize] activations = 'dynamic' with bits = 4, group_size = 64; expected bits = 8 and no groups, since "
            'bytes are multiplied by bytes; or activations = "float"',
        ),
        (
            {"activations": "static"},
            '[quantize] activations = "static" without a calibration; expected inputs to find ranges by; pass '
            'calibration = some inputs of training, or activations = "dynamic"',
        ),
        (
            {"skip": ["headd"]},
            "[quantize] skip = 'headd'; expected a pattern that fits a layer, such as 0, 2; see model.named_modules()",
        ),
        (
            {"skip": ["*"]},
            "[quantize] Sequential without a Linear or Conv2d to quantize; expected one; skip fewer layers",
        ),
    ],
)
def test_errors(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(pt.nn.SettingError) as found:
        pt.quantize(network(), **settings)
    assert str(found.value) == message


def test_weights_and_inputs_that_are_not_finite() -> None:
    model = network()
    model[0].weight.value = pt.asarray(np.full((40, 64), np.nan, "float32"))
    with pytest.raises(pt.nn.SettingError, match="the weight holds numbers that are not finite"):
        pt.quantize(model)
    with pytest.raises(pt.nn.SettingError, match="the inputs of 0 are not finite in the calibration"):
        pt.quantize(network(), activations="static", calibration=np.full((2, 40), np.inf, "float32"))
