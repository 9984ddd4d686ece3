"""ONNX's operators as calls of the engine: inputs by position (None where one is left out), attributes by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import powertrain as pt
import powertrain.nn.functional as F
from conformance.adapter import channels_first, channels_last, offered
from conformance.torch_calls.scatter import put
from powertrain.ops.functional import OPERATORS

CALLS: dict[str, Callable[..., Any]] = {}

# ONNX's name, and ours.
SAME = {
    "Abs": "abs", "Acos": "acos", "Acosh": "acosh", "Add": "add", "And": "logical_and", "Asin": "asin",
    "Asinh": "asinh", "Atan": "atan", "Atanh": "atanh", "BitwiseAnd": "bitwise_and", "BitwiseNot": "bitwise_invert",
    "BitwiseOr": "bitwise_or", "BitwiseXor": "bitwise_xor", "Ceil": "ceil", "Cos": "cos", "Cosh": "cosh",
    "Equal": "equal", "Erf": "erf", "Exp": "exp", "Floor": "floor", "Greater": "greater",
    "GreaterOrEqual": "greater_equal", "HardSwish": "hardswish", "Identity": "positive", "IsNaN": "isnan",
    "Less": "less", "LessOrEqual": "less_equal", "Log": "log", "MatMul": "matmul", "Mish": "mish", "Mul": "multiply",
    "Neg": "negative", "Not": "logical_not", "Or": "logical_or", "Reciprocal": "reciprocal", "Relu": "relu",
    "Round": "round", "Sigmoid": "sigmoid", "Sign": "sign", "Sin": "sin", "Sinh": "sinh", "Softplus": "softplus",
    "Softsign": "softsign", "Sqrt": "sqrt", "Sub": "subtract", "Tan": "tan", "Tanh": "tanh", "Where": "where",
    "Xor": "logical_xor",
}  # fmt: skip


def _same(op: str) -> Callable[..., Any]:
    return lambda *inputs: OPERATORS[op](*inputs)


CALLS.update({name: _same(op) for name, op in SAME.items()})


def onnx_op(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Registers a function under ONNX's name."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        CALLS[name] = function
        return function

    return register


def ints(tensor: Any) -> tuple[int, ...]:
    """The values of a small tensor of integers."""
    return tuple(int(value) for value in tensor.numpy().ravel())


# ------------------------------------------------------------ elementwise


@onnx_op("Div")
def div(a: Any, b: Any) -> Any:
    return a / b if a.dtype.is_float else pt.trunc(a.astype("float64") / b.astype("float64")).astype(a.dtype)


@onnx_op("Mod")
def mod(a: Any, b: Any, *, fmod: int = 0) -> Any:
    return pt.fmod(a, b) if fmod else pt.remainder(a, b)


@onnx_op("Pow")
def pow_(a: Any, b: Any) -> Any:
    return pt.pow(a, b).astype(a.dtype)


@onnx_op("BitShift")
def bit_shift(a: Any, b: Any, *, direction: str) -> Any:
    return (pt.bitwise_left_shift if direction == "LEFT" else pt.bitwise_right_shift)(a, b)


@onnx_op("Cast")
def cast(x: Any, *, to: int, saturate: int = 1, round_mode: str = "up") -> Any:
    import onnx

    name = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(to)).name
    offered(hasattr(pt.DType, name) and name != "object", f"to = {name}")
    return x.astype(name)


@onnx_op("Clip")
def clip(x: Any, low: Any = None, high: Any = None) -> Any:
    return pt.clip(x, low, high)


@onnx_op("Celu")
def celu(x: Any, *, alpha: float = 1.0) -> Any:
    return F.celu(x, alpha)


@onnx_op("Elu")
def elu(x: Any, *, alpha: float = 1.0) -> Any:
    return F.elu(x, alpha)


@onnx_op("Gelu")
def gelu(x: Any, *, approximate: str = "none") -> Any:
    return F.gelu(x, approximate)


@onnx_op("LeakyRelu")
def leaky_relu(x: Any, *, alpha: float = 0.01) -> Any:
    return F.leaky_relu(x, alpha)


@onnx_op("Selu")
def selu(x: Any, *, alpha: float | None = None, gamma: float | None = None) -> Any:
    offered(alpha is None and gamma is None, "alpha, gamma")
    return F.selu(x)


@onnx_op("ThresholdedRelu")
def thresholded_relu(x: Any, *, alpha: float = 1.0) -> Any:
    return F.threshold(x, alpha, 0.0)


@onnx_op("IsInf")
def is_inf(x: Any, *, detect_negative: int = 1, detect_positive: int = 1) -> Any:
    offered(bool(detect_negative and detect_positive), "one sign alone")
    return pt.isinf(x)


@onnx_op("PRelu")
def prelu(x: Any, slope: Any) -> Any:
    offered(slope.ndim == 1, "slope of several axes")
    return F.prelu(x, slope)


def _folded(op: str) -> Callable[..., Any]:
    def fold(first: Any, *rest: Any) -> Any:
        for other in rest:
            first = OPERATORS[op](first, other)
        return first

    return fold


CALLS.update({"Max": _folded("maximum"), "Min": _folded("minimum"), "Sum": _folded("add")})
CALLS["Mean"] = lambda *inputs: CALLS["Sum"](*inputs) / len(inputs)


# ------------------------------------------------------------ reductions


def _reduction(op: str) -> Callable[..., Any]:
    def reduce(x: Any, axes: Any = None, *, keepdims: int = 1, noop_with_empty_axes: int = 0) -> Any:
        given = ints(axes) if isinstance(axes, pt.Tensor) else axes
        if not given and noop_with_empty_axes:
            return x
        return OPERATORS[op](x, tuple(given) if given else None, bool(keepdims))

    return reduce


CALLS.update({f"Reduce{name}": _reduction(op) for name, op in (
    ("Sum", "sum"), ("Mean", "mean"), ("Max", "max"), ("Min", "min"), ("Prod", "prod"), ("LogSumExp", "logsumexp"),
    ("L2", "vector_norm"))})  # fmt: skip


def _position(op: str) -> Callable[..., Any]:
    def find(x: Any, *, axis: int = 0, keepdims: int = 1, select_last_index: int = 0) -> Any:
        offered(not select_last_index, "select_last_index")
        return OPERATORS[op](x, axis, bool(keepdims))

    return find


CALLS.update({"ArgMax": _position("argmax"), "ArgMin": _position("argmin")})


@onnx_op("CumSum")
def cum_sum(x: Any, axis: Any, *, exclusive: int = 0, reverse: int = 0) -> Any:
    offered(not exclusive, "exclusive")
    return pt.cumulative_sum(x, int(axis.item()), reverse=bool(reverse)).astype(x.dtype)


@onnx_op("CumProd")
def cum_prod(x: Any, axis: Any, *, exclusive: int = 0, reverse: int = 0) -> Any:
    offered(not exclusive, "exclusive")
    return pt.cumulative_prod(x, int(axis.item()), reverse=bool(reverse)).astype(x.dtype)


@onnx_op("Softmax")
def softmax(x: Any, *, axis: int = -1) -> Any:
    return pt.softmax(x, axis)


@onnx_op("LogSoftmax")
def log_softmax(x: Any, *, axis: int = -1) -> Any:
    return pt.log_softmax(x, axis)


@onnx_op("TopK")
def top_k(x: Any, k: Any, *, axis: int = -1, largest: int = 1, sorted: int = 1) -> Any:
    return pt.topk(x, int(k.item()), axis, bool(largest))


@onnx_op("NonZero")
def non_zero(x: Any) -> Any:
    return pt.stack(list(pt.nonzero(x)), 0)


# ------------------------------------------------------------ shapes


@onnx_op("Concat")
def concat(*tensors: Any, axis: int) -> Any:
    return pt.concat(list(tensors), axis)


@onnx_op("Expand")
def expand(x: Any, shape: Any) -> Any:
    return pt.broadcast_to(x, pt.broadcast_shapes(x.shape, ints(shape)))


@onnx_op("Flatten")
def flatten(x: Any, *, axis: int = 1) -> Any:
    rows = int(np.prod(x.shape[:axis], dtype=int))
    return pt.reshape(x, (rows, -1))


@onnx_op("Reshape")
def reshape(x: Any, shape: Any, *, allowzero: int = 0) -> Any:
    wanted = ints(shape)
    return pt.reshape(x, wanted if allowzero else tuple(x.shape[at] if n == 0 else n for at, n in enumerate(wanted)))


@onnx_op("Squeeze")
def squeeze(x: Any, axes: Any = None) -> Any:
    return pt.squeeze(x, None if axes is None else ints(axes))


@onnx_op("Unsqueeze")
def unsqueeze(x: Any, axes: Any) -> Any:
    return pt.expand_dims(x, ints(axes))


@onnx_op("Transpose")
def transpose(x: Any, *, perm: Any = None) -> Any:
    return pt.permute_dims(x, None if perm is None else tuple(perm))


@onnx_op("Tile")
def tile(x: Any, repeats: Any) -> Any:
    return pt.tile(x, ints(repeats))


@onnx_op("Trilu")
def trilu(x: Any, k: Any = None, *, upper: int = 1) -> Any:
    return (pt.triu if upper else pt.tril)(x, 0 if k is None else int(k.item()))


@onnx_op("Slice")
def slice_(x: Any, starts: Any, ends: Any, axes: Any = None, steps: Any = None) -> Any:
    which = range(len(ints(starts))) if axes is None else ints(axes)
    strides = [1] * len(ints(starts)) if steps is None else ints(steps)
    keys = [slice(None)] * x.ndim
    for axis, low, high, step in zip(which, ints(starts), ints(ends), strides, strict=True):
        # Far below zero means up to the first for a negative step.
        keys[axis] = slice(low, None if step < 0 and high < -x.shape[axis] else high, step)
    return x[tuple(keys)]


@onnx_op("Pad")
def pad(x: Any, pads: Any, value: Any = None, axes: Any = None, *, mode: str = "constant") -> Any:
    which = [axis % x.ndim for axis in (range(x.ndim) if axes is None else ints(axes))]
    numbers = ints(pads)
    offered(min(numbers) >= 0, "pads below 0")
    before, after = [0] * x.ndim, [0] * x.ndim
    for place, axis in enumerate(which):
        before[axis], after[axis] = numbers[place], numbers[len(which) + place]
    ours = {"edge": "replicate", "wrap": "circular"}.get(mode, mode)
    return OPERATORS["pad"](x, tuple(before), tuple(after), 0.0 if value is None else float(value.item()), ours)


@onnx_op("Gather")
def gather(x: Any, index: Any, *, axis: int = 0) -> Any:
    return pt.take(x, index, axis)


@onnx_op("GatherElements")
def gather_elements(x: Any, index: Any, *, axis: int = 0) -> Any:
    return pt.take_along_axis(x, index, axis)


@onnx_op("ScatterElements")
def scatter_elements(x: Any, index: Any, updates: Any, *, axis: int = 0, reduction: str = "none") -> Any:
    offered(reduction != "mul", "reduction = mul")
    ours = {"none": "replace", "add": "sum"}.get(reduction, reduction)
    return put(x, axis, index, updates, ours)


@onnx_op("DepthToSpace")
def depth_to_space(x: Any, *, blocksize: int, mode: str = "DCR") -> Any:
    offered(mode == "CRD", f"mode = {mode}")
    return channels_first(F.pixel_shuffle(channels_last(x, 2), blocksize), True)


# ------------------------------------------------------------ products, images, norms


@onnx_op("Einsum")
def einsum(*operands: Any, equation: str) -> Any:
    return pt.einsum(equation, *operands)


@onnx_op("Conv")
def conv(
    x: Any, w: Any, b: Any = None, *, auto_pad: str = "NOTSET", dilations: Any = None, group: int = 1,
    kernel_shape: Any = None, pads: Any = None, strides: Any = None,
) -> Any:  # fmt: skip
    axes = x.ndim - 2
    low, high = _sides(pads, axes, auto_pad)
    weight = pt.permute_dims(w, (*range(2, w.ndim), 1, 0))
    rest = (tuple(strides or (1,) * axes), low, tuple(dilations or (1,) * axes), group)
    offered(low == high, "pads that differ before and behind")
    return channels_first(OPERATORS[f"conv{axes}d"](channels_last(x, axes), weight, b, *rest), True)


def _sides(pads: Any, axes: int, auto_pad: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    offered(auto_pad in ("NOTSET", "VALID"), f"auto_pad = {auto_pad}")
    given = tuple(pads) if pads is not None else (0,) * (2 * axes)
    return given[:axes], given[axes:]


@onnx_op("ConvTranspose")
def conv_transpose(
    x: Any, w: Any, b: Any = None, *, auto_pad: str = "NOTSET", dilations: Any = None, group: int = 1,
    kernel_shape: Any = None, output_padding: Any = None, pads: Any = None, strides: Any = None,
    output_shape: Any = None,
) -> Any:  # fmt: skip
    offered(output_shape is None, "output_shape")
    axes = x.ndim - 2
    low, high = _sides(pads, axes, auto_pad)
    offered(low == high, "pads that differ before and behind")
    weight = pt.permute_dims(w, (*range(2, w.ndim), 1, 0))
    more, apart = tuple(output_padding or (0,) * axes), tuple(dilations or (1,) * axes)
    rest = (tuple(strides or (1,) * axes), low, more, group, apart)
    return channels_first(OPERATORS[f"conv_transpose{axes}d"](channels_last(x, axes), weight, b, *rest), True)


def _pool(op: str) -> Callable[..., Any]:
    def pool(
        x: Any, *, kernel_shape: Any, auto_pad: str = "NOTSET", ceil_mode: int = 0, count_include_pad: int = 0,
        dilations: Any = None, pads: Any = None, storage_order: int = 0, strides: Any = None,
    ) -> Any:  # fmt: skip
        axes = x.ndim - 2
        low, high = _sides(pads, axes, auto_pad)
        offered(low == high, "pads that differ before and behind")
        offered(op == "max" or set(dilations or (1,)) == {1}, "dilations")
        counted = {"count_include_pad": bool(count_include_pad)}
        special = {"dilation": tuple(dilations or (1,))} if op == "max" else counted
        where = (tuple(kernel_shape), tuple(strides or (1,) * axes), low)
        y = OPERATORS[f"{op}_pool{axes}d"](channels_last(x, axes), *where, **special, ceil_mode=bool(ceil_mode))
        return channels_first(y, True)

    return pool


CALLS.update({"AveragePool": _pool("avg"), "MaxPool": _pool("max")})
CALLS["GlobalAveragePool"] = lambda x: pt.mean(x, tuple(range(2, x.ndim)), True)
CALLS["GlobalMaxPool"] = lambda x: pt.max(x, tuple(range(2, x.ndim)), True)


@onnx_op("GridSample")
def grid_sample(x: Any, grid: Any, *, align_corners: int = 0, mode: str = "linear", padding_mode: str = "zeros") -> Any:
    ours = {"linear": "bilinear", "cubic": "bicubic"}.get(mode, mode)
    y = F.grid_sample(channels_last(x, x.ndim - 2), grid, ours, padding_mode, bool(align_corners))
    return channels_first(y, True)


@onnx_op("AffineGrid")
def affine_grid(theta: Any, size: Any, *, align_corners: int = 0) -> Any:
    return F.affine_grid(theta, ints(size)[2:], bool(align_corners))


@onnx_op("LayerNormalization")
def layer_normalization(
    x: Any, scale: Any, b: Any = None, *, axis: int = -1, epsilon: float = 1e-5, stash_type: int = 1
) -> Any:
    offered(axis % x.ndim == x.ndim - 1, "axis before the last")
    return OPERATORS["layer_norm"](x, scale, b, epsilon)


@onnx_op("RMSNormalization")
def rmsnormalization(x: Any, scale: Any, *, axis: int = -1, epsilon: float = 1e-5, stash_type: int = 1) -> Any:
    offered(axis % x.ndim == x.ndim - 1, "axis before the last")
    return OPERATORS["rms_norm"](x, scale, epsilon)


@onnx_op("InstanceNormalization")
def instance_normalization(x: Any, scale: Any, b: Any, *, epsilon: float = 1e-5) -> Any:
    return pt.moveaxis(OPERATORS["instance_norm"](pt.moveaxis(x, 1, -1), scale, b, epsilon), -1, 1)


@onnx_op("GroupNormalization")
def group_normalization(x: Any, scale: Any, b: Any, *, num_groups: int, epsilon: float = 1e-5) -> Any:
    return pt.moveaxis(OPERATORS["group_norm"](pt.moveaxis(x, 1, -1), scale, b, epsilon, num_groups=num_groups), -1, 1)


def _loss(op: str) -> Callable[..., Any]:
    def loss(
        x: Any, labels: Any, weight: Any = None, *, reduction: str = "mean", ignore_index: int | None = None
    ) -> Any:
        made = {"nll_loss": pt.nn.NLLLoss, "cross_entropy": pt.nn.CrossEntropyLoss}[op]
        return made(weight=weight, ignore_index=ignore_index, reduction=reduction)(pt.moveaxis(x, 1, -1), labels)

    return loss


CALLS.update({"NegativeLogLikelihoodLoss": _loss("nll_loss"), "SoftmaxCrossEntropyLoss": _loss("cross_entropy")})
