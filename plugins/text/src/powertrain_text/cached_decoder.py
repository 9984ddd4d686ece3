"""A decoder that writes one token at a time, and keeps what attention made of the earlier ones."""

from __future__ import annotations

import math
from typing import Any

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.nn import MultiheadAttention, TransformerDecoder

NEVER = -1e9
Tensors = tuple[Any, ...]


def projected(attention: MultiheadAttention, x: Any, parts: str) -> Tensors:
    """Queries, keys or values of x, as `parts` names them ("q", "kv"): [batch, heads, places, size] each."""
    weights = pt.split(attention.in_proj_weight, 3, axis=1)
    biases = pt.split(attention.in_proj_bias, 3, axis=0)
    heads = attention.num_heads

    def one(part: str) -> Any:
        y = F.linear(x, weights["qkv".index(part)], biases["qkv".index(part)])
        return pt.permute_dims(pt.reshape(y, (*y.shape[:2], heads, -1)), (0, 2, 1, 3))

    return tuple(one(part) for part in parts)


def attended(attention: MultiheadAttention, x: Any, keys: Any, values: Any, hidden: Any) -> Any:
    """Attention of x [batch, 1, width] over keys, but for those that are `hidden` [batch or 1, places]."""
    (queries,) = projected(attention, x, "q")
    scores = pt.matmul(queries, pt.matrix_transpose(keys)) / math.sqrt(queries.shape[-1])
    scores = pt.where(pt.reshape(hidden, (hidden.shape[0], 1, 1, -1)), NEVER, scores)
    mixed = pt.permute_dims(pt.matmul(pt.softmax(scores, axis=-1), values), (0, 2, 1, 3))
    return attention.out_proj(pt.reshape(mixed, (*x.shape[:2], -1)))


def seen_of(decoder: TransformerDecoder, memory: Any) -> Tensors:
    """Keys and values of what an encoder gave, for each layer in turn."""
    layers: Any = decoder.layers
    return tuple(part for layer in layers for part in projected(layer.multihead_attn, memory, "kv"))


def nothing_yet(decoder: TransformerDecoder, rows: int, places: int) -> Tensors:
    """Keys and values of tokens that nobody has written, for each layer in turn."""
    layers: Any = decoder.layers
    sizes = ((layer.self_attn.num_heads, layer.self_attn.head_dim) for layer in layers)
    return tuple(pt.zeros((rows, heads, places, size)) for heads, size in sizes for _ in range(2))


def written(
    decoder: TransformerDecoder, x: Any, at: Any, kept: Tensors, seen: Tensors, padding: Any
) -> tuple[Any, Tensors]:
    """What the decoder gives for one more token x [batch, 1, width] at place `at`, and what is kept from then on.

    The layers normalise what goes into each part; nothing is dropped.
    """
    layers: Any = decoder.layers
    places = pt.arange(kept[0].shape[2])
    later = pt.reshape(places > at, (1, -1))
    here = pt.reshape(places == at, (1, 1, -1, 1))
    now = []
    for number, layer in enumerate(layers):
        keys, values = kept[2 * number : 2 * number + 2]
        inner = layer.norm1(x)
        new = projected(layer.self_attn, inner, "kv")
        keys, values = pt.where(here, new[0], keys), pt.where(here, new[1], values)
        x = x + attended(layer.self_attn, inner, keys, values, later)
        read, said = seen[2 * number : 2 * number + 2]
        x = x + attended(layer.multihead_attn, layer.norm2(x), read, said, padding)
        x = x + layer.linear2(layer.activation(layer.linear1(layer.norm3(x))))
        now += [keys, values]
    return x if decoder.norm is None else decoder.norm(x), tuple(now)
