"""Keys and values of the tokens that a decoder has read: each new token then costs one row of the model.

They are slots, written in place inside of the compiled step. Where a token goes and what it sees are tensors, so one
program serves every position. Sequences of a batch may have any lengths: the cache of each begins at its own row 0.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import powertrain as pt
from powertrain import _core
from powertrain.nn import checks
from powertrain.ops.functional import OPERATORS

if TYPE_CHECKING:
    from powertrain import Tensor


class KVCache:
    """Room for the keys and values of `capacity` tokens, of each sequence of a batch and each layer of a decoder.

    * `heads`, `size`: those of keys and values: fewer heads than the queries have where several share one.
    * `like`: a slot of the model, for the device. 16-bit floats are kept as float32, in which attention computes.

    A model offers `new_cache(batch_size, capacity)`, which makes one, and takes a step of it: `forward(tokens, cache)`.

    Example
        >>> model = pt.builtin.models.GPT(vocabulary=20, context=8)
        >>> cache = model.new_cache(batch_size=1, capacity=8)
        >>> tokens = pt.tensor([[3, 5, 7]])
        >>> step = cache.step(tokens, start=pt.tensor([0]), count=pt.tensor([3]))
        >>> model(tokens, cache=step).shape
        (1, 1, 20)
    """

    def __init__(self, layers: int, batch_size: int, capacity: int, heads: int, size: int, *, like: pt.Slot) -> None:
        checks.layers("KVCache", 1, layers=layers)
        checks.sizes("KVCache", 1, batch_size=batch_size, capacity=capacity, heads=heads, size=size)
        self.batch_size, self.capacity = batch_size, capacity
        dtype = "float64" if like.dtype.name == "float64" else "float32"
        # The last row is where padding goes.
        shape = (batch_size * capacity + 1, heads, size)

        def room(name: str) -> pt.Slot:
            slot = pt.Slot(pt.zeros(shape, dtype), name)
            _core.move_slot(slot, like.device)
            return slot

        self.keys = [room(f"cache.{layer}.keys") for layer in range(layers)]
        self.values = [room(f"cache.{layer}.values") for layer in range(layers)]

    def step(self, tokens: Tensor, start: Tensor, count: Tensor, span: int | None = None) -> CacheStep:
        """What a model needs to read the next tokens.

        The first `count` of a row of tokens are its own, the others padding; `start` of them are in the cache already.
        `span` is how much of the cache is looked at: at least start + count. By default all.

        Shapes    tokens [batch, time], start [batch], count [batch]
        """
        return CacheStep(self, tokens, start, count, self.capacity if span is None else span)


class CacheStep:
    """One step of a cache: where the tokens go, and which keys each of them sees.

    * `positions`: of the tokens in their sequences: [batch, time]. Those of padding are some of the real ones.

    Example
        >>> cache = pt.nn.KVCache(1, batch_size=1, capacity=8, heads=2, size=4, like=pt.Slot(pt.zeros((1,))))
        >>> step = cache.step(pt.tensor([[5, 7, 0]]), start=pt.tensor([3]), count=pt.tensor([2]))
        >>> step.positions.tolist()
        [[3, 4, 4]]
    """

    def __init__(self, cache: KVCache, tokens: Tensor, start: Tensor, count: Tensor, span: int) -> None:
        batch, time = tokens.shape
        self.cache, self.span, self.batch, self.time = cache, span, batch, time
        # A compiled step writes a slot in place only behind a guard: with this one, which costs nothing, no step copies
        # the cache.
        pt.guard(pt.astype(start, "float32"))
        start, count = (pt.reshape(pt.astype(each, "int64"), (batch, 1)) for each in (start, count))
        steps = pt.reshape(pt.astype(pt.arange(time), "int64"), (1, time))
        self._last = pt.maximum(count - 1, 0)
        self.positions = pt.minimum(start + pt.minimum(steps, self._last), cache.capacity - 1)
        first = pt.reshape(pt.astype(pt.arange(batch), "int64"), (batch, 1))
        self._rows = pt.where(pt.less(steps, count), first * cache.capacity + self.positions, batch * cache.capacity)
        self._first = first
        places = pt.astype(pt.arange(span), "int64")
        # [batch, 1, 1, time, span], for scores of groups of heads
        self._seen = pt.less_equal(
            pt.reshape(places, (1, 1, 1, 1, span)), pt.reshape(self.positions, (batch, 1, 1, time, 1))
        )

    def layer(self, number: int) -> LayerCache:
        """The part of one layer, for its attention."""
        return LayerCache(self, number)

    def last(self, x: Tensor) -> pt.Tensor:
        """Of each sequence the row of its last real token: what the next one follows from.

        Shapes    x [batch, time, width] -> [batch, 1, width]
        """
        if self.time == 1:
            return x
        flat = pt.reshape(x, (self.batch * self.time, x.shape[2]))
        return pt.take(flat, self._first * self.time + self._last)

    def attend(self, number: int, query: Tensor, key: Tensor, value: Tensor) -> pt.Tensor:
        """Put keys and values away, and mix the values of all tokens so far."""
        keys = self._put(self.cache.keys[number], key)
        values = self._put(self.cache.values[number], value)
        batch, time, heads, size = query.shape
        groups = key.shape[2]
        shared = heads // groups  # heads of query for one of key and value
        q = pt.reshape(pt.astype(query, keys.dtype) * (1 / math.sqrt(size)), (batch, time, groups, shared, size))
        q = pt.reshape(pt.permute_dims(q, (0, 2, 3, 1, 4)), (batch, groups, shared * time, size))
        scores = pt.matmul(q, pt.permute_dims(keys, (0, 2, 3, 1)))
        scores = pt.reshape(scores, (batch, groups, shared, time, self.span))
        weights = pt.softmax(pt.where(self._seen, scores, -math.inf), axis=-1)
        weights = pt.reshape(weights, (batch, groups, shared * time, self.span))
        mixed = pt.matmul(weights, pt.permute_dims(values, (0, 2, 1, 3)))
        mixed = pt.reshape(mixed, (batch, groups, shared, time, size))
        mixed = pt.reshape(pt.permute_dims(mixed, (0, 3, 1, 2, 4)), (batch, time, heads * size))
        return pt.astype(mixed, query.dtype)

    def _put(self, slot: pt.Slot, new: Tensor) -> pt.Tensor:
        """All rows of a slot with those of the step: [batch, span, heads, size]."""
        cache = self.cache
        held = OPERATORS["put_rows"](slot.value, self._rows, pt.astype(new, slot.dtype))
        slot.value = held
        rows = pt.reshape(
            held[: cache.batch_size * cache.capacity], (cache.batch_size, cache.capacity, *held.shape[1:])
        )
        return rows[:, : self.span]


class LayerCache:
    """The cache of one layer, in one step: what an attention layer takes.

    Example
        >>> cache = pt.nn.KVCache(1, batch_size=1, capacity=8, heads=2, size=4, like=pt.Slot(pt.zeros((1,))))
        >>> step = cache.step(pt.tensor([[5, 7]]), start=pt.tensor([0]), count=pt.tensor([2]))
        >>> new = pt.ones((1, 2, 2, 4))
        >>> step.layer(0).attend(new, new, new).shape
        (1, 2, 8)
    """

    def __init__(self, step: CacheStep, number: int) -> None:
        self.step, self.number = step, number

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> pt.Tensor:
        """Attention of new tokens over all tokens so far, their own keys and values among them.

        Shapes    query [batch, time, heads, size], key and value [batch, time, groups, size], where groups divides
                  heads and neighbouring heads share a group -> [batch, time, heads * size]
        """
        return self.step.attend(self.number, query, key, value)
