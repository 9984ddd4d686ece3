"""How a random graph grows: functions that choose a call that fits the values that are there, or None."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import powertrain as pt
import signaling_nan
from calls import OPS, SPECS

# Elements of a value: above the first a graph grows no further, the second is for graphs that use threads.
MOST, MOST_LARGE = 600, 60_000
SIZES, SIZES_LARGE = (1, 1, 2, 3, 5, 8, 17, 33), (3, 33, 130, 257)
DTYPES = ("float32",) * 6 + ("float64", "float64", "float16", "bfloat16", "int32", "int64", "uint8", "uint16", "uint32",
                             "uint64", "bool")  # fmt: skip
CASTS = ("float32", "float32", "float64", "float16", "bfloat16", "int32", "int64", "uint32", "uint64")


@dataclass
class Call:
    """One call of an op: `places` of its tensors among the values, `joined` if they are one list; numbers; the rest."""

    op: str
    places: list[int]
    rest: dict[str, Any] = field(default_factory=dict)
    numbers: tuple[float, ...] = ()
    joined: bool = False
    made: list[int] = field(default_factory=list)

    def apply(self, values: list[Any]) -> Any:
        return self.applied_to(pt.ops.functional.OPERATORS[self.op], values)

    def applied_to(self, function: Callable[..., Any], values: list[Any]) -> Any:
        return function(values, **self.rest) if self.joined else function(*values, *self.numbers, **self.rest)

    def __str__(self) -> str:
        inputs = [*(f"v{at}" for at in self.places), *map(repr, self.numbers)]
        shown = [f"[{', '.join(inputs)}]"] if self.joined else inputs
        return f"{self.op}({', '.join([*shown, *(f'{key}={value!r}' for key, value in self.rest.items())])})"


class Values:
    """The values so far, and random choices among them, by shape and dtype alone."""

    def __init__(self, rng: random.Random, numbers: np.random.Generator, found: list[Any], large: bool,
                 nans: random.Random | None = None) -> None:  # fmt: skip
        self.rng, self.numbers, self.found = rng, numbers, found
        self.nans = nans  # where signaling NaNs are planted among the inputs, if they are
        self.most, self.sizes = (MOST_LARGE, SIZES_LARGE) if large else (MOST, SIZES)

    def new_input(self, shape: Sequence[int] | None = None, dtype: str | None = None, high: int = 0) -> int:
        """The place of a new input; integers below `high`, if that is given."""
        if shape is None:
            shape = [self.rng.choice(self.sizes) for _ in range(self.rng.choice((0, 1, 2, 2, 3, 4)))]
            if self.rng.random() < 0.03 and shape:
                shape[0] = 0
            while np.prod(shape) > self.most:
                shape[int(np.argmax(shape))] = 1
        dtype = dtype or self.rng.choice(DTYPES)
        if high:
            array = self.numbers.integers(0, high, shape)
        elif dtype == "bool":
            array = self.numbers.random(shape) < 0.5
        elif "int" in dtype:
            array = self.numbers.integers(0, 9, shape)
        else:
            array = self.numbers.standard_normal(shape)
        made = pt.asarray(np.asarray(array)).astype(dtype)
        if self.nans and dtype in signaling_nan.FLOATS and self.nans.random() < 0.5:
            made = signaling_nan.plant(made, self.nans)
        self.found.append(made)
        return len(self.found) - 1

    def pick(self, fits: Callable[[Any], bool]) -> int | None:
        """A value that fits, the later ones more often."""
        places = [at for at, value in enumerate(self.found) if fits(value)]
        return places[int(len(places) * self.rng.random() ** 0.5)] if places else None

    def axis(self, at: int) -> int:
        return self.rng.randrange(-self.found[at].ndim, self.found[at].ndim)


def takes(kind: str) -> Callable[[Any], bool]:
    """Whether an input of an op, by what its spec says, takes a value."""

    def fits(value: Any) -> bool:
        name, is_float = value.dtype.name, value.dtype.is_float
        return {
            "any": True, "number": name != "bool", "float": is_float, "integer": not is_float and name != "bool",
            "bool": name == "bool", "bits": not is_float,
        }.get(kind, False)  # fmt: skip

    return fits


# nextafter has no neighbours of 16 bits; the gradients of other ops come with those.
_LEFT_OUT = {"nextafter", *(name for name in OPS if name.endswith("_grad"))}
_ELEMENTWISE = {
    count: [
        name
        for name in OPS
        if SPECS[name]["outputs"] == 1 and len(SPECS[name]["inputs"]) == count and name not in _LEFT_OUT
        and not SPECS[name]["attrs"] and (SPECS[name]["elementwise"] or name in _COMPOSED)
    ]
    for count, _COMPOSED in (
        (1, ("celu", "elu", "gelu", "hardsigmoid", "hardswish", "mish", "selu", "softsign", "logsigmoid", "tanhshrink",
             "log2", "log10", "relu6", "acosh", "asinh", "atanh", "logit")),
        (2, ("copysign", "logaddexp", "fmax", "fmin", "floor_divide", "remainder",
             "binary_cross_entropy_with_logits", "mse_loss")),
    )
}  # fmt: skip
_REDUCTIONS = ("sum", "mean", "max", "min", "prod", "any", "all", "argmax", "var", "std", "logsumexp", "count_nonzero",
               "vector_norm")  # fmt: skip
_ALONG = ("softmax", "log_softmax", "cumulative_sum", "cumulative_prod", "sort", "argsort", "flip", "cummax",
          "normalize")  # fmt: skip
_MOVES = ("permute_dims", "slice", "slice", "reshape", "expand", "broadcast", "swap", "roll", "pad", "repeat")


def _small(values: Values, *shapes: Any) -> bool:
    try:
        return bool(np.prod(np.broadcast_shapes(*shapes)) <= values.most)
    except ValueError:
        return False


def unary(values: Values) -> Call | None:
    op = values.rng.choice(_ELEMENTWISE[1])
    at = values.pick(takes(SPECS[op]["inputs"][0]["takes"]))
    return None if at is None else Call(op, [at])


def binary(values: Values) -> Call | None:
    op = values.rng.choice(_ELEMENTWISE[2])
    first, second = (takes(entry["takes"]) for entry in SPECS[op]["inputs"])
    a = values.pick(first)
    if a is None:
        return None
    if values.rng.random() < 0.15 and values.found[a].dtype.is_float:
        return Call(op, [a], numbers=(values.rng.choice((0.5, 2.0, -1.5, 3)),))
    b = values.pick(lambda value: second(value) and _small(values, values.found[a].shape, value.shape))
    return None if b is None else Call(op, [a, b])


def choose(values: Values) -> Call | None:
    condition = values.pick(takes("bool"))
    a = values.pick(takes("number"))
    if condition is None or a is None:
        return None
    shapes = [values.found[at].shape for at in (condition, a)]
    b = values.pick(lambda value: takes("number")(value) and _small(values, *shapes, value.shape))
    return None if b is None else Call("where", [condition, a, b])


def reduce(values: Values) -> Call | None:
    op = values.rng.choice(_REDUCTIONS)
    at = values.pick(lambda x: takes(SPECS[op]["inputs"][0]["takes"])(x) and x.ndim > 0)
    if at is None:
        return None
    axis: Any = values.rng.choice((None, values.axis(at), values.axis(at)))
    if op not in ("argmax",) and values.found[at].ndim > 1 and values.rng.random() < 0.3:
        axis = tuple(sorted(values.rng.sample(range(values.found[at].ndim), 2)))
    return Call(op, [at], {"axis": axis, "keepdims": values.rng.random() < 0.7})


def along(values: Values) -> Call | None:
    op = values.rng.choice(_ALONG)
    at = values.pick(lambda x: takes(SPECS[op]["inputs"][0]["takes"])(x) and x.ndim > 0)
    return None if at is None else Call(op, [at], {"axis": values.axis(at)})


def norm(values: Values) -> Call | None:
    at = values.pick(lambda x: x.dtype.is_float and x.ndim > 0 and x.shape[-1] > 1)
    if at is None:
        return None
    width, dtype = values.found[at].shape[-1:], values.found[at].dtype.name
    op = values.rng.choice(("layer_norm", "rms_norm"))
    places = [at, *(values.new_input(width, dtype) for _ in range(2 if op == "layer_norm" else 1))]
    return Call(op, places)


def move(values: Values) -> Call | None:
    """Views and copies."""
    at = values.pick(lambda x: x.ndim > 0)
    if at is None:
        return None
    shape, rng = values.found[at].shape, values.rng
    kind = rng.choice(_MOVES)
    if kind == "permute_dims":
        return Call("permute_dims", [at], {"axes": tuple(rng.sample(range(len(shape)), len(shape)))})
    if kind == "slice":
        start = [rng.randrange(size) if size else 0 for size in shape]
        stop = [rng.randint(low, size) for low, size in zip(start, shape, strict=True)]
        step = tuple(rng.choice((1, 1, 2)) for _ in shape)
        return Call("slice", [at], {"start": tuple(start), "stop": tuple(stop), "step": step})
    if kind == "reshape":
        size = int(np.prod(shape))
        factors = [n for n in range(1, 40) if size and size % n == 0] or [1]
        first = rng.choice(factors)
        return Call("reshape", [at], {"shape": rng.choice(((size,), (first, size // first) if size else (0,)))})
    if kind == "expand":
        return Call("expand_dims", [at], {"axis": rng.randrange(len(shape) + 1)}) if len(shape) < 5 else None
    if kind == "broadcast":
        wanted = tuple(rng.choice(values.sizes) if size == 1 else size for size in shape)
        return Call("broadcast_to", [at], {"shape": wanted}) if np.prod(wanted) <= values.most else None
    if kind == "swap":
        return Call("swapaxes", [at], {"first": values.axis(at), "second": values.axis(at)})
    if kind == "roll":
        return Call("roll", [at], {"shift": rng.randint(-3, 3), "axis": values.axis(at)})
    if kind == "pad":
        sides = [tuple(rng.choice((0, 0, 1, 2)) for _ in shape) for _ in range(2)]
        return Call("pad", [at], {"before": sides[0], "after": sides[1]})
    return Call("repeat", [at], {"repeats": 2, "axis": values.axis(at)}) if 2 * np.prod(shape) <= values.most else None


def join(values: Values) -> Call | None:
    at = values.pick(lambda x: x.ndim > 0 and 2 * x.size <= values.most)
    if at is None:
        return None
    x = values.found[at]
    axis = values.rng.randrange(x.ndim)
    rest = x.shape[:axis] + x.shape[axis + 1 :]
    other = values.pick(
        lambda y: y.dtype == x.dtype and y.ndim == x.ndim and y.shape[:axis] + y.shape[axis + 1 :] == rest
    )
    assert other is not None  # x itself fits
    if values.found[other].shape == x.shape and values.rng.random() < 0.4:
        return Call("stack", [at, other], {"axis": axis}, joined=True)
    return Call("concat", [at, other], {"axis": axis}, joined=True)


def part(values: Values) -> Call | None:
    at = values.pick(lambda x: x.ndim > 0 and x.size > 0)
    if at is None:
        return None
    axis = values.rng.randrange(values.found[at].ndim)
    size = values.found[at].shape[axis]
    parts = values.rng.choice([n for n in (1, 2, 3, 5) if size % n == 0])
    return Call("split", [at], {"parts": parts, "axis": axis})


def gather(values: Values) -> Call | None:
    at = values.pick(lambda x: x.ndim > 0 and x.size > 0)
    if at is None:
        return None
    axis = values.rng.randrange(values.found[at].ndim)
    shape = values.found[at].shape
    index = values.new_input([values.rng.choice((1, 2, 5))], "int64", high=shape[axis])
    return Call("take", [at, index], {"axis": axis})


def product(values: Values) -> Call | None:
    at = values.pick(lambda x: x.dtype.is_float and x.ndim > 1)
    if at is None:
        return None
    x = values.found[at]
    other = values.pick(lambda y: y.dtype == x.dtype and y.ndim == 2 and y.shape[0] == x.shape[-1])
    if other is None or values.rng.random() < 0.5:
        other = values.new_input((x.shape[-1], values.rng.choice(values.sizes)), x.dtype.name)
    width = values.found[other].shape[1]
    if x.size // max(1, x.shape[-1]) * width > values.most:
        return None
    if values.rng.random() < 0.3:
        return Call("linear", [at, other, values.new_input((width,), x.dtype.name)])
    return Call("matmul", [at, other])


def convolve(values: Values) -> Call | None:
    at = values.pick(lambda x: x.dtype.name in ("float32", "float64") and x.ndim == 4 and min(x.shape) > 0)
    if at is None:
        return None
    x = values.found[at]
    rows, columns, outs = (values.rng.choice((1, 2, 3)) for _ in range(3))
    w = values.new_input((rows, columns, x.shape[3], outs), x.dtype.name)
    return Call("conv2d", [at, w], {"stride": (values.rng.choice((1, 2)),), "padding": (values.rng.choice((1, 2)),)})


def change(values: Values) -> Call | None:
    at = values.pick(lambda x: True)
    assert at is not None  # there are always inputs
    to = values.rng.choice(CASTS)
    # A float beyond an integer's range has no value of it to agree on.
    return Call("astype", [at], {"dtype": to}) if "int" not in to or not values.found[at].dtype.is_float else None


GROWERS: list[tuple[Callable[[Values], Call | None], int]] = [
    (unary, 24), (binary, 30), (choose, 4), (reduce, 10), (along, 6), (norm, 3), (move, 16), (join, 4), (part, 2),
    (gather, 3), (product, 5), (convolve, 2), (change, 5),
]  # fmt: skip
