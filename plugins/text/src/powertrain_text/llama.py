"""Llama: a decoder with root-mean-square norms, rotary positions, shared keys and values, and a gated layer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.nn import CacheStep, Embedding, KVCache, LayerCache, Linear, Module, ModuleList, RMSNorm, Unembedding
from powertrain.plugin import Inputs, Model, ModelError, check_task, param

STD = 0.02  # of the first weights
GATED = 8 / 3  # the inner width for each of the outer, where none is given: as many weights as two layers of 4 times
GATED_STEP = 32


class Turns:
    """Rotary positions (Su et al. 2021): channels i and i + size / 2 turn together, by position / base^(2 i / size).

    Angles are float64, since a far position in float32 would lose what is behind the comma.
    """

    def __init__(self, positions: Any, size: int, base: float) -> None:
        frequency = pt.tensor(base ** (-np.arange(0, size, 2, dtype=np.float64) / size))
        angles = pt.expand_dims(pt.astype(positions, "float64"), (2, 3)) * frequency  # [batch, time, 1, size / 2]
        self.cosine, self.sine = (pt.astype(turn(angles), "float32") for turn in (pt.cos, pt.sin))

    def __call__(self, x: Any) -> pt.Tensor:
        """Turn the heads of queries or keys [batch, time, heads, size]."""
        half = x.shape[3] // 2
        first, second = x[..., :half], x[..., half:]
        turned = pt.concat([first * self.cosine - second * self.sine, second * self.cosine + first * self.sine], axis=3)
        return pt.astype(turned, x.dtype)


class Attention(Module):
    """Heads of queries, of which neighbouring ones share a head of keys and values (Ainslie et al. 2023)."""

    TORCH_FORWARD = """
        def forward(self, x, turns):
            batch, time, width = x.shape
            q = self.turned(self.q_proj(x).view(batch, time, self.heads, self.size), *turns)
            k = self.turned(self.k_proj(x).view(batch, time, self.kv_heads, self.size), *turns)
            v = self.v_proj(x).view(batch, time, self.kv_heads, self.size)
            k, v = (one.repeat_interleave(self.heads // self.kv_heads, 2) for one in (k, v))
            q, k, v = (one.transpose(1, 2) for one in (q, k, v))
            mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            return self.o_proj(mixed.transpose(1, 2).reshape(batch, time, width))

        def turned(self, x, cosine, sine):
            first, second = x.chunk(2, -1)
            return torch.cat((first * cosine - second * sine, second * cosine + first * sine), -1)
    """

    def __init__(self, width: int, heads: int, kv_heads: int) -> None:
        super().__init__()
        self.heads, self.kv_heads, self.size = heads, kv_heads, width // heads
        self.q_proj = Linear(width, width, bias=False, std=STD)
        self.k_proj = Linear(width, kv_heads * self.size, bias=False, std=STD)
        self.v_proj = Linear(width, kv_heads * self.size, bias=False, std=STD)
        self.o_proj = Linear(width, width, bias=False, std=STD)

    def compared(self, x: Any, turns: Turns) -> tuple[Any, Any]:
        """Queries and keys: [batch, time, heads, size] each."""
        batch, time, _ = x.shape
        q = turns(pt.reshape(self.q_proj(x), (batch, time, self.heads, self.size)))
        return q, turns(pt.reshape(self.k_proj(x), (batch, time, self.kv_heads, self.size)))

    def attention_weights(self, x: Any, turns: Turns, cache: LayerCache | None = None) -> Any:
        """How much each token looks at each one up to itself: [batch, heads, time, time]. Explanations draw it."""
        q, k = (pt.permute_dims(one, (0, 2, 1, 3)) for one in self.compared(x, turns))
        batch, heads, time, size = q.shape
        shared = (batch, self.kv_heads, heads // self.kv_heads * time, size)  # of heads with the same keys
        scores = pt.matmul(pt.reshape(q, shared) / math.sqrt(size), pt.matrix_transpose(k))
        scores = pt.astype(pt.reshape(scores, (batch, heads, time, time)), "float32")
        earlier = pt.tensor(np.tri(time, dtype=bool))
        return pt.softmax(pt.where(earlier, scores, -math.inf), axis=-1)

    def forward(self, x: Any, turns: Turns, cache: LayerCache | None = None) -> pt.Tensor:
        batch, time, width = x.shape
        q, k = self.compared(x, turns)
        v = pt.reshape(self.v_proj(x), (batch, time, self.kv_heads, self.size))
        if cache is not None:
            return self.o_proj(cache.attend(q, k, v))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.o_proj(pt.reshape(mixed, (batch, time, width)))


class Gated(Module):
    """down(silu(gate x) * up x) (Shazeer 2020)."""

    TORCH_FORWARD = """
        def forward(self, x):
            return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))
    """

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.gate_proj = Linear(width, hidden, bias=False, std=STD)
        self.up_proj = Linear(width, hidden, bias=False, std=STD)
        self.down_proj = Linear(hidden, width, bias=False, std=STD)

    def forward(self, x: Any) -> pt.Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(Module):
    """x += attention(norm x); x += gated(norm x)."""

    TORCH_FORWARD = """
        def forward(self, x, turns):
            x = x + self.self_attn(self.input_layernorm(x), turns)
            return x + self.mlp(self.post_attention_layernorm(x))
    """

    def __init__(self, params: Llama.Params) -> None:
        super().__init__()
        self.input_layernorm = RMSNorm(params.width, params.eps)
        self.self_attn = Attention(params.width, params.heads, params.shared_heads)
        self.post_attention_layernorm = RMSNorm(params.width, params.eps)
        self.mlp = Gated(params.width, params.inner)

    def forward(self, x: Any, turns: Turns, cache: LayerCache | None = None) -> pt.Tensor:
        x = x + self.self_attn(self.input_layernorm(x), turns, cache)
        return x + self.mlp(self.post_attention_layernorm(x))


class Llama(Model):
    """The decoder of Touvron et al. 2023. Its slots have the names of the checkpoints on Hugging Face."""

    TORCH_FORWARD = """
        def forward(self, tokens):
            frequency = self.base ** (-torch.arange(0, self.size, 2, dtype=torch.float64) / self.size)
            angles = torch.arange(tokens.shape[1], dtype=torch.float64)[:, None, None] * frequency
            turns = (angles.cos().float(), angles.sin().float())
            x = self.embed_tokens(tokens)
            for layer in self.layers:
                x = layer(x, turns)
            x = self.norm(x)
            return self.scores(x, self.embed_tokens.weight) if self.lm_head is None else self.lm_head(x)
    """
    strategy = "next_token"

    @dataclass(frozen=True)
    class Params:
        layers: int = param(4, low=1, doc="layers of attention and a gated layer")
        heads: int = param(4, low=1, doc="attention heads")
        kv_heads: int = param(0, low=0, doc="heads of keys and values; divides heads; 0: as many")
        width: int = param(128, low=1, doc="size of a token's vector; an even multiple of heads")
        hidden: int = param(0, low=0, doc="inner width of the gated layer; 0: 8/3 of width, a multiple of 32")
        base: float = param(10_000.0, above=1, doc="base of the rotary positions; larger for longer contexts")
        eps: float = param(1e-5, above=0, doc="added to the mean square of a norm")
        tied: bool = param(True, doc="the output layer is the token embedding")

        def __post_init__(self) -> None:
            if self.width % (2 * self.heads):
                raise ValueError(
                    f"width = {self.width}, heads = {self.heads}; expected width to be an even multiple of heads"
                )
            if self.heads % self.shared_heads:
                raise ValueError(f"heads = {self.heads}, kv_heads = {self.kv_heads}; expected kv_heads to divide heads")

        @property
        def shared_heads(self) -> int:
            return self.kv_heads or self.heads

        @property
        def inner(self) -> int:
            return self.hidden or -(-int(GATED * self.width) // GATED_STEP) * GATED_STEP

    def __init__(self, vocabulary: int, context: int, params: Params | None = None) -> None:
        super().__init__()
        self.params = params = params or self.Params()
        self.context = context
        self.size, self.base = params.width // params.heads, params.base
        self.embed_tokens = Embedding(vocabulary, params.width, std=STD)
        self.layers = ModuleList(Layer(params) for _ in range(params.layers))
        self.norm = RMSNorm(params.width, params.eps)
        self.lm_head = None if params.tied else Linear(params.width, vocabulary, bias=False, std=STD)
        self.scores = Unembedding()

    @classmethod
    def build(cls, params: Params, inputs: Inputs) -> Llama:
        check_task("llama", inputs, "language")
        return cls(inputs.outputs, inputs.context or inputs.shape[0], params)

    def new_cache(self, batch_size: int, capacity: int) -> KVCache:
        """Room for the keys and values of so many tokens."""
        params = self.params
        return KVCache(
            params.layers, batch_size, capacity, params.shared_heads, self.size, like=self.embed_tokens.weight
        )

    def forward(self, tokens: Any, cache: CacheStep | None = None) -> pt.Tensor:
        """Scores of the next token behind every token; with a step of a cache, behind the last of each sequence.

        Shapes    tokens [batch, time] -> [batch, time, words], or [batch, 1, words]
        """
        time = tokens.shape[1]
        if cache is None and time > self.context:
            raise ModelError(f"[llama] {time} tokens; expected at most context = {self.context}; cut the text")
        x = self.embed_tokens(tokens)
        positions = pt.reshape(pt.arange(time), (1, time)) if cache is None else cache.positions
        turns = Turns(positions, self.size, self.base)
        for number, layer in enumerate(self.layers):
            x = layer(x, turns, None if cache is None else cache.layer(number))
        x = self.norm(x if cache is None else cache.last(x))
        if self.lm_head is not None:
            return self.lm_head(x)
        return self.scores(x, self.embed_tokens.weight)
