"""Calls of the engine as the suites make them: NumPy in, NumPy out, for any op and dtype."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import powertrain as pt
from kit import FLOATS, Array, Case, round_to
from oracles import EPS, check

SPECS: dict[str, dict[str, Any]] = {spec["name"]: spec for spec in pt._core.ops()}
OPERATORS = pt.ops.functional.OPERATORS
# Memory, randomness and what one op alone calls: these have tests of their own in place of a case file.
OPS = sorted(
    set(SPECS)
    - {"pack", "guard", "flat_view", "update_flat_view", "committed", "copy", "random_integers", "random_uniform",
       "random_normal", "boundary", "attention_backward", "eigenbasis", "adam_step"}
)  # fmt: skip


def to_tensor(value: Any, dtype: str) -> Any:
    """Arrays become tensors; float arrays those of the dtype under test."""
    if isinstance(value, list):
        return [to_tensor(item, dtype) for item in value]
    if not isinstance(value, np.ndarray):
        return value
    tensor = pt.asarray(value)
    return tensor.astype(dtype) if value.dtype.kind == "f" else tensor


def to_array(tensor: Any) -> Array:
    """A tensor's values; bfloat16, which NumPy lacks, as float32."""
    return np.array((tensor.astype("float32") if tensor.dtype.name == "bfloat16" else tensor).numpy())


def outputs(result: Any) -> list[Any]:
    """Results as a list; complex ones by their parts, so that the rules for real numbers hold for them."""
    return [_parts(y) for y in (result if isinstance(result, list | tuple) else [result])]


def _parts(result: Any) -> Any:
    if isinstance(result, pt.Tensor) and result.dtype.is_complex:
        return pt.view_as_real(result)
    if isinstance(result, np.ndarray | np.complexfloating) and result.dtype.kind == "c":
        return np.stack([result.real, result.imag], -1)
    return result


def call(name: str, case: Case, dtype: str) -> list[Any]:
    inputs, rest = case.make(dtype)
    function = OPERATORS[name]
    return outputs(function(*to_tensor(inputs, dtype), **{key: to_tensor(value, dtype) for key, value in rest.items()}))


def reference(module: Any, case: Case, dtype: str) -> tuple[list[Array], list[Array]]:
    """What a case file says, in float64: the values and the size of what was summed."""
    inputs, rest = case.make(dtype)

    def widen(value: Any) -> Any:
        if isinstance(value, list):
            return [widen(item) for item in value]
        return value.astype("float64") if isinstance(value, np.ndarray) and value.dtype.kind == "f" else value

    inputs, rest = widen(inputs), {key: widen(value) for key, value in rest.items()}
    with np.errstate(all="ignore"):
        want = [np.asarray(value) for value in outputs(module.reference(*inputs, **rest))]
        magnitude = getattr(module, "magnitude", None)
        mag = [np.asarray(value) for value in outputs(magnitude(*inputs, **rest))] if magnitude else want
    return want, mag


def first_dtype(module: Any) -> str:
    """float32, if a case file takes it."""
    return next(dtype for dtype in ("float32", *FLOATS) if dtype in getattr(module, "DTYPES", FLOATS))


def check_outputs(module: Any, got: Sequence[Any], want: Sequence[Array], mag: Sequence[Array], where: str) -> None:
    """Raise unless an op's results are those of its case file's reference: by the one rule, integers exactly."""
    for tensor, value, size in zip(got, want, mag, strict=True):
        array = to_array(tensor)
        if value.dtype.kind in "biu":
            assert array.shape == value.shape, f"{where}: shape {array.shape}, expected {value.shape}"
            np.testing.assert_array_equal(array, value, err_msg=where)
        else:
            check(array, value, size, getattr(module, "K", 4), tensor.dtype.name, where)


def float_elements(case: Case) -> int:
    inputs, rest = case.make("float32")
    flat = [item for value in [*inputs, *rest.values()] for item in (value if isinstance(value, list) else [value])]
    return sum(item.size for item in flat if isinstance(item, np.ndarray) and item.dtype.kind == "f")


def strided(array: Any, dtype: str, form: int) -> Any:
    """The same values at other strides: transposed, or every second element of a larger array."""
    if form == 0:
        return to_tensor(np.ascontiguousarray(array.T), dtype).T
    # Of an even number of elements all strides are even, so that pairs lie on places of pairs.
    size = array.shape[-1]
    room = np.full((*array.shape[:-1], 2 * size + 2 - size % 2), 77, array.dtype)
    every_second = (..., slice(size % 2, size % 2 + 2 * size, 2))
    room[every_second] = array
    return to_tensor(room, dtype)[every_second]


class Variables:
    """The float inputs of a case as a flat list, and the op as a function of them alone."""

    def __init__(
        self, name: str, case: Case, dtype: str, *, function: Callable[..., Any] | None = None, computed_in: str = ""
    ) -> None:
        self.function = function or OPERATORS[name]
        self.inputs, self.rest = case.make(dtype)
        self.dtype = computed_in or dtype
        self.points: list[Array] = []
        self.inputs = [self._collect(value) for value in self.inputs]
        self.rest = {key: self._collect(value) for key, value in self.rest.items()}

    def _collect(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._collect(item) for item in value]
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            self.points.append(value)
            return _Hole(len(self.points) - 1)
        return to_tensor(value, self.dtype)

    def tensors(self, points: Sequence[Array] | None = None) -> list[Any]:
        return [to_tensor(np.asarray(point), self.dtype) for point in (self.points if points is None else points)]

    def __call__(self, *tensors: Any) -> list[Any]:
        """The float results."""
        return [output for output in outputs(self.apply(*tensors)) if output.dtype.name in EPS]

    def apply(self, *tensors: Any) -> Any:
        """What the op gives."""

        def fill(value: Any) -> Any:
            if isinstance(value, list):
                return [fill(item) for item in value]
            return tensors[value.index] if isinstance(value, _Hole) else value

        return self.function(*fill(self.inputs), **{key: fill(value) for key, value in self.rest.items()})


class _Hole:
    def __init__(self, index: int) -> None:
        self.index = index


def cotangents(variables: Variables, seed: int = 1) -> list[Array]:
    rng = np.random.default_rng(seed)
    return [round_to(rng.standard_normal(y.shape), variables.dtype) for y in variables(*variables.tensors())]


def weighted(function: Callable[..., list[Any]], weights: Sequence[Array], dtype: str) -> Callable[..., Any]:
    """The scalar <v, f(x)> as an engine function, whose gradient is J^T v."""

    def scalar(*tensors: Any) -> Any:
        total = None
        for output, weight in zip(function(*tensors), weights, strict=True):
            term = (output * to_tensor(weight, dtype)).sum()
            total = term if total is None else total + term
        return total

    return scalar


def derivative(scalar: Callable[..., Any], variables: Variables) -> Callable[..., list[Any]]:
    """The gradient of a scalar engine function with respect to all variables, as an engine function."""
    by_all = pt.grad(scalar, argnums=tuple(range(len(variables.points))))
    return lambda *tensors: outputs(by_all(*tensors))


def gradients(scalar: Callable[..., Any], variables: Variables) -> list[Array]:
    return [to_array(gradient) for gradient in derivative(scalar, variables)(*variables.tensors())]


def weighted_sum(arrays: Sequence[Array], weights: Sequence[Array]) -> tuple[float, float]:
    """<v, y> without rounding of its own, and the size of what it summed."""
    terms = [float(t) for y, v in zip(arrays, weights, strict=True) for t in (y * v).ravel()]
    return math.fsum(terms), math.fsum(map(abs, terms))


class _Place:
    """Where a tensor of a case stands among the arguments."""

    def __init__(self, at: int) -> None:
        self.at = at


def together(name: str, cases: list[Case]) -> tuple[list[Any], Any]:
    """The tensors of all cases, and a function of them that gives the results of each."""
    tensors: list[Any] = []

    def held(value: Any) -> Any:
        if isinstance(value, list):
            return [held(one) for one in value]
        if not isinstance(value, np.ndarray):
            return value
        tensors.append(to_tensor(value, "float32"))
        return _Place(len(tensors) - 1)

    made = [case.make("float32") for case in cases]
    placed = [
        ([held(value) for value in inputs], {key: held(value) for key, value in rest.items()}) for inputs, rest in made
    ]

    def function(*given: Any) -> list[Any]:
        def filled(value: Any) -> Any:
            if isinstance(value, list):
                return [filled(one) for one in value]
            return given[value.at] if isinstance(value, _Place) else value

        op = OPERATORS[name]
        return [
            outputs(op(*map(filled, inputs), **{key: filled(value) for key, value in rest.items()}))
            for inputs, rest in placed
        ]

    return tensors, function
