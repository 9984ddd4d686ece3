"""Operators of one element at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.plugin import op
from powertrain_onnx.reading.registry import offered, operator

# ONNX's name, and ours.
SAME = {
    "Abs": "abs", "Acos": "acos", "Acosh": "acosh", "Add": "add", "And": "logical_and", "Asin": "asin",
    "Asinh": "asinh", "Atan": "atan", "Atanh": "atanh", "BitwiseAnd": "bitwise_and", "BitwiseNot": "bitwise_invert",
    "BitwiseOr": "bitwise_or", "BitwiseXor": "bitwise_xor", "Ceil": "ceil", "Cos": "cos", "Cosh": "cosh",
    "Equal": "equal", "Erf": "erf", "Exp": "exp", "Floor": "floor", "Greater": "greater",
    "GreaterOrEqual": "greater_equal", "HardSwish": "hardswish", "Identity": "positive", "IsNaN": "isnan",
    "Less": "less", "LessOrEqual": "less_equal", "Log": "log", "Mish": "mish", "Mul": "multiply",
    "Neg": "negative", "Not": "logical_not", "Or": "logical_or", "Reciprocal": "reciprocal", "Relu": "relu",
    "Round": "round", "Sigmoid": "sigmoid", "Sign": "sign", "Sin": "sin", "Sinh": "sinh", "Softplus": "softplus",
    "Softsign": "softsign", "Sqrt": "sqrt", "Sub": "subtract", "Tan": "tan", "Tanh": "tanh", "Where": "where",
    "Xor": "logical_xor",
}  # fmt: skip
BINARY = frozenset(
    {"Add", "And", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual",
     "Mul", "Or", "Sub", "Xor"}
)  # fmt: skip


def _same(name: str, ours: str) -> None:
    if name == "Where":
        operator(name, broadcasts=True)(lambda condition, a, b: op(ours)(condition, a, b))
    elif name in BINARY:
        operator(name, broadcasts=True)(lambda a, b: op(ours)(a, b))
    elif name == "Identity":  # of every dtype
        operator(name)(lambda x: x)
    else:
        operator(name)(lambda x: op(ours)(x))


for _name, _op in SAME.items():
    _same(_name, _op)


@operator("Div", broadcasts=True)
def div(a: Any, b: Any) -> Any:
    """Of integers towards zero."""
    if a.dtype.is_float:
        return a / b
    quotient = op("floor_divide")(a, b)
    short = (quotient < 0) & pt.not_equal(quotient * b, a)
    return pt.where(short, quotient + 1, quotient).astype(a.dtype)


@operator("Mod", broadcasts=True, fmod=(0, 1))
def mod(a: Any, b: Any, *, fmod: int = 0) -> Any:
    return pt.fmod(a, b) if fmod else pt.remainder(a, b)


@operator("Pow", broadcasts=True)
def pow_(a: Any, b: Any) -> Any:
    return pt.pow(a, b).astype(a.dtype)


@operator("BitShift", broadcasts=True, direction=("LEFT", "RIGHT"))
def bit_shift(a: Any, b: Any, *, direction: str) -> Any:
    return (pt.bitwise_left_shift if direction == "LEFT" else pt.bitwise_right_shift)(a, b)


def dtype_of(number: int) -> str:
    """The name of a dtype that ONNX has a number for."""
    name = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(number)).name
    offered(hasattr(pt.DType, name) and name != "object", f"dtype {name}")
    return name


@operator("Cast", saturate=(1,))
def cast(x: Any, *, to: int, saturate: int = 1, round_mode: str = "up") -> Any:
    return x.astype(dtype_of(to))


@operator("CastLike", saturate=(1,))
def cast_like(x: Any, like: Any, *, saturate: int = 1, round_mode: str = "up") -> Any:
    return x.astype(like.dtype)


@operator("Clip", broadcasts=True)
def clip(x: Any, low: Any = None, high: Any = None) -> Any:
    return pt.clip(x, low, high)


@operator("Celu")
def celu(x: Any, *, alpha: float = 1.0) -> Any:
    return F.celu(x, alpha)


@operator("Elu")
def elu(x: Any, *, alpha: float = 1.0) -> Any:
    return F.elu(x, alpha)


@operator("Gelu", approximate=("none", "tanh"))
def gelu(x: Any, *, approximate: str = "none") -> Any:
    return F.gelu(x, approximate)


@operator("HardSigmoid")
def hard_sigmoid(x: Any, *, alpha: float = 0.2, beta: float = 0.5) -> Any:
    return pt.clip(x * alpha + beta, 0, 1)


@operator("LeakyRelu")
def leaky_relu(x: Any, *, alpha: float = 0.01) -> Any:
    return F.leaky_relu(x, alpha)


@operator("Selu")
def selu(x: Any, *, alpha: float = 1.6732632423543772848170429916717, gamma: float = 1.0507009873554804934193349852946) -> Any:  # fmt: skip # noqa: E501
    return pt.where(x > 0, gamma * x, gamma * alpha * pt.expm1(pt.minimum(x, 0)))


@operator("ThresholdedRelu")
def thresholded_relu(x: Any, *, alpha: float = 1.0) -> Any:
    return F.threshold(x, alpha, 0.0)


@operator("IsInf")
def is_inf(x: Any, *, detect_negative: int = 1, detect_positive: int = 1) -> Any:
    signs = pt.isinf(x)
    if not detect_negative:
        signs = signs & (x > 0)
    return signs if detect_positive else signs & (x < 0)


@operator("PRelu", broadcasts=True)
def prelu(x: Any, slope: Any) -> Any:
    return pt.where(x < 0, x * slope, x)


def _folded(ours: str) -> Callable[..., Any]:
    def fold(first: Any, *rest: Any) -> Any:
        for other in rest:
            first = op(ours)(first, other)
        return first

    return fold


for _name, _op in (("Max", "maximum"), ("Min", "minimum"), ("Sum", "add")):
    operator(_name, broadcasts=True)(_folded(_op))


@operator("Mean", broadcasts=True)
def mean(first: Any, *rest: Any) -> Any:
    return _folded("add")(first, *rest) / (1 + len(rest))
