"""Ops of one element at a time. What has 16 bits is widened before: see graph.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from powertrain_onnx.writer import Call, Operand, Writer

Rule = Callable[..., Any]

SAME = {
    "abs": "Abs", "acos": "Acos", "acosh": "Acosh", "asin": "Asin", "asinh": "Asinh", "atan": "Atan",
    "atanh": "Atanh",
    "cos": "Cos", "cosh": "Cosh", "divide": "Div", "equal": "Equal",
    "erf": "Erf", "exp": "Exp", "greater": "Greater", "greater_equal": "GreaterOrEqual",
    "less": "Less", "less_equal": "LessOrEqual", "log": "Log",
    "log1p_exp": "Softplus", "logical_and": "And", "logical_not": "Not", "logical_or": "Or", "logical_xor": "Xor",
    "maximum": "Max", "minimum": "Min", "multiply": "Mul", "negative": "Neg", "pow": "Pow",
    "reciprocal": "Reciprocal", "relu": "Relu", "sigmoid": "Sigmoid", "sign": "Sign", "sin": "Sin",
    "sinh": "Sinh", "softsign": "Softsign", "sqrt": "Sqrt", "subtract": "Sub", "tan": "Tan", "tanh": "Tanh",
    "where": "Where",
}  # fmt: skip


def same(op: str) -> Rule:
    return lambda w, call, *operands: w.pointwise(op, *operands)


def number(call: Call, value: float) -> Any:
    """A scalar of the dtype in which the op is computed."""
    return np.array(value, call.dtype)


def is_whole(x: Operand) -> bool:
    return np.dtype(x.dtype).kind in "iu"


def isfinite(w: Writer, call: Call, x: Operand) -> str:
    if np.dtype(x.dtype).kind != "f":
        return w.expand(np.full((1,) * x.ndim, True), (1,) * x.ndim, x.shape)
    return w.node("Not", w.node("Or", w.node("IsNaN", x), w.node("IsInf", x)))


def not_equal(w: Writer, call: Call, a: Operand, b: Operand) -> str:
    return w.node("Not", w.node("Equal", a, b))


def square(w: Writer, call: Call, x: Operand) -> str:
    return w.node("Mul", x, x)


def rsqrt(w: Writer, call: Call, x: Operand) -> str:
    return w.node("Reciprocal", w.node("Sqrt", x))


def silu(w: Writer, call: Call, x: Operand) -> str:
    return w.node("Mul", x, w.node("Sigmoid", x))


def rounded(op: str) -> Rule:
    """Whole numbers stay as they are."""
    return lambda w, call, x: w.node("Identity", x) if is_whole(x) else w.pointwise(op, x)


def seen(found: str, of_whole: bool) -> Rule:
    """Whether a float is what integers never, or always are."""

    def rule(w: Writer, call: Call, x: Operand) -> str:
        if np.dtype(x.dtype).kind == "f":
            return w.pointwise(found, x)
        return w.expand(np.full((1,) * x.ndim, of_whole), (1,) * x.ndim, x.shape)

    return rule


def bits(op: str, of_truth: str) -> Rule:
    """Bools have other operators."""
    return lambda w, call, *operands: w.pointwise(of_truth if call.dtype == "bool" else op, *operands)


def trunc(w: Writer, call: Call, x: Operand) -> str:
    if is_whole(x):
        return w.node("Identity", x)
    return w.node("Where", w.node("Less", x, number(call, 0)), w.node("Ceil", x), w.node("Floor", x))


def log_to(base: float) -> Rule:
    return lambda w, call, x: w.node("Mul", w.node("Log", x), number(call, 1 / np.log(base)))


def expm1(w: Writer, call: Call, x: Operand) -> str:
    """Near 0 by tanh, since exp(x) - 1 loses the digits of x there."""
    half = w.node("Tanh", w.node("Mul", x, number(call, 0.5)))
    near = w.node("Div", w.node("Mul", half, number(call, 2)), w.node("Sub", number(call, 1), half))
    far = w.node("Sub", w.node("Exp", x), number(call, 1))
    return w.node("Where", w.node("Less", w.node("Abs", x), number(call, 1)), near, far)


def log1p(w: Writer, call: Call, x: Operand) -> str:
    """Near 0 by atanh, since 1 + x loses the digits of x there."""
    ratio = w.node("Div", x, w.node("Add", x, number(call, 2)))
    near = w.node("Mul", w.node("Atanh", ratio), number(call, 2))
    far = w.node("Log", w.node("Add", x, number(call, 1)))
    return w.node("Where", w.node("Less", w.node("Abs", x), number(call, 0.5)), near, far)


def floor_divide(w: Writer, call: Call, a: Operand, b: Operand) -> str:
    """Integers: ONNX's division goes towards 0; one less where there is a rest of the other sign."""
    if not is_whole(a):
        return w.node("Floor", w.node("Div", a, b))
    zero = number(call, 0)
    safe = w.node("Where", w.node("Equal", b, zero), number(call, 1), b)
    quotient = w.node("Div", a, safe)
    rest = w.node("Sub", a, w.node("Mul", quotient, safe))
    apart = w.node("Xor", w.node("Less", rest, zero), w.node("Less", safe, zero))
    below = w.node("And", w.node("Not", w.node("Equal", rest, zero)), apart)
    made = w.node("Where", below, w.node("Sub", quotient, number(call, 1)), quotient)
    return w.node("Where", w.node("Equal", b, zero), zero, made)


def remainder(w: Writer, call: Call, a: Operand, b: Operand) -> str:
    """The sign is that of the divisor; ONNX's Mod of floats has that of what is divided."""
    zero = number(call, 0)
    if is_whole(a):
        safe = w.node("Where", w.node("Equal", b, zero), number(call, 1), b)
        return w.node("Where", w.node("Equal", b, zero), zero, w.node("Mod", a, safe))
    rest = w.node("Mod", a, b, fmod=1)
    apart = w.node("Xor", w.node("Less", rest, zero), w.node("Less", b, zero))
    turn = w.node("And", w.node("Not", w.node("Equal", rest, zero)), apart)
    return w.node("Where", turn, w.node("Add", rest, b), rest)


def power(w: Writer, call: Call, a: Operand, b: Operand) -> str:
    if is_whole(a):
        raise call.refused("a power of integers; expected floats; convert them with astype")
    return w.node("Pow", a, b)


def astype(w: Writer, call: Call, x: Operand) -> str:
    return w.cast(x, call.dtype)


RULES: dict[str, Rule] = {
    **{op: same(name) for op, name in SAME.items()},
    "bitwise_and": bits("BitwiseAnd", "And"),
    "bitwise_invert": bits("BitwiseNot", "Not"),
    "bitwise_or": bits("BitwiseOr", "Or"),
    "bitwise_xor": bits("BitwiseXor", "Xor"),
    "ceil": rounded("Ceil"),
    "floor": rounded("Floor"),
    "isinf": seen("IsInf", False),
    "isnan": seen("IsNaN", False),
    "round": rounded("Round"),
    "astype": astype,
    "copy": same("Identity"),
    "expm1": expm1,
    "floor_divide": floor_divide,
    "fmod": lambda w, call, a, b: w.node("Mod", a, b, fmod=1),
    "gelu_erf": lambda w, call, x: w.node("Gelu", x),
    "gelu_tanh": lambda w, call, x: w.node("Gelu", x, approximate="tanh"),
    "isfinite": isfinite,
    "log10": log_to(10),
    "log1p": log1p,
    "log2": log_to(2),
    "not_equal": not_equal,
    "pow": power,
    "remainder": remainder,
    "rsqrt": rsqrt,
    "silu": silu,
    "square": square,
    "stop_gradient": same("Identity"),
    "trunc": trunc,
}
