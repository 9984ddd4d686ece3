"""Pooling of sequences and volumes, channels last; that of images is in layers.py."""

from __future__ import annotations

from typing import Any, ClassVar

import powertrain as pt
from powertrain.nn import checks
from powertrain.nn.module import Module

Numbers = int | tuple[int, ...]


class _Pool(Module):
    """An op of windows; the stride is the window by default."""

    OP: ClassVar[str] = ""

    def __init__(self, window: Numbers, stride: Numbers | None = None, padding: Numbers = 0, **settings: Any) -> None:
        super().__init__()
        where, axes = type(self).__name__, int(self.OP[-2])
        given = {"window": window} | ({} if stride is None else {"stride": stride})
        given |= {"dilation": settings["dilation"]} if "dilation" in settings else {}
        checks.per_axis(where, axes, 1, **given)
        checks.per_axis(where, axes, padding=padding)
        self.window, self.stride, self.padding = window, window if stride is None else stride, padding
        self._settings = settings

    def forward(self, x: Any) -> pt.Tensor:
        y: pt.Tensor = getattr(pt, self.OP)(x, self.window, self.stride, self.padding, **self._settings)
        return y


class MaxPool1d(_Pool):
    """The largest value of each window of a sequence."""

    OP = "max_pool1d"

    def __init__(
        self,
        window: Numbers,
        stride: Numbers | None = None,
        padding: Numbers = 0,
        dilation: Numbers = 1,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__(window, stride, padding, dilation=dilation, ceil_mode=ceil_mode)


class MaxPool3d(MaxPool1d):
    """The largest value of each window of a volume."""

    OP = "max_pool3d"


class AvgPool1d(_Pool):
    """The mean of each window of a sequence; `count_padding` says whether padding counts."""

    OP = "avg_pool1d"

    def __init__(
        self,
        window: Numbers,
        stride: Numbers | None = None,
        padding: Numbers = 0,
        count_padding: bool = True,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__(window, stride, padding, count_padding=count_padding, ceil_mode=ceil_mode)


class AvgPool3d(AvgPool1d):
    """The mean of each window of a volume; `count_padding` says whether padding counts."""

    OP = "avg_pool3d"
