"""Operators along axes: sums, extremes and their places, running sums, orders, softmax, norms, losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import powertrain as pt
from powertrain.plugin import op
from powertrain_onnx.reading.registry import ints, offered, operator, whole


def _reduction(reduced: Callable[..., Any]) -> Callable[..., Any]:
    def reduce(x: Any, axes: Any = None, *, keepdims: int = 1, noop_with_empty_axes: int = 0) -> Any:
        given = () if axes is None else ints(axes)
        if not given and noop_with_empty_axes:
            return x
        return reduced(x, given or None, bool(keepdims)).astype(x.dtype)

    return reduce


def _op(name: str) -> Callable[..., Any]:
    return lambda x, axis, keepdims: op(name)(x, axis, keepdims)


for _name, _function in {
    "ReduceSum": _op("sum"), "ReduceMean": _op("mean"), "ReduceMax": _op("max"), "ReduceMin": _op("min"),
    "ReduceProd": _op("prod"), "ReduceLogSumExp": _op("logsumexp"), "ReduceL2": _op("vector_norm"),
    "ReduceL1": lambda x, axis, keepdims: pt.sum(pt.abs(x), axis, keepdims=keepdims),
    "ReduceSumSquare": lambda x, axis, keepdims: pt.sum(pt.square(x), axis, keepdims=keepdims),
    "ReduceLogSum": lambda x, axis, keepdims: pt.log(pt.sum(x, axis, keepdims=keepdims)),
}.items():  # fmt: skip
    operator(_name, settings=(1,))(_reduction(_function))


def _position(ours: str) -> Callable[..., Any]:
    def find(x: Any, *, axis: int = 0, keepdims: int = 1, select_last_index: int = 0) -> Any:
        if not select_last_index:
            return op(ours)(x, axis, bool(keepdims))
        return x.shape[axis] - 1 - op(ours)(pt.flip(x, axis), axis, bool(keepdims))

    return find


for _name, _of in (("ArgMax", "argmax"), ("ArgMin", "argmin")):
    operator(_name)(_position(_of))


def _running(ours: str) -> Callable[..., Any]:
    def run(x: Any, axis: Any, *, exclusive: int = 0, reverse: int = 0) -> Any:
        at = whole(axis)
        if not exclusive:
            return op(ours)(x, at, reverse=bool(reverse)).astype(x.dtype)
        turned = pt.flip(x, at) if reverse else x
        every = op(ours)(turned, at, include_initial=True).astype(x.dtype)
        key = [slice(None)] * x.ndim
        key[at] = slice(0, x.shape[at])
        made = every[tuple(key)]
        return pt.flip(made, at) if reverse else made

    return run


for _name, _of in (("CumSum", "cumulative_sum"), ("CumProd", "cumulative_prod")):
    operator(_name, settings=(1,))(_running(_of))


@operator("Softmax")
def softmax(x: Any, *, axis: int = -1) -> Any:
    return pt.softmax(x, axis)


@operator("LogSoftmax")
def log_softmax(x: Any, *, axis: int = -1) -> Any:
    return pt.log_softmax(x, axis)


@operator("Hardmax")
def hardmax(x: Any, *, axis: int = -1) -> Any:
    first = pt.argmax(x, axis=axis, keepdims=True)
    shape = [1] * x.ndim
    shape[axis] = x.shape[axis]
    return (pt.reshape(pt.arange(x.shape[axis]), tuple(shape)) == first).astype(x.dtype)


@operator("TopK", settings=(1,), sorted=(0, 1))
def top_k(x: Any, k: Any, *, axis: int = -1, largest: int = 1, sorted: int = 1) -> Any:
    return pt.topk(x, whole(k), axis, bool(largest))


@operator("NonZero")
def non_zero(x: Any) -> Any:
    return pt.stack(list(pt.nonzero(x)), 0)


@operator("LayerNormalization", stash_type=(1,))
def layer_normalization(
    x: Any, scale: Any, b: Any = None, *, axis: int = -1, epsilon: float = 1e-5, stash_type: int = 1
) -> Any:
    """Over the axes from `axis` on, as one row."""
    first = axis % x.ndim
    if first == x.ndim - 1 and scale.ndim == 1:
        return op("layer_norm")(x, scale, b, epsilon)
    rows = pt.reshape(x, (*x.shape[:first], -1))
    made = pt.reshape(op("layer_norm")(rows, None, None, epsilon), x.shape) * scale
    return made if b is None else made + b


@operator("RMSNormalization", stash_type=(1,))
def rms_normalization(x: Any, scale: Any, *, axis: int = -1, epsilon: float = 1e-5, stash_type: int = 1) -> Any:
    offered(axis % x.ndim == x.ndim - 1, "axis before the last")
    return op("rms_norm")(x, scale, epsilon)


@operator("InstanceNormalization")
def instance_normalization(x: Any, scale: Any, b: Any, *, epsilon: float = 1e-5) -> Any:
    return pt.moveaxis(op("instance_norm")(pt.moveaxis(x, 1, -1), scale, b, epsilon), -1, 1)


@operator("GroupNormalization", stash_type=(1,))
def group_normalization(
    x: Any, scale: Any, b: Any, *, num_groups: int, epsilon: float = 1e-5, stash_type: int = 1
) -> Any:
    if scale.shape[0] != x.shape[1]:  # up to opset 20 there was one number for each group
        scale, b = (pt.repeat(one, x.shape[1] // num_groups) for one in (scale, b))
    return pt.moveaxis(op("group_norm")(pt.moveaxis(x, 1, -1), scale, b, epsilon, num_groups=num_groups), -1, 1)


@operator("LpNormalization", p=(1, 2))
def lp_normalization(x: Any, *, axis: int = -1, p: int = 2) -> Any:
    size = pt.sum(pt.abs(x), axis, keepdims=True) if p == 1 else pt.sqrt(pt.sum(pt.square(x), axis, keepdims=True))
    return pt.where(size == 0, 0.0, x / pt.where(size == 0, 1.0, size)).astype(x.dtype)


def _loss(name: str) -> Callable[..., Any]:
    def loss(
        x: Any, labels: Any, weight: Any = None, *, reduction: str = "mean", ignore_index: int | None = None
    ) -> Any:
        made = {"nll_loss": pt.nn.NLLLoss, "cross_entropy": pt.nn.CrossEntropyLoss}[name]
        return made(weight=weight, ignore_index=ignore_index, reduction=reduction)(pt.moveaxis(x, 1, -1), labels)

    return loss


for _name, _of in (("NegativeLogLikelihoodLoss", "nll_loss"), ("SoftmaxCrossEntropyLoss", "cross_entropy")):
    operator(_name, reduction=("none", "sum", "mean"))(_loss(_of))
