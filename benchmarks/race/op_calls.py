"""A case of race.op_cases as a function that one framework calls, and what its results are compared by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from peers import ops
from race.op_cases import CASES, DTYPES, Array, OpCase

SPACED = 64  # elements of a result that are compared, beside its size and the mean of all
# How far the figures of two results may lie apart, on the scale of the largest.
TOLERANCES = {"f32": 2e-3, "bf16": 5e-2, "f64": 1e-6, "i32": 0.0, "i64": 0.0, "bool": 0.0}


def prepare(framework: str, task: str) -> Callable[[], Any]:
    """A function that does the work once and returns the results. TypeError where the framework has no such work."""
    case = CASES[task]
    call = ops.powertrain_calls()[case.op] if framework == "powertrain" else ops.CALLS[framework]().get(case.op)
    if call is None:
        raise TypeError(f"{framework} has no {case.op}")
    return PREPARE[framework](call, case)


def _floats(inputs: Sequence[Array]) -> list[int]:
    return [at for at, value in enumerate(inputs) if value.dtype.kind == "f"]


def _cotangent(shape: Sequence[int]) -> Array:
    return np.random.default_rng(1).standard_normal(tuple(shape)).astype(np.float32)


def _numpy(call: Callable[..., Any], case: OpCase) -> Callable[[], Any]:
    if case.gradient or case.dtype == "bf16":
        raise TypeError(f"NumPy has no {'gradients' if case.gradient else 'bf16'}")
    first, *others = case.inputs()
    operands = [case.view(first), *others]
    return lambda: call(*operands, **case.rest)


def _powertrain(call: Callable[..., Any], case: OpCase) -> Callable[[], Any]:
    import powertrain as pt

    stored = case.inputs()
    tensors = [pt.tensor(value) for value in stored]
    if case.dtype == "bf16":
        tensors = [tensor.astype(DTYPES["bf16"]) for tensor in tensors]
    operands = [case.view(tensors[0]), *tensors[1:]]
    if not case.gradient:
        return lambda: call(*operands, **case.rest)
    places = _floats(stored)
    cotangent = pt.tensor(_cotangent(call(*operands, **case.rest).shape)).astype(DTYPES[case.dtype])

    def forward(*floats: Any) -> Any:
        given = list(operands)
        for at, value in zip(places, floats, strict=True):
            given[at] = value
        return call(*given, **case.rest)

    def both() -> Any:
        value, back = pt.vjp(forward, *(operands[at] for at in places))
        return [value, *back(cotangent)]

    return both


def _torch(call: Callable[..., Any], case: OpCase) -> Callable[[], Any]:
    import torch

    stored = case.inputs()
    tensors = [torch.from_numpy(value) for value in stored]
    if case.dtype == "bf16":
        tensors = [tensor.bfloat16() if tensor.is_floating_point() else tensor for tensor in tensors]
    first = case.view(tensors[0])
    operands = [first, *tensors[1:]]
    if not case.gradient:
        return lambda: call(*operands, **case.rest)
    floats = [operands[at].requires_grad_() for at in _floats(stored)]
    value = call(*operands, **case.rest)
    cotangent = torch.from_numpy(_cotangent(value.shape)).to(value.dtype)

    def both() -> Any:
        value = call(*operands, **case.rest)
        return [value, *torch.autograd.grad(value, floats, cotangent)]

    return both


def _jax(call: Callable[..., Any], case: OpCase) -> Callable[[], Any]:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", case.dtype in ("f64", "i32", "i64"))
    stored = case.inputs()
    places = _floats(stored)
    arrays = [jnp.asarray(value) for value in stored]
    if case.dtype == "bf16":
        arrays = [value.astype(jnp.bfloat16) if at in places else value for at, value in enumerate(arrays)]

    def forward(*given: Any) -> Any:
        first, *others = given
        return call(case.view(first), *others, **case.rest)

    if not case.gradient:
        compiled = jax.jit(forward)
        return lambda: jax.block_until_ready(compiled(*arrays))
    value = jax.eval_shape(forward, *arrays)
    cotangent = jnp.asarray(_cotangent(value.shape)).astype(value.dtype)

    def with_gradient(arrays: Any, cotangent: Any) -> Any:
        def of_floats(*floats: Any) -> Any:
            given = list(arrays)
            for at, value in zip(places, floats, strict=True):
                given[at] = value
            return forward(*given)

        value, back = jax.vjp(of_floats, *(arrays[at] for at in places))
        return [value, *back(cotangent)]

    both = jax.jit(with_gradient)
    return lambda: jax.block_until_ready(both(arrays, cotangent))


PREPARE: dict[str, Callable[[Callable[..., Any], OpCase], Callable[[], Any]]] = {
    "powertrain": _powertrain,
    "numpy": _numpy,
    "torch": _torch,
    "jax": _jax,
}


def figures(results: Any) -> list[float]:
    """What results are compared by: of each its size, the mean size of an element, and some elements."""
    found: list[float] = []
    for result in results if isinstance(results, list | tuple) else [results]:
        flat = as_floats(result).ravel()
        spaced = flat[np.linspace(0, flat.size - 1, min(flat.size, SPACED)).astype(np.int64)]
        found += [float(flat.size), float(np.abs(flat).mean()) if flat.size else 0.0, *map(float, spaced)]
    return found


def as_floats(result: Any) -> Array:
    if hasattr(result, "detach"):
        result = result.detach().double()
    elif type(result).__module__.startswith("powertrain"):
        result = result.astype("float64")
    return np.asarray(result).astype(np.float64)


def disagreement(one: Sequence[float], other: Sequence[float], tolerance: float) -> tuple[float, bool]:
    """How far the figures of two results lie apart, and whether that is too far to be the same work."""
    if len(one) != len(other):
        return float("inf"), True
    if one == other:
        return 0.0, False
    a, b = np.asarray(one), np.asarray(other)
    scale = float(np.abs(b[2:]).max(initial=0.0)) or 1.0
    error = float(np.abs(a - b).max()) / scale
    return error, not error <= tolerance
