"""Embeddings whose gradients are scaled, and bags of several lengths: against torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt
import powertrain.nn.functional as F
from powertrain import nn

torch = pytest.importorskip("torch", reason="the peer functions are torch's")
pytestmark = pytest.mark.peers
RNG = np.random.default_rng(0)
ROWS, WIDTH = 9, 4
PLACES = np.array([3, 0, 3, 8, 2, 2, 3, 7, 0, 5, 2])
OFFSETS = np.array([0, 2, 2, 7, 10])  # the second bag is empty


def normal(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype("float32")


def near(got: Any, want: Any) -> None:
    assert tuple(got.shape) == tuple(want.shape)
    np.testing.assert_allclose(got.numpy(), want.detach().numpy(), rtol=2e-5, atol=1e-6)


def message(make: Callable[[], Any], kind: type[Exception] = pt.ShapeError) -> str:
    with pytest.raises(kind) as caught:
        make()
    assert isinstance(caught.value, pt.Error)
    return str(caught.value)


def alike(ours: nn.Module, theirs: Any, *inputs: np.ndarray | None, compiled: bool = False) -> None:
    """Values and gradients, for a random cotangent."""
    with torch.no_grad():
        theirs.weight.copy_(torch.tensor(ours.weight.numpy()))
    wanted = theirs(*(None if one is None else torch.tensor(one) for one in inputs))
    cotangent = normal(*wanted.shape)
    (wanted * torch.tensor(cotangent)).sum().backward()
    given = [None if one is None else pt.asarray(one) for one in inputs]
    run = pt.nn.value_and_grad(ours, lambda *given: ((y := ours(*given)) * cotangent).sum() + 0 * y.sum())
    y = (pt.compile(ours) if compiled else ours)(*given)
    near(y, wanted)
    _, grads = (pt.compile(run) if compiled else run)(*given)
    found = grads["weight"]
    near(found.dense() if isinstance(found, pt.RowSparse) else found, theirs.weight.grad)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("padding_idx", [None, 2])
def test_gradients_by_frequency(padding_idx: int | None, sparse: bool) -> None:
    settings = {"padding_idx": padding_idx, "scale_grad_by_freq": True}
    ours = nn.Embedding(ROWS, WIDTH, sparse=sparse, **settings)
    alike(ours, torch.nn.Embedding(ROWS, WIDTH, **settings), RNG.integers(0, ROWS, (4, 7)))


def test_places_from_the_end_count_as_the_same_row() -> None:
    weight = pt.asarray(normal(5, 2))
    grad = pt.grad(lambda w: F.embedding(pt.tensor([1, -4, 3]), w, scale_grad_by_freq=True).sum())(weight)
    assert grad.numpy()[:, 0].tolist() == [0.0, 1.0, 0.0, 1.0, 0.0]


def test_rows_that_are_not_finite_stay_what_they_are() -> None:
    weight = pt.tensor([[np.inf, np.nan], [1.0, -np.inf]])
    y = F.embedding(pt.tensor([0, 1]), weight, scale_grad_by_freq=True)
    np.testing.assert_array_equal(y.numpy(), weight.numpy())


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("include_last_offset", [False, True])
@pytest.mark.parametrize("padding_idx", [None, 2])
@pytest.mark.parametrize("mode", ["mean", "sum", "max"])
def test_bags_by_offsets(mode: Any, padding_idx: int | None, include_last_offset: bool, compiled: bool) -> None:
    settings = {"mode": mode, "padding_idx": padding_idx, "include_last_offset": include_last_offset}
    offsets = np.append(OFFSETS, len(PLACES)) if include_last_offset else OFFSETS
    ours, theirs = nn.EmbeddingBag(ROWS, WIDTH, **settings), torch.nn.EmbeddingBag(ROWS, WIDTH, **settings)
    places = np.array([3, 0, 3, 8, 2, 4, 6, 7, 0, 5, 2]) if mode == "max" else PLACES  # torch gives ties to the first
    alike(ours, theirs, places, offsets, compiled=compiled)


@pytest.mark.parametrize("by_offsets", [False, True])
@pytest.mark.parametrize("mode", ["mean", "sum"])
@pytest.mark.parametrize("sparse", [False, True])
def test_bags_by_frequency(mode: Any, sparse: bool, by_offsets: bool) -> None:
    """As documented; the bags of torch divide some rows by the counts of others."""
    weight = pt.Slot(pt.asarray(normal(ROWS, WIDTH)), trainable=True)
    weight.sparse = sparse
    places = PLACES if by_offsets else PLACES[:10].reshape(2, 5)
    cotangent = normal(len(OFFSETS) if by_offsets else 2, WIDTH)

    def gradient(scaled: bool) -> np.ndarray:
        offsets = OFFSETS if by_offsets else None
        bags = lambda: F.embedding_bag(places, weight, offsets, mode=mode, scale_grad_by_freq=scaled)  # noqa: E731
        found = pt.nn.value_and_grad(weight, lambda: (bags() * cotangent).sum())()[1]
        return np.array((found.dense() if sparse else found).numpy())

    counts = np.maximum(np.bincount(places.ravel(), minlength=ROWS), 1)
    np.testing.assert_allclose(gradient(True), gradient(False) / counts[:, None], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("padding_idx", [None, 2])
def test_weights_of_places(padding_idx: int | None) -> None:
    settings = {"mode": "sum", "padding_idx": padding_idx}
    ours, theirs = nn.EmbeddingBag(ROWS, WIDTH, **settings), torch.nn.EmbeddingBag(ROWS, WIDTH, **settings)
    weights = normal(len(PLACES))
    alike(ours, theirs, PLACES, OFFSETS, weights)
    given = torch.tensor(weights, requires_grad=True)
    theirs.weight.data.copy_(torch.tensor(ours.weight.numpy()))
    wanted = theirs(torch.tensor(PLACES), torch.tensor(OFFSETS), given)
    cotangent = normal(*wanted.shape)
    (wanted * torch.tensor(cotangent)).sum().backward()
    near(pt.grad(lambda w: (ours(PLACES, OFFSETS, w) * cotangent).sum())(pt.asarray(weights)), given.grad)


def test_bags_in_half_precision_are_summed_in_float32() -> None:
    weight = pt.full((1, 2), 1.0, "bfloat16")
    y = F.embedding_bag(pt.zeros((600,), "int64"), weight, pt.tensor([0]), mode="sum")
    assert y.dtype == pt.bfloat16 and y.astype("float32").numpy().tolist() == [[600.0, 600.0]]


def test_a_table_from_elsewhere() -> None:
    table = normal(6, 3)
    bag = nn.EmbeddingBag.from_pretrained(table, mode="sum", include_last_offset=True, padding_idx=-1)
    assert not bag.weight.trainable and (bag.num_embeddings, bag.embedding_dim, bag.padding_idx) == (6, 3, 5)
    np.testing.assert_allclose(bag(pt.tensor([1, 5]), pt.tensor([0, 2])).numpy(), table[1:2], rtol=1e-6)
    layer = nn.Embedding.from_pretrained(table, False, scale_grad_by_freq=True)
    assert layer.weight.trainable and layer.scale_grad_by_freq
    assert message(lambda: nn.EmbeddingBag.from_pretrained(np.ones(3))) == (
        "[EmbeddingBag] embeddings is [3]; expected [num_embeddings, embedding_dim]; reshape it"
    )


def test_what_is_refused() -> None:
    weight, places = pt.ones((ROWS, WIDTH)), pt.asarray(PLACES)
    assert message(lambda: F.embedding_bag(places, weight)) == (
        "[embedding_bag] input is [11]; expected [n, k], or offsets; reshape it"
    )
    assert message(lambda: F.embedding_bag(places.reshape((1, 11)), weight, pt.tensor([0]))) == (
        "[embedding_bag] input is [1, 11]; expected [places] with offsets; reshape it"
    )
    assert message(lambda: F.embedding_bag(places, weight, pt.tensor([0.0]))) == (
        "[embedding_bag] offsets is float32[1]; expected a vector of integers, where each bag begins; reshape it"
    )
    assert message(lambda: F.embedding_bag(places, weight, pt.tensor([0]), per_sample_weights=pt.ones(11))) == (
        "[embedding_bag] per_sample_weights is [11], input is [11], mode = 'mean'; expected one shape, and mode = "
        "'sum'; leave them out, or reshape them"
    )
    assert message(lambda: F.embedding_bag(places.reshape((1, 11)), weight, include_last_offset=True)) == (
        "[embedding_bag] include_last_offset without offsets; expected them; leave it out"
    )
    assert message(lambda: F.embedding(places, weight, sparse=True), nn.SettingError) == (
        "[embedding] sparse = True, weight is a tensor or another slot; expected a slot whose sparse is True; write "
        "weight.sparse = True once, or use pt.nn.Embedding(..., sparse=True)"
    )
    assert message(lambda: nn.Embedding(3, 2, max_norm=1.0), nn.SettingError) == (
        "[Embedding] max_norm = 1.0; expected None; after an update write layer.weight.value = "
        "pt.renorm(layer.weight, 2, 0, max_norm)"
    )


@pytest.mark.parametrize("offsets", [[1, 4], [3, 0]], ids=str)
def test_offsets_that_leave_places_out(offsets: list[int]) -> None:
    with pytest.raises(pt.IndexError):
        F.embedding_bag(PLACES, pt.ones((ROWS, WIDTH)), pt.tensor(offsets)).numpy()
