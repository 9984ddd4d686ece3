"""The engine's random numbers, for backends: the same bits, in integer arithmetic that every array library has."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any, TypeVar

A = TypeVar("A")  # an array of the module

# Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011: Philox 4x32-10.
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10


def random_uniform(xp: ModuleType, state: A, shape: tuple[int, ...], ordinal: int, dtype: str) -> A:
    """Draw numbers in [0, 1), bit for bit those of the engine's op random_uniform.

    `xp` is the module of the arrays: numpy, jax.numpy, or what is like them.

    Shapes    state int64 [3] -> shape
    Dtypes    float32 and float64; f16 and bf16 are drawn in float32 and rounded by whoever calls
    Source    Salmon et al. 2011
    Example
        >>> import numpy as np
        >>> from powertrain.plugin import random_uniform
        >>> random_uniform(np, np.array([7, 0, 0]), (2,), 0, "float32").tolist()
        [0.9545971155166626, 0.7501521706581116]
    """
    count = math.prod(shape)
    wide = dtype == "float64"
    words = _words(xp, state, ordinal, -(-count // (2 if wide else 4)))
    if wide:
        pairs = xp.reshape(words, (-1, 2, 2))
        bits = (pairs[:, :, 1] << 32 | pairs[:, :, 0]) >> 11
        numbers = xp.reshape(bits, (-1,)).astype("int64").astype("float64") * 2.0**-53
    else:
        numbers = xp.reshape(words >> 8, (-1,)).astype("int32").astype("float32") * xp.float32(2.0**-24)
    made: A = xp.reshape(numbers[:count], shape)
    return made


def _words(xp: Any, state: Any, ordinal: int, blocks: int) -> Any:
    """Words of 32 bits, four a block, held in uint64 so that a product keeps its upper half."""
    low, half = xp.uint64(0xFFFFFFFF), xp.uint64(32)  # NumPy before 2.0 shifts one number by its own dtype alone
    seed, stream, call = state[0].astype("uint64"), state[1].astype("uint64"), (state[2] + ordinal).astype("uint64")
    key = [seed & low, (seed >> half) ^ (stream >> half)]
    block = xp.arange(blocks, dtype="uint64")
    words = [block & low, (block >> half) | ((call >> half) << xp.uint64(16) & low), call & low, stream & low]
    words = [xp.broadcast_to(word, block.shape) for word in words]
    for _ in range(ROUNDS):
        first, second = words[0] * xp.uint64(MULTIPLIERS[0]), words[2] * xp.uint64(MULTIPLIERS[1])
        words = [
            (second >> half) ^ words[1] ^ key[0],
            second & low,
            (first >> half) ^ words[3] ^ key[1],
            first & low,
        ]
        key = [(part + xp.uint64(step)) & low for part, step in zip(key, WEYL, strict=True)]
    return xp.stack(words, axis=1)
