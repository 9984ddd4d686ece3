"""Text that a language model writes: its own continuation of a prompt."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def write(
    predict: Any, prompt: NDArray[np.int64], context: int, count: int, temperature: float, seed: int
) -> NDArray[np.int64]:
    """Continue a prompt by `count` tokens. The window has one fixed length, so that one program serves every token."""
    generator = np.random.Generator(np.random.Philox(key=seed))
    tokens = list(prompt)
    for _ in range(count):
        window = np.zeros((1, context), dtype=np.int64)
        recent = tokens[-context:]
        window[0, : len(recent)] = recent
        # Causal attention: what stands after the last token cannot change what the model says at it.
        logits = np.asarray(predict(window))[0, len(recent) - 1].astype(np.float64) / temperature
        weights = np.exp(logits - logits.max())
        tokens.append(int(generator.choice(len(weights), p=weights / weights.sum())))
    return np.array(tokens[len(prompt) :], dtype=np.int64)
