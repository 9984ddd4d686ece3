"""Ops along axes: sums, extremes and their places, running sums, orders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import lax

from powertrain_xla.elementwise import widened


def reduced(function: Callable[..., Any], summed: bool = False) -> Callable[..., Any]:
    """`summed`: in the dtype of the result, which is wider where x has integers."""

    def rule(call: Any, x: Any) -> Any:
        x = widened(x)
        if summed and not jnp.issubdtype(x.dtype, jnp.inexact):
            x = x.astype(call.dtype)
        return function(x, axis=call["axis"], keepdims=call["keepdims"]).astype(call.dtype)

    return rule


def place(function: Callable[..., Any]) -> Callable[..., Any]:
    """argmax and argmin, in which a NaN wins."""

    def rule(call: Any, x: Any) -> Any:
        axis = call["axis"]
        if isinstance(axis, tuple):
            axis = axis[0] if axis else None
        return function(x, axis=axis, keepdims=call["keepdims"]).astype(call.dtype)

    return rule


def running(function: Callable[..., Any], first: int) -> Callable[..., Any]:
    """Accumulated in float64, integers in the dtype of the result."""

    def rule(call: Any, x: Any) -> Any:
        axis = 0 if call["axis"] is None else call["axis"]
        wide = x.astype(jnp.float64 if jnp.issubdtype(x.dtype, jnp.floating) else call.dtype)
        turned = jnp.flip(wide, axis) if call["reverse"] else wide
        made = function(turned, axis=axis)
        made = jnp.flip(made, axis) if call["reverse"] else made
        if call["include_initial"]:
            edge = list(made.shape)
            edge[axis] = 1
            made = jnp.concatenate([jnp.full(edge, first, made.dtype), made], axis=axis)
        return made.astype(call.dtype)

    return rule


def running_place(largest: bool) -> Callable[..., Any]:
    """Where the extreme so far is, the last of equal ones; a NaN is one, and stays."""

    def rule(call: Any, x: Any) -> Any:
        axis = call["axis"] % x.ndim
        at = lax.broadcasted_iota(jnp.int64, x.shape, axis)

        def later(a: Any, b: Any) -> Any:
            (value, place), (other, behind) = a, b
            wins = other >= value if largest else other <= value
            if jnp.issubdtype(x.dtype, jnp.floating):
                wins = wins & ~jnp.isnan(value) | jnp.isnan(other)
            return jnp.where(wins, other, value), jnp.where(wins, behind, place)

        return lax.associative_scan(later, (x, at), axis=axis)[1]

    return rule


def argsort(call: Any, x: Any) -> Any:
    if jnp.issubdtype(x.dtype, jnp.floating):
        x = jnp.where(x == 0, jnp.zeros_like(x), x)  # -0.0 equals 0.0
    return jnp.argsort(x, axis=call["axis"], stable=True, descending=call["descending"]).astype(call.dtype)


def searchsorted(call: Any, row: Any, values: Any) -> Any:
    return jnp.searchsorted(row, values, side=call["side"]).astype(call.dtype)


RULES: dict[str, Callable[..., Any]] = {
    "all": reduced(jnp.all),
    "any": reduced(jnp.any),
    "argmax": place(jnp.argmax),
    "argmin": place(jnp.argmin),
    "argsort": argsort,
    "cummax_position": running_place(True),
    "cummin_position": running_place(False),
    "cumulative_prod": running(jnp.cumprod, 1),
    "cumulative_sum": running(jnp.cumsum, 0),
    "max": reduced(jnp.max),
    "min": reduced(jnp.min),
    "prod": reduced(jnp.prod, summed=True),
    "searchsorted": searchsorted,
    "sum": reduced(jnp.sum, summed=True),
}
