"""Kappas and alpha: scikit-learn's numbers, examples of the papers, gaps, and what a wrong call says."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

import powertrain as pt
from powertrain.quality import cohen_kappa, fleiss_kappa, krippendorff_alpha
from refusals import demand_words


def two(seed: int, classes: int, count: int = 300) -> tuple[Any, Any]:
    rng = np.random.Generator(np.random.Philox(key=seed))
    first = rng.integers(0, classes, count)
    return first, np.where(rng.random(count) < 0.6, first, rng.integers(0, classes, count))


@pytest.mark.parametrize("weights", [None, "linear", "quadratic"])
@pytest.mark.parametrize("classes", [2, 5])
def test_cohen_s_kappa_is_that_of_scikit_learn(weights: str | None, classes: int) -> None:
    first, second = two(classes, classes)
    assert cohen_kappa(first, second, weights=weights) == pytest.approx(
        cohen_kappa_score(first, second, weights=weights), abs=1e-12
    )


def test_cohen_s_kappa_is_that_of_the_metric() -> None:
    first, second = two(3, 4)
    metric = pt.metrics.CohenKappa()
    metric.update(second, first)
    assert cohen_kappa(first, second) == pytest.approx(metric.compute(), abs=1e-12)


def test_names_have_the_order_that_is_said() -> None:
    first, second = ["low", "high", "medium", "low"], ["medium", "high", "high", "low"]
    codes = {"low": 0, "medium": 1, "high": 2}
    numbers = [[codes[one] for one in names] for names in (first, second)]
    order = ["low", "medium", "high"]
    assert cohen_kappa(first, second, weights="linear", order=order) == cohen_kappa(*numbers, weights="linear")
    table = np.array([first, second], dtype=object).T
    assert krippendorff_alpha(table, "ordinal", order=order) == krippendorff_alpha(np.array(numbers).T, "ordinal")


def test_fleiss_kappa_of_the_example_of_the_paper() -> None:
    # Fleiss 1971, as Wikipedia prints it: 10 subjects, 14 raters, 5 categories, kappa 0.210.
    counts = [
        [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1], [7, 7, 0, 0, 0],
        [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
    ]  # fmt: skip
    ratings = [np.repeat(np.arange(5), one) for one in counts]
    assert round(fleiss_kappa(ratings), 3) == 0.210
    gap = np.array([[*row, None] if at % 2 else [None, *row] for at, row in enumerate(ratings)], dtype=object)
    assert fleiss_kappa(gap) == fleiss_kappa(ratings)


def test_alpha_of_the_example_of_the_paper() -> None:
    # Krippendorff 2011, data C: 4 observers, 12 units, gaps; nominal 0.743, ordinal 0.815, interval 0.849.
    n = math.nan
    data = np.array([
        [1, 2, 3, 3, 2, 1, 4, 1, 2, n, n, n], [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, n, 3],
        [n, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, n], [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, n],
    ]).T  # fmt: skip
    found = {level: round(krippendorff_alpha(data, level), 3) for level in ("nominal", "ordinal", "interval")}
    assert found == {"nominal": 0.743, "ordinal": 0.815, "interval": 0.849}


def test_numbers_far_from_zero_keep_their_digits() -> None:
    ratings = np.array([[1.0, 1.1], [2.0, 2.2], [3.0, 2.9], [4.0, 4.1]])
    near, far = krippendorff_alpha(ratings, "interval"), krippendorff_alpha(ratings + 1e8, "interval")
    assert near == pytest.approx(far, abs=1e-6) and 0.9 < near < 1


def test_what_cannot_be_compared_is_nan() -> None:
    assert math.isnan(cohen_kappa([1, 1], [1, 1]))
    assert math.isnan(fleiss_kappa([[1, 1], [1, 1]]))
    for level in ("nominal", "ordinal", "interval"):
        assert math.isnan(krippendorff_alpha([[1, 1], [1, None]], level))
        assert math.isnan(krippendorff_alpha([[1, None], [None, 2]], level))


def test_chance_alone_is_near_zero() -> None:
    ratings = np.random.Generator(np.random.Philox(key=1)).integers(0, 3, (4000, 3))
    assert abs(fleiss_kappa(ratings)) < 0.03 and abs(krippendorff_alpha(ratings)) < 0.03
    assert abs(cohen_kappa(ratings[:, 0], ratings[:, 1])) < 0.05


WRONG = [
    (lambda: cohen_kappa([1, 2], [1, None]), "[cohen_kappa] a gap in item 1; expected two ratings of each item; leave "
     "such items out, or take krippendorff_alpha"),
    (lambda: cohen_kappa([1, 2], [1]), "[cohen_kappa] 2 and 1 ratings; expected both of the same items; check the "
     "lengths"),
    (lambda: cohen_kappa([1], [1], weights="cubic"), "[cohen_kappa] weights = 'cubic'; expected None, \"linear\" or "
     '"quadratic"; take one of them'),
    (lambda: cohen_kappa(["a"], ["b"], weights="linear"), "[cohen_kappa] names such as 'a'; expected to know their "
     'order; pass order=["low", "medium", "high"], or take numbers'),
    (lambda: cohen_kappa(["a"], ["b"], order=["a"]), "[cohen_kappa] the category 'b'; expected every category in "
     "`order`; add it"),
    (lambda: cohen_kappa([1], ["b"]), "[cohen_kappa] ratings of several kinds; expected numbers, or names; convert "
     "them to one kind"),
    (lambda: fleiss_kappa([[1, 2], [1, None]]), "[fleiss_kappa] item 0 has 2 ratings, item 1 1; expected the same "
     "number of each item, 2 or more; take krippendorff_alpha"),
    (lambda: fleiss_kappa([1, 2]), "[fleiss_kappa] ratings [2]; expected [items, annotators], one or more of each; put "
     "None or NaN where an item was not rated"),
    (lambda: krippendorff_alpha([[1, 2]], "ratio"), "[krippendorff_alpha] level = 'ratio'; expected one of nominal, "
     "ordinal, interval; take one of them"),
    (lambda: krippendorff_alpha([["a", "b"]], "interval"), "[krippendorff_alpha] ratings that are not numbers; "
     'expected numbers; take level="ordinal"'),
    (lambda: krippendorff_alpha([[None, None]]), "[krippendorff_alpha] no rating; expected one or more; check the "
     "gaps"),
    (lambda: krippendorff_alpha(np.arange(10_000.0).reshape(-1, 2)), "[krippendorff_alpha] 10,000 categories; expected "
     'at most 4,096; take krippendorff_alpha(ratings, "interval") for measured numbers, or bins'),
]  # fmt: skip


@pytest.mark.parametrize(("call", "text"), WRONG, ids=[text[:40] for _, text in WRONG])
def test_what_a_wrong_call_says(call: Any, text: str) -> None:
    demand_words(call, text)
