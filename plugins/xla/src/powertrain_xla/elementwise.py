"""Ops of one element at a time. 16-bit floats are computed in float32 and rounded once, as everywhere in the engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.scipy.special import ndtri

Rule = Callable[..., Any]
NARROW = (jnp.float16, jnp.bfloat16)


def widened(x: Any) -> Any:
    """16-bit floats in float32."""
    return x.astype(jnp.float32) if x is not None and x.dtype in NARROW else x


def computed(function: Callable[..., Any]) -> Rule:
    """A rule that computes in the dtype of its operands, 16-bit floats in float32."""

    def rule(call: Any, *operands: Any) -> Any:
        return function(*map(widened, operands)).astype(call.dtype)

    return rule


def whole(x: Any) -> bool:
    return bool(jnp.issubdtype(x.dtype, jnp.integer))


def by_whole(divide: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    """A division of integers, 0 where the divisor is."""
    safe = jnp.where(b == 0, jnp.ones_like(b), b)
    return jnp.where(b == 0, jnp.zeros_like(a), divide(a, safe))


def floor_divide(a: Any, b: Any) -> Any:
    if whole(a):
        return by_whole(jnp.floor_divide, a, b)
    # From the exact remainder, as NumPy does, so that the two agree.
    a, b = jnp.broadcast_arrays(a, b)
    left = lax.rem(a, b)
    quotient = (a - left) / b
    quotient = jnp.where((left != 0) & ((left < 0) != (b < 0)), quotient - 1, quotient)
    floor = jnp.floor(quotient)
    floor = jnp.where(quotient - floor > 0.5, floor + 1, floor)
    result = jnp.where(quotient == 0, jnp.copysign(jnp.zeros_like(a), a / b), floor)
    result = jnp.where(b == 0, a / b, result)
    return jnp.where(jnp.isnan(a) | jnp.isnan(b) | jnp.isinf(a), jnp.nan, result)


def remainder(a: Any, b: Any) -> Any:
    if whole(a):
        return by_whole(jnp.remainder, a, b)
    a, b = jnp.broadcast_arrays(a, b)
    left = lax.rem(a, b)
    shifted = jnp.where((left < 0) != (b < 0), left + b, left)
    return jnp.where(left == 0, jnp.copysign(jnp.zeros_like(a), b), shifted)


def power(a: Any, b: Any) -> Any:
    if not whole(a):
        return jnp.power(a, b)
    if jnp.issubdtype(a.dtype, jnp.unsignedinteger):
        return _whole_power(a, b)
    positive = _whole_power(a, jnp.maximum(b, 0))
    negative = jnp.where(a == 1, 1, jnp.where(a == -1, jnp.where(b % 2 == 0, 1, -1), 0)).astype(a.dtype)
    return jnp.where(b < 0, negative, positive)


def _whole_power(a: Any, b: Any) -> Any:
    """By squaring, for exponents that differ from element to element; it wraps."""
    shape = jnp.broadcast_shapes(a.shape, b.shape)
    base, left, made = jnp.broadcast_to(a, shape), jnp.broadcast_to(b, shape), jnp.ones(shape, a.dtype)
    for _ in range(jnp.iinfo(a.dtype).bits):
        made = jnp.where(left % 2 == 1, made * base, made)
        base, left = base * base, left // 2
    return made


def shifted(direction: Callable[..., Any], beyond: Callable[..., Any]) -> Rule:
    """Counts outside of the width are no error."""

    def rule(call: Any, a: Any, b: Any) -> Any:
        a, b = jnp.broadcast_arrays(a, b)
        width = jnp.iinfo(a.dtype).bits
        outside = (b < 0) | (b >= width)
        return jnp.where(outside, beyond(a), direction(a, jnp.where(outside, 0, b).astype(a.dtype))).astype(call.dtype)

    return rule


def sigmoid(x: Any) -> Any:
    t = jnp.exp(-jnp.abs(x))
    return jnp.where(x < 0, t, 1) / (1 + t)


def digamma(x: Any) -> Any:
    """JAX has NaN at 0 too, where both zeros have a pole of one sign."""
    return jnp.where(x == 0, jnp.copysign(jnp.inf, -x), jax.scipy.special.digamma(x))


def gelu_erf(x: Any) -> Any:
    return x * 0.5 * jax.scipy.special.erfc(-x * jnp.asarray(2.0**-0.5, x.dtype))


def gelu_tanh(x: Any) -> Any:
    return x * sigmoid(2 * (2 / jnp.pi) ** 0.5 * (x + 0.044715 * x * x * x))


def square_root_below(x: Any) -> Any:
    return 1 / jnp.sqrt(x)


def truth(function: Callable[..., Any]) -> Rule:
    return lambda call, *operands: function(*map(widened, operands)).astype(jnp.bool_)


def cast(call: Any, x: Any) -> Any:
    wanted = jnp.dtype(call.dtype)
    if jnp.issubdtype(wanted, jnp.bool_):
        return x != 0
    return x.astype(wanted)


RULES: dict[str, Rule] = {
    "abs": computed(jnp.abs),
    "acos": computed(jnp.arccos),
    "acosh": computed(jnp.arccosh),
    "add": computed(jnp.add),
    "asin": computed(jnp.arcsin),
    "asinh": computed(jnp.arcsinh),
    "atan": computed(jnp.arctan),
    "atan2": computed(jnp.arctan2),
    "atanh": computed(jnp.arctanh),
    "bitwise_and": computed(jnp.bitwise_and),
    "bitwise_invert": computed(jnp.invert),
    "bitwise_left_shift": shifted(jnp.left_shift, jnp.zeros_like),
    "bitwise_or": computed(jnp.bitwise_or),
    "bitwise_right_shift": shifted(jnp.right_shift, lambda a: jnp.where(a < 0, -1, 0).astype(a.dtype)),
    "bitwise_xor": computed(jnp.bitwise_xor),
    "astype": cast,
    "ceil": computed(jnp.ceil),
    "cos": computed(jnp.cos),
    "cosh": computed(jnp.cosh),
    "digamma": computed(digamma),
    "divide": computed(jnp.divide),
    "equal": truth(jnp.equal),
    "erf": computed(jax.scipy.special.erf),
    "erfc": computed(jax.scipy.special.erfc),
    "erfinv": computed(jax.scipy.special.erfinv),
    "exp": computed(jnp.exp),
    "expm1": computed(jnp.expm1),
    "floor": computed(jnp.floor),
    "floor_divide": computed(floor_divide),
    "gelu_erf": computed(gelu_erf),
    "gelu_tanh": computed(gelu_tanh),
    "greater": truth(jnp.greater),
    "greater_equal": truth(jnp.greater_equal),
    "isfinite": truth(jnp.isfinite),
    "isnan": truth(jnp.isnan),
    "less": truth(jnp.less),
    "less_equal": truth(jnp.less_equal),
    "lgamma": computed(jax.scipy.special.gammaln),
    "log": computed(jnp.log),
    "log10": computed(jnp.log10),
    "log1p": computed(jnp.log1p),
    "log1p_exp": computed(lambda x: jnp.maximum(x, 0) + jnp.log1p(jnp.exp(-jnp.abs(x)))),
    "log2": computed(jnp.log2),
    "logical_and": truth(jnp.logical_and),
    "logical_not": truth(jnp.logical_not),
    "logical_or": truth(jnp.logical_or),
    "maximum": computed(jnp.maximum),
    "minimum": computed(jnp.minimum),
    "multiply": computed(jnp.multiply),
    "negative": computed(jnp.negative),
    "nextafter": lambda call, x, y: jnp.nextafter(x, y),
    "normal_quantile": computed(ndtri),
    "not_equal": truth(jnp.not_equal),
    "pow": computed(power),
    "reciprocal": computed(lambda x: 1 / x),
    "relu": computed(lambda x: jnp.maximum(x, 0)),
    "remainder": computed(remainder),
    "round": computed(jnp.round),
    "rsqrt": computed(square_root_below),
    "sigmoid": computed(sigmoid),
    "sign": computed(lambda x: jnp.where(x == 0, jnp.zeros_like(x), jnp.sign(x))),
    "signbit": truth(jnp.signbit),
    "silu": computed(lambda x: x * sigmoid(x)),
    "sin": computed(jnp.sin),
    "sinh": computed(jnp.sinh),
    "sqrt": computed(jnp.sqrt),
    "square": computed(jnp.square),
    "subtract": computed(jnp.subtract),
    "tan": computed(jnp.tan),
    "tanh": computed(jnp.tanh),
    "trunc": computed(jnp.trunc),
    "where": lambda call, condition, a, b: jnp.where(condition, a, b).astype(call.dtype),
}
