"""Losses of PyTorch. Ours give one value per element or row; what becomes of them is done here as PyTorch has it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import powertrain as pt
from conformance.adapter import CALLS, call_of, offered
from powertrain.ops.functional import OPERATORS


def reduced(values: Any, reduction: str) -> Any:
    return {"none": lambda y: y, "mean": pt.mean, "sum": pt.sum}[reduction](values)


def elementwise(op: str) -> Callable[..., Any]:
    """A loss of two tensors, with one setting at most."""

    def loss(input: Any, target: Any, *, reduction: str = "mean", weight: Any = None, **setting: Any) -> Any:
        values = OPERATORS[op](input, target, **setting)
        return reduced(values if weight is None else values * weight, reduction)

    return loss


CALLS.update({
    f"nn.functional.{name}": elementwise(name)
    for name in ("mse_loss", "l1_loss", "soft_margin_loss", "binary_cross_entropy")
})  # fmt: skip


@call_of("nn.functional.huber_loss")
def huber_loss(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0, weight: Any = None) -> Any:
    values = OPERATORS["huber_loss"](input, target, delta)
    return reduced(values if weight is None else values * weight, reduction)


@call_of("nn.functional.smooth_l1_loss")
def smooth_l1_loss(input: Any, target: Any, *, reduction: str = "mean", beta: float = 1.0) -> Any:
    return reduced(OPERATORS["smooth_l1_loss"](input, target, beta), reduction)


@call_of("nn.functional.binary_cross_entropy_with_logits")
def bce_with_logits(
    input: Any, target: Any, weight: Any = None, *, reduction: str = "mean", pos_weight: Any = None
) -> Any:
    values = OPERATORS["binary_cross_entropy_with_logits"](input, target, pos_weight)
    return reduced(values if weight is None else values * weight, reduction)


@call_of("nn.functional.kl_div")
def kl_div(input: Any, target: Any, *, reduction: str = "mean", log_target: bool = False) -> Any:
    values = OPERATORS["kl_div"](input, target, log_target)
    if reduction == "batchmean":
        return pt.sum(values) / input.shape[0]
    return reduced(values, reduction)


@call_of("nn.functional.poisson_nll_loss")
def poisson_nll_loss(
    input: Any, target: Any, log_input: bool = True, full: bool = False, *, eps: float = 1e-8, reduction: str = "mean"
) -> Any:
    return reduced(OPERATORS["poisson_nll_loss"](input, target, log_input, full, eps), reduction)


@call_of("nn.functional.gaussian_nll_loss")
def gaussian_nll_loss(
    input: Any, target: Any, var: Any, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Any:
    offered(isinstance(var, pt.Tensor), "var as a number")
    # PyTorch takes one variance for the last axis.
    spread = var if var.shape == input.shape or var.ndim == input.ndim else pt.expand_dims(var, -1)
    return reduced(OPERATORS["gaussian_nll_loss"](input, target, spread, full, eps), reduction)


@call_of("nn.functional.hinge_embedding_loss")
def hinge_embedding_loss(input: Any, target: Any, margin: float = 1.0, *, reduction: str = "mean") -> Any:
    return reduced(OPERATORS["hinge_embedding_loss"](input, target, float(margin)), reduction)


@call_of("nn.functional.margin_ranking_loss")
def margin_ranking_loss(input1: Any, input2: Any, target: Any, margin: float = 0.0, *, reduction: str = "mean") -> Any:
    return reduced(OPERATORS["margin_ranking_loss"](input1, input2, target, float(margin)), reduction)


@call_of("nn.functional.cosine_embedding_loss")
def cosine_embedding_loss(
    input1: Any, input2: Any, target: Any, margin: float = 0.0, *, reduction: str = "mean"
) -> Any:
    return reduced(OPERATORS["cosine_embedding_loss"](input1, input2, target, float(margin)), reduction)


@call_of("nn.functional.triplet_margin_loss")
def triplet_margin_loss(
    anchor: Any, positive: Any, negative: Any, margin: float = 1.0, p: float = 2, eps: float = 1e-6,
    swap: bool = False, *, reduction: str = "mean",
) -> Any:  # fmt: skip
    return reduced(OPERATORS["triplet_margin_loss"](anchor, positive, negative, margin, float(p), eps, swap), reduction)


@call_of("nn.functional.multi_margin_loss")
def multi_margin_loss(
    input: Any, target: Any, p: int = 1, margin: float = 1.0, weight: Any = None, *, reduction: str = "mean"
) -> Any:
    offered(input.ndim > 0, "an input of no axis")
    values = OPERATORS["multi_margin_loss"](input, pt.reshape(target, input.shape[:-1]), weight, p, float(margin))
    return reduced(values, reduction)


@call_of("nn.functional.multilabel_soft_margin_loss")
def multilabel_soft_margin_loss(input: Any, target: Any, weight: Any = None, *, reduction: str = "mean") -> Any:
    return reduced(OPERATORS["multilabel_soft_margin_loss"](input, target, weight), reduction)


# ------------------------------------------------------------ labels


def _over_labels(values: Any, labels: Any, weight: Any, ignore_index: int, reduction: str) -> Any:
    if reduction != "mean":
        return reduced(values, reduction)
    kept = pt.not_equal(labels, ignore_index)
    shares = 1.0 if weight is None else pt.take(weight, pt.where(kept, labels, 0))
    return pt.sum(values) / pt.sum(pt.where(kept, shares, pt.zeros((), values.dtype)))


def _classes_last(input: Any) -> Any:
    return input if input.ndim < 2 else pt.moveaxis(input, 1, -1)


@call_of("nn.functional.nll_loss")
def nll_loss(input: Any, target: Any, weight: Any = None, *, ignore_index: int = -100, reduction: str = "mean") -> Any:
    values = OPERATORS["nll_loss"](_classes_last(input), target, weight, ignore_index)
    return _over_labels(values, target, weight, ignore_index, reduction)


@call_of("nn.functional.cross_entropy")
def cross_entropy(
    input: Any, target: Any, *, weight: Any = None, ignore_index: int = -100, reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:  # fmt: skip
    logits = _classes_last(input)
    if target.dtype.is_float:
        chances = _classes_last(target)
        if label_smoothing:
            chances = chances * (1 - label_smoothing) + label_smoothing / logits.shape[-1]
        return reduced(OPERATORS["soft_cross_entropy"](logits, chances, weight), reduction)
    values = OPERATORS["cross_entropy"](logits, target, weight, label_smoothing, ignore_index)
    return _over_labels(values, target, weight, ignore_index, reduction)


@call_of("nn.functional.ctc_loss")
def ctc_loss(
    log_probs: Any, targets: Any, input_lengths: Any, target_lengths: Any, blank: int = 0, reduction: str = "mean",
    zero_infinity: bool = False,
) -> Any:  # fmt: skip
    # PyTorch has the steps first, and labels of all rows may lie behind each other.
    batched = log_probs.ndim == 3
    rows = pt.swapaxes(log_probs, 0, 1) if batched else pt.expand_dims(log_probs, 0)
    given = (x if isinstance(x, pt.Tensor) else pt.tensor(x, "int64") for x in (input_lengths, target_lengths))
    steps, lengths = (pt.reshape(x, (-1,)) for x in given)
    if targets.ndim == 1:
        counts = [int(n) for n in lengths.numpy()]
        ends = list(itertools.accumulate(counts))
        pieces = [targets[end - n : end] for n, end in zip(counts, ends, strict=True)]
        targets = pt.stack([pt.pad(piece, (0, max(counts) - n)) for piece, n in zip(pieces, counts, strict=True)])
    # Its gradient is that of what log_softmax gave, which here is said once more.
    values = OPERATORS["ctc_loss"](pt.log_softmax(rows), targets, steps, lengths, blank, zero_infinity)
    if reduction == "mean":
        values = values / pt.maximum(lengths, 1).astype(values.dtype)
    return pt.squeeze(values, 0) if reduction == "none" and not batched else reduced(values, reduction)
