"""What tells one prepared call (`cpp/ops/prepared.cpp`) from another; definitions as programs and as views."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt
import powertrain.nn.functional as F

A = np.arange(12, dtype=np.float32).reshape(3, 4) / 7
NAN = float("nan")


def bits(x: pt.Tensor) -> bytes:
    return x.numpy().tobytes()


def test_numbers_of_a_key_are_told_apart_by_their_bits() -> None:
    x = pt.tensor([NAN, 1.0, -float("inf")])
    for _ in range(3):
        assert [np.signbit(pt.nan_to_num(x, nan).numpy()[0]) for nan in (0.0, -0.0, 0, -0)] == [0, 1, 0, 0]
        assert np.isnan(pt.nan_to_num(x, NAN).numpy()[0])
        assert np.isnan(pt.nan_to_num(x, -NAN).numpy()[0])
        assert pt.nan_to_num(x, neginf=-1)[2].item() == -1.0
        assert [F.leaky_relu(pt.tensor([-1.0]), slope).item() for slope in (2, 0.5, 2**53 + 1, 1e300, 2**70)] == [
            -2.0, -0.5, -(2.0**53), -np.inf, -(2.0**70),
        ]  # fmt: skip


def test_true_is_neither_1_nor_1_0() -> None:
    x = pt.tensor(A)
    for _ in range(3):
        assert pt.sum(x, 1).shape == (3,)
        assert pt.sum(x, 1, True).shape == (3, 1)
        assert F.leaky_relu(x, 1).shape == F.leaky_relu(x, 1.0).shape == (3, 4)
        for call in (
            lambda: pt.sum(x, True), lambda: pt.sum(x, 1.0), lambda: pt.sum(x, 1, 1), lambda: F.leaky_relu(x, True),
            lambda: pt.sum(x, (1.0,)), lambda: pt.sum(x, (True,)), lambda: pt.sum(x, 2**63), lambda: pt.sum(x, 2**200),
        ):  # fmt: skip
            with pytest.raises(pt.Error, match=r"\[(sum|leaky_relu)\]"):
                call()
        kinds = [(x + number).dtype.name for number in (True, 1, 1.0, 1j)]
        assert kinds == ["float32", "float32", "float32", "complex64"]
        whole = pt.tensor([1, 2])
        assert [(whole + number).dtype.name for number in (True, 1, 1.0)] == ["int64", "int64", "float32"]
        assert [(pt.tensor([True]) + number).dtype.name for number in (1, 1.0)] == ["int64", "float32"]


def test_texts_and_dtypes_of_a_key() -> None:
    x = pt.tensor(A)
    for _ in range(3):
        assert F.gelu(x, "tanh").tolist() != F.gelu(x, "none").tolist()
        for wrong in ("", "tan", "tanh\0", "none" * 50, b"tanh"):
            with pytest.raises(pt.Error, match=re.escape("[gelu] approximate")):
                F.gelu(x, wrong)  # type: ignore[arg-type]
        assert {x.astype(one).dtype.name for one in ("float64", pt.float64, np.float64, np.dtype("f8"))} == {"float64"}
        for wrong in ("float65", "", 64):
            with pytest.raises(pt.Error, match=r"dtype"):
                x.astype(wrong)


class Whole(int):
    """An int of one's own, whose repr makes the call that its error is of."""

    def __repr__(self) -> str:
        return f"Whole({pt.sum(pt.tensor(A), 1)[0].item():g})"


def test_numbers_of_ones_own_class() -> None:
    x = pt.tensor(A)
    for _ in range(3):
        assert pt.sum(x, Whole(1)).shape == (3,)
        assert pt.sum(x, np.int64(0)).shape == (4,)
        with pytest.raises(pt.Error, match=re.escape("[sum]")):
            pt.sum(x, Whole(7))
        with pytest.raises(pt.Error, match=re.escape("[sum]")):
            pt.sum(x, keepdims=Whole(1))  # type: ignore[arg-type]  # its error calls sum again
        assert pt.sum(x, 1).shape == (3,)


def test_lists_of_a_key() -> None:
    x, y = pt.tensor(A), pt.tensor(A * 2)
    for _ in range(3):
        assert bits(pt.concat([x, y])) == np.concatenate([A, A * 2]).tobytes()
        assert bits(pt.concat((y, x))) == np.concatenate([A * 2, A]).tobytes()
        assert pt.concat([x, y], 1).shape == (3, 8)
        assert pt.concat([x] * 6).shape == (18, 4)
        for wrong in ([], [x, None], [x, "y"], "xy", {x: 1}, x[None].tolist):
            with pytest.raises(pt.Error, match=re.escape("[concat]")):
                pt.concat(wrong)  # type: ignore[arg-type]
        with pytest.raises(pt.ShapeError, match=re.escape("[concat]")):
            pt.concat([x, y[:, :2]])


VIEWS: dict[str, Callable[[Any], Any]] = {
    "diagonal": pt.diagonal,
    "below": lambda x: pt.diagonal(x, -1),
    "squeeze": lambda x: pt.squeeze(x[None], 0),
    "nan_to_num": lambda x: pt.nan_to_num(pt.astype(x, "int32")),
}


@pytest.mark.parametrize("name", VIEWS)
def test_a_definition_that_is_a_view(name: str) -> None:
    call, x = VIEWS[name], pt.tensor(A)
    first = call(x)
    for given in (x, pt.tensor(A * 3), pt.tensor(A.T.copy()).T, pt.tensor(np.stack([A, A]))[1], x):
        want = pt.compile(call)(given)
        assert call(given).dtype == want.dtype
        assert bits(call(given)) == bits(want)
    array = A.copy()
    lent = [call(pt.asarray(array)) for _ in range(3)]
    array[:] = 9
    assert {bits(one) for one in lent} == {bits(first)}
    own, kept = x.copy(), call(x)
    seen = call(own)
    own += 1.0
    assert bits(seen) == bits(kept)
    if name != "nan_to_num":
        gradient = pt.grad(lambda x: (call(x) * 2.0).sum())
        assert gradient(x).tolist() == pt.compile(gradient)(x).tolist()


DEFINITIONS: dict[str, Callable[[Any], Any]] = {
    "median": pt.median,
    "rows": lambda x: pt.median(x, axis=1, keepdims=True),
    "quantile": lambda x: pt.quantile(x, 0.3, axis=0),
    "tril": lambda x: pt.tril(x, -1),
    "triu": pt.triu,
    "trace": pt.trace,
    "nan_to_num": lambda x: pt.nan_to_num(pt.sqrt(x - 1)),
    "roll": lambda x: pt.roll(x, 1, axis=1),
    "repeat": lambda x: pt.repeat(x, 2, axis=0),
    "tile": lambda x: pt.tile(x, (2, 1)),
    "diff": lambda x: pt.diff(x, axis=0),
    "count": pt.count_nonzero,
    "group_norm": lambda x: F.group_norm(x, 2),
    "instance_norm": lambda x: F.instance_norm(x[None]),
    "cdist": lambda x: pt.cdist(x, x * 2),
    "kron": lambda x: pt.kron(x, x[:2]),
    "interpolate": lambda x: F.interpolate(x[None, :, :, None], scale_factor=2.0),
    "fft": lambda x: pt.fft.fft(x).real,
    "rfft": lambda x: pt.fft.irfft(pt.fft.rfft(x)),
}


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_definition_has_the_same_bits_at_each_call(name: str) -> None:
    """The first call is made op by op, the next may be a program."""
    call = DEFINITIONS[name]
    for dtype in ("float32", "float64", "bfloat16"):
        if dtype == "bfloat16" and name in ("fft", "rfft", "kron"):
            continue
        x = pt.astype(pt.tensor(A), dtype)
        wide = [bits(pt.astype(call(x), "float64")) for _ in range(4)]
        assert len(set(wide)) == 1
        assert bits(pt.astype(pt.compile(call)(x), "float64")) == wide[0]
    other = pt.tensor(A[::-1] * -3)
    assert bits(call(other)) == bits(pt.compile(call)(other))
    turned = pt.tensor(A.T.copy()).T
    assert bits(call(turned)) == bits(call(pt.tensor(A)))


def test_draws_differ_at_each_call_and_go_on_after_an_error() -> None:
    one, other = pt.random.Generator(3), pt.random.Generator(3)
    drawn = [one.uniform(size=(4,)) for _ in range(4)]
    assert len({bits(x) for x in drawn}) == 4
    for want in drawn:
        with pytest.raises(pt.Error, match=re.escape("size")):
            other.uniform(size="4")  # type: ignore[arg-type]
        with pytest.raises(pt.Error, match=re.escape("shape")):
            other.uniform(size=(-1,))
        assert bits(other.uniform(size=4)) == bits(want)
    a, b = pt.random.Generator(5), pt.random.Generator(5)
    step = pt.compile(lambda: b.normal(size=(2, 2)))
    assert [bits(a.normal(size=(2, 2))) for _ in range(3)] == [bits(step()) for _ in range(3)]
