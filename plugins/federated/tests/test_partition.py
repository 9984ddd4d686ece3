"""Who has which examples: each example once, and classes as the ways of dividing say."""

from __future__ import annotations

import numpy as np
import pytest

from powertrain_federated.partition import by_dirichlet, evenly, sorted_pieces

LABELS = np.random.default_rng(0).integers(0, 10, 1000)
WAYS = {
    "evenly": lambda seed: evenly(1000, 7, seed),
    "sorted_pieces": lambda seed: sorted_pieces(LABELS, 7, 2, seed),
    "by_dirichlet": lambda seed: by_dirichlet(LABELS, 7, 0.3, seed),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_each_example_has_one_client_and_each_seed_another(way) -> None:
    first, again, other = way(3), way(3), way(4)
    assert len(first) == 7 and all(len(part) for part in first)
    assert np.sort(np.concatenate(first)).tolist() == list(range(1000))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_even_parts_differ_by_one_example_at_most_and_have_all_classes() -> None:
    parts = evenly(1000, 7, 0)
    assert {len(part) for part in parts} == {142, 143}
    assert all(len(np.unique(LABELS[part])) == 10 for part in parts)


def test_sorted_pieces_have_few_classes() -> None:
    parts = sorted_pieces(np.repeat(np.arange(10), 100), 50, 2, 0)
    assert {len(part) for part in parts} == {20}
    classes = [len(np.unique(np.repeat(np.arange(10), 100)[part])) for part in parts]
    assert max(classes) == 2 and np.mean(classes) > 1.5


def test_the_shares_of_a_class_vary_as_those_of_a_dirichlet_distribution() -> None:
    """A share of a symmetric distribution over k clients has the variance (k - 1) / (k^2 (k alpha + 1))."""
    labels, clients, alpha = np.repeat(np.arange(1000), 50), 5, 0.5
    counts = np.stack([np.bincount(labels[part], minlength=1000) for part in by_dirichlet(labels, clients, alpha, 0)])
    shares = counts / 50
    assert np.allclose(shares.mean(axis=1), 1 / clients, atol=0.04)
    expected = (clients - 1) / (clients**2 * (clients * alpha + 1))
    assert abs(shares.var() / expected - 1) < 0.1


def test_a_small_alpha_leaves_nobody_without_examples() -> None:
    parts = by_dirichlet(np.zeros(60, np.int64), 50, 0.01, 0)
    assert min(len(part) for part in parts) == 1
    assert np.sort(np.concatenate(parts)).tolist() == list(range(60))
