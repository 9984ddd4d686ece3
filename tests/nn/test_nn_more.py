"""Settings and inputs of modules that PyTorch has, against it: padding of convolutions, divisors, statistics, sizes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain import nn

torch = pytest.importorskip("torch", reason="the peer modules are torch's")
pytestmark = [
    pytest.mark.peers,
    pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths"),
]
RNG = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype("float32")


def near(got: Any, want: Any, tolerance: float = 2e-5) -> None:
    want = np.asarray(want)
    assert tuple(got.shape) == want.shape
    np.testing.assert_allclose(got.numpy(), want, rtol=tolerance, atol=tolerance)


def pair(kind: str, *args: Any, **settings: Any) -> tuple[Any, Any]:
    """Our module and PyTorch's with the same random values."""
    ours, theirs = getattr(nn, kind)(*args, **settings), getattr(torch.nn, kind)(*args, **settings)
    with torch.no_grad():
        for value in theirs.parameters():
            value.copy_(torch.tensor(normal(*value.shape)))
    ours.load_state_dict(theirs.state_dict(), layout="torch")
    return ours, theirs


def compare(ours: Any, theirs: Any, x: np.ndarray, *more: Any) -> None:
    """Outputs, and the gradients of <v, outputs> by the input and the parameters, of channels last here."""
    theirs.zero_grad()
    given = torch.tensor(np.moveaxis(x, -1, 1), requires_grad=True)
    want = theirs(given, *more)
    near(ours(pt.asarray(x), *more), np.moveaxis(want.detach().numpy(), 1, -1))
    v = normal(*np.moveaxis(want.detach().numpy(), 1, -1).shape)
    (want * torch.tensor(np.moveaxis(v, -1, 1))).sum().backward()
    near(pt.grad(lambda x: (ours(x, *more) * v).sum())(pt.asarray(x)), np.moveaxis(given.grad.numpy(), 1, -1), 1e-4)
    if not ours.trainable():
        return
    _, grads = pt.nn.value_and_grad(ours, lambda: (ours(pt.asarray(x), *more) * v).sum())()
    peers = {name: value.grad.numpy() for name, value in theirs.named_parameters()}
    for name, grad in grads.items():
        axes = ours.torch_layout(name)
        near(grad, peers[name] if axes is None else peers[name].transpose(axes), 1e-3)


SPACE = {1: (9,), 2: (7, 6), 3: (5, 4, 6)}


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("padding", ["same", "valid", 1, "each"])
def test_padding_of_convolutions(axes: int, mode: str, padding: Any) -> None:
    if mode == "circular" and padding == 1:
        kernel: Any = 2  # an even kernel: what is added before and after differs under "same" alone
    else:
        kernel = (4, 3, 2)[:axes]
    padding = (1, 2, 0)[:axes] if padding == "each" else padding
    stride = 1 if padding == "same" else 2
    ours, theirs = pair(f"Conv{axes}d", 2, 3, kernel, stride, padding, padding_mode=mode)
    compare(ours, theirs, normal(2, *SPACE[axes], 2))


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_a_transpose_to_a_size_that_is_given(axes: int) -> None:
    ours, theirs = pair(f"ConvTranspose{axes}d", 2, 3, 3, stride=2, padding=1, dilation=2)
    x = normal(2, *SPACE[axes], 2)
    least = [(n - 1) * 2 - 2 + 2 * 2 + 1 for n in SPACE[axes]]
    compare(ours, theirs, x, [n + 1 for n in least])
    with pytest.raises(pt.ShapeError) as caught:
        ours(pt.asarray(x), [n + 2 for n in least])
    assert str(caught.value) == (
        f"[ConvTranspose{axes}d] output_size = {tuple(n + 2 for n in least)}; expected sizes from {least} to "
        f"{[n + 1 for n in least]}, without batch and channels; change output_size or stride"
    )


@pytest.mark.parametrize(
    "settings", [{}, {"padding": 1}, {"padding": 1, "ceil_mode": True, "count_include_pad": False}]
)
def test_a_divisor_of_ones_own(settings: dict[str, Any]) -> None:
    for axes in (2, 3):
        ours, theirs = pair(f"AvgPool{axes}d", 3, 2, divisor_override=5, **settings)
        compare(ours, theirs, normal(2, *SPACE[axes], 2))


def test_powers_of_windows() -> None:
    for axes in (1, 2):
        for settings in ({}, {"stride": 1}, {"ceil_mode": True}):
            ours, theirs = pair(f"LPPool{axes}d", 2, 2, **settings)
            compare(ours, theirs, normal(2, *SPACE[axes], 3))


@pytest.mark.parametrize("kind", ["Avg", "Max"])
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_adaptive_pooling(kind: str, axes: int) -> None:
    for size in (1, 3, (2, None, 5)[:axes]):
        ours, theirs = pair(f"Adaptive{kind}Pool{axes}d", size)
        compare(ours, theirs, normal(2, *SPACE[axes], 3))
    with pytest.raises(
        pt.ShapeError, match=rf"\[Adaptive{kind}Pool{axes}d\] input is \[4, 3\]; expected {axes + 2} axes"
    ):
        ours(pt.zeros((4, 3)))


@pytest.mark.parametrize("settings", [
    {}, {"affine": False}, {"track_running_stats": False}, {"momentum": None}, {"bias": False}, {"momentum": 0.3},
], ids=str)  # fmt: skip
@pytest.mark.parametrize("kind", ["BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "InstanceNorm1d", "InstanceNorm2d"])
def test_norms_of_channels(kind: str, settings: dict[str, Any]) -> None:
    if kind.startswith("Instance"):
        settings = {"affine": True, "track_running_stats": True, **settings}
        if settings["momentum" if "momentum" in settings else "affine"] is None:
            return  # PyTorch fails there
    ours, theirs = pair(kind, 4, **settings)
    step = pt.compile(lambda x: ours(x))
    for turn in range(3):
        x = normal(3, *SPACE[int(kind[-2])], 4) * 2 + 1
        want = theirs(torch.tensor(np.moveaxis(x, -1, 1)))
        near((step if turn else ours)(pt.asarray(x)), np.moveaxis(want.detach().numpy(), 1, -1))
    state = ours.state_dict()
    assert {name for name in theirs.state_dict() if name != "num_batches_tracked"} == set(state) - {
        "num_batches_tracked"
    }
    for name, value in state.items():
        np.testing.assert_allclose(value, theirs.state_dict()[name].numpy(), rtol=2e-5, atol=1e-6)
    ours.eval(), theirs.eval()
    if kind == "BatchNorm1d":
        x = x[:, 0]
    compare(ours, theirs, x)
    ours.reset_running_stats(), theirs.reset_running_stats()
    compare(ours, theirs, x)


def test_norms_say_how_their_input_lies() -> None:
    with pytest.raises(pt.ShapeError) as caught:
        nn.BatchNorm2d(3)(pt.zeros((2, 3)))
    assert str(caught.value) == (
        "[BatchNorm2d] input is [2, 3]; expected 4 axes, [batch, height, width, channels]; reshape it"
    )
    with pytest.raises(pt.ShapeError) as caught:
        nn.InstanceNorm1d(3)(pt.zeros((2, 3, 5)))
    assert str(caught.value) == (
        "[InstanceNorm1d] input is [2, 3, 5]; expected 3 channels, the last axis; move the channels last, "
        "pt.moveaxis(x, 1, -1), or change num_features"
    )
    for act in (
        lambda: nn.Conv2d(3, 4, 3)(pt.zeros((2, 3, 5, 5))),
        lambda: nn.ConvTranspose1d(3, 4, 3)(pt.zeros((2, 3))),
    ):
        with pytest.raises(pt.ShapeError, match=r"of 3 channels; move the channels last, pt\.moveaxis\(x, 1, -1\), or"):
            act()


@pytest.mark.parametrize("settings", [{}, {"elementwise_affine": False}, {"eps": 0.1}], ids=str)
@pytest.mark.parametrize("shape", [5, (5,), (4, 5), (3, 4, 5)])
@pytest.mark.parametrize("kind", ["LayerNorm", "RMSNorm"])
def test_norms_over_several_axes(kind: str, shape: Any, settings: dict[str, Any]) -> None:
    ours, theirs = pair(kind, shape, **settings)
    x = normal(2, 3, 4, 5)
    given = torch.tensor(x, requires_grad=True)
    want = theirs(given)
    near(ours(pt.asarray(x)), want.detach().numpy())
    v = normal(2, 3, 4, 5)
    (want * torch.tensor(v)).sum().backward()
    near(pt.grad(lambda x: (ours(x) * v).sum())(pt.asarray(x)), given.grad.numpy(), 1e-4)
    with pytest.raises(pt.ShapeError, match=rf"^\[{kind}\] input is \[2, 6\]; expected last axes of \["):
        ours(pt.zeros((2, 6)))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_weights_of_binary_losses(reduction: Any) -> None:
    weight, x, target = np.abs(normal(4)), normal(3, 4), RNG.random((3, 4)).astype("float32")
    for kind, given, more in (
        ("BCELoss", 1 / (1 + np.exp(-x)), {}),
        ("BCEWithLogitsLoss", x, {"pos_weight": np.abs(normal(4))}),
    ):
        ours = getattr(nn, kind)(weight, reduction=reduction, **more)
        peers = {name: torch.tensor(value) for name, value in more.items()}
        theirs = getattr(torch.nn, kind)(torch.tensor(weight), reduction=reduction, **peers)
        near(
            ours(input=pt.asarray(given), target=pt.asarray(target)), theirs(torch.tensor(given), torch.tensor(target))
        )


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("sparse", [False, True])
def test_bags_with_padding(mode: Any, sparse: bool) -> None:
    theirs = torch.nn.EmbeddingBag(9, 4, mode=mode, padding_idx=2)
    ours = nn.EmbeddingBag(9, 4, mode=mode, padding_idx=2, sparse=sparse)
    assert not ours.weight.numpy()[2].any()
    ours.load_state_dict({"weight": theirs.weight.detach().numpy()}, layout="torch")
    index = np.array([[0, 2, 8, 2], [2, 2, 2, 2], [1, 3, 3, 5]])
    want = theirs(torch.tensor(index))
    near(ours(pt.asarray(index)), want.detach().numpy())
    v = normal(3, 4)
    (want * torch.tensor(v)).sum().backward()
    grad = pt.nn.value_and_grad(ours, lambda: (ours(pt.asarray(index)) * v).sum())()[1]["weight"]
    near(grad.dense() if sparse else grad, theirs.weight.grad.numpy())


def test_a_flattened_range_of_axes() -> None:
    x = normal(2, 3, 4, 5)
    for dims in ((), (0,), (1, 2), (-2,), (2, -2), (0, -1)):
        near(nn.Flatten(*dims)(pt.asarray(x)), torch.nn.Flatten(*dims)(torch.tensor(x)).numpy())
    with pytest.raises(
        pt.ShapeError, match=r"^\[Flatten\] input is \[2, 3\], axes 1 to 0; expected axes of it in order"
    ):
        nn.Flatten(1, 0)(pt.zeros((2, 3)))


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_one_sequence_without_a_batch(kind: str) -> None:
    ours, theirs = pair(kind, 3, 4, 2, bidirectional=True, batch_first=True)
    x, states = normal(5, 3), [normal(4, 4), normal(4, 4)]
    for given in (None, tuple(states) if kind == "LSTM" else states[0]):
        peers = (
            tuple(map(torch.tensor, given))
            if isinstance(given, tuple)
            else given
            if given is None
            else torch.tensor(given)
        )
        y, last = ours(pt.asarray(x), hx=given)
        want, wanted_last = theirs(torch.tensor(x), peers)
        near(y, want.detach().numpy())
        for got, one in zip(*((s if isinstance(s, tuple) else (s,)) for s in (last, wanted_last)), strict=True):
            near(got, one.detach().numpy())
    ours, theirs = pair(f"{kind}Cell", 3, 4)
    got, want = ours(pt.asarray(x[0])), theirs(torch.tensor(x[0]))
    near(got[0] if kind == "LSTM" else got, (want[0] if kind == "LSTM" else want).detach().numpy())


@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("settings", [{"add_bias_kv": True}, {"add_zero_attn": True},
                                      {"add_bias_kv": True, "add_zero_attn": True}], ids=str)  # fmt: skip
def test_keys_behind_those_that_are_given(settings: dict[str, Any], need_weights: bool) -> None:
    ours, theirs = pair("MultiheadAttention", 8, 2, batch_first=True, **settings)
    q, k = normal(3, 5, 8), normal(3, 7, 8)
    padding = np.zeros((3, 7), dtype=bool)
    padding[1, 4:] = True
    for masks in ({}, {"attn_mask": normal(5, 7)}, {"key_padding_mask": padding}, {"attn_mask": normal(6, 5, 7)}):
        peers = {name: torch.tensor(mask) for name, mask in masks.items()}
        want, wanted = theirs(*map(torch.tensor, (q, k, k)), need_weights=need_weights, **peers)
        y, weights = ours(pt.asarray(q), pt.asarray(k), pt.asarray(k), need_weights=need_weights, **masks)
        near(y, want.detach().numpy())
        if need_weights:
            near(weights, wanted.detach().numpy())
    mask = np.triu(np.ones((5, 5), dtype=bool), 1)
    want, _ = theirs(*[torch.tensor(q)] * 3, attn_mask=torch.tensor(mask))
    near(ours(*[pt.asarray(q)] * 3, is_causal=True, need_weights=need_weights)[0], want.detach().numpy())


def test_attention_without_a_batch() -> None:
    ours, theirs = pair("MultiheadAttention", 8, 2)
    q, k = normal(5, 8), normal(7, 8)
    padding = np.array([False] * 6 + [True])
    calls: list[Callable[..., Any]] = [
        lambda layer, make: layer(make(q), make(k), make(k), key_padding_mask=make(padding)),
        lambda layer, make: layer(*[make(q)] * 3, average_attn_weights=False),
    ]
    for call in calls:
        for got, want in zip(call(ours, pt.asarray), call(theirs, torch.tensor), strict=True):
            near(got, want.detach().numpy())
    assert ours(*[pt.asarray(q)] * 3, need_weights=False)[1] is None
