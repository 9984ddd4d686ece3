"""Metrics against scikit-learn, SciPy and sacrebleu: ties, fractional weights, absent classes, parts merged in any way;
and what is refused, in which words."""

from __future__ import annotations

import importlib
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sacrebleu
import scipy.special
import scipy.stats
import sklearn.metrics as sk

import powertrain as pt
from powertrain import metrics as m
from powertrain.builtin import metrics as averages
from powertrain.conformance.finding import Subject
from powertrain.conformance.metrics import check_metric
from powertrain.errors.counterparts import METRICS
from powertrain.metrics import MetricError
from powertrain.plugin.params import params_of

DRAW = np.random.default_rng(0)
COUNT = 211
WEIGHT = DRAW.integers(0, 9, COUNT) / 4
BINARY = DRAW.integers(0, 2, COUNT)
# Scores on a coarse grid: many are equal.
ONE = np.round(DRAW.normal(0, 1, COUNT) + BINARY, 1)
TWO = np.stack([np.zeros(COUNT), ONE], axis=1)
CLASSES = DRAW.integers(0, 4, COUNT)
LOGITS = np.round(DRAW.normal(0, 1, (COUNT, 4)) + np.eye(4)[CLASSES], 1)
SHARES = scipy.special.softmax(LOGITS, axis=1)
# Of five classes the last never occurs and is never found; class 3 is found but never occurs.
ABSENT = np.where(CLASSES == 3, 0, CLASSES)
FIVE = np.concatenate([LOGITS, np.full((COUNT, 1), -99.0)], axis=1)
TARGET = np.round(DRAW.normal(1e3, 1, COUNT), 1)
VALUES = np.round(TARGET + DRAW.normal(0.1, 0.7, COUNT), 1)
LOSSES = DRAW.uniform(0, 3, (COUNT, 5)).astype(np.float32)
WORDS = np.array(["the", "cat", "sat", "on", "a", "mat", "with", "no", "hat"])
TEXTS = [" ".join(DRAW.choice(WORDS, DRAW.integers(3, 12))) for _ in range(COUNT)]
OTHERS = [" ".join([*text.split()[1:], "hat"]) for text in TEXTS]
REFERENCES = [[" ".join([*text.split()[:-1], "down"]), text.replace("cat", "dog")] for text in TEXTS]


def scored(function: Any, **more: Any) -> Any:
    """scikit-learn's function of (truth, scores)."""
    return lambda prediction, target, weight: function(target, prediction, sample_weight=weight, **more)


def chosen(function: Any, **more: Any) -> Any:
    """scikit-learn's function of (truth, chosen classes)."""

    def call(prediction: Any, target: Any, weight: Any) -> float:
        found = prediction.argmax(axis=1) if prediction.ndim == 2 else (prediction > 0).astype(int)
        return function(target, found, sample_weight=weight, **more)

    return call


def repeated(function: Any) -> Any:
    """A function without weights, on rows as often as a quarter of their weight says."""

    def call(prediction: Any, target: Any, weight: Any) -> float:
        times = np.ones(len(target), int) if weight is None else (weight * 4).astype(int)
        return float(function(np.repeat(prediction, times), np.repeat(target, times)))

    return call


AVERAGES = [
    (name, average) for name in ("F1", "Precision", "Recall") for average in ("macro", "micro", "weighted", "binary")
]
# name, metric, prediction, target, what others say of (prediction, target, weight)
CASES: list[tuple[str, Any, Any, Any, Any]] = [
    *(
        (
            f"{name} {average}", getattr(m, name)(average=average), ONE if average == "binary" else LOGITS,
            BINARY if average == "binary" else CLASSES,
            chosen(getattr(sk, f"{name.lower()}_score"), average=average, zero_division=0),
        )
        for name, average in AVERAGES
    ),
    *(
        (
            f"{name} {average}, absent", getattr(m, name)(average=average), FIVE, ABSENT,
            chosen(getattr(sk, f"{name.lower()}_score"), average=average, zero_division=0),
        )
        for name, average in AVERAGES if average != "binary"
    ),
    ("accuracy", m.Accuracy(), LOGITS, CLASSES, chosen(sk.accuracy_score)),
    ("accuracy of one logit", m.Accuracy(), ONE[:, None], BINARY,
     lambda p, t, w: sk.accuracy_score(t, p[:, 0] > 0, sample_weight=w)),
    ("confusion", m.ConfusionMatrix(num_classes=4), LOGITS, CLASSES, chosen(sk.accuracy_score)),
    ("balanced accuracy", m.BalancedAccuracy(), LOGITS, CLASSES, chosen(sk.balanced_accuracy_score)),
    ("mcc", m.MatthewsCorrCoef(), LOGITS, CLASSES, chosen(sk.matthews_corrcoef)),
    ("mcc, absent", m.MatthewsCorrCoef(), FIVE, ABSENT, chosen(sk.matthews_corrcoef)),
    ("kappa", m.CohenKappa(), LOGITS, CLASSES, chosen(sk.cohen_kappa_score)),
    ("top 2", m.TopKAccuracy(k=2), LOGITS + 1e-3 * np.arange(4)[::-1], CLASSES, scored(sk.top_k_accuracy_score, k=2)),
    ("auc", m.AUC(), TWO, BINARY, lambda p, t, w: sk.roc_auc_score(t, p[:, 1], sample_weight=w)),
    ("auc of one score", m.AUC(), ONE, BINARY, scored(sk.roc_auc_score)),
    ("auc of probabilities", m.AUC(from_logits=False), SHARES, CLASSES, scored(sk.roc_auc_score, multi_class="ovr")),
    ("auc of logits", m.AUC(), LOGITS, CLASSES,
     lambda p, t, w: sk.roc_auc_score(t, scipy.special.softmax(p, axis=1), sample_weight=w, multi_class="ovr")),
    ("auc weighted", m.AUC(from_logits=False, average="weighted"), SHARES, CLASSES,
     lambda p, t, w: np.average([sk.roc_auc_score(t == at, p[:, at], sample_weight=w) for at in range(4)],
                                weights=np.bincount(t, w))),
    ("average precision", m.AveragePrecision(), ONE, BINARY, scored(sk.average_precision_score)),
    ("average precision of classes", m.AveragePrecision(from_logits=False), SHARES, CLASSES,
     lambda p, t, w: sk.average_precision_score(np.eye(4)[t], p, sample_weight=w, average="macro")),
    ("log loss", m.LogLoss(from_logits=False), SHARES, CLASSES, scored(sk.log_loss)),
    ("log loss of logits", m.LogLoss(), LOGITS, CLASSES,
     lambda p, t, w: sk.log_loss(t, scipy.special.softmax(p, axis=1), sample_weight=w)),
    ("log loss of one logit", m.LogLoss(), ONE, BINARY,
     lambda p, t, w: sk.log_loss(t, scipy.special.expit(p), sample_weight=w)),
    ("brier", m.BrierScore(), ONE, BINARY,
     lambda p, t, w: sk.brier_score_loss(t, scipy.special.expit(p), sample_weight=w)),
    ("brier of two", m.BrierScore(from_logits=False), scipy.special.softmax(TWO, axis=1), BINARY,
     lambda p, t, w: sk.brier_score_loss(t, p[:, 1], sample_weight=w)),
    ("brier of classes", m.BrierScore(from_logits=False), SHARES, CLASSES,
     lambda p, t, w: np.average(np.square(p - np.eye(4)[t]).sum(axis=1), weights=w)),
    ("mse", m.MeanSquaredError(), VALUES, TARGET, scored(sk.mean_squared_error)),
    ("rmse", m.RootMeanSquaredError(), VALUES, TARGET, scored(sk.root_mean_squared_error)),
    ("mae", m.MeanAbsoluteError(), VALUES, TARGET, scored(sk.mean_absolute_error)),
    ("mape", m.MeanAbsolutePercentageError(), VALUES, TARGET, scored(sk.mean_absolute_percentage_error)),
    ("median", m.MedianAbsoluteError(), VALUES, TARGET, repeated(sk.median_absolute_error)),
    ("max", m.MaxError(), VALUES, TARGET, repeated(sk.max_error)),
    ("r2", m.R2(), VALUES, TARGET, scored(sk.r2_score)),
    ("explained variance", m.ExplainedVariance(), VALUES, TARGET, scored(sk.explained_variance_score)),
    ("pearson", m.PearsonCorrCoef(), VALUES, TARGET, repeated(lambda p, t: scipy.stats.pearsonr(p, t).statistic)),
    ("spearman", m.SpearmanCorrCoef(), VALUES, TARGET, repeated(lambda p, t: scipy.stats.spearmanr(p, t).statistic)),
    ("mean", m.Mean(), LOSSES, None, lambda p, t, w: np.average(p.mean(axis=1, dtype=np.float64), weights=w)),
    ("perplexity", m.Perplexity(), LOSSES, None,
     lambda p, t, w: np.exp(np.average(p.mean(axis=1, dtype=np.float64), weights=w))),
]  # fmt: skip
IDS = [case[0] for case in CASES]
TEXT_CASES: list[tuple[str, Any, Any, Any]] = [
    ("bleu", m.BLEU(), REFERENCES, lambda p, r: sacrebleu.corpus_bleu(p, [*zip(*r, strict=True)]).score),
    ("chrf", m.CHRF(), REFERENCES, lambda p, r: sacrebleu.corpus_chrf(p, [*zip(*r, strict=True)]).score),
    ("chrf++", m.CHRF(word_order=2), REFERENCES,
     lambda p, r: sacrebleu.corpus_chrf(p, [*zip(*r, strict=True)], word_order=2).score),
    ("wer", m.WordErrorRate(), OTHERS, None),
    ("cer", m.CharErrorRate(), OTHERS, None),
]  # fmt: skip


def of(metric: Any, *batch: Any) -> float:
    metric.reset()
    metric.update(*batch)
    return metric.compute()


def cut(values: Any, part: Any) -> Any:
    return None if values is None else values[part]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("metric", "prediction", "target", "others"), [case[1:] for case in CASES], ids=IDS)
def test_what_others_say(metric: Any, prediction: Any, target: Any, others: Any, weighted: bool) -> None:
    weight = WEIGHT if weighted else None
    wanted = others(prediction, target, weight)
    assert of(metric, prediction, target, weight) == pytest.approx(wanted, rel=1e-11)
    if target is not None:
        again = of(metric, pt.tensor(prediction), pt.tensor(target), weight)
        assert again == of(metric, prediction, target, weight)


@pytest.mark.parametrize(("metric", "prediction", "target", "others"), [case[1:] for case in CASES], ids=IDS)
def test_parts_merged_in_any_way_give_the_result_of_the_whole(
    metric: Any, prediction: Any, target: Any, others: Any
) -> None:
    whole = of(metric, prediction, target, WEIGHT)
    for cuts in ([1, 8, 8, 40], [200], list(range(1, COUNT))):
        parts = np.split(np.arange(COUNT), cuts)
        one, other = (type(metric)(metric.params) for _ in range(2))
        for at, part in enumerate(np.random.default_rng(len(cuts)).permutation(len(parts))):
            rows = parts[part]
            (one, other)[at % 2].update(prediction[rows], cut(target, rows), WEIGHT[rows])
        one.merge(other)
        assert one.compute() == pytest.approx(whole, rel=1e-11)
        if isinstance(metric, m.metric.Rows):
            assert one.compute() == whole, "what needs all examples sorts them, so that not even the bits differ"
        assert one.state.dtype == np.float64
        two = type(metric)(metric.params)
        two.state = one.state
        assert two.compute() == one.compute()


@pytest.mark.parametrize(("metric", "prediction", "target", "others"), [case[1:] for case in CASES], ids=IDS)
def test_padding_counts_for_nothing(metric: Any, prediction: Any, target: Any, others: Any) -> None:
    weight = np.ones(COUNT, dtype=np.float32)
    weight[30:] = 0
    padded = prediction.astype(np.float64)
    padded[30:] = np.nan
    wanted = of(metric, prediction[:30], cut(target, slice(30)))
    assert of(metric, padded, target, weight) == pytest.approx(wanted, rel=1e-12)
    assert math.isnan(of(metric, padded, target, 0 * weight))
    metric.reset()
    assert math.isnan(metric.compute()) and not metric.state.any()


@pytest.mark.parametrize(("metric", "prediction", "target", "others"), [case[1:] for case in CASES], ids=IDS)
def test_states_and_batches_are_only_read(metric: Any, prediction: Any, target: Any, others: Any) -> None:
    given = [np.array(value) for value in (prediction, np.zeros(0) if target is None else target, WEIGHT)]
    state = metric.measure(prediction, target, WEIGHT)
    kept, zero = state.copy(), metric.zero()
    for a, b in ((zero, state), (state, zero), (state, state)):
        made = metric.merged(a, b)
        assert made is not a and made is not b and not np.shares_memory(made, state)
    assert (state == kept).all() and not metric.zero().any()
    after = (prediction, np.zeros(0) if target is None else target, WEIGHT)
    assert all((a == b).all() for a, b in zip(given, after, strict=True))


# ---------------------------------------------------------------- values by hand


def test_an_average_leaves_out_classes_that_do_not_occur() -> None:
    prediction, target = np.array([0, 0, 2, 2]), np.array([0, 2, 2, 2])
    assert of(m.F1(average="macro"), prediction, target) == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert of(m.Recall(average="binary"), np.array([0, 0]), np.array([0, 0])) == 0
    assert math.isnan(of(m.AUC(), np.ones(3), np.zeros(3, int)))
    three = np.array([[0.0, 1, 0], [0, 2, 0], [1, 0, 0], [0, 0, 0]])
    assert of(m.AUC(), three, np.array([1, 1, 0, 0])) == 1, "class 2 does not occur"
    assert of(m.MatthewsCorrCoef(), np.zeros(3, int), np.array([0, 1, 0])) == 0
    assert math.isnan(of(m.CohenKappa(), np.zeros(3, int), np.zeros(3, int)))


def test_probabilities_of_nought_and_one() -> None:
    sure = np.array([[1.0, 0.0], [1.0, 0.0]])
    for dtype in (np.float32, np.float64):
        wanted = sk.log_loss([0, 1], sure.astype(dtype))
        assert of(m.LogLoss(from_logits=False), sure.astype(dtype), np.array([0, 1])) == pytest.approx(wanted, rel=1e-6)
    assert of(m.BrierScore(from_logits=False), sure, np.array([0, 1])) == 0.5
    assert of(m.LogLoss(), np.array([[800.0, -800.0]]), np.array([1])) == 1600
    assert of(m.LogLoss(), np.array([-800.0, 800.0]), np.array([1, 1])) == 400


def test_top_k_takes_the_first_of_equals() -> None:
    logits = np.array([[1.0, 1.0, 1.0]] * 3)
    assert of(m.TopKAccuracy(k=1), logits, np.arange(3)) == of(m.Accuracy(), logits, np.arange(3)) == 1 / 3
    assert of(m.TopKAccuracy(k=2), logits, np.arange(3)) == 2 / 3 and of(m.TopKAccuracy(k=9), logits, np.arange(3)) == 1
    assert of(m.TopKAccuracy(k=1), np.array([0.5, -0.5]), np.array([1, 1])) == 0.5


def test_deviations_far_from_zero_keep_their_digits() -> None:
    target = 1e9 + DRAW.normal(0, 1, 1000)
    found = target + DRAW.normal(0, 0.3, 1000)
    for metric, wanted in (
        (m.R2(), sk.r2_score(target, found)),
        (m.PearsonCorrCoef(), scipy.stats.pearsonr(found, target).statistic),
    ):
        for start in range(0, 1000, 50):
            metric.update(found[start : start + 50], target[start : start + 50])
        assert metric.compute() == pytest.approx(wanted, rel=1e-7)


def test_accuracy_of_tokens_uses_the_weight_of_their_example() -> None:
    logits, target = np.zeros((2, 3, 4)), np.zeros((2, 3), dtype=np.int64)
    target[1] = 1
    assert m.Accuracy().measure(logits, target, np.array([1.0, 0.0])).tolist() == [3, 3]
    assert of(m.Perplexity(), np.array([1e4])) == math.inf


def test_scores_of_a_confusion_matrix() -> None:
    metric = m.ConfusionMatrix(num_classes=3)
    metric.update(np.array([0, 0, 1, 1, 0]), np.array([0, 0, 0, 1, 2]))
    assert metric.matrix.tolist() == [[2, 1, 0], [0, 1, 0], [1, 0, 0]]
    scores = metric.scores()
    assert np.allclose(scores.precision, [2 / 3, 1 / 2, 0]) and np.allclose(scores.recall, [2 / 3, 1, 0])
    assert np.allclose(scores.f1, [2 / 3, 2 / 3, 0]) and scores.support.tolist() == [3, 1, 1]
    assert math.isclose(scores.macro_f1, 4 / 9) and metric.compute() == 3 / 5
    assert repr(metric) == "ConfusionMatrix(0.6)"


# ---------------------------------------------------------------- texts


def distance(a: Any, b: Any) -> int:
    """Edits by the definition, cell by cell."""
    table = {(i, 0): i for i in range(len(a) + 1)} | {(0, j): j for j in range(len(b) + 1)}
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            replaced = table[i - 1, j - 1] + (a[i - 1] != b[j - 1])
            table[i, j] = min(replaced, table[i - 1, j] + 1, table[i, j - 1] + 1)
    return table[len(a), len(b)]


@pytest.mark.parametrize(("metric", "references", "others"), [case[1:] for case in TEXT_CASES],
                         ids=[case[0] for case in TEXT_CASES])  # fmt: skip
def test_texts(metric: Any, references: Any, others: Any) -> None:
    if others is None:
        unit = str.split if isinstance(metric, m.WordErrorRate) else list
        pairs = [(unit(a), unit(b)) for a, b in zip(TEXTS, references, strict=True)]
        wanted = sum(distance(a, b) for a, b in pairs) / sum(len(b) for _, b in pairs)
    else:
        wanted = others(TEXTS, references)
    assert of(metric, TEXTS, references) == pytest.approx(wanted, rel=1e-12)
    metric.reset()
    for start, stop in ((9, COUNT), (0, 0), (0, 1), (1, 9)):
        metric.update(TEXTS[start:stop], references[start:stop])
    assert metric.compute() == pytest.approx(wanted, rel=1e-12)
    weight = np.zeros(COUNT)
    weight[:20] = 1
    assert of(metric, TEXTS, references, weight) == of(metric, TEXTS[:20], references[:20])
    assert math.isnan(of(metric, TEXTS, references, 0 * weight))


def test_edits_of_random_sequences() -> None:
    draw = np.random.default_rng(1)
    for _ in range(200):
        a, b = ("".join(draw.choice(list("abc"), draw.integers(0, 9))) for _ in range(2))
        assert m.text.edits(a, b) == distance(a, b), (a, b)


def test_texts_with_unequal_numbers_of_references() -> None:
    found, references = ["the cat sat on", "a hat"], [["the cat sat on it", "the cat sat on"], ["a mat"]]
    wanted = sacrebleu.metrics.CHRF().corpus_score(found, [["the cat sat on it", "a mat"], ["the cat sat on", None]])
    assert of(m.CHRF(), found, references) == pytest.approx(wanted.score)
    assert of(m.WordErrorRate(), "one two", "one three two") == pytest.approx(1 / 3)


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("metric", "arguments", "message"),
    [
        (
            m.Accuracy(),
            (np.zeros((4, 3)), np.zeros(5, dtype=int)),
            "[accuracy] predictions [4, 3], targets int64[5]; expected logits [..., classes] and class numbers [...]; "
            "check the order of the arguments",
        ),
        (
            m.ConfusionMatrix(num_classes=2),
            (np.array([0, 2]), np.array([0, 1])),
            "[confusion] predicted class 2; expected 0 to 1; give the number of classes that the data has",
        ),
        (
            m.F1(),
            (np.array([0, 2]), np.array([0, 1])),
            "[f1] class 2 with average = 'binary'; expected classes 0 and 1; write average='macro', or the metric "
            "f1_macro in a recipe",
        ),
        (
            m.CohenKappa(),
            (np.array([0, -1]), np.array([0, 1])),
            "[kappa] predicted class -1; expected class numbers from 0 on; number the classes 0, 1, 2, ...",
        ),
        (
            m.AUC(),
            (np.zeros((2, 3)), np.array([0, 3])),
            "[auc] target 3 for scores of 3 classes; expected 0 to 2; number the classes as the model's outputs",
        ),
        (
            m.LogLoss(from_logits=False),
            (np.array([[-0.5, 1.5]]), np.array([0])),
            "[log loss] probabilities from -0.5 to 1.5; expected 0 to 1; leave from_logits as True for what a model "
            "gives before softmax",
        ),
        (
            m.MeanSquaredError(),
            (np.zeros((4, 2)), np.zeros(4)),
            "[mse] predictions [4, 2], targets [4]; expected one shape; check the number of outputs of the model",
        ),
        (
            m.Mean(),
            (np.zeros(4), None, np.ones(3)),
            "[mean] weights of shape [3]; expected 4 numbers >= 0, one per example; pass the loader's batch.weight",
        ),
        (
            m.BLEU(),
            (["a", "b"], ["a"]),
            "[bleu] 2 predictions and references of 1; expected a text for each, and a text or a list of texts as its "
            "reference; write update([prediction], [[reference, another]])",
        ),
        (
            m.CHRF(),
            (["a"], ["a"], np.array([0.5])),
            "[chrf] a weight of 0.5; expected 1, or 0 for padding; leave weights out",
        ),
        (
            m.WordErrorRate(),
            (["a"], [["a", "b"]]),
            "[wer] 2 references of one text; expected one; choose one of them",
        ),
    ],
)
def test_refusals(metric: Any, arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(MetricError) as caught:
        metric.update(*arguments)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("metric", "state", "message"),
    [
        (m.BLEU(), np.ones(6), "[bleu] a state of shape [6]; expected 10 counts"),
        (m.CHRF(), np.ones((3, 6)), "[chrf] a state of shape [3, 6]; expected 18 counts"),
        (m.CHRF(), np.full(18, np.nan), "[chrf] a state with the count nan; expected counts from 0 to below 2^63"),
        (m.BLEU(), np.full(10, 1e300), "[bleu] a state with the count 1e+300; expected counts from 0 to below 2^63"),
    ],
)
def test_states_that_are_no_counts(metric: Any, state: Any, message: str) -> None:
    with pytest.raises(MetricError) as caught:
        metric.result(state)
    assert str(caught.value).startswith(f"{message}; pass the state of a metric ")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: m.F1(average="mean"),
            '[F1.average] received "mean"; expected one of "binary", "macro", "micro", "weighted"',
        ),
        (
            lambda: m.F1(averge="micro"),
            "[F1.averge] no such parameter of F1; expected average, pos_label; did you mean average?",
        ),
        (lambda: m.TopKAccuracy(k=0), "[TopKAccuracy.k] received 0; expected a whole number >= 1"),
        (
            lambda: m.ConfusionMatrix(num_classes=2.5),
            "[ConfusionMatrix.num_classes] received 2.5; expected a whole number >= 1",
        ),
        (
            lambda: m.F1Score,
            '[powertrain.metrics] F1Score; expected a name of powertrain.metrics; write pt.metrics.F1(average="macro")',
        ),
        (
            lambda: m.Acuracy,
            "[powertrain.metrics] Acuracy; expected a name of powertrain.metrics; did you mean Accuracy?",
        ),
    ],
)
def test_what_is_refused_before_a_batch(make: Any, message: str) -> None:
    with pytest.raises(pt.Error) as caught:
        make()
    assert str(caught.value) == message


def test_the_lines_that_errors_show_run() -> None:
    for line in METRICS.values():
        assert isinstance(eval(line), m.Metric), line


def test_every_metric_of_a_recipe_fits_its_group() -> None:
    """By the checks that other people's metrics get."""
    names = re.findall(
        r'^([a-z0-9_-]+) = "(powertrain[a-z.]*[.]metrics):(\w+)"$',
        (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"),
        re.M,
    )
    texts = {"BLEU", "CHRF", "CharErrorRate", "WordErrorRate"}
    assert {cls for _, _, cls in names} == {*m.__all__, *averages.__all__} - texts - {
        "ConfusionMatrix", "Mean", "Metric", "MetricError", "State"
    }  # fmt: skip
    for name, module, cls in names:
        plugin = getattr(importlib.import_module(module), cls)
        found = list(check_metric(Subject("metric", name, plugin, params_of(plugin)(), name)))
        assert found == [], (name, found)


def test_batches_of_different_classes_do_not_merge() -> None:
    auc = m.AUC()
    auc.update(np.zeros((2, 3)), np.array([0, 1]))
    with pytest.raises(MetricError) as caught:
        auc.update(np.zeros((2, 4)), np.array([0, 1]))
    assert str(caught.value) == (
        "[AUC] batches of 3 and 4 classes; expected as many in each; give the scores of all classes"
    )


def test_a_metric_that_is_called_says_what_to_write() -> None:
    with pytest.raises(pt.DTypeError) as caught:
        pt.metrics.F1()(np.zeros((3, 2)), np.zeros(3, "int64"))
    assert str(caught.value) == (
        "[F1] received a call; expected update and compute; write metric.update(output, target), and metric.compute() "
        "behind the last batch"
    )
