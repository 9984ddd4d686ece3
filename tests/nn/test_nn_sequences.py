"""Recurrent and attention layers against torch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from test_nn_torch import near, normal

import powertrain as pt
from powertrain import nn

torch = pytest.importorskip("torch", reason="the peer modules are torch's")
# Of torch, which has several ways to run an LSTM.
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore:LSTM with projections is not supported")]
RNG = np.random.default_rng(1)


# ---------------------------------------------------------------- recurrent layers

RECURRENT: list[tuple[str, dict[str, Any]]] = [
    ("RNN", {}), ("RNN", {"nonlinearity": "relu"}), ("GRU", {}), ("LSTM", {}), ("GRU", {"bias": False}),
    ("LSTM", {"bias": False}), ("LSTM", {"proj_size": 2}), ("LSTM", {"proj_size": 3, "bias": False}),
]  # fmt: skip


def pair_of(kind: str, settings: dict[str, Any], layers: int, bidirectional: bool) -> tuple[Any, Any]:
    theirs = getattr(torch.nn, kind)(3, 4, layers, batch_first=True, bidirectional=bidirectional, **settings)
    ours = getattr(nn, kind)(3, 4, layers, bidirectional=bidirectional, **settings)
    state = {name: value.numpy() for name, value in theirs.state_dict().items()}
    assert list(ours.state_dict()) == list(state)
    ours.load_state_dict(state, layout="torch")
    return ours, theirs


def last_of(state: Any) -> list[Any]:
    return list(state) if isinstance(state, tuple) else [state]


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize(("kind", "settings"), RECURRENT)
def test_recurrent_layers(kind: str, settings: dict[str, Any], bidirectional: bool) -> None:
    ours, theirs = pair_of(kind, settings, 2, bidirectional)
    widths = [settings.get("proj_size", 4), 4][: ours.STATES]
    x, state = normal(2, 5, 3), [normal(4 if bidirectional else 2, 2, width) for width in widths]
    for given in ([], state):
        peers = [torch.tensor(part) for part in given]
        first = None if not given else tuple(given) if kind == "LSTM" else given[0]
        theirs_first = None if not given else tuple(peers) if kind == "LSTM" else peers[0]
        y, last = ours(pt.asarray(x), first)
        wanted, wanted_last = theirs(torch.tensor(x), theirs_first)
        near(y, wanted)
        for got, want in zip(last_of(last), last_of(wanted_last), strict=True):
            near(got, want)


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize(("kind", "settings"), [("RNN", {}), ("GRU", {}), ("LSTM", {}), ("LSTM", {"proj_size": 2})])
def test_sequences_of_several_lengths(kind: str, settings: dict[str, Any], bidirectional: bool, compiled: bool) -> None:
    ours, theirs = pair_of(kind, settings, 2, bidirectional)
    x, lengths = normal(4, 6, 3), np.array([6, 1, 3, 5])
    packed = torch.nn.utils.rnn.pack_padded_sequence(
        torch.tensor(x, requires_grad=True), torch.tensor(lengths), batch_first=True, enforce_sorted=False
    )
    out, wanted_last = theirs(packed)
    wanted = torch.nn.utils.rnn.pad_packed_sequence(out, batch_first=True)[0]

    def run(x: Any, lengths: Any) -> Any:
        return ours(x, None, lengths)

    y, last = (pt.compile(run) if compiled else run)(pt.asarray(x), pt.asarray(lengths))
    near(y, wanted)
    for got, want in zip(last_of(last), last_of(wanted_last), strict=True):
        near(got, want)
    weights = normal(*wanted.shape)
    (wanted * torch.tensor(weights)).sum().backward()
    _, grads = pt.nn.value_and_grad(ours, lambda: (run(pt.asarray(x), lengths)[0] * weights).sum())()
    for name, grad in grads.items():
        want = getattr(theirs, name).grad
        near(grad, want.T if name.startswith("weight") else want, 1e-4)


def test_a_projection_is_smaller_than_the_states() -> None:
    for size, text in (
        (4, "[LSTM] proj_size = 4, hidden_size = 4; expected a smaller one, or 0 for none; change one"),
        (-1, "[LSTM] proj_size = -1; expected a whole number from 0 to 2147483647; for example proj_size = 8"),
    ):
        with pytest.raises(pt.ShapeError) as caught:
            nn.LSTM(3, 4, proj_size=size)
        assert str(caught.value) == text


def test_lengths_are_checked() -> None:
    layer, x = nn.GRU(3, 4), pt.zeros((2, 5, 3))
    for lengths, given in (
        ([5, 6], "[5, 6]"),
        (np.array([0, 5]), "[0, 5]"),
        (pt.asarray([5, 6]), "[5, 6]"),
        (pt.asarray([5, -1]), "[5, -1]"),
        (pt.asarray([5.0, 4.0]), "[5.0, 4.0]"),
        (pt.asarray([5]), "[5]"),
    ):
        for module in (layer, nn.LSTM(3, 4), nn.RNN(3, 4)):
            with pytest.raises(pt.ShapeError) as caught:
                module(x, None, lengths)
            assert str(caught.value) == (
                f"[{type(module).__name__}] lengths = {given}; expected 2 whole numbers from 1 to 5, one for each "
                "sequence of the batch; compare lengths with the size of the time axis"
            )
    with pytest.raises(pt.ShapeError, match=r"^\[GRU\] lengths = int64\[3\]; expected 2 whole numbers from 1 to 5, "):
        pt.compile(lambda n: layer(x, None, n)[0])(pt.asarray([1, 2, 3]))
    with pytest.raises(pt.ShapeError, match=r"\[GRU\] input is \[3\]; expected \[batch, time, 3\]; check its axes"):
        layer(pt.zeros((3,)))
    with pytest.raises(ValueError, match=r"\[LSTM\] num_layers = 0; expected a whole number from 1"):
        nn.LSTM(3, 4, 0)


def test_dropout_between_layers_is_for_training() -> None:
    layer, x = nn.LSTM(3, 4, 2, dropout=0.5), pt.asarray(normal(2, 5, 3))
    assert (layer(x)[0].numpy() != layer(x)[0].numpy()).any()
    assert (layer.eval()(x)[0].numpy() == layer(x)[0].numpy()).all()


@pytest.mark.parametrize("kind", ["RNNCell", "GRUCell", "LSTMCell"])
def test_cells(kind: str) -> None:
    ours, theirs = getattr(nn, kind)(3, 4), getattr(torch.nn, kind)(3, 4)
    ours.load_state_dict({name: value.numpy() for name, value in theirs.state_dict().items()}, layout="torch")
    x, state = normal(2, 3), [normal(2, 4) for _ in range(2 if kind == "LSTMCell" else 1)]
    peers = tuple(torch.tensor(part) for part in state)
    pairs = ((None, None), (tuple(state), peers) if kind == "LSTMCell" else (state[0], peers[0]))
    for first, other in pairs:
        for got, want in zip(last_of(ours(pt.asarray(x), first)), last_of(theirs(torch.tensor(x), other)), strict=True):
            near(got, want)


# ---------------------------------------------------------------- attention


def attention_pair(**settings: Any) -> tuple[Any, Any]:
    theirs = torch.nn.MultiheadAttention(12, 3, batch_first=True, **settings)
    ours = nn.MultiheadAttention(12, 3, **settings)
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.copy_(torch.tensor(0.3 * normal(*parameter.shape)))
    state = {name: value.numpy() for name, value in theirs.state_dict().items()}
    ours.load_state_dict(state, layout="torch")
    return ours, theirs


FLOATS = normal(5, 7)
BOOLS = RNG.random((5, 7)) < 0.3
BOOLS[:, 0] = False
PADDING = np.zeros((2, 7), dtype=bool)
PADDING[1, 5:] = True
PER_HEAD = normal(6, 5, 7)
MASKS: list[dict[str, Any]] = [
    {}, {"attn_mask": FLOATS}, {"attn_mask": BOOLS}, {"key_padding_mask": PADDING}, {"attn_mask": PER_HEAD},
    {"attn_mask": BOOLS, "key_padding_mask": PADDING}, {"attn_mask": FLOATS, "average_attn_weights": False},
]  # fmt: skip


@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("masks", MASKS, ids=lambda masks: "+".join(masks) or "none")
def test_cross_attention(masks: dict[str, Any], need_weights: bool) -> None:
    ours, theirs = attention_pair()
    q, k, v = normal(2, 5, 12), normal(2, 7, 12), normal(2, 7, 12)
    peers = {key: torch.tensor(mask) if isinstance(mask, np.ndarray) else mask for key, mask in masks.items()}
    wanted, wanted_weights = theirs(*map(torch.tensor, (q, k, v)), need_weights=need_weights, **peers)
    y, weights = ours(pt.asarray(q), pt.asarray(k), pt.asarray(v), need_weights=need_weights, **masks)
    near(y, wanted)
    if need_weights:
        near(weights, wanted_weights)
    else:
        assert weights is None and wanted_weights is None


@pytest.mark.parametrize("settings", [{"kdim": 5, "vdim": 4}, {"bias": False}])
def test_attention_of_other_widths(settings: dict[str, Any]) -> None:
    ours, theirs = attention_pair(**settings)
    q, k = normal(2, 5, 12), normal(2, 7, settings.get("kdim", 12))
    v = normal(2, 7, settings.get("vdim", 12))
    near(ours(pt.asarray(q), pt.asarray(k), pt.asarray(v))[0], theirs(*map(torch.tensor, (q, k, v)))[0])


@pytest.mark.parametrize("need_weights", [True, False])
def test_causal_attention_with_and_without_weights(need_weights: bool) -> None:
    ours, theirs = attention_pair()
    x = normal(2, 7, 12)
    mask = torch.triu(torch.ones(7, 7, dtype=torch.bool), 1)
    wanted = theirs(*[torch.tensor(x)] * 3, attn_mask=mask)[0]
    x = pt.asarray(x)
    near(ours(x, x, x, is_causal=True, need_weights=need_weights)[0], wanted)


def test_attention_drops_weights_in_training_alone() -> None:
    layer, x = nn.MultiheadAttention(12, 3, dropout=0.5), pt.asarray(normal(2, 7, 12))
    assert (layer(x, x, x)[0].numpy() != layer(x, x, x)[0].numpy()).any()
    layer.eval()
    assert (layer(x, x, x)[0].numpy() == layer(x, x, x)[0].numpy()).all()


def test_masks_and_heads_that_do_not_fit() -> None:
    with pytest.raises(
        pt.ShapeError, match=r"\[MultiheadAttention\] embed_dim = 12, num_heads = 5; expected a multiple"
    ):
        nn.MultiheadAttention(12, 5)
    layer, x = nn.MultiheadAttention(12, 3), pt.zeros((2, 7, 12))
    with pytest.raises(pt.ShapeError, match=r"attn_mask is \[7, 6\]; expected \[7, 7\] or \[6, 7, 7\]; one row for"):
        layer(x, x, x, attn_mask=np.zeros((7, 6), dtype=bool))
    with pytest.raises(pt.ShapeError, match=r"key_padding_mask is \[7, 2\]; expected \[2, 7\]; one number for"):
        layer(x, x, x, key_padding_mask=np.zeros((7, 2), dtype=bool))


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_transformer_layers(norm_first: bool, activation: str) -> None:
    settings: dict[str, Any] = {"dropout": 0.0, "activation": activation, "norm_first": norm_first}
    source, target = normal(2, 7, 12), normal(2, 5, 12)
    kinds: list[tuple[str, Callable[..., Any]]] = [
        ("Encoder", lambda layer, make: layer(make(source), src_key_padding_mask=make(PADDING))),
        ("Decoder", lambda layer, make: layer(
            make(target), make(source), tgt_mask=make(np.triu(np.ones((5, 5), dtype=bool), 1)),
            memory_key_padding_mask=make(PADDING)),
        ),
    ]  # fmt: skip
    for kind, call in kinds:
        theirs = getattr(torch.nn, f"Transformer{kind}Layer")(12, 3, 20, batch_first=True, **settings)
        fast = {"enable_nested_tensor": False} if kind == "Encoder" else {}  # it warns where it does not apply
        theirs = getattr(torch.nn, f"Transformer{kind}")(theirs, 2, torch.nn.LayerNorm(12), **fast)
        ours = getattr(nn, f"Transformer{kind}Layer")(12, 3, 20, **settings)
        ours = getattr(nn, f"Transformer{kind}")(ours, 2, nn.LayerNorm(12))
        state = {name: value.numpy() for name, value in theirs.state_dict().items()}
        ours.load_state_dict(state, layout="torch")
        near(call(ours, pt.asarray), call(theirs, torch.tensor))
    with pytest.raises(ValueError, match=r"activation = 'swish'; expected 'relu', 'gelu' or a function"):
        nn.TransformerEncoderLayer(12, 3, activation="swish")


def test_copies_of_a_layer_begin_alike_and_learn_apart() -> None:
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, 0.0), 2)
    first, second = encoder.layers
    assert np.array_equal(first.linear1.weight.numpy(), second.linear1.weight.numpy())
    assert first.linear1.weight is not second.linear1.weight
    x = pt.asarray(normal(1, 3, 8))
    _, grads = pt.nn.value_and_grad(encoder, lambda: pt.square(encoder(x)).mean())()
    assert len(grads) == 2 * len(first.parameters())


def test_the_mask_of_a_transformer_is_pytorchs() -> None:
    mask = nn.Transformer.generate_square_subsequent_mask(3, dtype="float64")
    assert mask.dtype == pt.float64
    assert mask.tolist() == [[0.0, -np.inf, -np.inf], [0.0, 0.0, -np.inf], [0.0, 0.0, 0.0]]
    model = nn.Transformer(8, 2, 1, 1, 16, 0.0)
    src, tgt = pt.asarray(normal(2, 4, 8)), pt.asarray(normal(2, 3, 8))
    causal = model(src, tgt, tgt_mask=nn.Transformer.generate_square_subsequent_mask(3))
    np.testing.assert_allclose(causal.numpy(), model(src, tgt, tgt_is_causal=True).numpy(), rtol=1e-5, atol=1e-6)
