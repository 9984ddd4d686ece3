"""Borders around sequences, images and volumes with channels last: [batch, ..., channels]."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import powertrain as pt
from powertrain.nn import checks
from powertrain.nn.module import Module
from powertrain.ops.functional import OPERATORS

if TYPE_CHECKING:
    from powertrain import Tensor

__all__ = [
    "CircularPad1d", "CircularPad2d", "CircularPad3d", "ConstantPad1d", "ConstantPad2d", "ConstantPad3d",
    "ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d", "ReplicationPad1d", "ReplicationPad2d", "ReplicationPad3d",
    "ZeroPad1d", "ZeroPad2d", "ZeroPad3d",
]  # fmt: skip

Amount = int | tuple[int, ...]


class _Pad(Module):
    """`padding` on all sides, or (before, after) for the last axis of space, then for the one before it, as PyTorch."""

    AXES: ClassVar[int] = 1
    MODE: ClassVar[Literal["constant", "reflect", "replicate", "circular"]] = "constant"

    value = 0.0

    def __init__(self, padding: Amount) -> None:
        super().__init__()
        amounts = tuple(padding) if isinstance(padding, (tuple, list)) else (padding,) * (2 * self.AXES)
        if len(amounts) != 2 * self.AXES or not all(checks.whole(one, 0) for one in amounts):
            raise checks.SettingError(
                f"[{type(self).__name__}] padding = {padding!r}; expected one number, or {2 * self.AXES}, none below "
                "0; (before, after) of the last axis first"
            )
        self.padding = amounts
        # In the order of the axes.
        self.sides = tuple((amounts[2 * place], amounts[2 * place + 1]) for place in reversed(range(self.AXES)))

    def forward(self, input: Tensor) -> pt.Tensor:
        checks.axes(type(self).__name__, input, self.AXES + 2, shape="batch first and channels last")
        before, after = zip(*self.sides, strict=True)
        return OPERATORS["pad"](input, (0, *before, 0), (0, *after, 0), self.value, self.MODE)


class ConstantPad1d(_Pad):
    """A number around each sequence; channels are last, [batch, time, channels].

    Example
        >>> pt.nn.ConstantPad1d(1, 0.5)(pt.ones((2, 8, 3))).shape
        (2, 10, 3)
    """

    def __init__(self, padding: Amount, value: float) -> None:
        super().__init__(padding)
        if not isinstance(value, (int, float)):
            raise checks.SettingError(f"[{type(self).__name__}] value = {value!r}; expected a number; 0.0 is usual")
        self.value = value


class ConstantPad2d(ConstantPad1d):
    """A number around each image; channels are last, [batch, height, width, channels].

    Example
        >>> pt.nn.ConstantPad2d(1, 0.5)(pt.ones((2, 8, 8, 3))).shape
        (2, 10, 10, 3)
    """

    AXES = 2


class ConstantPad3d(ConstantPad1d):
    """A number around each volume; channels are last, [batch, depth, height, width, channels].

    Example
        >>> pt.nn.ConstantPad3d(1, 0.5)(pt.ones((2, 4, 4, 4, 3))).shape
        (2, 6, 6, 6, 3)
    """

    AXES = 3


class ZeroPad1d(ConstantPad1d):
    """Zeros around each sequence; channels are last, [batch, time, channels].

    Example
        >>> pt.nn.ZeroPad1d(1)(pt.ones((2, 8, 3))).shape
        (2, 10, 3)
    """

    def __init__(self, padding: Amount) -> None:
        super().__init__(padding, 0.0)


class ZeroPad2d(ZeroPad1d):
    """Zeros around each image; channels are last, [batch, height, width, channels].

    Example
        >>> pt.nn.ZeroPad2d(1)(pt.ones((2, 8, 8, 3))).shape
        (2, 10, 10, 3)
    """

    AXES = 2


class ZeroPad3d(ZeroPad1d):
    """Zeros around each volume; channels are last, [batch, depth, height, width, channels].

    Example
        >>> pt.nn.ZeroPad3d(1)(pt.ones((2, 4, 4, 4, 3))).shape
        (2, 6, 6, 6, 3)
    """

    AXES = 3


class ReflectionPad1d(_Pad):
    """Each sequence mirrored at its first and last element, which are not repeated; channels are last, [batch, time,
    channels].

    Example
        >>> pt.nn.ReflectionPad1d(1)(pt.ones((2, 8, 3))).shape
        (2, 10, 3)
    """

    MODE = "reflect"


class ReflectionPad2d(ReflectionPad1d):
    """Each image mirrored at its border; channels are last, [batch, height, width, channels].

    Example
        >>> pt.nn.ReflectionPad2d(1)(pt.ones((2, 8, 8, 3))).shape
        (2, 10, 10, 3)
    """

    AXES = 2


class ReflectionPad3d(ReflectionPad1d):
    """Each volume mirrored at its border; channels are last, [batch, depth, height, width, channels].

    Example
        >>> pt.nn.ReflectionPad3d(1)(pt.ones((2, 4, 4, 4, 3))).shape
        (2, 6, 6, 6, 3)
    """

    AXES = 3


class ReplicationPad1d(_Pad):
    """The first and last element of each sequence repeated; channels are last, [batch, time, channels].

    Example
        >>> pt.nn.ReplicationPad1d(1)(pt.ones((2, 8, 3))).shape
        (2, 10, 3)
    """

    MODE = "replicate"


class ReplicationPad2d(ReplicationPad1d):
    """The border of each image repeated; channels are last, [batch, height, width, channels].

    Example
        >>> pt.nn.ReplicationPad2d(1)(pt.ones((2, 8, 8, 3))).shape
        (2, 10, 10, 3)
    """

    AXES = 2


class ReplicationPad3d(ReplicationPad1d):
    """The border of each volume repeated; channels are last, [batch, depth, height, width, channels].

    Example
        >>> pt.nn.ReplicationPad3d(1)(pt.ones((2, 4, 4, 4, 3))).shape
        (2, 6, 6, 6, 3)
    """

    AXES = 3


class CircularPad1d(_Pad):
    """Each sequence goes on with its other end; channels are last, [batch, time, channels].

    Example
        >>> pt.nn.CircularPad1d(1)(pt.ones((2, 8, 3))).shape
        (2, 10, 3)
    """

    MODE = "circular"


class CircularPad2d(CircularPad1d):
    """Each image goes on with its other side; channels are last, [batch, height, width, channels].

    Example
        >>> pt.nn.CircularPad2d(1)(pt.ones((2, 8, 8, 3))).shape
        (2, 10, 10, 3)
    """

    AXES = 2


class CircularPad3d(CircularPad1d):
    """Each volume goes on with its other side; channels are last, [batch, depth, height, width, channels].

    Example
        >>> pt.nn.CircularPad3d(1)(pt.ones((2, 4, 4, 4, 3))).shape
        (2, 6, 6, 6, 3)
    """

    AXES = 3
