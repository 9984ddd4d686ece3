"""Attributes that are counts, sizes and axes, far out of any range: an error of ours before anything happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest

import powertrain as pt
import powertrain.nn.functional as F
from calls import SPECS, outputs, to_tensor
from kit import FLOATS, Draw, case_files

FILES = case_files()
EXTREMES = (-(2**63), -(2**62), -(2**40), -3, -1, 0, 2**62, 2**63 - 1)
LARGEST = 3000  # elements of a case


def arguments(name: str) -> dict[str, Any]:
    """Those of the first small case, by name."""
    module, spec = FILES[name], SPECS[name]
    dtype = next(d for d in ("float32", *FLOATS) if d in getattr(module, "DTYPES", FLOATS))
    names = [one["name"] for one in (*spec["inputs"], *spec["attrs"])]
    for case in module.CASES:
        draws = [value for value in (*case.inputs, *case.rest.values()) if isinstance(value, Draw)]
        if sum(int(np.prod(draw.shape)) for draw in draws) <= LARGEST:
            inputs, rest = case.make(dtype)
            given = {**dict(zip(names, inputs, strict=False)), **rest}
            return {key: to_tensor(value, dtype) for key, value in given.items()}
    raise AssertionError(f"{name} has no small case")


def extremes(kind: str, usual: Any) -> Iterator[Any]:
    if kind == "int":
        yield from EXTREMES
        return
    row = list(usual) if isinstance(usual, tuple | list) else [1 if usual is None else usual]
    yield from ((), (1,) * 9, (0,) * 9)
    for extreme in EXTREMES:
        yield from ((*row[:at], extreme, *row[at + 1 :]) for at in range(len(row)))
        yield (extreme,) * (len(row) + 1)


WITH_NUMBERS = [
    (name, attr["name"], attr["kind"])
    for name in sorted(set(FILES) & set(SPECS))
    for attr in SPECS[name]["attrs"]
    if attr["kind"] in ("int", "ints")
]


@pytest.mark.parametrize(("name", "attr", "kind"), WITH_NUMBERS)
def test_extreme_numbers(name: str, attr: str, kind: str) -> None:
    usual = arguments(name)
    preset = next(one["default"] for one in SPECS[name]["attrs"] if one["name"] == attr)
    for value in extremes(kind, usual.get(attr, preset)):
        try:
            results = outputs(pt.ops.functional.OPERATORS[name](**{**usual, attr: value}))
        except pt.Error as error:
            assert str(error).startswith("["), error
            assert str(error).count(";") >= 2, error
        except MemoryError:
            pass
        else:
            assert all(size >= 0 for y in results for size in y.shape), f"{name} with {attr} = {value}"


REFUSED: list[tuple[Callable[[], object], type[Exception], str]] = [
    (
        lambda: pt.random.uniform(size=(-2, -3)),
        pt.ShapeError,
        "[Generator.uniform] shape = (-2, -3); expected sizes of at least 0; pass other numbers",
    ),
    (
        lambda: pt.expand_dims(pt.broadcast_to(pt.ones((3,)), (-1, 3)), 0),
        pt.ShapeError,
        "[broadcast_to] shape = (-1, 3); expected sizes of at least 0; pass other numbers",
    ),
    (
        lambda: pt.fft.fftshift(pt.ones((3,)), axes=2),
        pt.ShapeError,
        "[fftshift] axis = 2 of a tensor with 1 axes; expected one that it has; see x.shape",
    ),
    (
        lambda: pt.fft.ifftshift(pt.ones((3,)), axes=(0, 0.5)),
        pt.DTypeError,
        "[ifftshift] axes = (0, 0.5); expected an integer or a tuple of integers; pass a tuple such as (0, 1)",
    ),
    (
        lambda: pt.tensordot(pt.ones((2,)), pt.ones((2,)), 2**63),
        pt.ShapeError,
        "[tensordot] axes = 9223372036854775808, a has 1 axes and b 1; expected 0 to 1; sum fewer",
    ),
    (lambda: pt.eye(-1), pt.ShapeError, "[eye] rows = -1, columns = None; expected sizes of at least 0; check them"),
    (lambda: pt.linspace(0, 1, -1), pt.ShapeError, "[linspace] num = -1; expected a number of at least 0; 50 is usual"),
    (
        lambda: pt.zeros((1,) * 8, "complex64"),
        pt.ShapeError,
        "[full] c64[1, 1, 1, 1, 1, 1, 1, 1] has 8 axes; expected at most 7 of complex numbers, whose two parts take "
        "one more; merge some with reshape",
    ),
    (
        lambda: pt.asarray(np.zeros((1,) * 8, "complex128")),
        pt.ShapeError,
        "[asarray] c128[1, 1, 1, 1, 1, 1, 1, 1] has 8 axes; expected at most 7 of complex numbers, whose two parts "
        "take one more; merge some with reshape",
    ),
    (
        lambda: pt.expand_dims(pt.zeros((1,) * 7, "complex64"), 0),
        pt.ShapeError,
        "[expand_dims] c64[1, 1, 1, 1, 1, 1, 1, 1] has 8 axes; expected at most 7 of complex numbers, whose two parts "
        "take one more; merge some with reshape",
    ),
    *(
        (
            lambda pool=pool: pool(kernel_size=()),
            pt.ShapeError,
            f"[{name}] kernel_size = (); expected one or two numbers; for example kernel_size = 2",
        )
        for name, pool in (
            ("lp_pool2d", partial(F.lp_pool2d, pt.ones((1, 4, 4, 2)), 2.0)),
            ("avg_pool2d", partial(F.avg_pool2d, pt.ones((1, 4, 4, 2)))),
            ("max_pool2d", partial(F.max_pool2d, pt.ones((1, 4, 4, 2)))),
            ("unfold", partial(F.unfold, pt.ones((1, 4, 4, 2)))),
        )
    ),
    (
        lambda: pt.compile(lambda x: x, limit=0),
        pt.ShapeError,
        "[compile] limit = 0; expected one program or more; 16 is usual",
    ),
]


@pytest.mark.parametrize(("call", "kind", "message"), REFUSED)
def test_refused(call: Callable[[], object], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == message


def test_seven_axes_of_complex_numbers() -> None:
    x = pt.asarray(np.full((1, 2, 1, 1, 1, 1, 2), 1 + 2j))
    assert (x * x).numpy().ravel().tolist() == [-3 + 4j] * 4
