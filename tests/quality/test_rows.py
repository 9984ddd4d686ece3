"""Twins, outliers, telling columns and uncertainty, beside what a plain computation gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.covariance import EmpiricalCovariance
from sklearn.metrics import pairwise_distances, r2_score, roc_auc_score

from powertrain.quality import exact_duplicates, near_duplicates, outlier_scores, target_scores, uncertainty
from powertrain.quality.products import ROWS
from powertrain.quality.texts import _pieces
from refusals import demand_words

RNG = np.random.Generator(np.random.Philox(key=7))


def test_exact_twins_are_those_of_unique() -> None:
    x = RNG.integers(0, 3, (500, 4))
    found = exact_duplicates(x)
    first = {tuple(row): at for at, row in reversed(list(enumerate(x.tolist())))}
    assert found.rows.tolist() == [at for at, row in enumerate(x.tolist()) if first[tuple(row)] != at]
    assert all(first[tuple(x[row])] == twin for row, twin in zip(found.rows, found.twins, strict=True))
    assert len(exact_duplicates(np.delete(x, found.rows, axis=0))) == 0


@pytest.mark.parametrize("count", [0, 1, 4096, 9001])
def test_a_twin_among_others_is_the_first_one_there(count: int) -> None:
    x, among = RNG.integers(0, 3000, (count, 1)), RNG.integers(0, 3000, (4500, 1))
    first = {int(row): at for at, row in reversed(list(enumerate(among[:, 0])))}
    wanted = {at: first[int(row)] for at, row in enumerate(x[:, 0]) if int(row) in first}
    found = exact_duplicates(x, among=among)
    assert dict(zip(found.rows.tolist(), found.twins.tolist(), strict=True)) == wanted


def test_what_no_memory_holds_is_refused_before_the_work() -> None:
    with pytest.raises(MemoryError):  # a hash of each row
        exact_duplicates(np.broadcast_to(np.float32(1), (2**50, 1)))


def test_numbers_of_one_value_are_the_same() -> None:
    x = np.array([[0.0, np.nan], [-0.0, -np.nan], [1.0, 2.0]])
    assert exact_duplicates(x).rows.tolist() == [1]
    large = np.array([[2**53], [2**53 + 1]])
    assert len(exact_duplicates(large)) == 0
    assert exact_duplicates(np.float32([[0.5]]), among=np.float64([[0.5]])).twins.tolist() == [0]


@pytest.mark.parametrize("count", [5, ROWS, ROWS + 1, 2 * ROWS + 37])
def test_near_twins_are_those_of_all_pairs(count: int) -> None:
    x = RNG.normal(size=(count, 6)).astype(np.float32) + 5
    for at in range(3, count, 4):
        x[at] = x[at // 2] + RNG.normal(size=6) * 1e-3
    centred = x.astype(np.float64) - x.mean(axis=0)
    cosines = np.tril(1 - pairwise_distances(centred, metric="cosine"), -1) - 2 * np.triu(np.ones((count, count)))
    wanted = np.flatnonzero(cosines.max(axis=1) >= 0.999)
    found = near_duplicates(x, threshold=0.999)
    assert sorted(found.rows.tolist()) == wanted.tolist() and (np.diff(found.similarity) <= 0).all()
    np.testing.assert_allclose(found.similarity, cosines[found.rows, found.twins], atol=1e-5)
    assert len(near_duplicates(np.delete(x, found.rows, axis=0), threshold=0.9999)) == 0


def test_twins_in_train_and_test_are_found() -> None:
    train, test = RNG.normal(size=(300, 2, 3)), RNG.normal(size=(50, 2, 3))
    test[7] = train[123]
    assert exact_duplicates(test, among=train).twins.tolist() == [123]
    test[9] = train[5] * 1.001
    found = near_duplicates(test, among=train, threshold=0.9999)
    assert dict(zip(found.rows.tolist(), found.twins.tolist(), strict=True)) == {7: 123, 9: 5}


def test_similar_texts_are_those_of_all_pairs() -> None:
    words = [f"word{at}" for at in range(400)]
    texts = [" ".join(RNG.choice(words, 40)) for _ in range(120)]
    for at in range(60, 120, 2):  # every other text of the second half is an earlier one with some words changed
        parts = texts[at - 60].split()
        for place in RNG.choice(40, RNG.integers(0, 4), replace=False):
            parts[place] = "changed"
        texts[at] = " ".join(parts).upper()
    pieces = [_pieces(text) for text in texts]
    scores = np.array([[len(a & b) / len(a | b) for b in pieces] for a in pieces])
    wanted = {at for at in range(120) if scores[at, :at].max(initial=0) >= 0.7}
    found = near_duplicates(texts, threshold=0.7)
    assert len(wanted) > 20 and set(found.rows.tolist()) <= wanted
    assert len(found) >= 0.95 * len(wanted)
    np.testing.assert_allclose(found.similarity, scores[found.rows, found.twins])
    across = near_duplicates(texts[60:], among=texts[:60], threshold=0.7)
    assert set(across.rows.tolist()) <= {at for at in range(60) if scores[at + 60, :60].max() >= 0.7}


def test_short_and_odd_texts() -> None:
    assert near_duplicates(["", "a", "", " A "]).rows.tolist() == [2, 3]
    assert near_duplicates(["über den Fluss", "ÜBER  den Fluss\n", "\ud800"]).rows.tolist() == [1]
    assert exact_duplicates(["a", "a ", "\ud800", "a", "\ud800"]).rows.tolist() == [3, 4]


@pytest.mark.parametrize("count", [12, ROWS + 5])
def test_distances_to_neighbours_are_those_of_all_pairs(count: int) -> None:
    x = RNG.normal(size=(count, 5)) * [1, 10, 100, 1, 1] + 1000
    x[3] += [0, 0, 900, 0, 0]
    for scale in (True, False):
        seen = x / x.std(axis=0) if scale else x
        apart = np.sort(pairwise_distances(seen), axis=1)[:, 1:4].mean(axis=1)
        found = outlier_scores(x, neighbours=3, scale=scale)
        np.testing.assert_allclose(found, apart, rtol=1e-6)
        assert found.argmax() == 3


def test_mahalanobis_is_that_of_scikit_learn() -> None:
    x = RNG.normal(size=(200, 4)) @ RNG.normal(size=(4, 4)) + 10
    wanted = np.sqrt(EmpiricalCovariance().fit(x).mahalanobis(x))
    np.testing.assert_allclose(outlier_scores(x, "mahalanobis"), wanted, rtol=1e-8)
    wide = np.hstack([x, x[:, :1] * 2, np.ones((200, 1))])  # a column that repeats another, one that never varies
    np.testing.assert_allclose(outlier_scores(wide, "mahalanobis"), wanted, rtol=1e-6)


def test_single_columns_tell_what_scikit_learn_says() -> None:
    x, y = RNG.normal(size=(300, 3)).round(1), RNG.integers(0, 3, 300)
    x[:, 1] += y
    wanted = [
        max(max(score, 1 - score) for score in (roc_auc_score(y == one, x[:, at]) for one in range(3)))
        for at in range(3)
    ]
    np.testing.assert_allclose(target_scores(x, y), wanted)
    target = 2 * x[:, 0] + RNG.normal(size=300)
    line = np.polyval(np.polyfit(x[:, 0], target, 1), x[:, 0])
    assert target_scores(x, target, regression=True)[0] == pytest.approx(r2_score(target, line))
    assert target_scores(np.ones((4, 1)), [0, 1, 0, 1]).tolist() == [0.0]
    assert target_scores(np.ones((4, 1)), np.arange(4.0), regression=True).tolist() == [0.0]
    assert target_scores(np.array([[1.0], [2], [2], [3]]), [1, 0, 1, 0])[0] == pytest.approx(1 - 0.5 / 4)


def test_uncertainty_orders_rows() -> None:
    shares = np.array([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.4, 0.3, 0.3], [1 / 3, 1 / 3, 1 / 3]])
    assert uncertainty(shares, "margin").argsort(kind="stable").tolist() == [0, 2, 1, 3]
    assert uncertainty(shares, "least_confidence").argsort(kind="stable").tolist() == [0, 1, 2, 3]
    assert uncertainty(shares, "entropy").argsort(kind="stable").tolist() == [0, 1, 2, 3]
    assert uncertainty(shares, "entropy")[3] == pytest.approx(np.log(3))
    assert uncertainty(shares)[0] == 0


WRONG = [
    (lambda: near_duplicates(np.ones((2, 3)), among=np.ones((2, 4))), "[near_duplicates] rows of 3 and of 4 numbers; "
     "expected as many of both; give both the same number of columns"),
    (lambda: near_duplicates(np.ones((2, 3)), among=["a"]), "[near_duplicates] texts and numbers; expected both of one "
     "kind; pass embeddings of both, or texts"),
    (lambda: near_duplicates(["a"], threshold=0.0), "[near_duplicates] threshold = 0.0; expected a number above 0 and "
     "up to 1; 0.9 is usual"),
    (lambda: near_duplicates([[1.0, np.nan]]), "[near_duplicates x] NaN in row 0; expected finite numbers; remove "
     "those rows or fill the gaps first"),
    (lambda: exact_duplicates(3), "[exact_duplicates] int64[]; expected numbers [rows, ...], or texts; convert them"),
    (lambda: exact_duplicates([["a", "b"]]), "[exact_duplicates] texts [1, 2]; expected one for each row; join the "
     "columns"),
    (lambda: outlier_scores(np.ones((3, 2)), neighbours=3), "[outlier_scores] neighbours = 3 of 3 rows; expected 1 or "
     "more, and fewer than rows; 10 is usual"),
    (lambda: outlier_scores(np.ones((3, 2)), "forest"), "[outlier_scores] method = 'forest'; expected one of knn, "
     "mahalanobis; take one of them"),
    (lambda: target_scores(np.ones((3, 2)), [0, 1]), "[target_scores] y [2] for 3 rows; expected one target for each; "
     "check y"),
    (lambda: uncertainty([[0.5, 0.5]], "variance"), "[uncertainty] method = 'variance'; expected one of margin, "
     "least_confidence, entropy; take one of them"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "text"), WRONG, ids=[text[:40] for _, text in WRONG])
def test_what_a_wrong_call_says(call: Any, text: str) -> None:
    demand_words(call, text)
