"""Ops of one element at a time, as expressions of C."""

from __future__ import annotations

from collections.abc import Sequence

from powertrain.builtin.exporters.c.writing import Array, Walk, broadcast, strides
from powertrain.plugin.backends import Call

# `{0}` is the first operand, `{f}` the ending of a function of float ("f") or double ("").
FLOATS = {
    "abs": "fabs{f}({0})", "acos": "acos{f}({0})", "acosh": "acosh{f}({0})", "asin": "asin{f}({0})",
    "asinh": "asinh{f}({0})", "atan": "atan{f}({0})", "atan2": "atan2{f}({0}, {1})", "atanh": "atanh{f}({0})",
    "ceil": "ceil{f}({0})", "cos": "cos{f}({0})", "cosh": "cosh{f}({0})",
    "erf": "erf{f}({0})", "erfc": "erfc{f}({0})", "exp": "exp{f}({0})", "expm1": "expm1{f}({0})",
    "floor": "floor{f}({0})", "log": "log{f}({0})", "log10": "log10{f}({0})", "log1p": "log1p{f}({0})",
    "log2": "log2{f}({0})", "pow": "pow{f}({0}, {1})", "round": "rint{f}({0})", "sin": "sin{f}({0})",
    "sinh": "sinh{f}({0})", "sqrt": "sqrt{f}({0})", "tan": "tan{f}({0})", "tanh": "tanh{f}({0})",
    "trunc": "trunc{f}({0})",
    "divide": "{0} / {1}", "reciprocal": "1 / {0}", "rsqrt": "1 / sqrt{f}({0})",
    # A NaN is not below anything, and stays.
    "relu": "{0} < 0 ? 0 : {0}", "maximum": "({0} < {1} || isnan({1})) ? {1} : {0}",
    "minimum": "({0} > {1} || isnan({1})) ? {1} : {0}",
    "sigmoid": "1 / (1 + exp{f}(-{0}))", "silu": "{0} / (1 + exp{f}(-{0}))",
    "gelu_erf": "{0} * erfc{f}(-{0} * 0.70710678118654752{f}) / 2",
    "gelu_tanh": "{0} / (1 + exp{f}(-1.5957691216057308{f} * ({0} + 0.044715{f} * {0} * {0} * {0})))",
    "log1p_exp": "({0} > 0 ? {0} : 0) + log1p{f}(exp{f}(-fabs{f}({0})))",
    "isfinite": "isfinite({0}) != 0", "isnan": "isnan({0}) != 0",
}  # fmt: skip
WHOLE = {
    "abs": "{0} < 0 ? -{0} : {0}", "relu": "{0} < 0 ? 0 : {0}", "maximum": "{0} < {1} ? {1} : {0}",
    "minimum": "{0} > {1} ? {1} : {0}", "isfinite": "1", "isnan": "0",
}  # fmt: skip
ANY = {
    "add": "{0} + {1}", "subtract": "{0} - {1}", "multiply": "{0} * {1}", "negative": "-{0}", "square": "{0} * {0}",
    "sign": "({0} > 0) - ({0} < 0)",
    "equal": "{0} == {1}", "not_equal": "{0} != {1}", "less": "{0} < {1}", "less_equal": "{0} <= {1}",
    "greater": "{0} > {1}", "greater_equal": "{0} >= {1}",
    "logical_and": "{0} && {1}", "logical_or": "{0} || {1}", "logical_not": "!{0}", "where": "{0} ? {1} : {2}",
}  # fmt: skip
SAME = ("boundary", "copy", "stop_gradient")  # give what they are given
OPS = (*dict.fromkeys((*FLOATS, *WHOLE, *ANY)), "astype", *SAME)


def formula(op: str, inputs: Sequence[Array], out: Array) -> str:
    """The expression for one element, of operands `{0}`, `{1}` and so on."""
    if op in SAME:
        return "{0}"
    if op == "astype":
        return "{0} != 0" if out.dtype == "bool" else "{0}"
    computed = inputs[-1].dtype  # of `where`, the first operand is the condition
    ending = "f" if computed == "float32" else ""
    found = {**(FLOATS if computed.startswith("float") else WHOLE), **ANY}[op]
    return found.replace("{f}", ending)


def elementwise(call: Call, inputs: Sequence[Array], out: Array) -> list[str]:
    """Loops over the result, with the operands laid over it."""
    names = [f"v{at}" for at in range(len(inputs))]
    value = formula(call.op, inputs, out).format(*names)
    lines = [f"const {one.kind} v{at} = {one.name}[{{{at + 1}}}];" for at, one in enumerate(inputs)]
    walk = Walk(
        out.shape,
        (strides(out.shape), *(broadcast(one.shape, out.shape) for one in inputs)),
        (0,) * (len(inputs) + 1),
    )
    return walk.loops([*lines, f"{out.name}[{{0}}] = ({out.kind})({value});"])
