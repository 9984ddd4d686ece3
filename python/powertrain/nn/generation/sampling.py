"""How the next token is chosen from a model's scores: filters as their papers define them, then one draw.

All of it is on the host, in float64, on one row of scores at a time. Exponentials are the engine's, and sums go in the
order of the tokens, so a choice is the same on every processor.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain.nn import checks

Scores: TypeAlias = NDArray[np.float64]


class GenerationError(pt.Error, ValueError):
    """What cannot be generated: `[where] what was received; what was expected; how to fix it`."""


@dataclass(frozen=True)
class Sampling:
    """The settings of a choice, checked."""

    temperature: float = 0.0
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    repetition_penalty: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        where = "generate"
        checks.numbers(where, 0, temperature=self.temperature)
        checks.numbers(where, above=0, repetition_penalty=self.repetition_penalty)
        if self.top_k is not None:
            checks.sizes(where, 1, top_k=self.top_k)
        shares = {"top_p": self.top_p, "min_p": self.min_p}
        checks.numbers(where, 0, most=1, **{name: value for name, value in shares.items() if value is not None})
        if not checks.whole(self.seed, 0, 2**63 - 1):
            raise checks.SettingError(
                f"[{where}] seed = {self.seed!r}; expected a whole number from 0 to 2^63 - 1; for example seed=0"
            )


def probabilities(scores: Scores) -> Scores:
    """The softmax of one row; scores of -inf have none."""
    return np.asarray(pt.softmax(pt.tensor(scores), axis=-1).numpy())


def penalized(scores: Scores, seen: NDArray[np.bool_], penalty: float) -> Scores:
    """Scores of tokens that occurred, moved away from being chosen again: divided by the penalty above 0, else
    multiplied. Source: Keskar et al. 2019 (CTRL), section 4.1, with the sign that later implementations agree on."""
    if penalty == 1:
        return scores
    return np.where(seen, np.where(scores > 0, scores / penalty, scores * penalty), scores)


def keep_top_k(scores: Scores, k: int) -> Scores:
    """Scores below the k-th largest become -inf; equal ones stay together. Source: Fan, Lewis and Dauphin 2018."""
    if k >= len(scores):
        return scores
    return np.where(scores >= np.partition(scores, -k)[-k], scores, -math.inf)


def keep_top_p(scores: Scores, p: float) -> Scores:
    """The fewest tokens whose probabilities reach p, the likeliest first and of equal ones the earlier; the others
    become -inf. Source: Holtzman et al. 2020, section 3.1."""
    if p >= 1:
        return scores
    possible = np.flatnonzero(scores > -math.inf)
    each = probabilities(scores)[possible]
    order = np.argsort(-each, kind="stable")
    before = np.concatenate(([0.0], np.cumsum(each[order])[:-1]))  # the mass of the likelier ones
    kept = possible[order[: max(1, int(np.count_nonzero(before < p)))]]
    out = np.full_like(scores, -math.inf)
    out[kept] = scores[kept]
    return out


def keep_min_p(scores: Scores, p: float) -> Scores:
    """Tokens less likely than p times the likeliest one become -inf. Source: Nguyen et al. 2025, section 3.1."""
    if p <= 0:
        return scores
    return np.where(scores >= scores.max() + math.log(p), scores, -math.inf)


def draw(scores: Scores, uniform: float) -> int:
    """The token whose share of the probabilities, laid one after the other, holds a number from [0, 1)."""
    possible = np.flatnonzero(scores > -math.inf)
    ends = np.cumsum(probabilities(scores)[possible])
    return int(possible[min(int(np.searchsorted(ends, uniform * ends[-1], side="right")), len(possible) - 1)])


class Chooser:
    """Chooses the tokens of one sequence. Its random numbers are a function of (seed, row) alone, so a sequence does
    not depend on what else is in the batch."""

    def __init__(self, settings: Sampling, row: int) -> None:
        self.settings = settings
        self._random = np.random.Generator(np.random.Philox(key=np.array([settings.seed, row], dtype=np.uint64)))
        self._seen: NDArray[np.bool_] | None = None
        self._noted: list[int] = []

    def note(self, tokens: Any) -> None:
        """Tokens that occurred, for the repetition penalty."""
        if self.settings.repetition_penalty != 1:
            self._noted.extend(int(token) for token in tokens)

    def __call__(self, raw: NDArray[Any], allowed: NDArray[np.bool_] | None = None) -> int:
        """The next token, by a model's scores of all tokens: penalty, mask, temperature, top-k, top-p, min-p."""
        settings = self.settings
        likeliest = self._likeliest(raw)
        if settings.temperature == 0 and settings.repetition_penalty == 1 and allowed is None:
            return likeliest
        scores = raw.astype(np.float64)
        if self._noted:
            if self._seen is None:
                self._seen = np.zeros(len(scores), np.bool_)
            self._seen[self._noted] = True
            self._noted.clear()
        if self._seen is not None:
            scores = penalized(scores, self._seen, settings.repetition_penalty)
        if allowed is not None:
            # Models may have more scores than the tokenizer has tokens.
            unknown = len(scores) - len(allowed)
            scores = np.where(np.pad(allowed, (0, unknown)) if unknown > 0 else allowed, scores, -math.inf)
        likeliest = self._likeliest(scores)
        if settings.temperature == 0:
            token = likeliest
        else:
            scores = (scores - scores[likeliest]) / settings.temperature
            if settings.top_k is not None:
                scores = keep_top_k(scores, settings.top_k)
            if settings.top_p is not None:
                scores = keep_top_p(scores, settings.top_p)
            if settings.min_p is not None:
                scores = keep_min_p(scores, settings.min_p)
            token = draw(scores, self._random.random())
        self.note([token])
        return token

    def _likeliest(self, scores: NDArray[Any]) -> int:
        """The token of the highest score, which NumPy says is NaN if there is one."""
        token = int(np.argmax(scores))
        if scores[token] == -math.inf:
            raise GenerationError(
                f"[generate] of {len(scores):,} tokens none is possible; expected one at least; loosen the constraint, "
                "or look at the model's scores"
            )
        if not scores[token] < math.inf:
            raise GenerationError(
                f"[generate] the score of token {token} is {scores[token]}; expected numbers; the weights may be "
                "damaged, or the training diverged"
            )
        return token
