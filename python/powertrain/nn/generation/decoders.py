"""What gives the scores of the next tokens: a model with its cache, or one that reads its window for each of them."""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Iterator, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain.io.locks import ModuleLock
from powertrain.nn import checks
from powertrain.nn.generation.sampling import GenerationError
from powertrain.nn.module import Module

Tokens: TypeAlias = NDArray[np.int64]
_Key: TypeAlias = tuple[int, Any, Any]  # of a decoder: sequences, dtype and device, tokens that its model sees
_Kept: TypeAlias = tuple[_Key, Any]

# Lengths that a step reads at once: what is shorter is padded, what is longer comes in several steps. Each is a
# program of its own, and so is each power of two of tokens that are looked at.
LENGTHS = (1, 16, 64, 256)
LEAST_SPAN = 64
PROGRAMS = 64


class Decoder(Protocol):
    """Continues the sequences of a batch."""

    def scores(self, new: Sequence[Tokens]) -> NDArray[Any]:
        """Append tokens to each sequence, none to those that have ended; the scores of what follows, one row each."""


def power_of_two(count: int, least: int) -> int:
    """The smallest one, from `least` on, that is not below a count."""
    return max(least, 1 << (max(1, count) - 1).bit_length())


class CachedDecoder:
    """A model with `new_cache`. It sees up to `capacity` tokens: where a sequence grows longer, its last half is read
    anew and goes on."""

    def __init__(self, model: Any, batch: int, capacity: int) -> None:
        self.capacity = capacity
        self._cache = cache = model.new_cache(batch, capacity)
        self.batch = batch
        self.begin()
        held = weakref.ref(model)  # decoders are kept with their models, and must not keep these alive

        def step(tokens: Any, start: Any, count: Any, span: int) -> Any:
            return held()(tokens, cache.step(tokens, start, count, span))[:, 0]  # type: ignore[misc]

        self._step = pt.compile(step, limit=PROGRAMS)

    def begin(self) -> None:
        """Forget all sequences."""
        self._held: list[list[int]] = [[] for _ in range(self.batch)]
        self._read = np.zeros(self.batch, dtype=np.int64)

    def scores(self, new: Sequence[Tokens]) -> NDArray[Any]:
        for held, tokens in zip(self._held, new, strict=True):
            held.extend(tokens.tolist())
        if any(len(held) > self.capacity for held in self._held):
            self._shorten()
        waiting = np.array([len(held) for held in self._held]) - self._read
        found: NDArray[Any] | None = None
        while (most := int(waiting.max())) > 0:
            time = min(next((length for length in LENGTHS if length >= most), LENGTHS[-1]), self.capacity)
            count = np.minimum(waiting, time)
            scores = self._advance(count, time)
            if found is None:
                found = scores
            ended = (count > 0) & (waiting == count)
            found[ended] = scores[ended]
            waiting -= count
        assert found is not None, "a step of no tokens"
        return found

    def _shorten(self) -> None:
        """Room for more: the last half of each sequence that is too long. All are read again, in the same steps."""
        for held in self._held:
            if len(held) > self.capacity:
                del held[: -max(1, self.capacity // 2)]
        self._read[:] = 0

    def _advance(self, count: NDArray[np.int64], time: int) -> NDArray[Any]:
        tokens = np.zeros((self.batch, time), dtype=np.int64)
        for row, (held, read, size) in enumerate(zip(self._held, self._read, count, strict=True)):
            tokens[row, :size] = held[read : read + size]
        span = min(power_of_two(int((self._read + count).max()), LEAST_SPAN), self.capacity)
        scores = self._step(tokens, self._read.copy(), count, span)
        self._read += count
        return np.array(pt.astype(scores, "float64" if scores.dtype == pt.float64 else "float32").numpy())


class WindowDecoder:
    """Any other causal model: it reads the last `window` tokens for each new one, in one shape."""

    def __init__(self, model: Any, batch: int, window: int) -> None:
        self.batch, self.capacity, self._name = batch, window, type(model).__name__
        self._causal = False  # until it was seen
        self.begin()
        held = weakref.ref(model)

        def step(tokens: Any, last: Any) -> Any:
            scores = held()(tokens)  # type: ignore[misc]
            flat = pt.reshape(scores, (batch * window, scores.shape[-1]))
            return pt.take(flat, pt.astype(pt.arange(batch), "int64") * window + last)

        self._step = pt.compile(step)

    def begin(self) -> None:
        """Forget all sequences."""
        self._held: list[list[int]] = [[] for _ in range(self.batch)]

    def scores(self, new: Sequence[Tokens]) -> NDArray[Any]:
        window = np.zeros((self.batch, self.capacity), dtype=np.int64)
        for row, (held, tokens) in enumerate(zip(self._held, new, strict=True)):
            held.extend(tokens.tolist())
            del held[: -self.capacity]
            window[row, : len(held)] = held
        last = np.array([len(held) - 1 for held in self._held], dtype=np.int64)
        scores = self._of(window, last)
        if not self._causal:
            self._check(window, last, scores)
        return scores

    def _of(self, window: Tokens, last: Tokens) -> NDArray[Any]:
        return np.array(pt.astype(self._step(window, last), "float64").numpy())

    def _check(self, window: Tokens, last: Tokens, scores: NDArray[Any]) -> None:
        """What stands behind the last token must not change what the model says at it."""
        behind = np.arange(self.capacity) > last[:, None]
        other = np.where(behind, window[:, :1], window)
        if (other == window).all():
            return
        if not np.array_equal(self._of(other, last), scores, equal_nan=True):
            raise GenerationError(
                f"[generate] {self._name} sees what comes after a token; expected a causal model, which predicts the "
                "next one; train one such as gpt with the strategy next_token"
            )
        self._causal = True


# Of each model those that were used last: their programs and caches serve the next calls too. Who uses one takes it out
# meanwhile.
_kept: weakref.WeakKeyDictionary[Module, list[_Kept]] = weakref.WeakKeyDictionary()
MOST_KEPT = 4  # of a model that several threads, or several streams by turns, generate with
KEPT_TOKENS = 8192  # whose keys and values all but the last may hold together
# The collector may end a stream, which gives its decoder back, while the same thread holds the lock.
_keeping = ModuleLock(threading.RLock)


def _taken(model: Module, key: _Key, capacity: int) -> Any:
    """A decoder that was kept and fits, if there is one."""
    with _keeping:
        kept = _kept.get(model, [])
        for one in reversed(list(kept)):
            if one[0] == key and one[1].capacity >= capacity and one in kept:
                kept.remove(one)
                return one[1]
    return None


def _keep(model: Module, key: _Key, found: Any) -> None:
    """Keep a decoder. Those of another device or dtype go, and so do too many, the ones of longest ago first."""
    with _keeping:
        kept = [one for one in _kept.get(model, []) if one[0][1] == key[1]]
        sizes = [one.batch * one.capacity for _, one in kept]
        while sizes and (len(sizes) >= MOST_KEPT or sum(sizes) > KEPT_TOKENS):
            del kept[0], sizes[0]
        _kept[model] = [*kept, (key, found)]


@contextlib.contextmanager
def decoder(model: Module, batch: int, longest: int, context: int | None) -> Iterator[Decoder]:
    """A decoder for so many sequences, of at most so many tokens each; one of before where it fits."""
    own = getattr(model, "context", None)
    most = own if context is None else context if own is None else min(own, context)
    cached = callable(getattr(type(model), "new_cache", None))
    if most is None and not cached:
        raise GenerationError(
            f"[generate] {type(model).__name__} has neither new_cache nor context; expected how many tokens it reads "
            "at once; pass context=64, or whatever it was trained with"
        )
    if most is not None:
        checks.sizes("generate", 1, context=most)
    capacity = power_of_two(longest, LEAST_SPAN)
    capacity = most if most is not None and (not cached or most < capacity) else capacity
    first = next(iter(model.parameters()), None)
    place = None if first is None else (first.dtype.name, str(first.device))
    key = (batch, place, most)
    found = _taken(model, key, capacity)
    if found is None:
        found = (CachedDecoder if cached else WindowDecoder)(model, batch, capacity)
    else:
        found.begin()
    try:
        yield found
    finally:
        _keep(model, key, found)
