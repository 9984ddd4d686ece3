"""The encoder and decoder of Vaswani et al. 2017, as PyTorch has them with batch_first."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.nn import checks, init
from powertrain.nn.attention import MultiheadAttention, check_heads
from powertrain.nn.containers import ModuleList
from powertrain.nn.dropout import Dropout
from powertrain.nn.layers import Linear
from powertrain.nn.module import Module
from powertrain.nn.row_norm import LayerNorm

if TYPE_CHECKING:
    from powertrain import Tensor
    from powertrain.typing import Device, DTypeLike

__all__ = [
    "Transformer", "TransformerDecoder", "TransformerDecoderLayer", "TransformerEncoder", "TransformerEncoderLayer",
]  # fmt: skip

Activation = str | Callable[[Any], Any]


def _activation(where: str, given: Activation) -> Callable[[Any], Any]:
    named: dict[str, Callable[[Any], Any]] = {"relu": pt.relu, "gelu": F.gelu}
    if callable(given):
        return given
    if given not in named:
        raise checks.SettingError(
            f"[{where}] activation = {given!r}; expected 'relu', 'gelu' or a function; 'relu' is usual"
        )
    return named[given]


class _Layer(Module):
    """What both layers are: attention, then two linear layers, each added to what came in and normalised."""

    ATTENTION: ClassVar[tuple[str, ...]] = ("self_attn",)
    norm1: LayerNorm
    norm2: LayerNorm

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = True,
        norm_first: bool = False,
        bias: bool = True,
        device: Device = None,
        dtype: DTypeLike | None = None,
        *,
        generator: pt.random.Generator | None = None,
    ) -> None:
        super().__init__()
        where = type(self).__name__
        checks.fixed(where, batch_first=batch_first)
        check_heads(where, d_model=d_model, nhead=nhead)
        checks.sizes(where, 1, dim_feedforward=dim_feedforward)
        for name in self.ATTENTION:
            setattr(self, name, MultiheadAttention(d_model, nhead, dropout, bias, generator=generator))
        self.linear1 = Linear(d_model, dim_feedforward, bias, generator=generator)
        self.linear2 = Linear(dim_feedforward, d_model, bias, generator=generator)
        for part in range(len(self.ATTENTION) + 1):
            setattr(self, f"norm{part + 1}", LayerNorm(d_model, layer_norm_eps, bias=bias))
        self.dropout = Dropout(dropout)
        self.activation, self.norm_first = _activation(where, activation), norm_first
        self._settle(device, dtype)

    def _mixed(self, attention: Any, x: Any, memory: Any, mask: Any, padding: Any, causal: bool) -> Any:
        y, _ = attention(x, memory, memory, padding, need_weights=False, attn_mask=mask, is_causal=causal)
        return self.dropout(y)

    def _widened(self, x: Any) -> Any:
        return self.dropout(self.linear2(self.dropout(self.activation(self.linear1(x)))))


class TransformerEncoderLayer(_Layer):
    """Self-attention, then two linear layers, each added to what came in and normalised.

    norm_first         normalise what goes into each part (pre-norm) instead of the sum
    dim_feedforward    width between the linear layers

    Example
        >>> pt.nn.TransformerEncoderLayer(8, 2)(pt.ones((2, 7, 8))).shape
        (2, 7, 8)
    """

    self_attn: MultiheadAttention

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> pt.Tensor:
        """Shapes    src [b, t, d_model], src_mask [t, t], src_key_padding_mask [b, t] -> [b, t, d_model]"""
        masks = (src_mask, src_key_padding_mask, is_causal)
        if self.norm_first:
            inner = self.norm1(src)
            x = src + self._mixed(self.self_attn, inner, inner, *masks)
            return x + self._widened(self.norm2(x))
        x = self.norm1(src + self._mixed(self.self_attn, src, src, *masks))
        return self.norm2(x + self._widened(x))


class TransformerDecoderLayer(_Layer):
    """Self-attention, attention over what an encoder gave, then two linear layers, each added and normalised.

    Example
        >>> pt.nn.TransformerDecoderLayer(8, 2)(pt.ones((2, 5, 8)), pt.ones((2, 7, 8))).shape
        (2, 5, 8)
    """

    ATTENTION = ("self_attn", "multihead_attn")
    self_attn: MultiheadAttention
    multihead_attn: MultiheadAttention
    norm3: LayerNorm

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> pt.Tensor:
        """Shapes    tgt [b, t, d_model], memory [b, s, d_model], masks as of MultiheadAttention -> [b, t, d_model]"""
        own = (tgt_mask, tgt_key_padding_mask, tgt_is_causal)
        other = (memory_mask, memory_key_padding_mask, memory_is_causal)
        x = tgt
        if self.norm_first:
            inner = self.norm1(x)
            x = x + self._mixed(self.self_attn, inner, inner, *own)
            x = x + self._mixed(self.multihead_attn, self.norm2(x), memory, *other)
            return x + self._widened(self.norm3(x))
        x = self.norm1(x + self._mixed(self.self_attn, x, x, *own))
        x = self.norm2(x + self._mixed(self.multihead_attn, x, memory, *other))
        return self.norm3(x + self._widened(x))


class TransformerEncoder(Module):
    """`num_layers` copies of a layer, one after the other, then `norm`; the copies begin with the layer's values.

    `enable_nested_tensor` and `mask_check` are of PyTorch's fast path for padding, and change nothing here.

    Example
        >>> pt.nn.TransformerEncoder(pt.nn.TransformerEncoderLayer(8, 2), 2)(pt.ones((2, 7, 8))).shape
        (2, 7, 8)
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__()
        checks.layers("TransformerEncoder", num_layers=num_layers)
        self.layers = ModuleList([encoder_layer.clone() for _ in range(num_layers)])
        self.num_layers, self.norm = num_layers, norm

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """Shapes    src [b, t, d_model], mask [t, t], src_key_padding_mask [b, t] -> [b, t, d_model]"""
        for layer in self.layers:
            src = layer(src, mask, src_key_padding_mask, is_causal)
        return src if self.norm is None else self.norm(src)


class TransformerDecoder(Module):
    """`num_layers` copies of a layer, each seeing what an encoder gave, then `norm`.

    Example
        >>> layer = pt.nn.TransformerDecoderLayer(8, 2)
        >>> pt.nn.TransformerDecoder(layer, 2)(pt.ones((2, 5, 8)), pt.ones((2, 7, 8))).shape
        (2, 5, 8)
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        checks.layers("TransformerDecoder", num_layers=num_layers)
        self.layers = ModuleList([decoder_layer.clone() for _ in range(num_layers)])
        self.num_layers, self.norm = num_layers, norm

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Shapes    tgt [b, t, d_model], memory [b, s, d_model], masks as of MultiheadAttention -> [b, t, d_model]"""
        masks = (tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask)
        for layer in self.layers:
            tgt = layer(tgt, memory, *masks, tgt_is_causal, memory_is_causal)
        return tgt if self.norm is None else self.norm(tgt)


class Transformer(Module):
    """An encoder and a decoder that sees what it gave; matrices are Glorot uniform.

    Example
        >>> pt.nn.Transformer(8, 2, 1, 1, 16)(pt.ones((2, 7, 8)), pt.ones((2, 5, 8))).shape
        (2, 5, 8)
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = "relu",
        custom_encoder: Module | None = None,
        custom_decoder: Module | None = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = True,
        norm_first: bool = False,
        bias: bool = True,
        device: Device = None,
        dtype: DTypeLike | None = None,
        *,
        generator: pt.random.Generator | None = None,
    ) -> None:
        super().__init__()
        checks.fixed("Transformer", batch_first=batch_first)
        checks.layers("Transformer", num_encoder_layers=num_encoder_layers, num_decoder_layers=num_decoder_layers)
        sizes = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias)
        if custom_encoder is None:
            encoder_layer = TransformerEncoderLayer(*sizes, generator=generator)
            norm = LayerNorm(d_model, layer_norm_eps, bias=bias)
            custom_encoder = TransformerEncoder(encoder_layer, num_encoder_layers, norm)
        if custom_decoder is None:
            decoder_layer = TransformerDecoderLayer(*sizes, generator=generator)
            norm = LayerNorm(d_model, layer_norm_eps, bias=bias)
            custom_decoder = TransformerDecoder(decoder_layer, num_decoder_layers, norm)
        self.encoder, self.decoder, self.d_model, self.nhead = custom_encoder, custom_decoder, d_model, nhead
        for slot in self.parameters():
            if len(slot.shape) == 2:
                slot.value = init.xavier_uniform(slot.shape, slot.shape[0], slot.shape[1], 1.0, generator)
        self._settle(device, dtype)

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        src_is_causal: bool = False,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Shapes    src [b, s, d_model], tgt [b, t, d_model], masks as of MultiheadAttention -> [b, t, d_model]"""
        memory = self.encoder(src, src_mask, src_key_padding_mask, src_is_causal)
        masks = (tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask)
        return self.decoder(tgt, memory, *masks, tgt_is_causal, memory_is_causal)

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Device = None, dtype: DTypeLike | None = None) -> Tensor:
        """A mask for causal attention: -inf above the diagonal, where a step would see a later one; else 0.

        Shapes    -> [sz, sz]
        Source    PyTorch, nn.Transformer.generate_square_subsequent_mask
        Example
            >>> pt.nn.Transformer.generate_square_subsequent_mask(2).tolist()
            [[0.0, -inf], [0.0, 0.0]]
        """
        checks.sizes("Transformer.generate_square_subsequent_mask", sz=sz)
        return pt.triu(pt.full((sz, sz), -float("inf"), dtype, device), k=1)
