"""Pooling that says where its maxima were, the way back, and windows at random places: against torch."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt
import powertrain.nn.functional as F
from powertrain import nn

torch = pytest.importorskip("torch", reason="the peer functions are torch's")
pytestmark = pytest.mark.peers
f = torch.nn.functional
RNG = np.random.default_rng(0)
SPACE = {1: (11,), 2: (7, 9), 3: (5, 7, 6)}


def grid(*shape: int) -> np.ndarray:
    """Numbers of few values, so that maxima tie."""
    return np.round(RNG.standard_normal(shape) * 2).astype("float32") / 2


def normal(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype("float32")


def first(array: np.ndarray) -> Any:
    """Channels first, as torch has them."""
    return torch.tensor(np.moveaxis(array, -1, 1).copy())


def last(tensor: Any) -> np.ndarray:
    return np.moveaxis(tensor.detach().numpy(), 1, -1)


def near(got: Any, want: Any) -> None:
    assert tuple(got.shape) == want.shape
    np.testing.assert_allclose(got.numpy(), want, rtol=2e-5, atol=1e-6)


def gradients_agree(ours: Callable[[Any], Any], theirs: Callable[[Any], Any], x: np.ndarray) -> None:
    """For a random cotangent."""
    given = first(x).requires_grad_()
    y = theirs(given)
    cotangent = normal(*last(y).shape)
    (y * first(cotangent)).sum().backward()
    near(pt.grad(lambda x: (ours(x) * cotangent).sum())(pt.asarray(x)), last(given.grad))


def message(make: Callable[[], Any], kind: type[Exception] = pt.ShapeError) -> str:
    with pytest.raises(kind) as caught:
        make()
    assert isinstance(caught.value, pt.Error)
    return str(caught.value)


WINDOWS: list[tuple[Any, ...]] = [(2, None, 0, 1, False), (3, 2, 1, 1, True), (2, 3, 1, 2, False), (3, 1, 0, 1, False)]


@pytest.mark.parametrize("settings", WINDOWS, ids=str)
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_the_places_of_maxima(axes: int, settings: Any) -> None:
    x, name = grid(2, *SPACE[axes], 3), f"max_pool{axes}d"
    y, places = getattr(F, name)(x, *settings, return_indices=True)
    want, there = getattr(f, name)(first(x), *settings, return_indices=True)
    np.testing.assert_array_equal(y.numpy(), last(want))
    np.testing.assert_array_equal(places.numpy(), last(there))
    assert places.dtype == pt.int64
    np.testing.assert_array_equal(getattr(F, name)(x, *settings).numpy(), last(want))
    layer = getattr(nn, f"MaxPool{axes}d")(*settings[:4], True, settings[4])
    assert all((a.numpy() == b.numpy()).all() for a, b in zip(layer(pt.asarray(x)), (y, places), strict=True))
    compiled = pt.compile(layer)(pt.asarray(x))
    assert all((a.numpy() == b.numpy()).all() for a, b in zip(compiled, (y, places), strict=True))


def test_places_of_windows_with_a_size_for_each_axis() -> None:
    x = grid(2, 9, 8, 3)
    y, places = F.max_pool2d(x, (3, 2), (1, 3), (1, 0), return_indices=True)
    want, there = f.max_pool2d(first(x), (3, 2), (1, 3), (1, 0), return_indices=True)
    np.testing.assert_array_equal(y.numpy(), last(want))
    np.testing.assert_array_equal(places.numpy(), last(there))


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_gradients_of_maxima_with_places(axes: int) -> None:
    name = f"max_pool{axes}d"
    gradients_agree(
        lambda x: getattr(F, name)(x, 3, 2, 1, return_indices=True)[0],
        lambda x: getattr(f, name)(x, 3, 2, 1, return_indices=True)[0],
        grid(2, *SPACE[axes], 3),
    )


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_the_places_of_adaptive_maxima(axes: int) -> None:
    x, name = grid(2, *SPACE[axes], 3), f"adaptive_max_pool{axes}d"
    sizes = (3, 5, 2)[:axes]
    y, places = getattr(F, name)(x, sizes, return_indices=True)
    want, there = getattr(f, name)(first(x), sizes, return_indices=True)
    np.testing.assert_array_equal(y.numpy(), last(want))
    np.testing.assert_array_equal(places.numpy(), last(there))
    np.testing.assert_array_equal(getattr(F, name)(x, sizes).numpy(), last(want))
    layer = getattr(nn, f"AdaptiveMaxPool{axes}d")(sizes, return_indices=True)
    assert (layer(pt.asarray(x))[1].numpy() == places.numpy()).all()
    gradients_agree(lambda x: getattr(F, name)(x, sizes, True)[0], lambda x: getattr(f, name)(x, sizes, True)[0], x)


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("windows", [(2, None, 0), (3, 3, 1)], ids=str)
def test_unpooling(axes: int, windows: Any) -> None:
    x, name = grid(2, *SPACE[axes], 3), f"max_unpool{axes}d"
    y, places = getattr(F, f"max_pool{axes}d")(x, *windows, return_indices=True)
    size = [2, 3, *SPACE[axes]]
    theirs = lambda y: getattr(f, name)(y, first(places.numpy()), *windows, output_size=size)  # noqa: E731
    ours = lambda y: getattr(F, name)(y, places, *windows, output_size=x.shape)  # noqa: E731
    near(ours(y), last(theirs(first(y.numpy()))))
    near(getattr(F, name)(y, places, *windows, SPACE[axes]), last(theirs(first(y.numpy()))))
    gradients_agree(ours, theirs, np.array(y.numpy()))
    layer = getattr(nn, f"MaxUnpool{axes}d")(*windows)
    near(layer(y, places, x.shape), last(theirs(first(y.numpy()))))


@pytest.mark.parametrize("windows", [((2, 3), None, 0), (3, 2, 1)], ids=str)
def test_the_usual_size_of_an_unpooled_image(windows: Any) -> None:
    x = normal(2, 6 + windows[2], 9, 3)
    y, places = F.max_pool2d(x, *windows, return_indices=True)
    want = f.max_unpool2d(*f.max_pool2d(first(x), *windows, return_indices=True), *windows)
    near(F.max_unpool2d(y, places, *windows), last(want))


def test_of_a_repeated_place_the_last_value_stays_and_has_the_gradient() -> None:
    """Torch gives the gradient of the place to all of them."""
    x, places = pt.asarray(normal(1, 4, 1)), pt.tensor([0, 2, 2, 5]).reshape((1, 4, 1))
    cotangent = normal(1, 8, 1)
    want = np.zeros((1, 8, 1), "float32")
    want[0, [0, 2, 5]] = x.numpy()[0, [0, 2, 3]]
    np.testing.assert_array_equal(F.max_unpool1d(x, places, 2).numpy(), want)
    got = pt.grad(lambda x: (F.max_unpool1d(x, places, 2) * cotangent).sum())(x).numpy()[0, :, 0]
    np.testing.assert_array_equal(got, np.where([1, 0, 1, 1], cotangent[0, [0, 2, 2, 5], 0], 0))


def test_unpooling_that_is_refused() -> None:
    y, places = F.max_pool2d(pt.ones((1, 4, 4, 2)), 2, return_indices=True)
    assert message(lambda: F.max_unpool2d(y, places[:, :1], 2)) == (
        "[max_unpool2d] indices is [1, 1, 2, 2], input is [1, 2, 2, 2]; expected one shape; pass what the pooling "
        "returned"
    )
    assert message(lambda: F.max_unpool2d(y, places, 2, output_size=(4, 6))) == (
        "[max_unpool2d] output_size = (4, 6); expected 2 numbers less than stride from (4, 4); pass the shape of what "
        "was pooled"
    )
    assert message(lambda: F.max_unpool2d(y, places, 0)) == (
        "[max_unpool2d] kernel_size = 0; expected a whole number from 1 to 2147483647, or a tuple of 2; for example "
        "kernel_size = 1"
    )
    assert message(lambda: F.max_unpool1d(y, places, 2)) == (
        "[max_unpool1d] input is [1, 2, 2, 2]; expected [batch, time, channels]; reshape it"
    )
    with pytest.raises(pt.IndexError):
        F.max_unpool2d(y, places + 16, 2).numpy()


@pytest.mark.parametrize("axes", [2, 3])
def test_windows_at_random_places(axes: int) -> None:
    x, name = grid(2, *SPACE[axes], 3), f"fractional_max_pool{axes}d"
    for given in ({"output_size": (3, 4, 2)[:axes]}, {"output_ratio": (0.7, 0.6, 0.5)[:axes]}, {"output_size": 1}):
        drawn = RNG.random((2, 3, axes)).astype("float32")
        y, places = getattr(F, name)(x, 2, **given, return_indices=True, _random_samples=drawn)
        want, there = getattr(f, name)(first(x), 2, **given, return_indices=True, _random_samples=torch.tensor(drawn))
        np.testing.assert_array_equal(y.numpy(), last(want))
        np.testing.assert_array_equal(places.numpy(), last(there))
    peers = torch.tensor(drawn)
    gradients_agree(
        lambda x: getattr(F, name)(x, 2, 3, _random_samples=drawn),
        lambda x: getattr(f, name)(x, 2, 3, _random_samples=peers),
        normal(2, *SPACE[axes], 3),
    )


@pytest.mark.parametrize("axes", [2, 3])
def test_as_many_random_places_as_there_are_places(axes: int) -> None:
    x, sizes = grid(2, *SPACE[axes], 3), tuple(size - 1 for size in SPACE[axes])
    y = getattr(F, f"fractional_max_pool{axes}d")(x, 2, sizes)
    np.testing.assert_array_equal(y.numpy(), getattr(F, f"max_pool{axes}d")(x, 2, 1).numpy())


def test_random_places_come_from_the_default_generator() -> None:
    x, layer = pt.asarray(normal(4, 12, 12, 5)), nn.FractionalMaxPool2d(2, output_ratio=0.6, return_indices=True)
    pt.random.seed(3)
    found = [layer(x) for _ in range(2)]
    pt.random.seed(3)
    again = pt.compile(layer)(x)
    assert found[0][0].shape == (4, 7, 7, 5)
    assert (again[0].numpy() == found[0][0].numpy()).all() and (again[1].numpy() == found[0][1].numpy()).all()
    assert (found[0][1].numpy() != found[1][1].numpy()).any()
    flat = np.array(x.numpy()).reshape(4, 144, 5)
    np.testing.assert_array_equal(
        np.take_along_axis(flat, found[0][1].numpy().reshape(4, 49, 5), 1).reshape(4, 7, 7, 5), found[0][0].numpy()
    )


def test_random_windows_that_are_refused() -> None:
    assert message(lambda: nn.FractionalMaxPool2d(2), nn.SettingError) == (
        "[FractionalMaxPool2d] output_size = None, output_ratio = None; expected one of them; leave the other one out"
    )
    assert message(lambda: nn.FractionalMaxPool3d(2, output_ratio=1.0), nn.SettingError) == (
        "[FractionalMaxPool3d] output_ratio = 1.0; expected numbers between 0 and 1, one or 3; 0.5 is usual"
    )
    assert message(lambda: F.fractional_max_pool2d(pt.ones((1, 4, 4, 2)), 3, 3)) == (
        "[fractional_max_pool2d] input is [1, 4, 4, 2], windows of (3, 3), output (3, 3); expected at least 1, and "
        "output + window - 1 of at most the size of each axis; change output_size"
    )


@pytest.mark.parametrize("settings", [(2, 2, None, False), (1, (3, 2, 2), 2, True), (3, 2, 1, False)], ids=str)
def test_powers_of_volumes(settings: Any) -> None:
    x = np.abs(normal(2, 5, 7, 6, 3))
    near(F.lp_pool3d(x, *settings), last(f.lp_pool3d(first(x), *settings)))
    gradients_agree(lambda x: F.lp_pool3d(x, *settings), lambda x: f.lp_pool3d(x, *settings), x)
    layer = nn.LPPool3d(*settings)
    np.testing.assert_array_equal(layer(pt.asarray(x)).numpy(), F.lp_pool3d(x, *settings).numpy())
    half = F.lp_pool3d(pt.asarray(x, dtype="bfloat16"), *settings)
    assert (
        half.dtype == pt.bfloat16
        and np.abs(half.astype("float32").numpy() / F.lp_pool3d(x, *settings).numpy() - 1).max() < 0.01
    )


def test_a_window_of_zeros_has_no_slope() -> None:
    zeros = pt.zeros((1, 2, 2, 2, 1))
    assert pt.grad(lambda x: F.lp_pool3d(x, 3, 2).sum())(zeros).numpy().ravel().tolist() == [0.0] * 8
    assert message(lambda: F.lp_pool3d(zeros, 0, 2), nn.SettingError) == (
        "[lp_pool3d] norm_type = 0; expected a finite number > 0; leave norm_type out for the usual one"
    )


def test_windows_as_modules() -> None:
    x = normal(2, 6, 5, 3)
    windows = nn.Unfold((3, 2), padding=1, stride=2)(pt.asarray(x))
    want = torch.nn.Unfold((3, 2), padding=1, stride=2)(first(x)).numpy()  # [n, c taps, places]
    n, oh, ow, width = windows.shape
    turned = want.reshape(n, 3, width // 3, oh * ow).transpose(0, 3, 2, 1).reshape(windows.shape)
    np.testing.assert_array_equal(windows.numpy(), turned)
    back = torch.nn.Fold((6, 5), (3, 2), padding=1, stride=2)(torch.tensor(want))
    near(nn.Fold((6, 5), (3, 2), padding=1, stride=2)(windows), last(back))
    assert message(lambda: nn.Fold(0, 2)) == (
        "[Fold] output_size = 0; expected a whole number from 1 to 2147483647, or a tuple of 2; for example "
        "output_size = 1"
    )


@pytest.mark.parametrize("name", ["UpsamplingNearest2d", "UpsamplingBilinear2d"])
def test_upsampling(name: str) -> None:
    x = normal(2, 4, 5, 3)
    for given in ({"size": (7, 9)}, {"scale_factor": 2}):
        near(getattr(nn, name)(**given)(pt.asarray(x)), last(getattr(torch.nn, name)(**given)(first(x))))


def test_maxima_of_nothing_and_of_nan() -> None:
    y, places = F.max_pool1d(pt.ones((0, 4, 3)), 2, return_indices=True)
    assert y.shape == places.shape == (0, 2, 3)
    y, places = F.max_pool1d(pt.tensor([1.0, math.nan, 3.0, 2.0]).reshape((1, 4, 1)), 2, return_indices=True)
    assert np.isnan(y.numpy()).ravel().tolist() == [True, False] and places.numpy().ravel().tolist() == [1, 2]
