"""Ops that are made of others run as one small program when they are called eagerly: the same bits as call by call."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import powertrain as pt
import powertrain.nn.functional as F

RNG = np.random.default_rng(7)


def tensor(*shape: int) -> pt.Tensor:
    return pt.tensor(RNG.normal(size=shape).astype(np.float32))


X, W, B, ROWS = tensor(33, 47), tensor(47), tensor(47), tensor(33)
LABELS = pt.tensor(RNG.integers(0, 47, 33))

OPS: dict[str, Callable[[pt.Tensor], pt.Tensor]] = {
    "layer_norm": lambda x: pt.ops.functional.OPERATORS["layer_norm"](x, W, B),
    "layer_norm without a shift": lambda x: pt.ops.functional.OPERATORS["layer_norm"](x, W),
    "softmax": lambda x: pt.softmax(x),
    "log_softmax": lambda x: pt.log_softmax(x),
    "cross_entropy": lambda x: F.cross_entropy(x, LABELS, reduction="none"),
    "rms_norm": lambda x: pt.ops.functional.OPERATORS["rms_norm"](x, W),
    "std": lambda x: pt.std(x, axis=1),
    "logsumexp": lambda x: pt.logsumexp(x, axis=1),
    "vector_norm": lambda x: pt.linalg.vector_norm(x, axis=0),
    "cross_entropy of some rows": lambda x: F.cross_entropy(x, pt.where(ROWS > 0, LABELS, -100), W, reduction="none"),
}


@pytest.mark.parametrize("name", OPS)
def test_every_call_has_the_bits_of_the_first(name: str) -> None:
    # The first call goes op by op; the second one makes a program, and the third finds it.
    first = OPS[name](X).numpy().tobytes()
    assert [OPS[name](X).numpy().tobytes() for _ in range(3)] == [first] * 3


@pytest.mark.parametrize("name", OPS)
def test_every_gradient_has_the_bits_of_the_first(name: str) -> None:
    def gradient() -> bytes:
        y, back = pt.vjp(OPS[name], X)
        return back(pt.ones_like(y))[0].numpy().tobytes()

    first = gradient()
    assert [gradient() for _ in range(3)] == [first] * 3


def test_a_label_outside_is_refused_by_every_call_and_harms_none() -> None:
    good = pt.tensor([0, 46, 3])
    first = F.cross_entropy(X[:3], good).item()
    for _ in range(4):
        with pytest.raises(pt.IndexError, match=r"^\[cross_entropy\] received an index out of range"):
            F.cross_entropy(X[:3], pt.tensor([0, 47, 3]))
        assert F.cross_entropy(X[:3], good).item() == first


def test_results_do_not_share_memory() -> None:
    results = [pt.ops.functional.OPERATORS["layer_norm"](X + float(i), W, B) for i in range(6)]
    again = [pt.ops.functional.OPERATORS["layer_norm"](X + float(i), W, B) for i in range(6)]
    assert all(np.array_equal(a.numpy(), b.numpy()) for a, b in zip(results, again, strict=True))
    assert len({r.numpy().tobytes() for r in results}) == 6


def test_strides_do_not_matter() -> None:
    turned = pt.tensor(np.ascontiguousarray(X.numpy().T)).T
    for _ in range(3):
        assert np.array_equal(pt.softmax(turned).numpy(), pt.softmax(X).numpy())


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "std", "logsumexp"])
def test_large_rows_apart_and_spaced_have_the_bits_of_lines(name: str) -> None:
    wide = tensor(600, 600)
    for view in (wide[:, ::2], wide[::2], pt.matrix_transpose(wide)):
        line = pt.tensor(np.ascontiguousarray(view.numpy()))
        want = OPS[name](line).numpy().tobytes()
        for _ in range(3):
            y, back = pt.vjp(OPS[name], view)
            assert y.numpy().tobytes() == want
            _, back_of_line = pt.vjp(OPS[name], line)
            given = pt.ones_like(y)
            assert back(given)[0].numpy().tobytes() == back_of_line(given)[0].numpy().tobytes()


def test_which_gradients_are_wanted() -> None:
    def gradients(*wanted: pt.Tensor) -> list[bytes]:
        y, back = pt.vjp(lambda x, w=W, b=B: pt.ops.functional.OPERATORS["layer_norm"](x, w, b), *wanted)
        return [g.numpy().tobytes() for g in back(pt.ones_like(y))]

    for _ in range(3):
        alone = gradients(X)
        together = gradients(X, W, B)
        assert alone[0] == together[0]
        assert len(together) == 3


def test_second_derivatives_go_through() -> None:
    def slope(x: pt.Tensor) -> pt.Tensor:
        _, back = pt.vjp(lambda z: pt.softmax(z)[:, 0].sum(), x)
        return back(pt.tensor(np.float32(1)))[0]

    found = []
    for _ in range(3):
        y, back = pt.vjp(slope, X)
        found.append(back(pt.ones_like(y) * pt.expand_dims(ROWS, 1))[0].numpy())
    assert all(np.array_equal(found[0], other) for other in found)
    assert np.abs(found[0]).max() > 0


def test_threads_of_python_do_not_meet() -> None:
    norm = pt.ops.functional.OPERATORS["layer_norm"]
    expected = [norm(X * float(i + 1), W, B).numpy() for i in range(4)]

    def work(i: int) -> None:
        for _ in range(50):
            np.testing.assert_array_equal(norm(X * float(i + 1), W, B).numpy(), expected[i])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
