"""Convolutions of 3 x 3 taps by tiles of 2 x 2 pixels: their error beside the direct sum's, and what changes no bit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import powertrain as pt
import powertrain.nn.functional as F
from kit import Array

CALLS = pt.ops.functional.OPERATORS
MOST = 2.0  # times the direct sum's error


def drawn(*shape: int, seed: int = 3) -> pt.Tensor:
    return pt.tensor(np.random.default_rng(seed).standard_normal(shape).astype("float32"))


class Net(pt.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = pt.nn.Conv2d(1, 48, 3, padding=1)
        self.second = pt.nn.Conv2d(48, 64, 3, padding=1)
        self.last = pt.nn.Linear(64 * 64, 10)

    def hidden(self, x: pt.Tensor) -> pt.Tensor:
        return pt.relu(self.first(x))

    def above(self, y: pt.Tensor) -> pt.Tensor:
        return self.last(pt.relu(y).reshape(-1, 64 * 64))


def trained() -> tuple[Array, Array, Array]:
    """What the second convolution of a small net reads after 55 steps on digits, its weight and its gradient."""
    digits = pytest.importorskip("sklearn.datasets").load_digits()
    images, labels = pt.tensor((digits.images[..., None] / 16).astype("float32")), pt.tensor(digits.target)
    pt.random.seed(0)
    net = Net()
    optimizer = pt.optim.Adam(net, lr=1e-3)

    @pt.compile
    def step(x: pt.Tensor, y: pt.Tensor) -> pt.Tensor:
        loss, grads = pt.nn.value_and_grad(net, lambda: F.cross_entropy(net.above(net.second(net.hidden(x))), y))()
        optimizer.update(grads)
        return loss

    losses = [step(images[i : i + 32], labels[i : i + 32]).item() for i in range(0, 55 * 32, 32)]
    assert losses[-1] < losses[0] / 2
    x = net.hidden(images[:32])
    grad = pt.grad(lambda y: F.cross_entropy(net.above(y), labels[:32]))(net.second(x))
    return x.numpy(), net.second.weight.numpy(), grad.numpy()


def random_tensors(channels: int, outputs: int, side: int) -> tuple[Array, Array, Array]:
    images = 4096 // side**2
    x, g = drawn(images, side, side, channels), drawn(images, side, side, outputs, seed=4)
    return x.numpy(), drawn(3, 3, channels, outputs, seed=5).numpy() / 20, g.numpy()


GIVEN: dict[str, Callable[[], tuple[Array, Array, Array]]] = {
    "trained": trained,
    "64 channels": lambda: random_tensors(64, 64, 32),
    "256 channels": lambda: random_tensors(256, 256, 8),
    "uneven": lambda: random_tensors(100, 50, 7),
    "positive": lambda: tuple(abs(values) for values in random_tensors(128, 128, 16)),  # type: ignore[dict-item,return-value]
}


def three(x: Array, w: Array, g: Array) -> list[Array]:
    """The result, and the gradients of both operands, of a convolution with one pixel of padding."""
    x, w, g = (pt.tensor(values) for values in (x, w, g))
    size = {"padding": 1}
    return [
        CALLS["conv2d_kernel"](x, w, **size).numpy(),
        CALLS["conv2d_grad_input"](g, w, image=x.shape[1:3], **size).numpy(),
        CALLS["conv2d_grad_weight"](x, g, kernel_size=(3, 3), **size).numpy(),
    ]


def three_direct(x: Array, w: Array, g: Array) -> list[Array]:
    """The same with a fourth column of taps that are zeros, which has no tiles: the direct sum."""
    width = x.shape[2]
    wide = np.concatenate([w, np.zeros_like(w[:, :1])], axis=1)
    x, g = (np.pad(values, [(0, 0), (0, 0), (0, 1), (0, 0)]) for values in (x, g))
    x, g, wide = (pt.tensor(values) for values in (x, g[:, :, :width], wide))
    size = {"padding": 1}
    return [
        CALLS["conv2d_kernel"](x, wide, **size).numpy(),
        CALLS["conv2d_grad_input"](g, wide, image=x.shape[1:3], **size).numpy()[:, :, :width],
        CALLS["conv2d_grad_weight"](x, g, kernel_size=(3, 4), **size).numpy()[:, :3],
    ]


@pytest.mark.parametrize("name", GIVEN)
def test_the_error_is_at_most_twice_that_of_the_direct_sum(name: str) -> None:
    given = GIVEN[name]()
    exact = three(*(values.astype("float64") for values in given))
    for what, tiles, direct, want in zip(
        ("result", "input", "weight"), three(*given), three_direct(*given), exact, strict=True
    ):
        rms, most = (
            (f(tiles - want), f(direct - want)) for f in (lambda e: np.sqrt(np.mean(e**2)), lambda e: abs(e).max())
        )
        assert not np.array_equal(tiles, direct), what  # these are two ways
        assert 0 < rms[0] <= MOST * rms[1], (what, rms)
        assert 0 < most[0] <= MOST * most[1], (what, most)


def everything(x: pt.Tensor, w: pt.Tensor, b: pt.Tensor) -> tuple[pt.Tensor, ...]:
    def pixels(x: pt.Tensor, w: pt.Tensor, b: pt.Tensor) -> pt.Tensor:
        return pt.relu(F.conv2d(x, w, b, padding=1))

    return pixels(x, w, b), *pt.grad(lambda *t: pt.sum(pt.square(pixels(*t))), argnums=(0, 1, 2))(x, w, b)


def test_threads_and_compiling_change_no_bit() -> None:
    given = drawn(18, 11, 13, 52), drawn(3, 3, 52, 67), drawn(67)
    seen = set()
    for threads in range(1, 17):
        pt.set_threads(threads)
        for function in (everything, pt.compile(everything)):
            seen.add(b"".join(value.numpy().tobytes() for value in function(*given)))
    assert len(seen) == 1


def test_an_example_has_the_same_bits_in_any_batch() -> None:
    x, w, b = drawn(40, 8, 8, 64), drawn(3, 3, 64, 64), drawn(64)
    layer = pt.compile(lambda x: pt.relu(F.conv2d(x, w, b, padding=1)))
    whole = layer(x).numpy()
    for first, end in ((0, 1), (7, 8), (3, 8), (0, 32)):
        assert np.array_equal(layer(x[first:end]).numpy(), whole[first:end])


@pytest.mark.parametrize("size", [(3, 5, 131), (2, 9, 7), (1, 11, 260)], ids=str)
def test_what_follows_reads_whole_and_partial_lines(size: tuple[int, int, int]) -> None:
    """A line of many tiles is cut into chunks that have a part of it each; the last line of an image may be alone."""
    x, w, b = drawn(*size, 200), drawn(3, 3, 200, 70, seed=5) / 20, drawn(70)
    layer = pt.compile(lambda x, w, b: pt.relu(F.conv2d(x, w, b, padding=1)))
    exact = CALLS["conv2d_kernel"](x.astype("float64"), w.astype("float64"), padding=1).numpy()
    wanted = np.maximum(exact + b.numpy(), 0)
    np.testing.assert_allclose(layer(x, w, b).numpy(), wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("height", [12, 9])
@pytest.mark.parametrize("window", [2, 3])
def test_a_pooling_behind_tiles_reads_their_pixels(window: int, height: int) -> None:
    given = drawn(4, height, 12, 50), drawn(3, 3, 50, 100), drawn(100)

    def layer(x: pt.Tensor, w: pt.Tensor, b: pt.Tensor) -> pt.Tensor:
        return F.max_pool2d(pt.relu(F.conv2d(x, w, b, padding=1)), window)

    compiled = pt.compile(layer)
    assert np.array_equal(compiled(*given).numpy(), layer(*given).numpy())
    names = {instruction["name"] for instruction in compiled.programs[0]["instructions"]}
    # Tiles finish two lines at once: windows do not read those of two images that share a tile.
    assert ("max_pool2d_with_index" in names) == (height % 2 == 1)
