"""The likeliest row of tokens, looked for among the likeliest beginnings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import powertrain as pt
from powertrain_text.tokenizer import BEGIN, PADDING

NEVER = -1e9


def beam_search(after: Callable[[Any, Any, Any], Any], kept: Any, rows: int, places: int, beams: int) -> Any:
    """Write `rows` rows of `places` tokens, each without its BEGIN: it ends with another one, then padding follows.

    `after(kept, token, at)` gives the log probabilities of the token behind `token` [rows beams], which is at place
    `at`, and what it keeps for the next one: [rows beams, words], and tensors [rows beams, ...]. These are the beams of
    the first row, then those of the second. `kept` is what it is given first.

    In each step every beginning is continued with every token, and the `beams` likeliest are kept. One that has ended
    stays as it is. In the end the one with the largest mean log probability of a token is taken (Wu et al. 2016 with
    alpha = 1). One beam is greedy search.
    """
    place = pt.reshape(pt.arange(places + 1), (1, 1, places + 1))
    begun = pt.broadcast_to(pt.where(place == 0, BEGIN, PADDING), (rows, beams, places + 1))
    # All beams begin alike: but for one they count for nothing, or all would stay alike.
    totals = pt.broadcast_to(pt.where(pt.reshape(pt.arange(beams), (1, beams)) == 0, 0.0, NEVER), (rows, beams))
    ended = pt.full((rows, beams), False, dtype="bool")

    def step(state: Any, at: Any) -> tuple[Any, None]:
        tokens, totals, ended, kept = state
        token = pt.reshape(pt.take(tokens, pt.reshape(at, (1,)), axis=2), (rows * beams,))
        scores, kept = after(kept, token, at)
        words = scores.shape[-1]
        is_padding = pt.reshape(pt.arange(words), (1, 1, words)) == PADDING
        stays = pt.expand_dims(ended, 2)
        scores = pt.where(stays, 0.0, pt.reshape(scores, (rows, beams, words)))
        scores = pt.where(pt.equal(is_padding, stays), scores, NEVER)  # padding behind an end, and nowhere else
        totals, chosen = pt.reshape(pt.expand_dims(totals, 2) + scores, (rows, beams * words)).topk(beams)
        beam, word = chosen // words, chosen % words
        which = pt.broadcast_to(pt.expand_dims(beam, 2), (rows, beams, places + 1))
        tokens = pt.where(place == at + 1, pt.expand_dims(word, 2), pt.take_along_axis(tokens, which, axis=1))
        ended = pt.logical_or(pt.take_along_axis(ended, beam, axis=1), word == BEGIN)
        number = pt.reshape(beam + pt.expand_dims(pt.arange(rows), 1) * beams, (rows * beams,))
        return (tokens, totals, ended, tuple(pt.take(one, number, axis=0) for one in kept)), None

    (tokens, totals, _, _), _ = pt.scan(step, (begun, totals, ended, kept), pt.arange(places))
    written = tokens[:, :, 1:]
    count = pt.sum(pt.astype(pt.not_equal(written, PADDING), "float32"), axis=2)
    best = pt.reshape(pt.argmax(totals / pt.maximum(count, 1.0), axis=1), (rows, 1, 1))
    return pt.take_along_axis(written, pt.broadcast_to(best, (rows, 1, places)), axis=1)[:, 0]
