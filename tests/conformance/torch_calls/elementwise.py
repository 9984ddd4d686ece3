"""Elementwise functions of PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import powertrain as pt
import powertrain.nn.functional as F
from conformance.adapter import CALLS, call_of, offered
from powertrain.ops.functional import OPERATORS

UNARY = {
    **{name: name for name in (
        "abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "cos", "cosh", "digamma", "erf", "erfc",
        "erfinv", "exp", "exp2", "expm1", "floor", "isfinite", "isinf", "isnan", "lgamma", "log", "log10", "log1p",
        "log2", "logical_not", "positive", "reciprocal", "rsqrt", "sigmoid", "sign", "signbit", "sin", "sinh", "sqrt",
        "square", "tan", "tanh", "trunc",
    )},
    "neg": "negative", "bitwise_not": "bitwise_invert", "special.ndtri": "normal_quantile", "sgn": "sign",
}  # fmt: skip

BINARY = {
    **{name: name for name in (
        "atan2", "bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_left_shift", "bitwise_right_shift", "copysign",
        "floor_divide", "fmax", "fmin", "fmod", "hypot", "igamma", "igammac", "logaddexp", "logical_and", "logical_or",
        "logical_xor", "maximum", "minimum", "nextafter", "remainder", "xlogy",
    )},
    "mul": "multiply", "true_divide": "divide", "pow": "pow", "eq": "equal", "ne": "not_equal", "lt": "less",
    "le": "less_equal", "gt": "greater", "ge": "greater_equal",
}  # fmt: skip

# Operators with the tensor at the right.
REFLECTED = {
    "__radd__": "add", "__rsub__": "subtract", "__rmul__": "multiply", "__rdiv__": "divide", "__rpow__": "pow",
    "__rmod__": "remainder", "__rand__": "bitwise_and", "__ror__": "bitwise_or", "__rxor__": "bitwise_xor",
    "__rmatmul__": "matmul",
}  # fmt: skip


def unary(op: str) -> Callable[..., Any]:
    return lambda input: OPERATORS[op](input)


def binary(op: str) -> Callable[..., Any]:
    return lambda input, other: OPERATORS[op](input, other)


def reflected(op: str) -> Callable[..., Any]:
    return lambda input, other: OPERATORS[op](other, input)


CALLS.update({name: unary(op) for name, op in UNARY.items()})
CALLS.update({name: binary(op) for name, op in BINARY.items()})
CALLS.update({name: reflected(op) for name, op in REFLECTED.items()})


@call_of("add")
def add(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    return input + (other if alpha == 1 else other * alpha)


@call_of("sub")
def sub(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    return input - (other if alpha == 1 else other * alpha)


@call_of("rsub")
def rsub(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    return other - (input if alpha == 1 else input * alpha)


@call_of("div")
def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Any:
    if rounding_mode == "floor":
        return pt.floor_divide(input, other)
    return pt.trunc(input / other) if rounding_mode == "trunc" else input / other


@call_of("polygamma", "special.polygamma")
def polygamma(input: Any, n: int) -> Any:
    return pt.polygamma(n, input)


@call_of("float_power")
def float_power(input: Any, exponent: Any) -> Any:
    wide = exponent.astype("float64") if isinstance(exponent, pt.Tensor) else exponent
    return pt.pow(input.astype("float64"), wide)


@call_of("round")
def round_(input: Any, *, decimals: int = 0) -> Any:
    offered(decimals == 0, "decimals")
    return pt.round(input)


@call_of("clamp")
def clamp(input: Any, min: Any = None, max: Any = None) -> Any:
    return pt.clip(input, min, max)


@call_of("clamp_min")
def clamp_min(input: Any, min: Any) -> Any:
    return pt.clip(input, min)


@call_of("clamp_max")
def clamp_max(input: Any, max: Any) -> Any:
    return pt.clip(input, None, max)


@call_of("where")
def where(input: Any, condition: Any, other: Any) -> Any:
    # OpInfo's own order; torch.where itself takes the condition first.
    return pt.where(condition, input, other)


@call_of("masked_fill")
def masked_fill(input: Any, mask: Any, value: Any) -> Any:
    return pt.where(mask, value, input)


@call_of("logit")
def logit(input: Any, eps: float | None = None) -> Any:
    offered(eps is None, "eps")
    return pt.logit(input)


# ------------------------------------------------------------ activations

PLAIN = ("hardsigmoid", "hardswish", "logsigmoid", "mish", "relu", "relu6", "selu", "silu", "softsign", "tanhshrink")
CALLS.update({f"nn.functional.{name}": unary(name) for name in PLAIN})


def activation(op: str) -> Callable[..., Any]:
    def apply(input: Any, *, inplace: bool = False) -> Any:
        # OpInfo passes it; what it returns is the same.
        return OPERATORS[op](input)

    return apply


CALLS.update({f"nn.functional.{name}": activation(name)
              for name in ("hardsigmoid", "hardswish", "mish", "relu", "relu6", "selu", "silu")})  # fmt: skip


@call_of("nn.functional.celu")
def celu(input: Any, alpha: float = 1.0) -> Any:
    return F.celu(input, alpha)


@call_of("nn.functional.elu")
def elu(input: Any, alpha: float = 1.0) -> Any:
    return F.elu(input, alpha)


@call_of("nn.functional.gelu")
def gelu(input: Any, *, approximate: str = "none") -> Any:
    return F.gelu(input, approximate)


@call_of("nn.functional.glu")
def glu(input: Any, dim: int = -1) -> Any:
    return F.glu(input, dim)


@call_of("nn.functional.hardshrink")
def hardshrink(input: Any, lambd: float = 0.5) -> Any:
    return F.hardshrink(input, lambd)


@call_of("nn.functional.softshrink")
def softshrink(input: Any, lambd: float = 0.5) -> Any:
    return F.softshrink(input, lambd)


@call_of("nn.functional.hardtanh")
def hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0) -> Any:
    return F.hardtanh(input, min_val, max_val)


@call_of("nn.functional.leaky_relu")
def leaky_relu(input: Any, negative_slope: float = 0.01) -> Any:
    return F.leaky_relu(input, negative_slope)


@call_of("nn.functional.prelu")
def prelu(input: Any, weight: Any) -> Any:
    if input.ndim < 2:
        return F.prelu(input, weight)
    return pt.moveaxis(F.prelu(pt.moveaxis(input, 1, -1), weight), -1, 1)


@call_of("nn.functional.softplus")
def softplus(input: Any, beta: float = 1, threshold: float = 20) -> Any:
    return F.softplus(input, beta, threshold)


@call_of("nn.functional.threshold")
def threshold(input: Any, threshold: float, value: float) -> Any:
    return F.threshold(input, threshold, value)


@call_of("softmax", "nn.functional.softmax")
def softmax(input: Any, dim: int, *, dtype: Any = None) -> Any:
    return pt.softmax(input if dtype is None else input.astype(dtype), dim)


@call_of("log_softmax")
def log_softmax(input: Any, dim: int, *, dtype: Any = None) -> Any:
    return pt.log_softmax(input if dtype is None else input.astype(dtype), dim)


@call_of("nn.functional.softmin")
def softmin(input: Any, dim: int, *, dtype: Any = None) -> Any:
    return F.softmin(input if dtype is None else input.astype(dtype), dim)
