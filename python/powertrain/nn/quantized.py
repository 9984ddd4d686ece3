"""Layers whose weights are integers of 8 or 4 bits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.nn import checks
from powertrain.nn.convolution import Conv2d, PaddingMode, _Forward
from powertrain.nn.layers import Linear
from powertrain.nn.module import Module
from powertrain.nn.parameter import array_of
from powertrain.nn.weight_codes import coded, packed
from powertrain.ops.functional import OPERATORS

if TYPE_CHECKING:
    from powertrain import Tensor

__all__ = ["QuantizedConv2d", "QuantizedLinear"]

Activations = Literal["float", "dynamic", "static"]
ACTIVATIONS = ("float", "dynamic", "static")
MOST_CODE, CODES = 127, 255


def check_form(where: str, bits: Any, group_size: Any, activations: Any) -> None:
    """Refuse settings of a quantized layer that do not fit together."""
    if bits not in (4, 8) or isinstance(bits, bool):
        raise checks.SettingError(f"[{where}] bits = {bits!r}; expected 8 or 4; 8 costs the least accuracy")
    checks.choice(where, ACTIVATIONS, activations=activations)
    if group_size is not None and (not checks.whole(group_size, 2, 1 << 30) or group_size % 2):
        raise checks.SettingError(
            f"[{where}] group_size = {group_size!r}; expected an even number of at least 2, or None for one scale for "
            "each output; 64 is usual"
        )
    if activations != "float" and (bits != 8 or group_size is not None):
        raise checks.SettingError(
            f"[{where}] activations = {activations!r} with bits = {bits}, group_size = {group_size}; expected bits = 8 "
            'and no groups, since bytes are multiplied by bytes; or activations = "float"'
        )


class QuantizedLinear(Module):
    """x @ weight + bias with a weight of 8 or 4 bits: what `pt.quantize` puts in the place of a Linear.

    Every output has a scale of its own, or one for each `group_size` inputs. Nothing of it is trained; gradients go
    through it to its input.

        activations    "float": the input stays as it is
                       "dynamic": each row is quantized to 8 bits, by its own largest number
                       "static": by the range that the calibration saw

    Example
        >>> layer = pt.nn.QuantizedLinear.from_float(pt.nn.Linear(3, 2), bits=4, group_size=2)
        >>> layer(pt.ones((4, 3))).shape, layer.weight.shape, layer.scale.shape
        ((4, 2), (2, 2), (2, 2))
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        bits: int = 8,
        group_size: int | None = None,
        activations: Activations = "float",
    ) -> None:
        super().__init__()
        checks.sizes("QuantizedLinear", in_features=in_features, out_features=out_features)
        check_form("QuantizedLinear", bits, group_size, activations)
        self.in_features, self.out_features = in_features, out_features
        self.bits, self.activations = bits, activations
        self.group_size = group_size if group_size is not None and group_size < in_features else None
        groups = -(-in_features // self.group_size) if self.group_size else 1
        stored = (in_features, "int8") if bits == 8 else (-(-in_features // 2), "uint8")
        self.register_buffer("weight", pt.zeros((stored[0], out_features), stored[1]))
        self.register_buffer("scale", pt.ones((groups, out_features)))
        self.register_buffer("bias", pt.zeros((out_features,)) if bias else None)
        if activations == "static":
            self.register_buffer("input_scale", pt.ones(()))
            self.register_buffer("input_zero_point", pt.zeros((), "int32"))
            self.register_buffer("weight_sum", pt.zeros((out_features,), "int32"))

    @classmethod
    def _like(cls, layer: Linear, **settings: Any) -> QuantizedLinear:
        """A layer of the sizes of another one, without its numbers."""
        return cls(layer.in_features, layer.out_features, layer.bias is not None, **settings)

    @classmethod
    def from_float(
        cls,
        layer: Linear,
        *,
        bits: int = 8,
        group_size: int | None = None,
        activations: Activations = "float",
        seen: tuple[float, float] | None = None,
    ) -> QuantizedLinear:
        """A layer with its weight quantized; `seen` is the range of its inputs, for static activations."""
        made = cls._like(layer, bits=bits, group_size=group_size, activations=activations)
        codes, scale = coded(_weight_of(layer, "QuantizedLinear"), bits, made.group_size)
        made.weight, made.scale = codes if bits == 8 else packed(codes), scale
        if layer.bias is not None:
            made.bias = array_of(layer.bias)
        if activations == "static":
            if seen is None:
                raise checks.SettingError(
                    '[QuantizedLinear] activations = "static" without a range; expected seen = (least, most) of the '
                    "inputs; pt.quantize finds it by its calibration"
                )
            low, high = min(seen[0], 0.0), max(seen[1], 0.0)  # zero has a code of its own
            size = np.float32((high - low) / CODES) or np.float32(1)
            made.input_scale, made.input_zero_point = size, np.int32(np.rint(-low / size))
            made.weight_sum = codes.sum(axis=0, dtype=np.int32)
        return made

    def forward(self, input: Tensor) -> pt.Tensor:
        """Shapes    input [..., in_features] -> [..., out_features]"""
        if self.activations == "float":
            return F.quantized_linear(input, self.weight, self.scale, self.bias, group_size=self.group_size)
        y = _straight_through(self, input)
        return pt.astype(y if self.bias is None else y + self.bias, input.dtype)

    def dequantized(self) -> pt.Tensor:
        """The weight as floats, [in_features, out_features].

        >>> layer = pt.nn.QuantizedLinear.from_float(pt.nn.Linear(3, 2))
        >>> layer.dequantized().shape
        (3, 2)
        """
        found: pt.Tensor = OPERATORS["dequantize_weight"](
            self.weight, self.scale, size=self.in_features, group_size=self.group_size
        )
        return found

    def _by_bytes(self, x: Tensor) -> pt.Tensor:
        """The product of quantized inputs: its sums are exact, and become floats at their end."""
        x = pt.astype(x, "float32")
        if self.activations == "dynamic":
            largest = pt.max(pt.abs(x), axis=-1, keepdims=True)
            size = pt.where(largest > 0, largest / MOST_CODE, 1.0)
            sums = F.matmul_integer(F.quantize_linear(x, size), self.weight)
            return pt.astype(sums, "float32") * size * self.scale[0]
        codes = F.quantize_linear(x, self.input_scale, self.input_zero_point, dtype="uint8")
        sums = F.matmul_integer(codes, self.weight) - self.input_zero_point * self.weight_sum
        return pt.astype(sums, "float32") * (self.input_scale * self.scale[0])


def _straight_through(layer: QuantizedLinear, input: Tensor) -> pt.Tensor:
    """The product by bytes, with the gradient of the one by floats: rounding has none."""

    @pt.custom_gradient
    def product(x: Tensor) -> tuple[pt.Tensor, Any]:
        return layer._by_bytes(x), lambda g: pt.astype(pt.matmul(g, layer.dequantized().T), x.dtype)

    return product(input)


class QuantizedConv2d(_Forward):
    """Conv2d whose weight has 8 bits, with a scale for each output channel. The weight becomes floats in each call, so
    it takes a quarter of the memory and is no faster. Channels are last, [batch, height, width, channels].

    Example
        >>> layer = pt.nn.QuantizedConv2d.from_float(pt.nn.Conv2d(3, 5, 3))
        >>> layer(pt.ones((2, 8, 8, 3))).shape, layer.weight.dtype.name
        ((2, 6, 6, 5), 'int8')
    """

    AXES = 2

    def _draw(self, shape: tuple[int, ...], bias: bool, generator: Any, device: Any, dtype: Any) -> None:
        self.register_buffer("weight", pt.zeros(shape, "int8"))
        self.register_buffer("scale", pt.ones((self.out_channels,)))
        self.register_buffer("bias", pt.zeros((self.out_channels,)) if bias else None)

    @classmethod
    def _like(cls, layer: Conv2d) -> QuantizedConv2d:
        """A layer of the settings of another one, without its numbers."""
        return cls(
            layer.in_channels, layer.out_channels, layer.kernel_size, layer.stride, layer.padding, layer.dilation,
            layer.groups, layer.bias is not None, cast("PaddingMode", layer.padding_mode),
        )  # fmt: skip

    @classmethod
    def from_float(cls, layer: Conv2d) -> QuantizedConv2d:
        """A layer with its weight quantized."""
        made = cls._like(layer)
        weight = _weight_of(layer, "QuantizedConv2d")
        codes, scale = coded(weight.reshape(-1, weight.shape[-1]), 8)
        made._set_value("weight", codes.reshape(weight.shape))
        made._set_value("scale", scale[0])
        if layer.bias is not None:
            made._set_value("bias", array_of(layer.bias))
        return made

    def _kernel(self) -> pt.Tensor:
        return F.dequantize_linear(self.weight, self.scale)


def _weight_of(layer: Any, where: str) -> NDArray[Any]:
    weight = array_of(layer.weight)
    if not np.isfinite(weight).all():
        raise checks.SettingError(
            f"[{where}] the weight holds numbers that are not finite; expected finite ones; train the model again"
        )
    return weight
