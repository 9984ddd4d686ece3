"""Attention and transformer blocks, in the pre-norm form of GPT-2."""

from __future__ import annotations

import math
from typing import Any, Literal

import powertrain as pt
from powertrain.nn.layers import GELU, Dropout, Linear
from powertrain.nn.module import Module
from powertrain.nn.norm import LayerNorm


def attend(qkv: Any, heads: int, causal: bool) -> pt.Tensor:
    """Attention of [batch, time, 3 * width], q, k and v being consecutive thirds; gives [batch, time, width]."""
    batch, time, triple = qkv.shape
    width = triple // 3
    q, k, v = (pt.reshape(part, (batch, time, heads, width // heads)) for part in pt.split(qkv, 3, axis=2))
    mixed = pt.scaled_dot_product_attention(q, k, v, causal=causal)
    return pt.reshape(mixed, (batch, time, width))


def _check_heads(where: str, width: int, heads: int) -> None:
    if heads < 1 or width % heads:
        raise pt.ShapeError(f"[{where}] width {width} in {heads} heads; expected a multiple; change width or heads")


class MultiHeadAttention(Module):
    """Self-attention with one projection to q, k and v and one back (Vaswani et al. 2017)."""

    def __init__(
        self, width: int, heads: int, causal: bool = False, *, generator: pt.random.Generator | None = None
    ) -> None:
        super().__init__()
        _check_heads("MultiHeadAttention", width, heads)
        self.qkv = Linear(width, 3 * width, generator=generator)
        self.proj = Linear(width, width, generator=generator)
        self.heads, self.causal = heads, causal

    def forward(self, x: Any) -> pt.Tensor:
        return self.proj(attend(self.qkv(x), self.heads, self.causal))


class CausalSelfAttention(MultiHeadAttention):
    """Self-attention in which a position sees itself and those before it."""

    def __init__(self, width: int, heads: int, *, generator: pt.random.Generator | None = None) -> None:
        super().__init__(width, heads, causal=True, generator=generator)


class TransformerBlock(Module):
    """x += proj(attention(qkv(ln1 x))); x += out(gelu(fc(ln2 x))).

    Weights are normal(0, 0.02); those that write to the residual stream are smaller by sqrt(2 * depth), so that its
    variance does not grow with the number of blocks (Radford et al. 2019, section 2.3).
    """

    def __init__(
        self,
        width: int,
        heads: int,
        *,
        causal: bool = True,
        depth: int = 1,
        dropout: float = 0.0,
        gelu: Literal["none", "tanh"] = "tanh",
        generator: pt.random.Generator | None = None,
    ) -> None:
        super().__init__()
        _check_heads("TransformerBlock", width, heads)
        residual = 0.02 / math.sqrt(2 * depth)
        self.ln1 = LayerNorm(width)
        self.qkv = Linear(width, 3 * width, std=0.02, generator=generator)
        self.proj = Linear(width, width, std=residual, generator=generator)
        self.ln2 = LayerNorm(width)
        self.fc = Linear(width, 4 * width, std=0.02, generator=generator)
        self.out = Linear(4 * width, width, std=residual, generator=generator)
        self.act = GELU(gelu)
        self.dropout = Dropout(dropout)
        self.heads, self.causal = heads, causal

    def forward(self, x: Any) -> pt.Tensor:
        x = x + self.dropout(self.proj(attend(self.qkv(self.ln1(x)), self.heads, self.causal)))
        return x + self.dropout(self.out(self.act(self.fc(self.ln2(x)))))
