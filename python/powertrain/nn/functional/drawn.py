"""Functions that draw from the default generator: dropout, the leaky slope of rrelu, samples of classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from powertrain import _core, random
from powertrain._core import Tensor, asarray
from powertrain.nn import checks
from powertrain.ops.functional import OPERATORS

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

__all__ = [
    "alpha_dropout", "dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout", "gumbel_softmax",
    "rrelu",
]  # fmt: skip

Shape = tuple[int, ...]
_LIMIT = -1.7580993408473766  # of selu at -infinity


def _everywhere(shape: Shape) -> Shape:
    return shape


def _by_channel(shape: Shape) -> Shape:
    """One draw for each channel of each example."""
    return (shape[0], *[1] * (len(shape) - 2), shape[-1])


def _kept(where: str, input: Any, p: float, training: bool, places: Callable[[Shape], Shape]) -> tuple[Tensor, Any]:
    """The input, and where it stays; None where all of it does."""
    share = checks.share(where, p)
    input = asarray(input)
    if not training or share == 0:
        return input, None
    if places is _by_channel and input.ndim < 2:
        raise _core.ShapeError(
            f"[{where}] input is {list(input.shape)}; expected [batch, ..., channels]; add an axis in front"
        )
    return input, OPERATORS["greater_equal"](random.default.shares(places(input.shape)), share)


def _dropped(where: str, input: Any, p: float, training: bool, places: Callable[[Shape], Shape]) -> Tensor:
    input, kept = _kept(where, input, p, training, places)
    return input if kept is None else OPERATORS["where"](kept, OPERATORS["multiply"](input, 1 / (1 - p)), 0.0)


def dropout(input: TensorLike, p: float = 0.5, training: bool = True) -> Tensor:
    """Each element becomes 0 with probability p, and is divided by 1 - p otherwise; draws from the default generator.

    Shapes    input [...] -> [...]; input itself without training, or where p is 0
    Errors    p outside 0 <= p < 1
    Source    Srivastava et al. 2014
    Example
        >>> import powertrain as pt
        >>> sorted(set(pt.nn.functional.dropout(pt.ones((64,))).numpy().tolist()))
        [0.0, 2.0]
    """
    return _dropped("dropout", input, p, training, _everywhere)


def dropout1d(input: TensorLike, p: float = 0.5, training: bool = True) -> Tensor:
    """Each channel of each example becomes 0 with probability p, and is divided by 1 - p otherwise.

    Shapes    input [n, ..., c], channels last -> [n, ..., c]
    Source    Tompson et al. 2015
    Example
        >>> import powertrain.nn.functional as F
        >>> F.dropout1d(pt.ones((2, 8, 3)), 0.5, training=False).shape
        (2, 8, 3)
    """
    return _dropped("dropout1d", input, p, training, _by_channel)


def dropout2d(input: TensorLike, p: float = 0.5, training: bool = True) -> Tensor:
    """dropout1d of images.

    Example
        >>> import powertrain.nn.functional as F
        >>> F.dropout2d(pt.ones((2, 8, 8, 3)), 0.5, training=False).shape
        (2, 8, 8, 3)
    """
    return _dropped("dropout2d", input, p, training, _by_channel)


def dropout3d(input: TensorLike, p: float = 0.5, training: bool = True) -> Tensor:
    """dropout1d of volumes.

    Example
        >>> import powertrain.nn.functional as F
        >>> F.dropout3d(pt.ones((2, 4, 4, 4, 3)), 0.5, training=False).shape
        (2, 4, 4, 4, 3)
    """
    return _dropped("dropout3d", input, p, training, _by_channel)


def _dropped_to_the_limit(where: str, input: Any, p: float, training: bool, places: Callable[[Shape], Shape]) -> Tensor:
    input, kept = _kept(where, input, p, training, places)
    if kept is None:
        return input
    scale = 1 / ((1 - p) * (1 + p * _LIMIT**2)) ** 0.5
    return (OPERATORS["where"](kept, input, _LIMIT) - _LIMIT * p) * scale


def alpha_dropout(input: TensorLike, p: float = 0.5, training: bool = False) -> Tensor:
    """Dropout for selu: dropped values become its limit at -infinity, and mean and variance stay.

    Source    Klambauer et al. 2017
    Example
        >>> import powertrain.nn.functional as F
        >>> F.alpha_dropout(pt.ones((3,)), 0.5, training=False).tolist()
        [1.0, 1.0, 1.0]
    """
    return _dropped_to_the_limit("alpha_dropout", input, p, training, _everywhere)


def feature_alpha_dropout(input: TensorLike, p: float = 0.5, training: bool = False) -> Tensor:
    """alpha_dropout of whole channels; input [n, ..., c].

    Example
        >>> import powertrain.nn.functional as F
        >>> F.feature_alpha_dropout(pt.ones((2, 8, 8, 3)), 0.5, training=False).shape
        (2, 8, 8, 3)
    """
    return _dropped_to_the_limit("feature_alpha_dropout", input, p, training, _by_channel)


def rrelu(input: TensorLike, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False) -> Tensor:
    """input above zero, else slope times input: the slope is drawn for each element in training, else their mean.

    Source    Xu et al. 2015
    Example
        >>> import powertrain.nn.functional as F
        >>> F.rrelu(pt.tensor([-2.0, 2.0]), 0.25, 0.25).tolist()
        [-0.5, 2.0]
    """
    checks.numbers("rrelu", lower=lower, upper=upper)
    if lower > upper:
        raise checks.SettingError(f"[rrelu] lower = {lower}, upper = {upper}; expected lower <= upper; swap them")
    if not training:
        return OPERATORS["leaky_relu"](input, (lower + upper) / 2)
    input = asarray(input)
    slope = OPERATORS["astype"](random.uniform(size=input.shape) * (upper - lower) + lower, input.dtype)
    return OPERATORS["where"](input >= 0, input, input * slope)


def gumbel_softmax(logits: TensorLike, tau: float = 1.0, hard: bool = False, *, axis: int = -1) -> Tensor:
    """softmax((logits + Gumbel noise) / tau); with hard, 1 at its largest, with the gradient of the soft one.

    Shapes    logits [..., n, ...] -> [..., n, ...]
    Errors    tau that is not above 0; an axis that logits does not have
    Source    Jang et al. 2017; Maddison et al. 2017
    Example
        >>> import powertrain as pt
        >>> pt.nn.functional.gumbel_softmax(pt.zeros((5, 3)), hard=True).sum().item()
        5.0
    """
    checks.numbers("gumbel_softmax", above=0, tau=tau)
    logits = asarray(logits)
    # Uniform numbers lie in [0, 1): 1 - u is never 0, and the smallest float keeps the outer logarithm finite.
    waiting = OPERATORS["maximum"](-OPERATORS["log"](1.0 - random.uniform(size=logits.shape)), 2.0**-126)
    noise = OPERATORS["astype"](-OPERATORS["log"](waiting), logits.dtype)
    soft = OPERATORS["softmax"]((logits + noise) / tau, axis)
    if not hard:
        return soft
    largest = OPERATORS["argmax"](soft, axis, keepdims=True)
    places = _core.asarray(list(range(soft.shape[axis])))
    row = [1] * soft.ndim
    row[axis] = soft.shape[axis]
    one = OPERATORS["astype"](OPERATORS["equal"](OPERATORS["reshape"](places, tuple(row)), largest), soft.dtype)
    return one + (soft - OPERATORS["stop_gradient"](soft))
