"""How a token is chosen: filters against their definitions, written as loops; draws against probabilities."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from powertrain.nn import GenerationError, SettingError
from powertrain.nn.generation import sampling
from powertrain.nn.generation.sampling import Chooser, Sampling, Scores

INF = math.inf


def softmax(scores: Scores) -> list[float]:
    each = [math.exp(score - max(scores)) for score in scores]
    return [one / math.fsum(each) for one in each]


def top_k(scores: Scores, k: int) -> set[int]:
    """The k largest, and what equals the least of them."""
    least = sorted(scores, reverse=True)[:k][-1]
    return {token for token, score in enumerate(scores) if score >= least}


def top_p(scores: Scores, p: float) -> set[int]:
    """The likeliest until their mass reaches p."""
    each, kept, mass = softmax(scores), set(), 0.0
    for token in sorted(range(len(scores)), key=lambda token: (-each[token], token)):
        kept.add(token)
        mass += each[token]
        if mass >= p:
            break
    return kept


def min_p(scores: Scores, p: float) -> set[int]:
    each = softmax(scores)
    return {token for token, one in enumerate(each) if one >= p * max(each)}


def kept(scores: Scores) -> set[int]:
    return set(np.flatnonzero(scores > -INF).tolist())


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(
    ("ours", "plain", "values"),
    [
        (sampling.keep_top_k, top_k, (1, 2, 7, 39, 40, 41, 10**6)),
        (sampling.keep_top_p, top_p, (0.0, 0.013, 0.31, 0.77, 0.99)),
        (sampling.keep_min_p, min_p, (0.003, 0.029, 0.21, 0.83)),
    ],
)
def test_filters_keep_what_their_definitions_say(
    ours: Callable[..., Scores], plain: Callable[..., set[int]], values: tuple[float, ...], seed: int
) -> None:
    scores = np.random.default_rng(seed).normal(0, 2, 40)
    for value in values:
        found = ours(scores, value)
        assert kept(found) == plain(scores, value), value
        assert all(found[token] == scores[token] for token in kept(found))


def test_ties_and_extremes() -> None:
    even = np.zeros(10)
    assert kept(sampling.keep_top_k(even, 3)) == set(range(10))
    # Of equal ones the earlier: two of a tenth do not reach 0.25, three do.
    assert kept(sampling.keep_top_p(even, 0.25)) == {0, 1, 2}
    assert kept(sampling.keep_top_p(even, 1.0)) == kept(sampling.keep_min_p(even, 1.0)) == set(range(10))
    some = np.array([1.0, -INF, 2.0, -INF, 0.0])
    assert kept(sampling.keep_top_k(some, 4)) == kept(sampling.keep_top_p(some, 1.0)) == {0, 2, 4}
    assert kept(sampling.keep_min_p(some, 0.0)) == {0, 2, 4}
    far = np.array([1e300, -1e300, 0.0])
    assert kept(sampling.keep_top_p(far, 0.999)) == kept(sampling.keep_min_p(far, 1e-300)) == {0}


def test_the_penalty_moves_both_signs_away() -> None:
    scores, seen = np.array([4.0, -4.0, 4.0, 0.0]), np.array([True, True, False, True])
    np.testing.assert_array_equal(sampling.penalized(scores, seen, 2.0), [2.0, -8.0, 4.0, 0.0])
    chooser = Chooser(Sampling(repetition_penalty=3.0), 0)
    chooser.note([2])
    # 4 divided by 3 is below 2. That is chosen and noted, and falls below 4 / 3, which stays above 1.
    assert [chooser(np.array([1.0, 2.0, 4.0])) for _ in range(3)] == [1, 2, 2]


def test_draws_have_the_frequencies_of_the_probabilities() -> None:
    scores, count = np.array([0.0, 1.0, -1.0, -INF, 2.0, 0.5]), 4000
    chooser = Chooser(Sampling(temperature=2.0, seed=3), 0)
    found = np.bincount([chooser(scores) for _ in range(count)], minlength=6) / count
    wanted = np.array(softmax(scores / 2.0))
    assert found[3] == 0 and (np.abs(found - wanted) <= 4 * np.sqrt(wanted * (1 - wanted) / count)).all()


def test_a_draw_is_where_a_number_lies_among_the_shares() -> None:
    scores = np.log([0.25, 0.5, 0.25])
    numbers = (0.0, 0.2499, 0.2501, 0.7499, 0.7501, math.nextafter(1, 0))
    assert [sampling.draw(scores, number) for number in numbers] == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("temperature", [0.0, 1e-300, 1e-6])
def test_no_temperature_takes_the_likeliest_and_the_first_of_equals(temperature: float) -> None:
    chooser = Chooser(Sampling(temperature=temperature), 0)
    assert chooser(np.array([0.0, 3.0, 1.0])) == 1
    if temperature == 0:
        assert chooser(np.array([1.0, 3.0, 3.0])) == 1


def test_filters_work_on_what_the_ones_before_left() -> None:
    """Top-k, then top-p of what is left: 0.5 of the mass of two is one of them."""
    scores = np.log([0.3, 0.25, 0.24, 0.21])
    both = [Chooser(Sampling(temperature=1.0, top_k=2, top_p=0.5, seed=seed), 0)(scores) for seed in range(50)]
    alone = [Chooser(Sampling(temperature=1.0, top_p=0.5, seed=seed), 0)(scores) for seed in range(50)]
    assert set(both) == {0} and set(alone) == {0, 1}


def test_a_mask_leaves_its_tokens_alone() -> None:
    chooser = Chooser(Sampling(), 0)
    allowed = np.array([False, True, True])
    assert chooser(np.array([9.0, 1.0, 2.0, 9.0]), allowed) == 2  # a model with more scores than tokens
    with pytest.raises(GenerationError, match=r"^\[generate\] of 3 tokens none is possible; expected one at least"):
        chooser(np.array([1.0, -INF, -INF]), np.array([False, True, True]))
    with pytest.raises(GenerationError, match="none is possible"):
        chooser(np.full(5, -INF))


@pytest.mark.parametrize("wrong", [math.nan, INF])
def test_scores_that_are_no_numbers_are_refused(wrong: float) -> None:
    with pytest.raises(GenerationError, match=rf"^\[generate\] the score of token 1 is {wrong}; expected numbers; the"):
        Chooser(Sampling(), 0)(np.array([0.0, wrong]))


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"temperature": -1}, "temperature = -1; expected a finite number >= 0"),
        ({"temperature": math.nan}, "temperature = nan; expected a finite number >= 0"),
        ({"top_k": 0}, "top_k = 0; expected a whole number from 1"),
        ({"top_p": 1.5}, "top_p = 1.5; expected a finite number >= 0 and <= 1"),
        ({"min_p": -0.1}, "min_p = -0.1; expected a finite number >= 0 and <= 1"),
        ({"repetition_penalty": 0}, "repetition_penalty = 0; expected a finite number > 0"),
        ({"seed": -1}, "seed = -1; expected a whole number from 0 to 2\\^63 - 1"),
    ],
)
def test_settings_out_of_range_are_refused(setting: dict[str, float], message: str) -> None:
    with pytest.raises((SettingError, ValueError), match=rf"^\[generate\] {message}"):
        Sampling(**setting)  # type: ignore[arg-type]
