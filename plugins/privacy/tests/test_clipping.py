"""Clipped sums against gradients that are taken example by example, and against formulas in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import powertrain as pt
from powertrain.builtin.models import GPT, ViT
from powertrain.nn import (
    Conv1d,
    Conv2d,
    Dropout,
    Embedding,
    Flatten,
    GroupNorm,
    LayerNorm,
    Linear,
    MaxPool2d,
    Module,
    MultiheadAttention,
    Parameter,
    PositionEmbedding,
    ReLU,
    Sequential,
    Tanh,
    Unembedding,
)
from powertrain.plugin import Inputs
from powertrain_privacy.clipping import Calls, clipped_sum
from powertrain_privacy.errors import PrivacyError
from powertrain_privacy.layer_gradients import products_are_smaller

LOSS = pt.nn.CrossEntropyLoss(reduction="none")
ROWS = 6


class Classes(Module):
    """A parameter of its own beside layers: a token before the sequence, as a vision transformer's."""

    def __init__(self) -> None:
        super().__init__()
        self.token = Parameter(pt.random.Generator(5).normal(size=(1, 1, 8)))
        self.inner, self.head = Linear(8, 8), Linear(8, 3)

    def forward(self, x: Any) -> Any:
        rows = pt.concat([pt.broadcast_to(self.token.value, (x.shape[0], 1, 8)), x], axis=1)
        return self.head(pt.mean(pt.tanh(self.inner(rows)), axis=1))


class Mean(Module):
    """The mean over positions."""

    def forward(self, x: Any) -> Any:
        return pt.mean(x, axis=1)


def floats(*shape: int) -> Any:
    return np.random.default_rng(1).normal(size=(ROWS, *shape)).astype("f")


def tokens(length: int, below: int) -> Any:
    return np.random.default_rng(1).integers(0, below, (ROWS, length))


def frozen_bias() -> Module:
    model = Sequential(Linear(5, 7), Tanh(), Linear(7, 3))
    model[0].freeze("bias")
    return model


class Words(Module):
    """A language model whose embedding is also its last layer; the mean of what it says at all positions."""

    def __init__(self, words: int, width: int) -> None:
        super().__init__()
        self.body = GPT(words, 12, GPT.Params(layers=1, heads=2, width=width))

    def forward(self, tokens: Any) -> Any:
        return pt.mean(pt.tanh(self.body(tokens)), axis=1)


class Padded(Module):
    """Attention with a mask by position and settings by name, after positions by name."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.words, self.places = Embedding(9, 8), PositionEmbedding(7, 8)
        self.mixed, self.head = MultiheadAttention(8, 2, dropout), Linear(8, 3)

    def forward(self, tokens: Any) -> Any:
        padding = pt.logical_and(pt.equal(tokens, 0), pt.arange(7) > 0)
        places = pt.broadcast_to(pt.arange(7), tokens.shape)
        x = self.places(self.words(tokens), positions=places)
        mixed, _ = self.mixed(x, x, x, padding, need_weights=False, attn_mask=None)
        return self.head(mixed[:, 0])


def vision_transformer() -> Module:
    params = ViT.Params(layers=1, heads=2, width=8)
    return ViT.build(params, Inputs("classification", (8, 8), 3))


CASES: dict[str, tuple[Any, Any]] = {
    "mlp": (lambda: Sequential(Linear(5, 7), Tanh(), Linear(7, 3, bias=False)), floats(5)),
    "frozen": (frozen_bias, floats(5)),
    "pictures": (
        lambda: Sequential(Conv2d(2, 4, 3, padding=1), GroupNorm(2, 4), ReLU(), MaxPool2d(2), Conv2d(4, 5, 2, stride=2),
                           Flatten(), Linear(20, 3)),
        floats(8, 8, 2),
    ),
    "grouped": (lambda: Sequential(Conv2d(4, 4, 3, groups=2, dilation=2), Flatten(), Linear(16, 3)), floats(6, 6, 4)),
    # Few positions of wide layers, and many of narrow ones: by products of positions, and by gradients.
    "words": (lambda: Sequential(Embedding(9, 16), Linear(16, 16), LayerNorm(16), Mean(), Linear(16, 3)), tokens(4, 9)),
    "letters": (lambda: Sequential(Embedding(3, 4), Linear(4, 4), Tanh(), Mean(), Linear(4, 3)), tokens(12, 3)),
    "sound": (lambda: Sequential(Conv1d(3, 6, 3), Tanh(), Mean(), Linear(6, 3)), floats(9, 3)),
    "class token": (Classes, floats(4, 8)),
    "attention": (vision_transformer, floats(8, 8)),
    "padded attention": (Padded, tokens(7, 9)),
    "tied words": (lambda: Words(9, 16), tokens(7, 9)),
    "tied letters": (lambda: Words(3, 4), tokens(12, 3)),
}  # fmt: skip


def case(name: str) -> tuple[Module, Any, Any]:
    make, x = CASES[name]
    pt.random.seed(7)
    return make(), x, np.arange(ROWS) % 3


def ours(model: Module, x: Any, y: Any, clip: float) -> tuple[dict[str, Any], Any]:
    """The clipped sum by a compiled step, and the norms before."""
    from powertrain.train.run.step import Step

    calls = Calls(model)

    def step(x: Any, y: Any) -> Any:
        with calls.kept(len(x)) as kept:
            losses = LOSS(model(x), y)
        found = Step().gradients(pt.sum(losses), [call.output for call in kept])
        return clipped_sum(kept, found, clip)

    grads, norms = pt.compile(step)(x, y)
    return {path: g.numpy() for path, g in grads.items()}, norms.numpy()


def one_by_one(model: Module, x: Any, y: Any) -> list[dict[str, Any]]:
    """The gradient of each example."""
    found = []
    for at in range(len(x)):
        rows, target = x[at : at + 1], y[at : at + 1]
        _, grads = pt.nn.value_and_grad(model, lambda rows=rows, target=target: pt.sum(LOSS(model(rows), target)))()
        found.append({path: g.numpy().astype(np.float64) for path, g in grads.items()})
    return found


def norm(grads: dict[str, Any]) -> float:
    return float(np.sqrt(sum((g**2).sum() for g in grads.values())))


@pytest.mark.parametrize("name", CASES)
def test_the_sum_is_that_of_gradients_clipped_one_by_one(name: str) -> None:
    model, x, y = case(name)
    each = one_by_one(model, x, y)
    norms = [norm(grads) for grads in each]
    clip = float(np.median(norms))  # so that some are clipped and some are not
    grads, found = ours(model, x, y, clip)
    np.testing.assert_allclose(found, norms, rtol=2e-5)
    assert set(grads) == set(each[0]) == {path for path, slot in model.named_parameters() if slot.trainable}
    for path, g in grads.items():
        wanted = sum(one[path] * min(1.0, clip / length) for one, length in zip(each, norms, strict=True))
        assert np.linalg.norm(g - wanted) <= 2e-5 * np.linalg.norm(wanted), path


def test_both_forms_of_a_product_are_tried() -> None:
    assert products_are_smaller(np.zeros((ROWS, 4, 16)), (16, 16))
    assert not products_are_smaller(np.zeros((ROWS, 12, 4)), (4, 4))
    assert products_are_smaller(np.zeros((ROWS, 7, 16)), (9, 16))  # of tied words
    assert not products_are_smaller(np.zeros((ROWS, 12, 4)), (3, 4))  # of tied letters


@pytest.mark.parametrize("name", ["mlp", "frozen", "words"])
def test_a_clip_that_clips_nothing_leaves_the_bits_of_the_plain_gradient(name: str) -> None:
    """Of layers that need no gradient of each example."""
    model, x, y = case(name)
    grads, _ = ours(model, x, y, 1e9)
    plain = pt.compile(lambda x, y: pt.nn.value_and_grad(model, lambda: pt.sum(LOSS(model(x), y)))()[1])(x, y)
    for path, g in plain.items():
        if not path.startswith("2.") or name != "words":  # LayerNorm sums the gradients of its examples
            np.testing.assert_array_equal(grads[path], g.numpy(), err_msg=path)


def test_an_mlp_against_formulas_in_float64() -> None:
    """Backward by hand, no autodiff on either side of the comparison."""
    model, x, y = case("mlp")
    clip = 0.8
    grads, norms = ours(model, x, y, clip)
    w0, b0, w1 = (np.asarray(slot.numpy(), np.float64) for slot in model.parameters())
    hidden = np.tanh(x.astype(np.float64) @ w0 + b0)
    scores = hidden @ w1
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    at_scores = shares / shares.sum(axis=1, keepdims=True) - np.eye(3)[y]
    at_hidden = (at_scores @ w1.T) * (1 - hidden**2)
    by_w0, by_w1 = np.einsum("bi,bj->bij", x, at_hidden), np.einsum("bi,bj->bij", hidden, at_scores)
    squares = (by_w0**2).sum(axis=(1, 2)) + (at_hidden**2).sum(axis=1) + (by_w1**2).sum(axis=(1, 2))
    factors = np.minimum(1, clip / np.sqrt(squares))
    np.testing.assert_allclose(norms, np.sqrt(squares), rtol=1e-5)
    assert (factors < 1).any()
    for g, wanted in zip(grads.values(), (by_w0, at_hidden, by_w1), strict=True):
        np.testing.assert_allclose(g, np.tensordot(factors, wanted, axes=(0, 0)), rtol=1e-4, atol=1e-6)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**16), clip=st.floats(0.01, 3.0), scale=st.sampled_from([0.1, 1.0, 100.0]))
def test_no_example_moves_the_sum_further_than_the_clip(seed: int, clip: float, scale: float) -> None:
    """Another example in place of one: by twice the clip. One left out: by the clip."""
    draw = np.random.default_rng(seed)
    model, x, y = case("mlp")
    other = x.copy()
    other[0] = scale * draw.normal(size=5)
    without = y.copy()
    before, _ = ours(model, x, y, clip)
    after, _ = ours(model, other, y, clip)
    left, _ = ours(model, x[1:], without[1:], clip)
    assert norm({path: g - after[path] for path, g in before.items()}) <= 2 * clip * (1 + 1e-5)
    assert norm({path: g - left[path] for path, g in before.items()}) <= clip * (1 + 1e-5)


@pytest.mark.peers
@pytest.mark.parametrize("clip", [0.05, 0.5])
def test_a_network_against_the_gradients_per_example_of_pytorch(clip: float) -> None:
    torch = pytest.importorskip("torch")
    model, x, y = case("pictures")
    peer = torch.nn.Sequential(
        torch.nn.Conv2d(2, 4, 3, padding=1), torch.nn.GroupNorm(2, 4), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
        torch.nn.Conv2d(4, 5, 2, stride=2), torch.nn.Flatten(), torch.nn.Linear(20, 3),
    ).double()  # fmt: skip
    with torch.no_grad():
        for (path, slot), theirs in zip(model.named_parameters(), peer.parameters(), strict=True):
            theirs.copy_(torch.tensor(for_torch(path, np.asarray(slot.numpy(), np.float64))))
    named = {path: value.detach() for path, value in peer.named_parameters()}

    def loss(named: Any, row: Any, target: Any) -> Any:
        scores = torch.func.functional_call(peer, named, (row[None],))
        return torch.nn.functional.cross_entropy(scores, target[None])

    rows = torch.tensor(np.moveaxis(x, -1, 1).astype(np.float64))
    each = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))(named, rows, torch.tensor(y))
    norms = torch.sqrt(sum((g**2).flatten(1).sum(1) for g in each.values()))
    factors = torch.clamp(clip / norms, max=1.0)
    grads, found = ours(model, x, y, clip)
    np.testing.assert_allclose(found, norms.numpy(), rtol=2e-5)
    for (path, g), theirs in zip(grads.items(), each.values(), strict=True):
        wanted = torch.tensordot(factors, theirs, dims=1).numpy()
        assert np.linalg.norm(for_torch(path, g) - wanted) <= 3e-5 * np.linalg.norm(wanted), path


def for_torch(path: str, value: Any) -> Any:
    """A weight in PyTorch's layout; the last linear layer reads pictures whose channels come first there."""
    if value.ndim == 4:
        return np.transpose(value, (3, 2, 0, 1))
    if path == "6.weight":
        return value.reshape(2, 2, 5, 3).transpose(3, 2, 0, 1).reshape(3, 20)
    return value


def test_layers_whose_gradients_would_not_be_known_are_refused() -> None:
    shared = Sequential(Linear(4, 4), Linear(4, 4))
    shared[1].weight = shared[0].weight
    with pytest.raises(PrivacyError) as caught:
        Calls(shared)
    assert str(caught.value) == (
        "[dp-sgd] 1.weight is a parameter of 0 too; expected one layer for each, whose gradient per example is then "
        "known; give them parameters of their own"
    )
    layer = Linear(3, 3)
    calls = Calls(layer)
    with pytest.raises(PrivacyError, match="was called 2 times in a step; expected once"), calls.kept(ROWS):
        layer(layer(floats(3)))
    with pytest.raises(PrivacyError, match="was called 0 times in a step"), calls.kept(ROWS):
        pass
    halved = pytest.raises(PrivacyError, match=r'gives float16\[6, 3\]; .* leave run\.precision at "f32"')
    with halved, calls.kept(ROWS), pt.autocast("f16"):
        layer(pt.tensor(floats(3)))


class Twice(Module):
    """The table of an embedding gives scores at two places."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.scores = Embedding(5, 4), Unembedding()

    def forward(self, tokens: Any) -> Any:
        x = self.words(tokens)
        return pt.mean(self.scores(x, self.words.weight) + self.scores(pt.tanh(x), self.words.weight), axis=1)


def test_a_table_that_gives_scores_twice_is_refused() -> None:
    with pytest.raises(PrivacyError) as caught:
        ours(Twice(), tokens(4, 5), np.arange(ROWS) % 3, 1.0)
    assert str(caught.value) == (
        "[dp-sgd] words.weight gave scores 2 times in a step; expected once, whose gradient per example is then known; "
        "give the other place a Linear"
    )


def test_a_frozen_table_may_give_scores() -> None:
    model, x, y = case("tied words")
    model.body.wte.freeze("weight")
    grads, norms = ours(model, x, y, 1e9)
    np.testing.assert_allclose(norms, [norm(grads) for grads in one_by_one(model, x, y)], rtol=2e-5)
    assert "body.wte.weight" not in grads


def test_a_layer_that_reads_rows_of_many_examples_at_once_is_refused() -> None:
    """Each row would be clipped by itself, and an example would count as often as it has rows."""
    layer = Linear(3, 3)
    calls, x = Calls(layer), pt.tensor(floats(4, 3))
    with pytest.raises(PrivacyError) as caught, calls.kept(ROWS):
        layer(pt.reshape(x, (-1, 3)))
    assert str(caught.value) == (
        "[dp-sgd] the model takes float32[24, 3]; expected a tensor with one row for each of 6 examples; keep the "
        "batch as the first axis"
    )
    with pytest.raises(PrivacyError, match="takes ndarray; expected a tensor"), calls.kept(ROWS):
        layer(input=floats(4, 3))
    with calls.kept(ROWS) as kept:
        layer(input=x)
    assert kept[0].args == (x,) and not kept[0].kwargs


@pytest.mark.parametrize("given", [{"sparse": True}, {"padding_idx": 0}, {"scale_grad_by_freq": True}])
def test_tables_whose_rows_cannot_all_get_noise_are_refused(given: dict[str, Any]) -> None:
    model = Sequential(Embedding(9, 4, **given), Mean(), Linear(4, 3))
    with pytest.raises(PrivacyError, match=r"nn.Embedding with sparse, scale_grad_by_freq or padding_idx; expected"):
        ours(model, tokens(4, 9), np.arange(ROWS) % 3, 1.0)


def test_dropout_within_a_layer_that_has_parameters_is_refused() -> None:
    x, y = tokens(7, 9), np.arange(ROWS) % 3
    model = Padded(dropout=0.1)
    with pytest.raises(PrivacyError, match=r"MultiheadAttention has dropout = 0\.1; expected 0 within a layer"):
        ours(model, x, y, 1.0)
    grads, _ = ours(model.eval(), x, y, 1.0)
    assert set(grads) == {path for path, _ in model.named_parameters()}


def test_a_layer_with_parameters_may_have_a_layer_called_dropout() -> None:
    model, x, y = case("class token")
    model.dropout = Dropout(0.0)
    grads, _ = ours(model, x, y, 1.0)
    assert set(grads) == {path for path, _ in model.named_parameters()}
