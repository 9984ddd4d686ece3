"""Confident learning: planted noise is found, the joint is the definition's, and what a wrong call says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

import powertrain as pt
from planted_noise import planted
from powertrain.quality import confident_joint, find_label_issues, out_of_fold
from refusals import demand_words


# Of logistic regression in five folds: least precision and recall.
@pytest.mark.parametrize(("noise", "precision", "recall"), [(0.05, 0.6, 0.85), (0.1, 0.7, 0.88)])
def test_planted_wrong_labels_are_found(noise: float, precision: float, recall: float) -> None:
    x, given, bad = planted(noise)
    issues = find_label_issues(given, out_of_fold(x, given))
    right = np.isin(issues.rows, bad)
    assert right.mean() >= precision and right.sum() / len(bad) >= recall
    assert issues.noise == pytest.approx(noise, abs=0.04)
    assert right[: len(bad) // 2].mean() >= 0.9  # the most doubtful are first
    clean = load_digits(return_X_y=True)[1]
    assert (issues.suggested[right] == clean[issues.rows[right]]).mean() >= 0.9


def test_the_joint_is_that_of_the_definition() -> None:
    rng = np.random.Generator(np.random.Philox(key=2))
    shares = rng.dirichlet(np.ones(3), 200)
    given = rng.integers(0, 3, 200)
    wanted = np.zeros((3, 3), np.int64)
    thresholds = [shares[given == one, one].mean() for one in range(3)]
    for label, row in zip(given, shares, strict=True):
        above = [one for one in range(3) if row[one] >= thresholds[one]]
        if above:
            wanted[label, max(above, key=lambda one: row[one])] += 1
    assert (confident_joint(given, shares) == wanted).all()


def test_each_filter_takes_what_it_says() -> None:
    x, given, _ = planted(0.1)
    shares = out_of_fold(x, given)
    found = {one: find_label_issues(given, shares, filter_by=one) for one in pt.quality.labels.FILTERS}
    rows = {name: set(issues.rows.tolist()) for name, issues in found.items()}
    assert rows["both"] == rows["prune_by_noise_rate"] & rows["prune_by_class"]
    assert len(rows["both"]) < len(rows["prune_by_class"])
    for issues in found.values():
        own = issues.scores[issues.rows]
        assert (np.diff(own) >= 0).all() and (issues.suggested != given[issues.rows]).all()
        np.testing.assert_allclose(issues.joint.sum(axis=1), np.bincount(given) / len(given))


def test_labels_that_agree_have_no_issue() -> None:
    shares = np.tile(np.eye(3) * 0.8 + 0.2 / 3, (5, 1))
    issues = find_label_issues(np.tile([0, 1, 2], 5), shares)
    assert len(issues) == 0 and issues.noise == 0
    # A class that nobody is labelled with has no threshold, and takes no row.
    assert find_label_issues(np.zeros(4, int), [[0.4, 0.6]] * 4).noise == 0


def test_folds_are_stratified_and_whole() -> None:
    labels = np.repeat([0, 1, 2], [50, 23, 7])
    fold = pt.quality.folds.stratified(labels, 5, seed=3)
    for one in range(3):
        counts = np.bincount(fold[labels == one], minlength=5)
        assert counts.max() - counts.min() <= 1
    assert not np.array_equal(fold, pt.quality.folds.stratified(labels, 5, seed=4))


def test_a_row_is_judged_by_a_model_that_has_not_seen_it() -> None:
    seen: list[set[int]] = []

    def fit(x: Any, y: Any) -> Any:
        learned = set(x[:, 0].astype(int).tolist())

        def model(rows: Any) -> Any:
            asked = set(rows[:, 0].astype(int).tolist())
            assert not asked & learned and len(asked | learned) == 20
            seen.append(asked)
            return np.tile([0.25, 0.75], (len(rows), 1))

        return model

    shares = out_of_fold(np.arange(20.0)[:, None], np.arange(20) % 2, fit, folds=4)
    assert set().union(*seen) == set(range(20)) and (shares == [0.25, 0.75]).all()


def test_a_network_gives_the_probabilities() -> None:
    x, given, bad = planted(0.05)
    x, given = x.reshape(-1, 8, 8)[:600], given[:600]

    def network(rows: Any, labels: Any) -> Any:
        run = pt.fit(model="cnn", data=(rows, labels), epochs=5, lr=3e-3, seed=0, verbose=False)
        return lambda asked: run.predict(asked).probabilities

    issues = find_label_issues(given, out_of_fold(x, given, network, folds=2))
    bad = bad[bad < 600]
    assert np.isin(bad, issues.rows).mean() >= 0.7


WRONG = [
    (lambda: confident_joint([0, 1], [[2.0, 1.0], [0.1, 0.9]]), "[confident_joint] row 0 of the probabilities adds up "
     "to 3; expected numbers >= 0 that add up to 1; pass probabilities, not logits: pt.softmax(logits, axis=1)"),
    (lambda: find_label_issues([0], [[0.5, 0.5], [0.1, 0.9]]), "[find_label_issues] labels [1] and probabilities "
     "[2, 2]; expected a label for each row; check the first axes"),
    (lambda: find_label_issues([0, 2], [[0.5, 0.5], [0.1, 0.9]]), "[find_label_issues labels] label 2 in row 1; "
     "expected labels from 0 to 1; encode the classes as 0, 1, 2, ... or give the right number of classes"),
    (lambda: find_label_issues([0], [[1.0]]), "[find_label_issues] probabilities [1, 1]; expected [rows, classes], two "
     "classes or more; of two classes give both columns"),
    (lambda: find_label_issues([0], [[0.5, 0.5]], filter_by="all"), "[find_label_issues] filter_by = 'all'; expected "
     "one of prune_by_noise_rate, prune_by_class, both, confident_learning; take one of them"),
    (lambda: out_of_fold(np.ones((4, 1)), [0, 0, 0, 1], folds=2), "[out_of_fold] class 1 has 1 rows; expected two "
     "classes or more, each with two rows or more; number the classes from 0 on"),
    (lambda: out_of_fold(np.ones((4, 1)), [0, 0, 1, 1], folds=9), "[out_of_fold] folds = 9; expected a number from 2 "
     "to 4; 5 is usual"),
    (lambda: out_of_fold(np.ones((4, 1)), [0, 0, 1, 1], lambda x, y: lambda asked: np.ones((len(asked), 3)) / 3,
                         folds=2),
     "[out_of_fold] the model of fold 0 gave probabilities [2, 3]; expected [2, 2]; give one column for each class"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "text"), WRONG, ids=[text[:40] for _, text in WRONG])
def test_what_a_wrong_call_says(call: Any, text: str) -> None:
    demand_words(call, text)
