"""powertrain.nn.functional against torch.nn.functional: the same names, keywords and numbers, with channels last."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt
import powertrain.nn.functional as F
from calls import to_array

torch = pytest.importorskip("torch", reason="the functions are torch's")
f = torch.nn.functional
pytestmark = pytest.mark.peers

RNG = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray[Any, Any]:
    return RNG.standard_normal(shape)


def near(got: Any, want: Any, tolerance: float = 1e-12) -> None:
    got, want = to_array(got), want.detach().numpy()
    assert got.shape == want.shape
    assert np.all(np.abs(got - want) <= tolerance * (1 + np.abs(want))), np.max(np.abs(got - want))


def both(values: Any) -> tuple[Any, Any]:
    """An argument for ours and for theirs."""
    if isinstance(values, np.ndarray):
        return pt.asarray(values), torch.tensor(values)
    return values, values


def agree(name: str, *inputs: Any, ours: dict[str, Any] | None = None, **settings: Any) -> None:
    """The same call on both sides, and the gradient by the first input for a random cotangent."""
    mine, theirs = zip(*map(both, inputs), strict=True)
    own = {key: both(value)[0] for key, value in (settings if ours is None else ours).items()}
    other = {key: both(value)[1] for key, value in settings.items()}
    first = theirs[0].requires_grad_()
    want = getattr(f, name)(*theirs, **other)
    near(getattr(F, name)(*mine, **own), want)
    weight = normal(*want.shape)
    (by_first,) = torch.autograd.grad((want * torch.tensor(weight)).sum(), first)
    near(pt.grad(lambda x: (getattr(F, name)(x, *mine[1:], **own) * pt.asarray(weight)).sum())(mine[0]), by_first)


# ------------------------------------------------------------ losses

X, Y = normal(4, 5), normal(4, 5)
ZERO_ONE, SIGNS = (normal(4, 5) > 0).astype("float64"), np.sign(normal(4, 5))
SHARE = RNG.dirichlet(np.ones(5), 4)
LABELS = np.array([0, 4, 2, 4])
LOSSES: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "mse_loss": ((X, Y), {}),
    "l1_loss": ((X, Y), {}),
    "huber_loss": ((X, Y), {"delta": 0.7}),
    "smooth_l1_loss": ((X, Y), {"beta": 0.3}),
    "binary_cross_entropy": ((1 / (1 + np.exp(-X)), ZERO_ONE), {"weight": np.abs(normal(5))}),
    "binary_cross_entropy_with_logits": (
        (X, ZERO_ONE), {"weight": np.abs(normal(4, 1)), "pos_weight": np.abs(normal(5))}),
    "kl_div": ((X, SHARE), {}),
    "poisson_nll_loss": ((X, np.abs(Y)), {"full": True}),
    "gaussian_nll_loss": ((X, Y, np.abs(normal(4, 5)) + 0.1), {"full": True}),
    "soft_margin_loss": ((X, SIGNS), {}),
    "hinge_embedding_loss": ((X, SIGNS), {"margin": 0.4}),
    "margin_ranking_loss": ((X, Y, SIGNS), {"margin": 0.2}),
    "cosine_embedding_loss": ((X, Y, np.array([1.0, -1.0, 1.0, -1.0])), {"margin": 0.1}),
    "triplet_margin_loss": ((X, Y, normal(4, 5)), {"p": 3.0, "swap": True}),
    "triplet_margin_with_distance_loss": ((X, Y, normal(4, 5)), {"margin": 0.5, "swap": True}),
    "multi_margin_loss": ((X, LABELS), {"p": 2, "margin": 0.8, "weight": np.abs(normal(5))}),
    "multilabel_margin_loss": ((X, np.array([[3, 0, -1, 1, 2]] * 4)), {}),
    "multilabel_soft_margin_loss": ((X, ZERO_ONE), {"weight": np.abs(normal(5))}),
    "nll_loss": ((np.log(SHARE), np.array([0, -100, 2, 4])), {"weight": np.abs(normal(5))}),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")  # PyTorch's, of kl_div
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", LOSSES)
def test_losses_are_those_of_torch(name: str, reduction: str) -> None:
    inputs, settings = LOSSES[name]
    agree(name, *inputs, **settings, reduction=reduction)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(
    ("target", "settings"),
    [
        (LABELS, {}),
        (LABELS, {"label_smoothing": 0.2}),
        (LABELS, {"weight": np.abs(normal(5)), "label_smoothing": 0.2}),
        (np.array([1, -100, 3, -100]), {"weight": np.abs(normal(5))}),
        (np.array([1, 2, 3, 2]), {"ignore_index": 2}),
        (SHARE, {}),
        (SHARE, {"weight": np.abs(normal(5)), "label_smoothing": 0.3}),
    ],
    ids=["labels", "smoothing", "weight", "ignored", "another", "shares", "weighted-shares"],
)
def test_cross_entropy_is_that_of_torch(target: Any, settings: dict[str, Any], reduction: str) -> None:
    agree("cross_entropy", X, target, **settings, reduction=reduction)


def test_cross_entropy_of_sequences_has_the_classes_last() -> None:
    scores, labels = normal(2, 3, 5), RNG.integers(0, 5, (2, 3))
    want = f.cross_entropy(torch.tensor(scores).movedim(-1, 1), torch.tensor(labels), reduction="none")
    near(F.cross_entropy(pt.asarray(scores), pt.asarray(labels), reduction="none"), want)
    # None counts every label, and 0 of them is NaN as in PyTorch.
    assert np.isnan(F.cross_entropy(pt.asarray(X), pt.full((4,), -100, "int64")).item())
    with pytest.raises(pt.IndexError):
        F.cross_entropy(pt.asarray(X), pt.full((4,), -100, "int64"), ignore_index=None)


def test_cross_entropy_is_the_same_for_the_class_and_the_strategies() -> None:
    given = pt.asarray(X), pt.asarray(LABELS)
    each = F.cross_entropy(*given, reduction="none", label_smoothing=0.1)
    assert to_array(pt.nn.CrossEntropyLoss(label_smoothing=0.1, reduction="none")(*given)).tolist() == to_array(
        each).tolist()  # fmt: skip
    assert to_array(pt.builtin.losses.cross_entropy(*given, smoothing=0.1)).tolist() == to_array(each).tolist()
    shares = pt.asarray(SHARE)
    of_shares = F.cross_entropy(given[0], shares, reduction="none")
    assert to_array(pt.builtin.losses.cross_entropy(given[0], shares)).tolist() == to_array(of_shares).tolist()


def test_kl_div_of_a_batch_and_ctc() -> None:
    agree("kl_div", X, np.log(SHARE), reduction="batchmean", log_target=True)
    scores = torch.log_softmax(torch.tensor(normal(7, 3, 4)), -1)
    targets, lengths, counts = RNG.integers(1, 4, (3, 2)), np.array([7, 5, 6]), np.array([2, 1, 2])
    for reduction in ("mean", "sum", "none"):
        want = f.ctc_loss(scores, *map(torch.tensor, (targets, lengths, counts)), reduction=reduction)
        mine = pt.asarray(scores.movedim(0, 1).numpy()), *map(pt.asarray, (targets, lengths, counts))
        near(F.ctc_loss(*mine, reduction=reduction), want)


def test_our_own_losses_reduce_like_the_others() -> None:
    for name, inputs in {"focal_loss": (X, ZERO_ONE), "info_nce_loss": (X, Y)}.items():
        each = to_array(getattr(F, name)(*map(pt.asarray, inputs), reduction="none"))
        assert abs(getattr(F, name)(*map(pt.asarray, inputs)).item() - each.mean()) <= 1e-12
        assert abs(getattr(F, name)(*map(pt.asarray, inputs), reduction="sum").item() - each.sum()) <= 1e-12


@pytest.mark.parametrize("name", sorted(set(LOSSES) | {"cross_entropy", "ctc_loss", "focal_loss", "info_nce_loss"}))
def test_another_reduction_is_an_error(name: str) -> None:
    count = sum(p.default is p.empty for p in inspect.signature(getattr(F, name)).parameters.values())
    with pytest.raises(ValueError) as error:
        getattr(F, name)(*[X] * count, reduction="average")
    *words, last = ["'mean'", "'sum'", "'none'", *(["'batchmean'"] if name == "kl_div" else [])]
    assert str(error.value) == (
        f"[{name}] reduction = 'average'; expected {', '.join(words)} or {last}; 'mean' is usual"
    )


def test_a_mean_of_inputs_that_broadcast_is_an_error() -> None:
    with pytest.raises(pt.ShapeError) as error:
        F.mse_loss(pt.ones((3, 1)), pt.ones(3))
    assert str(error.value) == (
        "[mse_loss] input is [3, 1], target is [3]; expected one shape; reshape target, or input"
    )
    assert F.mse_loss(pt.ones((3, 1)), pt.ones(3), reduction="none").shape == (3, 3)


# ------------------------------------------------------------ layers

W5, B5, W35 = normal(5), normal(5), normal(3, 5)
LAYERS: list[tuple[str, tuple[Any, ...], dict[str, Any], dict[str, Any]]] = [
    ("layer_norm", (normal(2, 3, 5),), {"normalized_shape": (5,), "weight": W5, "bias": B5, "eps": 1e-3}, {}),
    ("layer_norm", (normal(2, 3, 5),), {"normalized_shape": (3, 5), "weight": W35}, {}),
    ("layer_norm", (normal(2, 3, 5),), {"normalized_shape": [5]}, {"normalized_shape": 5}),
    ("rms_norm", (normal(2, 3, 5),), {"normalized_shape": (5,), "weight": W5}, {}),
    ("rms_norm", (normal(2, 3, 5),), {"normalized_shape": (3, 5), "eps": 0.1}, {}),
    ("bilinear", (normal(2, 3), normal(2, 4), normal(5, 3, 4), B5), {}, {}),
    ("pdist", (normal(4, 3),), {"p": 3.0}, {}),
    ("cosine_similarity", (normal(2, 3), normal(2, 3)), {"dim": 1}, {"axis": 1}),
    ("pairwise_distance", (normal(2, 3), normal(2, 3)), {"p": 1.5}, {}),
    ("normalize", (normal(2, 3),), {"p": 1.0, "dim": 0}, {"p": 1.0, "axis": 0}),
    ("pad", (normal(2, 3, 4), (1, 2)), {}, {}),
    ("pad", (normal(2, 3, 4), (1, 2, -1, 3)), {"value": 2.0}, {}),
    ("pad", (normal(2, 3, 4), (2, 1)), {"mode": "reflect"}, {}),
    ("pad", (normal(2, 3, 4), (2, 1)), {"mode": "replicate"}, {}),
    ("pad", (normal(2, 3, 4), (2, 1)), {"mode": "circular"}, {}),
    ("glu", (normal(2, 6),), {"dim": -1}, {"axis": -1}),
    ("softmax", (normal(2, 6),), {"dim": 0}, {"axis": 0}),
    ("leaky_relu", (normal(7),), {"negative_slope": 0.3}, {}),
    ("hardtanh", (normal(7),), {"min_val": -0.5, "max_val": 0.2}, {}),
    ("rrelu", (normal(7),), {"lower": 0.1, "upper": 0.5}, {}),
]


@pytest.mark.parametrize(
    ("name", "inputs", "settings", "ours"), LAYERS, ids=[f"{r[0]}-{i}" for i, r in enumerate(LAYERS)]
)
def test_functions_of_rows_are_those_of_torch(name: str, inputs: Any, settings: Any, ours: Any) -> None:
    agree(name, *inputs, **settings, ours={**settings, **ours} if not ours or "dim" not in settings else ours)


def last(x: Any) -> Any:
    return x.movedim(1, -1)


IMAGES = normal(2, 6, 7, 8)  # channels second, as in PyTorch
C6 = normal(6)
OF_IMAGES: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "group_norm": (lambda x: F.group_norm(x, 3, pt.asarray(C6)), lambda x: f.group_norm(x, 3, torch.tensor(C6))),
    "instance_norm": (lambda x: F.instance_norm(x, weight=pt.asarray(C6)),
                      lambda x: f.instance_norm(x, weight=torch.tensor(C6))),
    "local_response_norm": (lambda x: F.local_response_norm(x, 3, 0.1), lambda x: f.local_response_norm(x, 3, 0.1)),
    "channel_shuffle": (lambda x: F.channel_shuffle(x, 3), lambda x: f.channel_shuffle(x, 3)),
    "max_pool2d": (lambda x: F.max_pool2d(x, kernel_size=3, stride=2, padding=1, ceil_mode=True),
                   lambda x: f.max_pool2d(x, kernel_size=3, stride=2, padding=1, ceil_mode=True)),
    "avg_pool2d": (lambda x: F.avg_pool2d(x, 3, 2, 1, True, False), lambda x: f.avg_pool2d(x, 3, 2, 1, True, False)),
    "lp_pool2d": (lambda x: F.lp_pool2d(x * x, 2.0, 2, 2), lambda x: f.lp_pool2d(x * x, 2.0, 2, 2)),
    "adaptive_avg_pool2d": (lambda x: F.adaptive_avg_pool2d(x, output_size=(3, 2)),
                            lambda x: f.adaptive_avg_pool2d(x, output_size=(3, 2))),
    "interpolate": (lambda x: F.interpolate(x, scale_factor=1.7), lambda x: f.interpolate(x, scale_factor=1.7)),
    "interpolate to": (lambda x: F.interpolate(x, (5, 9), mode="bilinear"),
                       lambda x: f.interpolate(x, (5, 9), mode="bilinear")),
    "pixel_shuffle": (lambda x: F.pixel_shuffle(F.channel_shuffle(x, 1)[..., :4], upscale_factor=2),
                      lambda x: f.pixel_shuffle(x[:, :4], upscale_factor=2)),
}  # fmt: skip


@pytest.mark.parametrize("name", OF_IMAGES)
def test_functions_of_images_are_those_of_torch(name: str) -> None:
    ours, theirs = OF_IMAGES[name]
    near(ours(pt.asarray(np.moveaxis(IMAGES, 1, -1).copy())), last(theirs(torch.tensor(IMAGES))), 1e-10)


def test_functions_of_sequences_are_those_of_torch() -> None:
    x = normal(2, 3, 10)
    mine, theirs = pt.asarray(np.moveaxis(x, 1, -1).copy()), torch.tensor(x)
    near(F.adaptive_avg_pool1d(mine, 4), last(f.adaptive_avg_pool1d(theirs, 4)))
    near(F.adaptive_max_pool1d(mine, 4), last(f.adaptive_max_pool1d(theirs, 4)))
    near(F.lp_pool1d(mine * mine, 2.0, 3, 2), last(f.lp_pool1d(theirs * theirs, 2.0, 3, 2)))
    with pytest.raises(pt.ShapeError) as error:
        F.adaptive_avg_pool1d(pt.ones((2, 3)), 4)
    assert str(error.value) == ("[adaptive_avg_pool1d] input is [2, 3]; expected [batch, time, channels]; reshape it")


def test_unfold_and_fold_take_the_arguments_of_torch() -> None:
    signature = list(inspect.signature(F.unfold).parameters)
    assert signature == ["input", "kernel_size", "dilation", "padding", "stride"]
    assert list(inspect.signature(F.fold).parameters) == ["input", "output_size", *signature[1:]]
    x = pt.asarray(normal(1, 4, 4, 2))
    windows = F.unfold(x, kernel_size=2, stride=2)
    assert to_array(F.fold(windows, output_size=(4, 4), kernel_size=2, stride=2)).tolist() == to_array(x).tolist()


def test_batch_norm_moves_the_slots_that_it_is_given() -> None:
    x, mean, var = normal(8, 5), normal(5), np.abs(normal(5))
    kept, theirs = (pt.Slot(mean), pt.Slot(var)), (torch.tensor(mean), torch.tensor(var))
    given = {"weight": W5, "bias": B5, "momentum": 0.3, "eps": 1e-3}
    mine = {key: both(value)[0] for key, value in given.items()}
    other = {key: both(value)[1] for key, value in given.items()}
    near(F.batch_norm(pt.asarray(x), *kept, training=True, **mine),
         f.batch_norm(torch.tensor(x), *theirs, training=True, **other), 1e-10)  # fmt: skip
    for slot, want in zip(kept, theirs, strict=True):
        near(slot.value, want)
    near(F.batch_norm(pt.asarray(x), *kept, **mine), f.batch_norm(torch.tensor(x), *theirs, **other), 1e-10)
    want = f.batch_norm(torch.tensor(x), None, None, training=True)
    near(F.batch_norm(pt.asarray(x), None, None, training=True), want, 1e-10)
    with pytest.raises(pt.Error) as error:
        F.batch_norm(pt.asarray(x), kept[0].value, kept[1].value, training=True)
    assert str(error.value) == (
        "[batch_norm] running_mean is a tensor; expected a slot, whose value the call updates; write running_mean = "
        "pt.Slot(running_mean) once"
    )
    with pytest.raises(pt.ShapeError) as error:
        F.batch_norm(pt.asarray(x), None, None)
    assert str(error.value) == "[batch_norm] running_mean is None; expected a tensor; or set training=True"


def test_embedding_leaves_the_row_of_padding_alone() -> None:
    index, table = np.array([[1, 2, 2], [0, 2, 1]]), normal(3, 4)
    for padding in (None, 2, -1):
        weight = torch.tensor(table, requires_grad=True)
        want = f.embedding(torch.tensor(index), weight, padding_idx=padding)
        want.square().sum().backward()
        found = pt.grad(lambda w, p=padding: pt.square(F.embedding(pt.asarray(index), w, padding_idx=p)).sum())(
            pt.asarray(table)
        )
        near(F.embedding(pt.asarray(index), pt.asarray(table), padding), want)
        near(found, weight.grad)
    with pytest.raises(pt.ShapeError) as error:
        F.embedding(pt.asarray(index), pt.asarray(table), 3)
    assert str(error.value) == "[embedding] padding_idx = 3; expected -3 to 2; weight has 3 rows"


@pytest.mark.parametrize("kind", ["plain", "causal", "bool", "added", "groups"])
def test_attention_is_that_of_torch(kind: str) -> None:
    q, k, v = normal(2, 3, 4, 8), normal(2, 5, 4, 8), normal(2, 5, 4, 8)  # [batch, time, heads, size]
    mask = normal(3, 5) > -1.0 if kind == "bool" else normal(2, 4, 3, 5) if kind == "added" else None
    mask = mask if mask is None or kind == "added" else np.concatenate([np.ones((3, 1), bool), mask[:, 1:]], 1)
    if kind == "groups":
        k, v, mask = k[:, :, :2], v[:, :, :2], normal(3, 5)
    if kind == "causal":
        q = normal(2, 5, 4, 8)
    repeated = [np.repeat(one, 4 // one.shape[2], 2) for one in (k, v)]
    theirs = [torch.tensor(one).transpose(1, 2) for one in (q, *repeated)]
    want = f.scaled_dot_product_attention(
        *theirs, attn_mask=None if mask is None else torch.tensor(mask), is_causal=kind == "causal", scale=0.3
    ).transpose(1, 2)
    mine = map(pt.asarray, (q, k, v))
    given = None if mask is None else pt.asarray(mask)
    near(F.scaled_dot_product_attention(*mine, attn_mask=given, is_causal=kind == "causal", scale=0.3), want, 1e-10)


def test_attention_with_dropout_keeps_the_mean_and_says_what_is_wrong() -> None:
    x = pt.ones((1, 6, 2, 4))
    pt.random.seed(0)
    y = to_array(F.scaled_dot_product_attention(x, x, x, dropout_p=0.5, is_causal=True))
    assert set(np.round(y[0, 0].ravel(), 6)) <= {0.0, 2.0} and len(np.unique(y)) > 2
    with pytest.raises(pt.Error) as error:
        F.scaled_dot_product_attention(x, x, x, attn_mask=pt.ones((6, 6)), is_causal=True)
    assert str(error.value) == (
        "[scaled_dot_product_attention] received attn_mask and is_causal=True; expected one of them; put the later "
        "keys into the mask"
    )


@pytest.mark.parametrize("name", ["dropout", "dropout1d", "dropout2d", "dropout3d"])
def test_dropout_drops_a_share_and_scales_the_rest(name: str) -> None:
    function, x = getattr(F, name), pt.ones((64, 3, 50))
    pt.random.seed(1)
    y = to_array(function(x, 0.25))
    assert set(np.unique(y)) == {0.0, np.float32(1 / 0.75)}
    assert abs(y.mean() - 1) < 0.06
    assert name == "dropout" or (y == y[:, :1]).all(), "a channel is dropped as a whole"
    assert function(x, 0.25, training=False) is not None and (to_array(function(x, 0.25, False)) == 1).all()
    pt.random.seed(1)
    assert (to_array(pt.compile(lambda t: function(t, 0.25))(x)) == y).all()
    with pytest.raises(ValueError) as error:
        function(x, 1.5)
    assert str(error.value) == f"[{name}] p = 1.5; expected 0 <= p < 1; 0.1 is usual"


def test_alpha_dropout_keeps_mean_and_variance() -> None:
    x = pt.asarray(normal(200, 1, 200).astype("float32"))
    for function in (F.alpha_dropout, F.feature_alpha_dropout):
        y = to_array(function(x, 0.2, training=True))
        assert abs(y.mean()) < 0.05 and abs(y.std() - 1) < 0.05
        assert (to_array(function(x, 0.2)) == to_array(x)).all()


def test_rrelu_draws_slopes_between_its_bounds() -> None:
    y = to_array(F.rrelu(pt.full((1000,), -1.0), 0.2, 0.4, training=True))
    assert -0.4 <= y.min() < -0.38 and -0.22 < y.max() <= -0.2
    with pytest.raises(ValueError) as error:
        F.rrelu(pt.ones(3), 0.5, 0.2)
    assert str(error.value) == "[rrelu] lower = 0.5, upper = 0.2; expected lower <= upper; swap them"


def test_gumbel_softmax_draws_classes_by_their_probabilities() -> None:
    pt.random.seed(3)
    chances = np.array([0.1, 0.6, 0.3])
    logits = pt.asarray(np.tile(np.log(chances), (4000, 1)).astype("float32"))
    drawn = to_array(F.gumbel_softmax(logits, hard=True))
    assert set(np.unique(np.round(drawn, 5))) == {0.0, 1.0} and (np.round(drawn.sum(-1), 5) == 1).all()
    assert np.abs(drawn.mean(0) - chances).max() < 0.04
    soft = to_array(F.gumbel_softmax(logits, tau=5.0, axis=0))
    assert np.allclose(soft.sum(0), 1, atol=1e-4)
    grown = to_array(
        pt.grad(lambda x: (F.gumbel_softmax(x, hard=True) * pt.asarray([1.0, 2.0, 4.0])).sum())(logits[:5])
    )
    assert np.isfinite(grown).all() and np.abs(grown).max() > 0


LACKING = [
    (lambda: F.layer_norm(pt.ones((2, 3)), 4), "[layer_norm] normalized_shape = 4, input is [2, 3]; expected the last "
     "sizes of input; for example normalized_shape = 3"),
    (lambda: F.layer_norm(pt.ones((2, 3)), 3, pt.ones(4)), "[layer_norm] weight is [4], normalized_shape = [3]; "
     "expected one shape; reshape weight"),
    (lambda: F.pad(pt.ones((2, 3)), (1, 2, 3)), "[pad] pad = (1, 2, 3), input is [2, 3]; expected (before, after) for "
     "each of at most 2 axes, the last one first; for example pad = (1, 1)"),
    (lambda: F.pad(pt.ones((2, 3)), (1, 1), "reflect", 2.0), "[pad] value = 2.0, mode = 'reflect'; expected it with "
     "mode 'constant' alone; leave it out"),
    (lambda: pt.pad(pt.ones((2, 3)), ((1, 2), (1, 2), (1, 2))), "[pad] pad_width = ((1, 2), (1, 2), (1, 2)), x has 2 "
     "axes; expected a number, (before, after), or one such pair for each axis; for example pad_width = 1"),
    (lambda: pt.pad(pt.ones((2, 3)), 1, "mean"), "[pad] mode = 'mean'; expected one of 'constant', 'reflect', 'edge', "
     "'wrap'; 'constant' is usual"),
    (lambda: F.pdist(pt.ones(3)), "[pdist] input is [3]; expected [n, d]; reshape it"),
    (lambda: F.channel_shuffle(pt.ones((2, 3)), 2), "[channel_shuffle] 3 channels in 2 groups; expected a multiple of "
     "groups; change groups"),
    (lambda: F.interpolate(pt.ones((1, 2, 2, 1))), "[interpolate] size = None, scale_factor = None; expected one of "
     "them; for example scale_factor = 2"),
    (lambda: F.dropout2d(pt.ones(3)), "[dropout2d] input is [3]; expected [batch, ..., channels]; add an axis in "
     "front"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "text"), LACKING, ids=range(len(LACKING)))
def test_errors(call: Callable[[], Any], text: str) -> None:
    with pytest.raises(pt.Error) as error:
        call()
    assert str(error.value) == text


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "wrap"])
def test_pad_is_that_of_numpy(mode: Any) -> None:
    x = normal(4, 5)
    for width in (2, (1, 2), ((1, 0), (2, 3)), ((1, 2),)):
        assert (to_array(pt.pad(pt.asarray(x), width, mode)) == np.pad(x, width, mode)).all()
