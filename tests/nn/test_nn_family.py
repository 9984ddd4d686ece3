"""Modules that PyTorch has too, against it: activations, losses, norms, convolutions, pooling, recurrent layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt
import powertrain.nn.functional as F
from powertrain import nn

torch = pytest.importorskip("torch", reason="the peer modules are torch's")
pytestmark = pytest.mark.peers
RNG = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype("float32")


def first(array: np.ndarray) -> Any:
    """Channels first, as torch has them."""
    return torch.tensor(np.moveaxis(array, -1, 1))


def last(tensor: Any) -> np.ndarray:
    return np.moveaxis(tensor.detach().numpy(), 1, -1)


def near(got: Any, want: np.ndarray) -> None:
    assert got.shape == want.shape
    np.testing.assert_allclose(got.numpy(), want, rtol=2e-5, atol=1e-5)


ACTIVATIONS: list[tuple[Callable[[], nn.Module], str, tuple[Any, ...]]] = [
    (lambda: nn.ELU(0.5), "ELU", (0.5,)), (lambda: nn.CELU(0.5), "CELU", (0.5,)), (nn.SELU, "SELU", ()),
    (lambda: nn.LeakyReLU(0.2), "LeakyReLU", (0.2,)), (nn.PReLU, "PReLU", ()), (nn.ReLU6, "ReLU6", ()),
    (lambda: nn.Hardtanh(-0.5, 2.0), "Hardtanh", (-0.5, 2.0)), (nn.Hardsigmoid, "Hardsigmoid", ()),
    (nn.Hardswish, "Hardswish", ()), (nn.Hardshrink, "Hardshrink", ()), (nn.Softshrink, "Softshrink", ()),
    (nn.Tanhshrink, "Tanhshrink", ()), (lambda: nn.Threshold(0.1, 7.0), "Threshold", (0.1, 7.0)),
    (nn.Softplus, "Softplus", ()), (nn.Softsign, "Softsign", ()), (nn.Mish, "Mish", ()),
    (nn.LogSigmoid, "LogSigmoid", ()), (nn.GLU, "GLU", ()), (nn.Softmax, "Softmax", (-1,)),
    (nn.LogSoftmax, "LogSoftmax", (-1,)), (nn.Softmin, "Softmin", (-1,)), (nn.Identity, "Identity", ()),
]  # fmt: skip


@pytest.mark.parametrize(("make", "peer", "settings"), ACTIVATIONS, ids=[peer for _, peer, _ in ACTIVATIONS])
def test_activations_and_their_gradients(make: Callable[[], nn.Module], peer: str, settings: tuple[Any, ...]) -> None:
    x = 3 * normal(5, 8)
    layer, other = make(), getattr(torch.nn, peer)(*settings)
    given = torch.tensor(x, requires_grad=True)
    want = other(given)
    near(layer(pt.asarray(x)), want.detach().numpy())
    weights = normal(*want.shape)
    (want * torch.tensor(weights)).sum().backward()
    near(pt.grad(lambda x: (layer(x) * weights).sum())(pt.asarray(x)), given.grad.numpy())


# At the corners, where a definition has to choose.
CORNERS = np.array([0.0, -0.0, 1.0, -1.0, 3.0, -3.0, 6.0, 0.5, -0.5, np.inf, -np.inf, np.nan], dtype="float32")
# inf - inf, 0 * inf or a quotient of infinities: torch's formulas meet them in another order.
BEYOND = {"Mish", "Softsign", "Tanhshrink", "Hardswish", "Hardtanh", "CELU"}


@pytest.mark.parametrize("peer", ["ELU", "SELU", "ReLU6", "Hardsigmoid", "Hardshrink", "Softshrink", "LeakyReLU",
                                  "LogSigmoid", "Softplus", "CELU", "Hardtanh", "Hardswish"])  # fmt: skip
def test_gradients_at_corners_are_torchs(peer: str) -> None:
    x = CORNERS[np.isfinite(CORNERS)] if peer in BEYOND else CORNERS[~np.isnan(CORNERS)]
    given = torch.tensor(x, requires_grad=True)
    getattr(torch.nn, peer)()(given).sum().backward()
    got = pt.grad(lambda x: getattr(nn, peer)()(x).sum())(pt.asarray(x))
    np.testing.assert_allclose(got.numpy(), given.grad.numpy(), rtol=1e-6, atol=1e-7)


N, C = 6, 5
LABELS = np.array([0, 4, 2, -100, 1, 2])
KEPT = np.array([0, 4, 2, 3, 1, 2])
SIGNS = np.array([1, -1, 1, 1, -1, -1])
WEIGHT = np.array([0.5, 2.0, 1.0, 3.0, 0.25], dtype="float32")
P = 1 / (1 + np.exp(-normal(N, C)))
LOSSES: dict[str, tuple[str, dict[str, Any], tuple[Any, ...]]] = {
    "mse": ("MSELoss", {}, (normal(N, C), normal(N, C))),
    "l1": ("L1Loss", {}, (normal(N, C), normal(N, C))),
    "huber": ("HuberLoss", {"delta": 0.5}, (normal(N, C), normal(N, C))),
    "smooth l1": ("SmoothL1Loss", {"beta": 0.5}, (normal(N, C), normal(N, C))),
    "bce": ("BCELoss", {}, (P, P[::-1].copy())),
    "bce logits": ("BCEWithLogitsLoss", {"pos_weight": WEIGHT}, (normal(N, C), P)),
    "kl": ("KLDivLoss", {"reduction": "batchmean"}, (normal(N, C), P)),
    "kl log": ("KLDivLoss", {"log_target": True, "reduction": "batchmean"}, (normal(N, C), normal(N, C))),
    "poisson": ("PoissonNLLLoss", {"full": True}, (normal(N, C), 5 * P)),
    "gaussian": ("GaussianNLLLoss", {"full": True}, (normal(N, C), normal(N, C), P)),
    "soft margin": ("SoftMarginLoss", {}, (normal(N), SIGNS)),
    "hinge": ("HingeEmbeddingLoss", {"margin": 0.5}, (normal(N), SIGNS)),
    "ranking": ("MarginRankingLoss", {"margin": 0.5}, (normal(N), normal(N), SIGNS)),
    "cosine": ("CosineEmbeddingLoss", {"margin": 0.1}, (normal(N, C), normal(N, C), SIGNS)),
    "triplet": ("TripletMarginLoss", {"swap": True, "margin": 2.0}, (normal(N, C), normal(N, C), normal(N, C))),
    "multi margin": ("MultiMarginLoss", {"p": 2, "weight": WEIGHT}, (normal(N, C), KEPT)),
    "multi label": ("MultiLabelSoftMarginLoss", {"weight": WEIGHT}, (normal(N, C), P.round())),
    "nll": ("NLLLoss", {"weight": WEIGHT}, (normal(N, C), LABELS)),
    "cross entropy": ("CrossEntropyLoss", {}, (normal(N, C), LABELS)),
    "weighted": ("CrossEntropyLoss", {"weight": WEIGHT, "label_smoothing": 0.1}, (normal(N, C), LABELS)),
    "soft": ("CrossEntropyLoss", {"label_smoothing": 0.1, "weight": WEIGHT}, (normal(N, C), P)),
}  # fmt: skip


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", LOSSES)
def test_losses_and_their_gradients(name: str, reduction: Any) -> None:
    kind, settings, inputs = LOSSES[name]
    if "reduction" not in settings:
        settings = {**settings, "reduction": reduction}
    elif reduction != "mean":
        return
    inputs = tuple(x.astype("float32") if x.dtype.kind == "f" else x for x in inputs)
    peers = {key: torch.tensor(value) if isinstance(value, np.ndarray) else value for key, value in settings.items()}
    layer, other = getattr(nn, kind)(**settings), getattr(torch.nn, kind)(**peers)
    given = [torch.tensor(x) for x in inputs]
    given[0].requires_grad_()
    want = other(*given)
    near(layer(*(pt.asarray(x) for x in inputs)), want.detach().numpy())
    want.sum().backward()
    loss = lambda x: pt.sum(layer(x, *(pt.asarray(x) for x in inputs[1:])))  # noqa: E731
    for gradient in (pt.grad(loss), pt.compile(pt.grad(loss))):
        near(gradient(pt.asarray(inputs[0])), given[0].grad.numpy())


def test_a_reduction_that_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^\[MSELoss\] reduction = 'median'; expected 'mean', 'sum' or 'none'"):
        nn.MSELoss(reduction="median")  # type: ignore[arg-type]


def test_group_and_instance_norm() -> None:
    x, weight, bias = normal(2, 4, 5, 6), normal(6), normal(6)
    layer = nn.GroupNorm(3, 6)
    layer.load_state_dict({"weight": weight, "bias": bias})
    other = torch.nn.GroupNorm(3, 6)
    other.load_state_dict({"weight": torch.tensor(weight), "bias": torch.tensor(bias)})
    near(layer(x), last(other(first(x))))
    near(nn.InstanceNorm2d(6)(x), last(torch.nn.InstanceNorm2d(6)(first(x))))
    assert list(nn.InstanceNorm2d(6).state_dict()) == [] and list(layer.state_dict()) == ["weight", "bias"]


def convolutions() -> list[Any]:
    return [
        ("Conv1d", (4, 6, 3), {"stride": 2, "padding": 1, "groups": 2}, (2, 9, 4), (2, 1, 0)),
        ("Conv3d", (2, 3, 3), {"stride": (2, 1, 1), "padding": 1}, (1, 4, 5, 5, 2), (2, 3, 4, 1, 0)),
        ("ConvTranspose1d", (4, 6, 3), {"stride": 2, "padding": 1, "output_padding": 1, "groups": 2}, (2, 5, 4),
         (2, 1, 0)),
        ("ConvTranspose2d", (4, 6, 3), {"stride": 2, "padding": 1, "output_padding": 1, "groups": 2},
         (2, 4, 5, 4), (2, 3, 1, 0)),
    ]  # fmt: skip


@pytest.mark.parametrize(("kind", "sizes", "settings", "shape", "order"), convolutions(), ids=lambda x: str(x)[:16])
def test_convolutions(kind: str, sizes: Any, settings: dict[str, Any], shape: Any, order: Any) -> None:
    other = getattr(torch.nn, kind)(*sizes, **settings)
    layer = getattr(nn, kind)(*sizes, **settings)
    layer.load_state_dict(
        {"weight": other.weight.detach().numpy().transpose(order), "bias": other.bias.detach().numpy()}
    )
    x = normal(*shape)
    near(layer(x), last(other(first(x))))


def test_pooling_of_sequences_and_volumes() -> None:
    line, volume = normal(2, 9, 4), normal(1, 5, 6, 7, 3)
    for kind, x in (("1d", line), ("3d", volume)):
        for settings in ((2,), (3, 2, 1)):
            theirs = getattr(torch.nn, f"MaxPool{kind}")(*settings)(first(x))
            near(getattr(nn, f"MaxPool{kind}")(*settings)(x), last(theirs))
            for counted in (True, False):
                theirs = getattr(torch.nn, f"AvgPool{kind}")(*settings, count_include_pad=counted)(first(x))
                near(getattr(nn, f"AvgPool{kind}")(*settings, count_include_pad=counted)(x), last(theirs))


def test_pooling_and_resampling() -> None:
    x = normal(2, 7, 5, 4)
    near(nn.AdaptiveAvgPool2d((3, 2))(x), last(torch.nn.AdaptiveAvgPool2d((3, 2))(first(x))))
    near(nn.AdaptiveMaxPool2d((3, 2))(x), last(torch.nn.AdaptiveMaxPool2d((3, 2))(first(x))))
    near(nn.LPPool2d(2, 2)(x), last(torch.nn.LPPool2d(2, 2)(first(x))))
    near(nn.PixelShuffle(2)(x), last(torch.nn.PixelShuffle(2)(first(x))))
    y = normal(1, 4, 6, 3)
    near(nn.PixelUnshuffle(2)(y), last(torch.nn.PixelUnshuffle(2)(first(y))))
    for mode in ("nearest", "bilinear", "bicubic"):
        near(nn.Upsample(scale_factor=2, mode=mode)(x), last(torch.nn.Upsample(scale_factor=2, mode=mode)(first(x))))
        near(nn.Upsample(size=(4, 9), mode=mode)(x), last(torch.nn.Upsample(size=(4, 9), mode=mode)(first(x))))
    for mode in ("bilinear", "bicubic"):
        want = torch.nn.Upsample(size=(4, 9), mode=mode, align_corners=True)(first(x))
        near(nn.Upsample(size=(4, 9), mode=mode, align_corners=True)(x), last(want))
    with pytest.raises(ValueError, match=r"^\[Upsample\] size = None, scale_factor = None; expected one of them"):
        nn.Upsample()


def test_dropouts_keep_what_they_promise() -> None:
    pt.random.seed(0)
    x = np.ones((64, 8, 8, 32), dtype="float32")
    y = nn.Dropout2d(0.25)(x).numpy()
    whole = y.reshape(64, 64, 32)
    assert (whole == whole[:, :1]).all() and set(np.unique(y)) == {0.0, np.float32(1 / 0.75)}
    assert abs((whole[:, 0] == 0).mean() - 0.25) < 0.03
    z = RNG.standard_normal((400, 500)).astype("float32")
    dropped = nn.AlphaDropout(0.2)(z).numpy()
    assert abs(dropped.mean()) < 0.02 and abs(dropped.std() - 1) < 0.02
    for layer in (nn.Dropout2d(0.5).eval(), nn.AlphaDropout(0.5).eval()):
        assert layer(x) is x


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("kind", ["ConstantPad", "ReflectionPad", "ReplicationPad", "CircularPad", "ZeroPad"])
def test_borders(kind: str, axes: int) -> None:
    x = normal(2, *(4, 5, 3)[:axes], 3)
    value = (1.5,) if kind == "ConstantPad" else ()
    for amount in (1, (1, 2, 0, 1, 2, 1)[: 2 * axes]):
        theirs = getattr(torch.nn, f"{kind}{axes}d")(amount, *value)(first(x))
        near(getattr(nn, f"{kind}{axes}d")(amount, *value)(pt.asarray(x)), last(theirs))
    with pytest.raises(ValueError, match=rf"^\[{kind}{axes}d\] padding = \(1, 2, 3\); expected one number, or "):
        getattr(nn, f"{kind}{axes}d")((1, 2, 3), *value)


def test_a_border_wider_than_what_is_mirrored() -> None:
    with pytest.raises(pt.ShapeError, match=r'\[pad\] mode = "reflect", 3 before and 1 behind axis 1 of x'):
        nn.ReflectionPad1d((3, 1))(pt.zeros((1, 3, 2)))
    with pytest.raises(pt.ShapeError, match=r"\[ZeroPad2d\] input is \[1, 3, 2\]; expected 4 axes, batch first"):
        nn.ZeroPad2d(1)(pt.zeros((1, 3, 2)))


def test_modules_of_pairs() -> None:
    a, b = normal(6, 4), normal(6, 5)
    theirs, ours = torch.nn.Bilinear(4, 5, 3), nn.Bilinear(4, 5, 3)
    ours.load_state_dict({name: value.numpy() for name, value in theirs.state_dict().items()}, layout="torch")
    near(ours(pt.asarray(a), pt.asarray(b)), theirs(torch.tensor(a), torch.tensor(b)).detach().numpy())
    c, d = normal(6, 4), normal(6, 4)
    for made, peer in (
        (nn.CosineSimilarity(), torch.nn.CosineSimilarity(-1)), (nn.PairwiseDistance(3.0), torch.nn.PairwiseDistance(3))
    ):  # fmt: skip
        near(made(pt.asarray(c), pt.asarray(d)), peer(torch.tensor(c), torch.tensor(d)).numpy())


@pytest.mark.parametrize("mode", ["mean", "sum", "max"])
def test_bags_of_rows(mode: Any) -> None:
    theirs, ours = torch.nn.EmbeddingBag(9, 4, mode=mode), nn.EmbeddingBag(9, 4, mode=mode)
    ours.load_state_dict({"weight": theirs.weight.detach().numpy()}, layout="torch")
    index = RNG.integers(0, 9, (3, 5))
    near(ours(pt.asarray(index)), theirs(torch.tensor(index)).detach().numpy())


def test_rearrangements_and_response_norm() -> None:
    x = normal(2, 4, 5, 6)
    assert nn.Unflatten(-1, (2, 3))(pt.asarray(x)).shape == (2, 4, 5, 2, 3)
    near(nn.ChannelShuffle(3)(pt.asarray(x)), last(torch.nn.ChannelShuffle(3)(first(x))))
    with pytest.raises(pt.ShapeError, match=r"\[channel_shuffle\] 6 channels in 4 groups; expected a multiple"):
        nn.ChannelShuffle(4)(pt.asarray(x))
    near(nn.Softmax2d()(pt.asarray(x)), last(torch.nn.Softmax2d()(first(x))))
    for size in (1, 2, 3, 5):
        theirs = torch.nn.LocalResponseNorm(size, 0.5, 0.6, 2.0)(first(x))
        near(nn.LocalResponseNorm(size, 0.5, 0.6, 2.0)(pt.asarray(x)), last(theirs))


def test_the_row_of_padding_stays_zero() -> None:
    layer, theirs = nn.Embedding(5, 3, padding_idx=1), torch.nn.Embedding(5, 3, padding_idx=1)
    assert not layer.weight.numpy()[1].any() and layer.weight.numpy()[0].any()
    layer.load_state_dict({"weight": theirs.weight.detach().numpy()}, layout="torch")
    index, weights = np.array([[0, 1, 4], [1, 4, 2]]), normal(2, 3, 3)
    (theirs(torch.tensor(index)) * torch.tensor(weights)).sum().backward()
    _, grads = pt.nn.value_and_grad(layer, lambda: (layer(pt.asarray(index)) * weights).sum())()
    near(grads["weight"], theirs.weight.grad.numpy())
    with pytest.raises(ValueError, match=r"\[Embedding\] padding_idx = 5; expected a row of 5; 0 is usual"):
        nn.Embedding(5, 3, padding_idx=5)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_losses_of_several_labels_and_other_distances(reduction: Any) -> None:
    x, labels = normal(4, 5), np.array([[3, 0, -1, 1, 2], [4, -1, -1, 0, 0], [-1, 0, 0, 0, 0], [0, 1, 2, 3, 4]])
    given = torch.tensor(x, requires_grad=True)
    want = torch.nn.MultiLabelMarginLoss(reduction=reduction)(given, torch.tensor(labels))
    loss = nn.MultiLabelMarginLoss(reduction=reduction)
    near(loss(pt.asarray(x), pt.asarray(labels)), want.detach().numpy())
    want.sum().backward()
    near(pt.grad(lambda x: pt.sum(loss(x, pt.asarray(labels))))(pt.asarray(x)), given.grad.numpy())
    single = torch.nn.MultiLabelMarginLoss(reduction=reduction)(torch.tensor(x[0]), torch.tensor(labels[0]))
    near(loss(pt.asarray(x[0]), pt.asarray(labels[0])), single.numpy())
    three = [normal(6, 4) for _ in range(3)]
    for swap in (False, True):
        settings: dict[str, Any] = {"margin": 2.0, "swap": swap, "reduction": reduction}
        want = torch.nn.TripletMarginWithDistanceLoss(**settings)(*map(torch.tensor, three))
        near(nn.TripletMarginWithDistanceLoss(**settings)(*map(pt.asarray, three)), want.numpy())


def test_drawn_slopes_and_dropped_channels() -> None:
    pt.random.seed(0)
    x = -np.ones((200, 50), dtype="float32")
    slopes = -nn.RReLU()(pt.asarray(x)).numpy()
    assert 1 / 8 <= slopes.min() < 0.14 and 0.32 < slopes.max() <= 1 / 3
    near(nn.RReLU().eval()(pt.asarray(x)), torch.nn.RReLU().eval()(torch.tensor(x)).numpy())
    assert (nn.RReLU()(pt.asarray(-x)).numpy() == 1).all()
    with pytest.raises(ValueError, match=r"\[RReLU\] lower = 0.5, upper = 0.25; expected lower <= upper"):
        nn.RReLU(0.5, 0.25)
    z = np.ones((50, 7, 40), dtype="float32")
    for layer in (nn.FeatureAlphaDropout(0.3), nn.Dropout1d(0.3)):
        y = layer(pt.asarray(z)).numpy()
        assert (y == y[:, :1]).all() and len(np.unique(y)) == 2
        assert abs((y[:, 0] == y.min()).mean() - 0.3) < 0.04


@pytest.mark.parametrize("zero_infinity", [False, True])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_ctc_losses_are_torchs(reduction: Any, zero_infinity: bool) -> None:
    rng = np.random.default_rng(7)
    x, labels = normal(4, 30, 12), rng.integers(1, 12, (4, 9))
    steps, lengths = np.array([30, 28, 20, 4 if zero_infinity else 20]), np.array([9, 5, 7, 9])
    given = torch.tensor(x, requires_grad=True)
    peer = torch.nn.CTCLoss(0, reduction, zero_infinity)
    rows = given.log_softmax(2).swapaxes(0, 1)
    theirs = peer(rows, torch.tensor(labels), torch.tensor(steps), torch.tensor(lengths))
    theirs.sum().backward()
    loss = nn.CTCLoss(0, reduction, zero_infinity)
    ours = lambda x: loss(pt.log_softmax(x), pt.tensor(labels), pt.tensor(steps), pt.tensor(lengths))  # noqa: E731
    near(ours(pt.asarray(x)), theirs.detach().numpy())
    near(pt.grad(lambda x: pt.sum(ours(x)))(pt.asarray(x)), given.grad.numpy())


def test_an_affine_grid_is_torchs() -> None:
    theta = normal(2, 2, 3)
    for corners in (False, True):
        want = torch.nn.functional.affine_grid(torch.tensor(theta), (2, 3, 4, 5), align_corners=corners)
        near(F.affine_grid(pt.asarray(theta), (4, 5), corners), want.numpy())
