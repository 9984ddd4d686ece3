"""Attention: PyTorch's module of it, and the pre-norm block of GPT-2."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.nn import checks, init
from powertrain.nn.activations import GELU
from powertrain.nn.dropout import Dropout
from powertrain.nn.init.later import parameter
from powertrain.nn.layers import Linear
from powertrain.nn.module import Module, Parameter
from powertrain.nn.row_norm import LayerNorm
from powertrain.ops.functional import OPERATORS

if TYPE_CHECKING:
    from powertrain import Tensor
    from powertrain.nn.generation.cache import LayerCache
    from powertrain.typing import Device, DTypeLike

__all__ = ["MultiheadAttention", "TransformerBlock"]


def attend(qkv: Any, heads: int, causal: bool, cache: LayerCache | None = None) -> pt.Tensor:
    """Attention of [batch, time, 3 * width], q, k and v being consecutive thirds; gives [batch, time, width]."""
    batch, time, triple = qkv.shape
    width = triple // 3
    q, k, v = (pt.reshape(part, (batch, time, heads, width // heads)) for part in pt.split(qkv, 3, axis=2))
    if cache is not None:
        return cache.attend(q, k, v)
    mixed = OPERATORS["scaled_dot_product_attention"](q, k, v, is_causal=causal)
    return pt.reshape(mixed, (batch, time, width))


def check_heads(where: str, **given: int) -> None:
    """Of a width and its number of heads, by their names."""
    checks.sizes(where, 1, **given)
    (wide, width), (many, heads) = given.items()
    if width % heads:
        raise pt.ShapeError(
            f"[{where}] {wide} = {width}, {many} = {heads}; expected a multiple of {many}; change {wide} or {many}"
        )


def _additive(mask: Any, dtype: Any) -> pt.Tensor:
    """A mask as what is added to the scores: -inf where a bool mask is True."""
    mask = pt.asarray(mask)
    return pt.where(mask, -math.inf, pt.zeros((), dtype)) if mask.dtype == pt.bool_ else pt.astype(mask, dtype)


class MultiheadAttention(Module):
    """Attention of queries over keys and values, in heads, between linear layers (Vaswani et al. 2017).

    As PyTorch has it with batch_first: in_proj_weight (embed_dim, 3 embed_dim) when keys and values have the width of
    the queries, else q_proj_weight, k_proj_weight and v_proj_weight; Glorot uniform, biases zero.

    Example
        >>> x = pt.ones((2, 7, 8))
        >>> pt.nn.MultiheadAttention(8, 2)(x, x, x)[0].shape
        (2, 7, 8)
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = True,
        device: Device = None,
        dtype: DTypeLike | None = None,
        *,
        generator: pt.random.Generator | None = None,
    ) -> None:
        super().__init__()
        where = "MultiheadAttention"
        checks.fixed(where, batch_first=batch_first)
        check_heads(where, embed_dim=embed_dim, num_heads=num_heads)
        self.embed_dim, self.num_heads, self.head_dim = embed_dim, num_heads, embed_dim // num_heads
        self.dropout = checks.share(where, dropout, "dropout")
        others = {"kdim": kdim, "vdim": vdim}
        checks.sizes(where, 1, **{name: size for name, size in others.items() if size is not None})
        self.kdim, self.vdim = kdim or embed_dim, vdim or embed_dim
        width, self.together = embed_dim, self.kdim == self.vdim == embed_dim
        if self.together:
            shape = (width, 3 * width)
            self.in_proj_weight = parameter(init.xavier_uniform, shape, *shape, 1.0, generator=generator)
        else:
            for name, size in zip("qkv", (width, self.kdim, self.vdim), strict=True):
                weight = init.xavier_uniform((size, width), size, width, 1.0, generator)
                setattr(self, f"{name}_proj_weight", Parameter(weight))
        self.in_proj_bias = Parameter(init.zeros((3 * width,))) if bias else None
        self.add_bias_kv, self.add_zero_attn = add_bias_kv, add_zero_attn
        for name in ("bias_k", "bias_v"):
            learned = Parameter(init.xavier_normal((1, 1, width), width, 1, 1.0, generator)) if add_bias_kv else None
            setattr(self, name, learned)
        self.out_proj = Linear(width, width, bias, generator=generator)
        if self.out_proj.bias is not None:
            self.out_proj.bias.value = init.zeros((width,))
        self._settle(device, dtype)

    def torch_layout(self, name: str) -> tuple[int, ...] | None:
        return (1, 0) if name.endswith("weight") else None

    def _projected(self, inputs: tuple[Any, Any, Any]) -> list[pt.Tensor]:
        """Queries, keys and values as [batch, time, heads, width / heads]."""
        width, heads = self.embed_dim, self.num_heads
        if self.together and inputs[0] is inputs[1] is inputs[2]:
            parts = list(pt.split(F.linear(inputs[0], self.in_proj_weight, self.in_proj_bias), 3, axis=2))
        else:
            if self.together:
                weights = list(pt.split(self.in_proj_weight, 3, axis=1))
            else:
                weights = [getattr(self, f"{name}_proj_weight") for name in "qkv"]
            biases = [None] * 3 if self.in_proj_bias is None else list(pt.split(self.in_proj_bias, 3, axis=0))
            parts = [F.linear(x, w, b) for x, w, b in zip(inputs, weights, biases, strict=True)]
        return [pt.reshape(x, (*x.shape[:2], heads, width // heads)) for x in parts]

    def _longer(self, x: Any, learned: Any) -> pt.Tensor:
        """Keys or values [batch, time, heads, size] with the learned row behind them, and a row of zeros."""
        shape = (x.shape[0], 1, *x.shape[2:])
        parts = [x]
        if learned is not None:
            parts.append(pt.broadcast_to(pt.reshape(learned, (1, *shape[1:])), shape))
        if self.add_zero_attn:
            parts.append(pt.zeros(shape, x.dtype))
        return parts[0] if len(parts) == 1 else pt.concat(parts, 1)

    def _added(self, shape: tuple[int, ...], dtype: Any, attn_mask: Any, padding: Any, causal: bool) -> Any:
        """What is added to the scores [batch, heads, queries, keys], or None."""
        batch, heads, queries, keys = shape
        more = int(self.add_bias_kv) + int(self.add_zero_attn)  # keys behind those that were given, seen by all
        keys -= more
        added = None
        if causal:
            later = pt.less(pt.reshape(pt.arange(queries), (queries, 1)) + (keys - queries), pt.arange(keys))
            added = _additive(later, dtype)
        if attn_mask is not None:
            mask = _additive(attn_mask, dtype)
            if mask.shape == (batch * heads, queries, keys):
                mask = pt.reshape(mask, (batch, heads, queries, keys))
            elif mask.shape != (queries, keys):
                raise pt.ShapeError(
                    f"[MultiheadAttention] attn_mask is {list(mask.shape)}; expected {[queries, keys]} or "
                    f"{[batch * heads, queries, keys]}; one row for each query"
                )
            added = mask if added is None else added + mask
        if padding is not None:
            ignored = _additive(padding, dtype)
            if ignored.shape != (batch, keys):
                raise pt.ShapeError(
                    f"[MultiheadAttention] key_padding_mask is {list(ignored.shape)}; expected {[batch, keys]}; one "
                    "number for each key, True where it is padding"
                )
            ignored = pt.reshape(ignored, (batch, 1, 1, keys))
            added = ignored if added is None else added + ignored
        if added is None or not more:
            return added
        return pt.pad(added, [*[(0, 0)] * (added.ndim - 1), (0, more)])

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[pt.Tensor, pt.Tensor | None]:
        """The mixed values, and with `need_weights` the share of each key, per head or their mean over heads.

        A bool mask is True where a key is not seen, a float mask is added to the scores; a query that sees no key has
        NaN. `is_causal` alone hides later keys. Without masks, weights and dropout no matrix of all queries and keys is
        made. Dropout, in training, drops weights; the weights returned are those before it.

        Shapes    query [b, t, embed_dim], key [b, s, kdim], value [b, s, vdim], key_padding_mask [b, s],
                  attn_mask [t, s] or [b heads, t, s] -> [b, t, embed_dim], and [b, t, s] or [b, heads, t, s]; all
                  without b for one sequence
        """
        if query.ndim == 2:
            return self._alone(
                (query, key, value), key_padding_mask, attn_mask, need_weights, average_attn_weights, is_causal
            )
        q, k, v = self._projected((query, key, value))
        batch, queries, _, size = q.shape
        k, v = self._longer(k, self.bias_k), self._longer(v, self.bias_v)
        dropped = self.training and self.dropout > 0
        plain = not (is_causal and (self.add_bias_kv or self.add_zero_attn))
        if plain and attn_mask is None and key_padding_mask is None and not need_weights and not dropped:
            mixed = OPERATORS["scaled_dot_product_attention"](q, k, v, is_causal=is_causal)
            return self.out_proj(pt.reshape(mixed, (batch, queries, self.embed_dim))), None
        q, k, v = (pt.permute_dims(x, (0, 2, 1, 3)) for x in (q, k, v))
        scores = pt.matmul(q * (1 / math.sqrt(size)), pt.matrix_transpose(k))
        added = self._added(tuple(scores.shape), scores.dtype, attn_mask, key_padding_mask, is_causal)
        weights = pt.softmax(scores if added is None else scores + added, axis=-1)
        mixed = pt.matmul(F.dropout(weights, self.dropout) if dropped else weights, v)
        y = self.out_proj(pt.reshape(pt.permute_dims(mixed, (0, 2, 1, 3)), (batch, queries, self.embed_dim)))
        if not need_weights:
            return y, None
        return y, pt.mean(weights, axis=1) if average_attn_weights else weights

    def _alone(
        self,
        inputs: tuple[Any, Any, Any],
        padding: Any,
        attn_mask: Any,
        need_weights: bool,
        average: bool,
        is_causal: bool,
    ) -> tuple[pt.Tensor, pt.Tensor | None]:
        """Of one sequence without a batch."""
        own = [inputs[0] is x for x in inputs]
        first = pt.expand_dims(inputs[0], 0)
        batched = [first if same else pt.expand_dims(x, 0) for same, x in zip(own, inputs, strict=True)]
        padding = None if padding is None else pt.expand_dims(pt.asarray(padding), 0)
        query, key, value = batched
        y, weights = self.forward(query, key, value, padding, need_weights, attn_mask, average, is_causal)
        return pt.squeeze(y, 0), None if weights is None else pt.squeeze(weights, 0)


class TransformerBlock(Module):
    """x += proj(attention(qkv(ln1 x))); x += out(gelu(fc(ln2 x))).

    Weights are normal(0, 0.02); those that write to the residual stream are smaller by sqrt(2 * depth), so that its
    variance does not grow with the number of blocks (Radford et al. 2019, section 2.3).

    Example
        >>> pt.nn.TransformerBlock(8, 2)(pt.ones((2, 7, 8))).shape
        (2, 7, 8)
    """

    TORCH_FORWARD = """
        def forward(self, x):
            batch, time, width = x.shape
            q, k, v = self.qkv(self.ln1(x)).view(batch, time, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
            mixed = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
            x = x + self.dropout(self.proj(mixed.transpose(1, 2).reshape(batch, time, width)))
            return x + self.dropout(self.out(self.act(self.fc(self.ln2(x)))))
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
        check_heads("TransformerBlock", width=width, heads=heads)
        checks.sizes("TransformerBlock", 1, depth=depth)
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

    def forward(self, input: Tensor, cache: LayerCache | None = None) -> pt.Tensor:
        """With the cache of the layer the input is what follows the tokens that are in it."""
        x = input + self.dropout(self.proj(attend(self.qkv(self.ln1(input)), self.heads, self.causal, cache)))
        return x + self.dropout(self.out(self.act(self.fc(self.ln2(x)))))
