"""Linear layers with a few trained numbers beside a frozen weight."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.nn import checks, init
from powertrain.nn.layers import Linear
from powertrain.nn.module import Module, Parameter
from powertrain.nn.quantized import QuantizedLinear

if TYPE_CHECKING:
    from powertrain import Tensor

SMALLEST_NORM = 1e-12  # of an output whose weights are all zero, so that nothing is divided by zero


class Adapter(Module):
    """What the layers below share: a frozen linear layer `base`, and what is trained beside it.

    OWN names what belongs to the adapter and not to the base.
    """

    OWN: ClassVar[tuple[str, ...]] = ()
    base: Linear | QuantizedLinear

    def __init__(self, base: Linear | QuantizedLinear, rank: int, alpha: float | None, dropout: float) -> None:
        super().__init__()
        where = type(self).__name__
        if not isinstance(base, (Linear, QuantizedLinear)):
            raise checks.SettingError(
                f"[{where}] base is a {type(base).__name__}; expected a Linear or a QuantizedLinear; for the layers of "
                "a model write pt.nn.adapters.add(model)"
            )
        check_sizes(where, rank, alpha, dropout)
        self.in_features, self.out_features = base.in_features, base.out_features
        self.rank, self.alpha, self.dropout = rank, float(rank if alpha is None else alpha), float(dropout)
        self.scale = self.alpha / rank
        self.base = base
        for _, slot in base.named_parameters():
            slot.trainable = False

    def _dropped(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout) if self.training and self.dropout > 0 else x

    def base_weight(self) -> pt.Tensor:
        """The frozen weight as floats, [in_features, out_features]."""
        return self.base.weight.value if isinstance(self.base, Linear) else self.base.dequantized()

    def merged(self) -> Linear:
        """A plain layer that gives the same answers in evaluation mode.

        Errors    a BottleneckLinear, which is no matrix
        """
        raise checks.StateError(
            f"[merge] a {type(self).__name__} computes more than one matrix can; expected lora or dora; keep the "
            "adapters beside the model"
        )


def check_sizes(where: str, rank: int, alpha: float | None, dropout: float) -> None:
    """Refuse sizes that no adapter has."""
    checks.sizes(where, 1, rank=rank)
    if alpha is not None:
        checks.numbers(where, above=0, alpha=alpha)
    checks.share(where, dropout, "dropout")


class LoRALinear(Adapter):
    """A frozen linear layer and the product of two thin matrices, which are trained (Hu et al. 2022).

    y = base(x) + (alpha / rank) dropout(x) lora_a lora_b, with lora_a [in, rank] and lora_b [rank, out]. lora_b begins
    with zeros, so a new layer gives what its base gives.

    With `dora`, each output's weights have a trained length, `magnitude`, and the sum gives their direction alone (Liu
    et al. 2024). As there, lengths are constants to the gradient.

    Example
        >>> layer = pt.nn.adapters.LoRALinear(pt.nn.Linear(6, 4), rank=2)
        >>> layer(pt.ones((3, 6))).shape, [slot.shape for slot in layer.trainable()]
        ((3, 4), [(6, 2), (2, 4)])
    """

    OWN = ("lora_a", "lora_b", "magnitude")
    TORCH_FORWARD = """
        def forward(self, x):
            y = self.base(x)
            if self.magnitude is None:
                return y + self.scale * (x @ self.lora_a @ self.lora_b)
            weight = self.base.weight.T + self.scale * (self.lora_a @ self.lora_b)
            y = x @ (weight * (self.magnitude / weight.square().sum(0).sqrt()))
            return y if self.base.bias is None else y + self.base.bias
    """

    def __init__(
        self,
        base: Linear | QuantizedLinear,
        rank: int = 8,
        alpha: float | None = None,
        dropout: float = 0.0,
        *,
        dora: bool = False,
        generator: pt.random.Generator | None = None,
    ) -> None:
        super().__init__(base, rank, alpha, dropout)
        self.dora = dora
        self.lora_a = Parameter(init.uniform_fan_in((self.in_features, self.rank), self.in_features, generator))
        self.lora_b = Parameter(init.zeros((self.rank, self.out_features)))
        self.magnitude = Parameter(_lengths(self.base_weight())) if dora else None

    def forward(self, input: Tensor) -> pt.Tensor:
        """Shapes    input [..., in_features] -> [..., out_features]"""
        y = self.base(input)
        beside = pt.matmul(pt.matmul(self._dropped(input), self.lora_a), self.lora_b) * self.scale
        if self.magnitude is None:
            return pt.astype(y + beside, y.dtype)
        factor = self._factor()
        turned = y * factor if self.base.bias is None else (y - self.base.bias) * factor + self.base.bias
        return pt.astype(turned + beside * factor, y.dtype)

    @property
    def weight(self) -> pt.Tensor:
        """The weight of a plain layer with the same answers, in float32: what reads a Linear's finds it here."""
        return self._whole() if self.magnitude is None else self._whole() * self._factor()

    @property
    def bias(self) -> pt.Slot | None:
        """That of the base."""
        return self.base.bias

    def _whole(self) -> pt.Tensor:
        """The weight before DoRA's lengths."""
        return pt.astype(self.base_weight(), "float32") + pt.matmul(self.lora_a, self.lora_b) * self.scale

    def _factor(self) -> pt.Tensor:
        """What DoRA multiplies each output with."""
        assert self.magnitude is not None, "of DoRA alone"
        return self.magnitude / pt.maximum(pt.stop_gradient(_lengths(self._whole())), SMALLEST_NORM)

    def merged(self) -> Linear:
        """A plain layer that gives the same answers in evaluation mode; of a quantized base one of floats.

        >>> layer = pt.nn.adapters.LoRALinear(pt.nn.Linear(6, 4), rank=2)
        >>> type(layer.merged()).__name__
        'Linear'
        """
        base, whole = self.base, self.weight
        dtype = base.weight.dtype if isinstance(base, Linear) else whole.dtype
        made = Linear(self.in_features, self.out_features, base.bias is not None, dtype=dtype)
        made.weight.value = pt.astype(whole, dtype)
        if base.bias is not None and made.bias is not None:
            made.bias.value = pt.astype(base.bias.value, dtype)
        return made


def _lengths(weight: Tensor) -> pt.Tensor:
    """The norm of the weights of each output, in float32."""
    return pt.sqrt(pt.sum(pt.square(pt.astype(weight, "float32")), axis=0))


class BottleneckLinear(Adapter):
    """A frozen linear layer, then a narrow network that is added to its output (Houlsby et al. 2019).

    y = base(x); y + (alpha / rank) up(gelu(down(dropout(y)))). `up` begins with zeros, so a new layer gives what its
    base gives. Put it behind the last layer of each block, such as `*.o_proj` and `*.down_proj`.

    Example
        >>> layer = pt.nn.adapters.BottleneckLinear(pt.nn.Linear(6, 4), rank=2)
        >>> layer(pt.ones((3, 6))).shape, [slot.shape for slot in layer.trainable()]
        ((3, 4), [(4, 2), (2,), (2, 4), (4,)])
    """

    OWN = ("down", "up")
    TORCH_FORWARD = """
        def forward(self, x):
            y = self.base(x)
            return y + self.scale * self.up(F.gelu(self.down(y)))
    """

    def __init__(
        self,
        base: Linear | QuantizedLinear,
        rank: int = 8,
        alpha: float | None = None,
        dropout: float = 0.0,
        *,
        generator: pt.random.Generator | None = None,
    ) -> None:
        super().__init__(base, rank, alpha, dropout)
        self.down = Linear(self.out_features, self.rank, generator=generator)
        self.up = Linear(self.rank, self.out_features, generator=generator)
        for _, slot in self.up.named_parameters():
            slot.value = pt.zeros(slot.shape, slot.dtype)

    def forward(self, input: Tensor) -> pt.Tensor:
        """Shapes    input [..., in_features] -> [..., out_features]"""
        y = self.base(input)
        return pt.astype(y + self.up(F.gelu(self.down(self._dropped(y)))) * self.scale, y.dtype)
