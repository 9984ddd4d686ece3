"""Initial values that are written into parameters, by PyTorch's names: their distributions, fans and errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain import nn
from powertrain.nn import init


def written(function: Callable[..., Any], *shape: int, **settings: Any) -> np.ndarray:
    pt.random.seed(0)
    slot = nn.Parameter(pt.full(shape, np.nan))
    assert function(slot, **settings) is slot
    values = np.array(slot.numpy())
    again = nn.Parameter(pt.zeros(shape))
    function(again, **settings, generator=pt.random.Generator(3))
    other = nn.Parameter(pt.zeros(shape))
    function(other, **settings, generator=pt.random.Generator(3))
    assert (again.numpy() == other.numpy()).all() and (again.numpy() != values).any()
    return values


# The deviation that each has at [300, 200], and what no value exceeds.
DRAWN: list[tuple[Callable[..., Any], dict[str, Any], float, float]] = [
    (init.uniform_, {"a": -1.0, "b": 1.0}, 1 / 3**0.5, 1.0),
    (init.normal_, {"std": 0.02}, 0.02, np.inf),
    (init.trunc_normal_, {"std": 0.5, "a": -1.0, "b": 1.0}, 0.5 * 0.8796, 1.0),
    (init.xavier_uniform_, {}, (2 / 500) ** 0.5, (6 / 500) ** 0.5),
    (init.xavier_normal_, {"gain": 2.0}, 2 * (2 / 500) ** 0.5, np.inf),
    (init.kaiming_uniform_, {"a": 0.5}, (2 / 1.25 / 300) ** 0.5, (3 * 2 / 1.25 / 300) ** 0.5),
    (init.kaiming_normal_, {"mode": "fan_out", "nonlinearity": "relu"}, (2 / 200) ** 0.5, np.inf),
]


@pytest.mark.parametrize(
    ("function", "settings", "deviation", "bound"), DRAWN, ids=lambda x: getattr(x, "__name__", "")
)
def test_distributions(function: Callable[..., Any], settings: dict[str, Any], deviation: float, bound: float) -> None:
    values = written(function, 300, 200, **settings)
    # 60,000 draws: the mean is within 5 deviations of itself, the deviation within 2 %.
    assert abs(values.mean()) < 5 * deviation / 60_000**0.5
    assert abs(values.std() / deviation - 1) < 0.02 and np.abs(values).max() <= bound * (1 + 1e-6)


def test_fans_of_a_kernel() -> None:
    assert init.fans((3, 5)) == (3, 5) and init.fans((3, 2, 4, 8)) == (24, 48)
    values = written(init.kaiming_uniform_, 3, 3, 16, 32, nonlinearity="linear")
    bound = (3 / 144) ** 0.5
    assert 0.99 * bound < np.abs(values).max() <= bound * (1 + 1e-6)


@pytest.mark.parametrize("shape", [(7, 4), (4, 7), (3, 2, 5), (2, 3, 4, 30)])
def test_orthogonal(shape: tuple[int, ...]) -> None:
    values = written(init.orthogonal_, *shape, gain=2.0).reshape(-1, shape[-1]).astype("float64")
    gram = values.T @ values if values.shape[0] >= values.shape[1] else values @ values.T
    assert np.abs(gram - 4 * np.eye(len(gram))).max() < 1e-5


def test_constants() -> None:
    slot = nn.Parameter(pt.ones((2, 3), "float64"))
    assert init.constant_(slot, 0.25).numpy().tolist() == [[0.25] * 3] * 2 and slot.dtype == pt.float64
    assert init.eye_(slot).numpy().tolist() == [[1, 0, 0], [0, 1, 0]]
    assert init.zeros_(slot).numpy().sum() == 0 and init.ones_(slot).numpy().sum() == 6


@pytest.mark.peers
@pytest.mark.parametrize("groups", [1, 2, 3])
@pytest.mark.parametrize("shape", [(12, 4, 3), (6, 7, 3, 4), (12, 2, 1, 2, 5)])
def test_dirac_is_torchs(shape: tuple[int, ...], groups: int) -> None:
    """Shapes are PyTorch's, (out, in / groups, kernel...)."""
    torch = pytest.importorskip("torch", reason="the peer function is torch's")
    want = torch.nn.init.dirac_(torch.full(shape, np.nan), groups).numpy()
    values = written_alike(init.dirac_, *shape[2:], shape[1], shape[0], groups=groups)
    np.testing.assert_array_equal(np.moveaxis(values, (-1, -2), (0, 1)), want)


def written_alike(function: Callable[..., Any], *shape: int, **settings: Any) -> np.ndarray:
    return np.array(function(nn.Parameter(pt.full(shape, np.nan)), **settings).numpy())


def test_sparse_leaves_each_input_as_many_outputs() -> None:
    values = written(init.sparse_, 40, 251, sparsity=0.3, std=0.5)
    assert ((values == 0).sum(axis=1) == np.ceil(0.3 * 251)).all()
    assert abs(values[values != 0].std() / 0.5 - 1) < 0.03
    assert len({tuple(row) for row in values == 0}) == 40  # at random places
    assert (written(init.sparse_, 3, 5, sparsity=0.0) != 0).all()


def test_what_is_refused() -> None:
    layer = nn.Linear(2, 3)
    before = layer.state_dict()
    for act, text in (
        (lambda: init.normal_(pt.ones((2,))), "[normal_] received Tensor; expected a parameter, which can be written; "
         "pass layer.weight"),
        (lambda: init.xavier_uniform_(layer.bias), "[xavier_uniform_] tensor is [3]; expected 2 axes or more, which "
         "say the fans; take another function for a bias, such as zeros_"),
        (lambda: init.kaiming_normal_(layer.weight, mode="fan"), "[kaiming_normal_] mode = 'fan'; expected 'fan_in' or "
         "'fan_out'; 'fan_in' is usual"),
        (lambda: init.trunc_normal_(layer.weight, a=1.0, b=-1.0), "[trunc_normal_] a = 1.0, b = -1.0; expected a below "
         "b, a few std = 1.0 from mean = 0.0; change them"),
        (lambda: init.dirac_(layer.weight), "[dirac_] tensor is [2, 3], groups = 1; expected a kernel (kernel..., in / "
         "groups, out) of 3 to 5 axes, out a multiple of groups; pass the weight of a convolution"),
        (lambda: init.dirac_(nn.Conv2d(2, 4, 3).weight, 3), "[dirac_] tensor is [3, 3, 2, 4], groups = 3; expected a "
         "kernel (kernel..., in / groups, out) of 3 to 5 axes, out a multiple of groups; pass the weight of a "
         "convolution"),
        (lambda: init.sparse_(nn.Conv1d(2, 4, 3).weight, 0.5), "[sparse_] tensor is [3, 2, 4]; expected a matrix (in, "
         "out); pass layer.weight of it"),
        (lambda: init.sparse_(layer.weight, 1.0), "[sparse_] sparsity = 1.0; expected 0 <= sparsity < 1; 0.1 is usual"),
        (lambda: init.normal(layer.weight), "[normal] shape is Slot; expected whole numbers; write "
         "pt.nn.init.normal_(tensor) to write into a parameter"),
        (lambda: init.zeros(pt.ones((2,))), "[zeros] shape is float32[2]; expected whole numbers; write "
         "pt.nn.init.zeros_(tensor) to write into a parameter"),
        (lambda: init.calculate_gain("swish"), "[calculate_gain] nonlinearity = 'swish'; expected 'tanh', 'relu', "
         "'leaky_relu', 'selu', 'linear', 'sigmoid', 'conv1d', 'conv2d', 'conv3d', 'conv_transpose1d', "
         "'conv_transpose2d' or 'conv_transpose3d'; 'tanh' is usual"),
    ):  # fmt: skip
        with pytest.raises(pt.Error) as caught:
            act()  # type: ignore[no-untyped-call]
        assert str(caught.value) == text
    assert all((layer.state_dict()[name] == value).all() for name, value in before.items())


def test_names_of_others_show_the_line() -> None:
    for name, line in (
        ("glorot_uniform", "write pt.nn.init.xavier_uniform_(layer.weight)"),
        ("HeNormal", "write pt.nn.init.kaiming_normal_(layer.weight, nonlinearity='relu')"),
        ("constant", "write pt.nn.init.constant_(layer.bias, val)"),
        ("orthogonal", "write pt.nn.utils.parametrizations.orthogonal(module)"),
    ):
        with pytest.raises(AttributeError) as caught:
            getattr(init, name)
        assert str(caught.value) == f"[powertrain.nn.init] {name}; expected a name of powertrain.nn.init; {line}"
        assert isinstance(caught.value, pt.Error)


@pytest.mark.peers
def test_names_and_gains_are_torchs() -> None:
    import inspect

    torch = pytest.importorskip("torch", reason="the peer functions are torch's")
    theirs = torch.nn.init
    names = {name for name in dir(theirs) if name.endswith("_") and not name.startswith("_")}
    assert names == {name for name in dir(init) if name.endswith("_")}
    for name in names:
        ours, peer = (list(inspect.signature(getattr(of, name)).parameters) for of in (init, theirs))
        assert ours == peer, name
    for name, given in (("tanh", None), ("relu", None), ("leaky_relu", 0.3), ("leaky_relu", None), ("linear", None)):
        assert init.calculate_gain(name, given) == pytest.approx(theirs.calculate_gain(name, given), rel=1e-12)
