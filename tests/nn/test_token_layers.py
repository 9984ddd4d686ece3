"""Layers for tokens: a class token, positions, and scores by a table."""

from __future__ import annotations

import numpy as np
import pytest

import powertrain as pt
from powertrain import nn

X = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)


def test_a_class_token_stands_in_front_of_each_sequence() -> None:
    layer = nn.ClassToken(4)
    found = layer(pt.tensor(X)).numpy()
    np.testing.assert_array_equal(found[:, 1:], X)
    np.testing.assert_array_equal(found[:, :1], np.broadcast_to(layer.weight.numpy(), (2, 1, 4)))


def test_positions_are_added_from_the_first_on_or_as_they_are_given() -> None:
    layer = nn.PositionEmbedding(5, 4)
    table = layer.weight.numpy()
    np.testing.assert_array_equal(layer(pt.tensor(X)).numpy(), X + table[:3])
    places = np.array([[4, 0, 1], [2, 2, 3]])
    np.testing.assert_array_equal(layer(pt.tensor(X), pt.tensor(places)).numpy(), X + table[places])


def test_more_tokens_than_positions_are_refused() -> None:
    with pytest.raises(pt.ShapeError) as caught:
        nn.PositionEmbedding(2, 4)(pt.tensor(X))
    assert str(caught.value) == (
        "[PositionEmbedding] input is [2, 3, 4]; expected at most num_positions = 2 tokens; cut the sequences, or make "
        "the layer longer"
    )


def test_scores_are_products_with_the_rows_of_the_table_and_train_it() -> None:
    words, score = nn.Embedding(6, 4), nn.Unembedding()
    np.testing.assert_allclose(score(pt.tensor(X), words.weight).numpy(), X @ words.weight.numpy().T, rtol=1e-5)
    assert not list(score.parameters())
    _, grads = pt.nn.value_and_grad(words, lambda: pt.sum(score(pt.tensor(X), words.weight)))()
    np.testing.assert_allclose(grads["weight"].numpy(), np.tile(X.sum((0, 1)), (6, 1)), rtol=1e-5)


@pytest.mark.parametrize("make", [lambda: nn.ClassToken(-1), lambda: nn.PositionEmbedding(4, -1)])
def test_sizes_below_zero_are_refused(make: object) -> None:
    with pytest.raises(pt.ShapeError, match=r"= -1; expected a whole number"):
        make()  # type: ignore[operator]


@pytest.mark.parametrize("layer", [nn.ClassToken(4), nn.PositionEmbedding(5, 4)])
def test_tokens_without_a_batch_are_refused(layer: nn.Module) -> None:
    with pytest.raises(pt.ShapeError) as caught:
        layer(pt.tensor(X[0]))
    assert str(caught.value) == (
        f"[{type(layer).__name__}] input is [3, 4]; expected 3 axes, [batch, tokens, width]; reshape it"
    )
