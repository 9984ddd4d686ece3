"""Calls by which a backend's rules are tried: for every op that a traced program may hold, made from its spec where
that says enough, and written down in backend_forms where it does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain import _core
from powertrain.conformance.finding import rng

Array = NDArray[Any]
SPECS: dict[str, dict[str, Any]] = {spec["name"]: spec for spec in _core.ops()}
# The rule is err <= K eps |size|. A library's exponential or sine is off by a few units in the last place.
K = 16
# Beside the points where they are 0 no formula keeps relative errors small.
ROOTED = frozenset({"digamma", "lgamma"})
# Far below 0 they are products of x and an exponential of its square, where a rounding of the square is many.
LOOSE = {"lgamma": 64, "gelu_erf": 256, "gelu_tanh": 256, "pow": 64, "svd_tall": 64, "eigh": 64, "qr": 64, "lu": 64}
# Without subnormal numbers, which a device may take for zero.
SPECIAL = (0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 3.0, 1e-30, 6e-8, 9.0, -9.0, 20.0, 88.0, -80.0, 1e5, -1e5,
           np.inf, -np.inf, np.nan)  # fmt: skip
# Ops that see an infinity or a huge number through a formula in which it may meet another, or have poles.
PLAIN = ("sin", "cos", "pow", "nextafter", "remainder", "floor_divide", "normal_quantile", "atan2", "gelu_erf",
         "digamma", "lgamma")  # fmt: skip
BITS = ("int64", "int32", "uint8")


@dataclass(frozen=True)
class Call:
    """One call of an op: arrays in the dtypes that they have, or "float" for that under test, then attributes."""

    op: str
    inputs: tuple[Any, ...]
    attributes: dict[str, Any]
    dtype: str  # of the floats among the inputs
    exact: bool = False  # bit for bit

    def __str__(self) -> str:
        shapes = [_text(value, self.dtype) for value in self.inputs]
        return f"{self.op}({', '.join([*shapes, *(f'{name}={value!r}' for name, value in self.attributes.items())])})"


def _text(value: Any, dtype: str) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_text(one, dtype) for one in value)}]"
    if value is None:
        return "None"
    return f"{dtype if value.dtype.kind == 'f' else value.dtype.name}{list(value.shape)}"


def calls(op: str, dtypes: Any) -> list[Call]:
    """The calls of an op in the dtypes that a backend has; none for an op that no program holds."""
    made = _elementwise(op) if SPECS[op]["elementwise"] else _structured(op)
    return [one for one in made if one.dtype in dtypes and _known(one, dtypes)]


def _known(one: Call, dtypes: Any) -> bool:
    flat = [item for value in one.inputs for item in (value if isinstance(value, list) else [value])]
    if one.attributes.get("dtype", "float32") not in dtypes:
        return False
    return all(item is None or item.dtype.kind == "f" or item.dtype.name in dtypes for item in flat)


def _elementwise(op: str) -> Iterator[Call]:
    takes = [entry["takes"] for entry in SPECS[op]["inputs"]]
    generator = rng()

    def floats(shape: tuple[int, ...]) -> Array:
        if op == "normal_quantile":
            return generator.uniform(0.01, 0.99, shape)
        if op in ("log", "log2", "log10", "sqrt", "rsqrt") or (op == "pow"):
            return np.abs(generator.standard_normal(shape)) + 0.05
        if op == "log1p":
            return generator.uniform(-0.9, 3.0, shape)
        return np.asarray(generator.standard_normal(shape) * 2)

    def whole(shape: tuple[int, ...], dtype: str) -> Array:
        low = 0 if dtype.startswith("u") or "shift" in op or op == "pow" else -9
        return np.asarray(generator.integers(low, 9, shape)).astype(dtype)

    def truths(shape: tuple[int, ...]) -> Array:
        return np.asarray(generator.random(shape) < 0.5)

    forms: list[list[tuple[int, ...]]] = [[(37,), (37,), (37,)], [(0, 3), (3,), (0, 3)]]
    forms += [[(3, 1, 5), (4, 1), (5,)], [(), (7,), ()]] if len(takes) > 1 else []
    floating = not set(takes) & {"integer", "bits"} and takes != ["bool"] * len(takes)
    if floating:
        for shapes in forms:
            for dtype in ("float32", "float64", "bfloat16") if shapes is forms[0] else ("float32",):
                if op == "nextafter" and dtype == "bfloat16":
                    continue
                inputs = [truths(s) if t == "bool" else floats(s) for t, s in zip(takes, shapes, strict=False)]
                yield Call(op, tuple(inputs), {}, dtype)
        if op not in PLAIN:
            special = np.array(SPECIAL)
            left, right = np.meshgrid(special, special)
            by_count = {1: (special,), 2: (left, right), 3: (left > right, left, right)}
            yield Call(op, by_count[len(takes)], {}, "float32")
    if not set(takes) & {"float", "bool"} and SPECS[op]["has_kernel"]:
        for dtype in BITS if len(takes) > 1 else BITS[1:]:
            yield Call(op, tuple(whole((29,), dtype) for _ in takes), {}, "float32")
    if set(takes) <= {"bits", "bool"}:
        yield Call(op, tuple(truths((29,)) for _ in takes), {}, "float32")


def _structured(op: str) -> Iterator[Call]:
    from powertrain.conformance import backend_forms

    for number, (inputs, attributes) in enumerate(backend_forms.FORMS.get(op, list)()):
        exact = op == "random_uniform"
        yield Call(op, inputs, attributes, "float32", exact)
        if (
            number == 0
            and any(isinstance(value, np.ndarray) and value.dtype.kind == "f" for value in inputs)
            and inputs[0] is not None
        ):
            for dtype in backend_forms.MORE_DTYPES.get(op, ("float64", "bfloat16")):
                yield Call(op, inputs, attributes, dtype, exact)
