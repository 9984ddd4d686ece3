"""What would be a wrong number without a word: shapes that broadcast, NaN gradients of saturated numbers, classes that
merge, numbers that JSON does not have, and metrics of what is no number."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import powertrain as pt
import powertrain.nn.functional as F
from powertrain import nn
from powertrain.builtin import losses
from powertrain.data import DataError
from powertrain.io.plain_json import dumps
from powertrain.metrics import R2, Accuracy, ConfusionMatrix, Mean, MeanSquaredError, MetricError
from powertrain.train.deciding.decision import NOTHING
from powertrain.train.evaluate.predict import outputs
from powertrain.train.run.step import spread

COLUMN, ROW = pt.ones((8, 1)), pt.ones((8,))


# ---------------------------------------------------------------- shapes of losses


@pytest.mark.parametrize(
    ("loss", "inputs", "message"),
    [
        *[
            (
                kind(), (COLUMN, ROW),
                f"[{kind.__name__}] input is [8, 1], target is [8]; expected one shape; reshape target, or input",
            )
            for kind in (
                nn.MSELoss, nn.L1Loss, nn.HuberLoss, nn.SmoothL1Loss, nn.BCELoss, nn.BCEWithLogitsLoss, nn.KLDivLoss,
                nn.PoissonNLLLoss, nn.SoftMarginLoss, nn.HingeEmbeddingLoss,
            )
        ],
        (
            nn.GaussianNLLLoss(), (pt.ones((8, 3)), pt.ones((8, 3)), ROW),
            "[GaussianNLLLoss] var is [8], input is [8, 3]; expected one for each number, or a size of 1 along "
            "axes that share one; reshape it",
        ),
        (
            nn.MarginRankingLoss(), (COLUMN, COLUMN, ROW),
            "[MarginRankingLoss] input1 is [8, 1], input2 is [8, 1], target is [8]; expected one shape; reshape "
            "target, or input1 or input2",
        ),
        (
            nn.CosineEmbeddingLoss(), (pt.ones((8, 3)), pt.ones((8, 3)), COLUMN),
            "[CosineEmbeddingLoss] input1 is [8, 3], target is [8, 1]; expected one target for each row of input1; "
            "reshape target",
        ),
        (
            nn.CosineEmbeddingLoss(), (pt.ones((8, 3)), pt.ones((1, 3)), ROW),
            "[CosineEmbeddingLoss] input1 is [8, 3], input2 is [1, 3]; expected one shape; reshape input2, or "
            "input1",
        ),
        (
            nn.TripletMarginLoss(), (pt.ones((8, 3)), pt.ones((3,)), pt.ones((8, 3))),
            "[TripletMarginLoss] anchor is [8, 3], positive is [3], negative is [8, 3]; expected one shape; reshape "
            "negative, or anchor or positive",
        ),
        (
            nn.TripletMarginWithDistanceLoss(), (pt.ones((8, 3)), pt.ones((3,)), pt.ones((8, 3))),
            "[TripletMarginWithDistanceLoss] anchor is [8, 3], positive is [3], negative is [8, 3]; expected one "
            "shape; "
            "reshape negative, or anchor or positive",
        ),
        (
            nn.MultiLabelMarginLoss(), (pt.ones((8, 3)), pt.zeros((3,), "int64")),
            "[MultiLabelMarginLoss] input is [8, 3], target is [3]; expected one shape; reshape target, or input",
        ),
    ],
)  # fmt: skip
def test_modules_of_losses_do_not_broadcast(loss: Any, inputs: tuple[Any, ...], message: str) -> None:
    with pytest.raises(pt.ShapeError) as caught:
        loss(*inputs)
    assert str(caught.value) == message


@pytest.mark.parametrize("variance", [[[1.0], [2.0]], [[1.0, 2.0, 3.0]], [[2.0]]])
def test_a_variance_that_numbers_share(variance: list[list[float]]) -> None:
    x, target, shared = np.ones((2, 3)), np.zeros((2, 3)), np.array(variance)
    got = nn.GaussianNLLLoss(reduction="none")(pt.tensor(x), pt.tensor(target), pt.tensor(shared))
    np.testing.assert_allclose(got.numpy(), np.broadcast_to(0.5 * (np.log(shared) + 1 / shared), (2, 3)), rtol=1e-6)


@pytest.mark.parametrize("name", ["mse", "l1", "huber", "bce"])
def test_a_column_of_outputs_or_targets_is_a_row(name: str) -> None:
    rng = np.random.default_rng(0)
    output, target = rng.normal(size=8).astype("float32"), rng.uniform(size=8).astype("float32")
    loss = getattr(losses, name)
    plain = loss(pt.tensor(output), pt.tensor(target)).numpy()
    for one, other in ((output[:, None], target), (output, target[:, None]), (output[:, None], target[:, None])):
        got = loss(pt.tensor(one), pt.tensor(other)).numpy()
        assert got.shape == (8,) and got.tobytes() == plain.tobytes()
    with pytest.raises(pt.ShapeError) as caught:
        loss(pt.tensor(output), pt.tensor(target[:1]))
    assert str(caught.value) == (
        f"[{name}] output is [8], target is [1]; expected one shape; check the number of outputs of the model"
    )


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            np.zeros((3, 1), "int64"),
            "[cross-entropy] output is [3, 3], target is int64[3, 1]; expected one class number for each row of "
            "output; "
            "reshape the target, as labels[:, 0] where they are a column",
        ),
        (
            np.zeros(3, "float32"),  # which as shares would be one row beside all three
            "[cross-entropy] output is [3, 3], target is float32[3]; expected a row of class shares for each row of "
            "output; reshape the target, as labels[:, 0] where they are a column",
        ),
        (
            np.zeros(9, "int64"),
            "[cross-entropy] output is [3, 3], target is int64[9]; expected one class number for each row of output; "
            "reshape the target, as labels[:, 0] where they are a column",
        ),
    ],
)
def test_targets_of_cross_entropy(target: np.ndarray, message: str) -> None:
    with pytest.raises(pt.ShapeError) as caught:
        losses.cross_entropy(pt.ones((3, 3)), pt.tensor(target))
    assert str(caught.value) == message


def test_a_loss_of_one_number_is_no_loss_per_example() -> None:
    with pytest.raises(pt.ShapeError) as caught:
        spread(ROW, pt.ones((1,)))
    assert str(caught.value) == (
        "[minimize] loss is [1], weight is [8]; expected one value per example, whose axis comes first; leave means "
        "and "
        "keepdims out of the loss"
    )


# ---------------------------------------------------------------- gradients where a formula is infinite


def test_a_saturated_sigmoid_learns_on() -> None:
    """Its cross-entropy has a finite gradient, and so has every parameter behind it."""
    model = nn.Sequential(nn.Linear(1, 1), nn.Sigmoid())
    loss = nn.BCELoss()
    x, y = pt.tensor([[1e4], [-1e4], [1.0]]), pt.tensor([[0.0], [1.0], [1.0]])
    model[0].weight.value = pt.ones((1, 1))
    value, grads = pt.nn.value_and_grad(model, lambda: loss(model(x), y))()
    assert math.isfinite(value.item()) and all(np.isfinite(grad.numpy()).all() for grad in grads.values())


def second(function: Callable[..., Any], x: Any) -> np.ndarray:
    """The second derivative of each element by itself."""
    given = pt.tensor(np.asarray(x, "float64"))
    slope = lambda z: pt.grad(lambda w: pt.sum(function(w)))(z)  # noqa: E731
    return np.asarray(pt.grad(lambda z: pt.sum(slope(z)))(given).numpy())


@pytest.mark.parametrize(
    ("function", "bound"),
    [
        (lambda x: F.huber_loss(x, 0.0, delta=1.5, reduction="none"), 1.5),
        (lambda x: F.smooth_l1_loss(x, 0.0, beta=1.5, reduction="none") * 1.5, 1.5),
        (lambda x: F.huber_loss(0.0, x, delta=1.5, reduction="none"), 1.5),
    ],
)
def test_curvature_at_kinks(function: Callable[..., Any], bound: float) -> None:
    """As PyTorch's: 1 nearer than the bound, at 0 too, and 0 from the bound on."""
    places = [-np.inf, -2.0, -bound, -1.0, 0.0, 1.0, bound, 2.0, np.inf]
    assert second(function, places).tolist() == [0, 0, 0, 1, 1, 1, 0, 0, 0]
    slope = pt.grad(lambda x: pt.sum(function(x)))(pt.tensor(np.asarray(places)))
    assert slope.numpy().tolist() == [-bound, -bound, -bound, -1.0, 0.0, 1.0, bound, bound, bound]


def slopes(function: Callable[..., Any], *inputs: Any) -> list[np.ndarray]:
    given = [pt.tensor(np.asarray(x, "float64")) for x in inputs]
    found = pt.grad(lambda *xs: pt.sum(function(*xs)), argnums=range(len(given)))(*given)
    return [np.asarray(one.numpy()) for one in found]


def test_the_slope_of_a_cross_entropy_at_its_ends() -> None:
    """PyTorch's, whose denominator is at least 1e-12; by the target, the logarithms that the value has."""
    by_x, by_target = slopes(
        lambda *given: F.binary_cross_entropy(*given, reduction="none"),
        [0.0, 0.0, 1.0, 1.0, 0.5],
        [0.0, 1.0, 0.0, 1.0, 0.25],
    )
    np.testing.assert_allclose(by_x, [0.0, -1e12, 1e12, 0.0, 1.0], rtol=1e-12)
    np.testing.assert_allclose(by_target, [100.0, 100.0, -100.0, -100.0, 0.0], rtol=1e-12)


def test_what_just_meets_its_margin_is_pushed() -> None:
    """As PyTorch's, whose clamp lets the gradient through at its bound; its multi_margin_loss stops there."""
    for got, want in (
        (
            slopes(lambda a, b: F.margin_ranking_loss(a, b, pt.tensor([1.0, -1.0]), reduction="none"), [0, 1], [0, 1]),
            [[-1, 1], [1, -1]],
        ),
        (slopes(lambda x: F.hinge_embedding_loss(x, pt.tensor([-1.0, 1.0]), reduction="none"), [1, 1]), [[-1, 1]]),
        (
            slopes(lambda a, b: F.cosine_embedding_loss(a, b, pt.tensor([-1]), reduction="none"), [[1, 0]], [[0, 2]]),
            [[[0, 1]], [[0.5, 0]]],
        ),
        (slopes(lambda x: F.multi_margin_loss(x, pt.tensor([0]), reduction="none"), [[1, 0]]), [[[0, 0]]]),
        *[
            (slopes(triplet, [[1, 0]], [[1, 1]], [[3, 0]]), [[[1, -1]], [[0, 1]], [[-1, 0]]])
            for triplet in (
                lambda *xs: F.triplet_margin_loss(*xs, eps=0.0, reduction="none"),
                nn.TripletMarginWithDistanceLoss(nn.PairwiseDistance(eps=0.0)),
            )
        ],
    ):
        for one, other in zip(got, want, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-12)


def test_equal_elements_do_not_spread() -> None:
    x = pt.tensor(np.array([[3.0, 3.0, 3.0], [1.0, 2.0, 4.0]]))
    gradient = pt.grad(lambda z: pt.sum(pt.std(z, axis=1)))(x).numpy()
    assert gradient[0].tolist() == [0, 0, 0] and np.isfinite(gradient[1]).all() and gradient[1].any()


# ---------------------------------------------------------------- numbers in JSON


def test_json_has_no_nan() -> None:
    def refused(word: str) -> Any:
        raise AssertionError(word)

    text = dumps({"loss": math.nan, "more": [math.inf, {"least": -math.inf}, (1.5, True, None)]})
    assert json.loads(text, parse_constant=refused) == {
        "loss": "nan", "more": ["inf", {"least": "-inf"}, [1.5, True, None]],
    }  # fmt: skip


def test_nothing_writes_json_that_has_nan() -> None:
    """Every writer goes through `plain_json.dumps`, or refuses what is not finite."""
    root = Path(__file__).parents[2]
    wrong = [
        f"{path.relative_to(root)}:{number}"
        for folder in ("python", "plugins")
        for path in sorted((root / folder).rglob("*.py"))
        if "tests" not in path.parts
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if ("json.dump(" in line or "json.dumps(" in line) and "allow_nan=False" not in line and "`" not in line
    ]
    # A list of texts, which hold no number.
    assert wrong == [one for one in wrong if one.startswith("plugins/tabular/src/powertrain_tabular/table.py:")]


def test_the_mean_of_many_losses_of_16_bits_stays_in_range() -> None:
    x, y = pt.full((60_000, 4), 0.0, "float16"), pt.zeros((60_000,), "int64")
    one = math.log(4)
    for loss in (
        F.cross_entropy(x, y),
        F.cross_entropy(x, y, weight=pt.ones((4,), "float16")),
        F.nll_loss(F.log_softmax(x, axis=-1), y),
    ):
        assert loss.dtype == pt.float16 and loss.item() == pytest.approx(one, rel=1e-3)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_integer_is_made_of_what_is_none(value: float) -> None:
    with pytest.raises(pt.OverflowError, match=r"\[int\] received f32\[\] of -?(nan|inf); expected a finite number"):
        int(pt.tensor(value))


def test_an_integer_is_as_large_as_the_number() -> None:
    assert int(pt.tensor(1e300, dtype="float64")) == int(1e300)
    assert int(pt.tensor(-2.7)) == -2


def test_answers_that_are_not_finite() -> None:
    def predict(x: np.ndarray) -> np.ndarray:
        return np.where(x > 299, np.inf, x)

    run: Any = SimpleNamespace(
        dataset=SimpleNamespace(transforms=(), target=None),
        evaluations=SimpleNamespace(decision=NOTHING),
        predict=predict,
    )
    assert outputs(run, np.arange(300.0)[:, None]).shape == (300, 1)
    with pytest.raises(DataError) as caught:
        outputs(run, np.arange(301.0)[:, None])
    assert str(caught.value) == (
        "[predict] an answer that is not finite in row 300; expected finite numbers; give an example that is closer "
        "to the training data"
    )


# ---------------------------------------------------------------- metrics


def of(metric: Any, *batch: Any) -> float:
    metric.reset()
    metric.update(*batch)
    return metric.compute()


@pytest.mark.parametrize("metric", [Accuracy(), ConfusionMatrix(num_classes=3), Mean(), MeanSquaredError(), R2()])
def test_nothing_has_no_figure(metric: Any) -> None:
    empty = np.zeros((0, 3)) if isinstance(metric, (Accuracy, ConfusionMatrix)) else np.zeros(0)
    target = np.zeros(0, "int64") if empty.ndim == 2 else np.zeros(0)
    assert math.isnan(of(metric, empty, None if isinstance(metric, Mean) else target))


def test_fractional_weights_count_by_their_share() -> None:
    logits, target, weight = np.eye(3), np.array([0, 1, 0]), np.array([0.25, 0.5, 1.25])
    for metric in (Accuracy(), ConfusionMatrix(num_classes=3)):
        assert of(metric, logits, target, weight) == 0.375
    assert of(Mean(), np.array([1.0, 2.0, 4.0]), None, weight) == 3.125


@pytest.mark.parametrize("bad", [math.nan, math.inf, -1.0])
@pytest.mark.parametrize("metric", [Accuracy(), ConfusionMatrix(num_classes=3), Mean(), MeanSquaredError(), R2()])
def test_weights_that_are_refused(metric: Any, bad: float) -> None:
    values = np.eye(3) if isinstance(metric, (Accuracy, ConfusionMatrix)) else np.ones(3)
    target = np.arange(3) if values.ndim == 2 else np.ones(3)
    with pytest.raises(MetricError) as caught:
        metric.update(values, None if isinstance(metric, Mean) else target, np.array([1.0, bad, 1.0]))
    assert str(caught.value).endswith(
        f"] the weight of example 1 is {bad}; expected a finite number >= 0; pass the loader's batch.weight"
    )


def test_logits_that_are_no_numbers() -> None:
    logits = np.eye(3)
    logits[1, 2] = np.nan
    with pytest.raises(MetricError) as caught:
        Accuracy().update(logits, np.arange(3))
    assert str(caught.value) == (
        "[accuracy] NaN among the logits of row 1; expected numbers, of which one is the largest; look at what the "
        "model computes for that row"
    )
    padded = Accuracy().measure(logits, np.arange(3), np.array([1.0, 0.0, 1.0]))
    assert padded.tolist() == [2.0, 2.0]
    with pytest.raises(MetricError) as caught:
        Accuracy().update(np.array([0.5, 1.0, 2.0]), np.arange(3))
    assert str(caught.value) == (
        "[accuracy] target 2 for one logit a row; expected classes 0 and 1; give logits [..., classes], or class "
        "numbers as integers"
    )
    for wrong in (np.zeros((3, 0)), np.array(["a", "b", "c"]), np.zeros((3, 3, 3))):
        with pytest.raises(MetricError, match=r"^\[accuracy\] predictions .*; expected logits \[\.\.\., classes\]"):
            Accuracy().update(wrong, np.arange(3))


def test_targets_in_a_column() -> None:
    found, wanted = np.array([1.0, 2.0]), np.array([[0.0], [4.0]])
    assert of(MeanSquaredError(), found, wanted) == 2.5
