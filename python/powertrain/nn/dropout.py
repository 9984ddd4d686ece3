"""Dropout: of elements, of channels, and the form for selu. Draws come from the default generator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import powertrain.nn.functional as F
from powertrain.nn import checks
from powertrain.nn.module import Module

if TYPE_CHECKING:
    from powertrain import Tensor

__all__ = ["AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout"]


class _Dropout(Module):
    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        checks.fixed(type(self).__name__, inplace=inplace)
        self.p = checks.share(type(self).__name__, p)

    def forward(self, input: Tensor) -> Tensor:
        return self._dropped(input) if self.training and self.p > 0 else input

    def _dropped(self, x: Any) -> Any:
        return F.dropout(x, self.p)


class Dropout(_Dropout):
    """In training, each element is 0 with probability p and else divided by 1 - p; in evaluation nothing happens.

    Srivastava et al. 2014.

    Example
        >>> pt.nn.Dropout(0.5).eval()(pt.ones((3,))).tolist()
        [1.0, 1.0, 1.0]
    """


class Dropout1d(_Dropout):
    """In training, each channel of each example is 0 with probability p and else divided by 1 - p.

    Of any number of axes, channels last (Tompson et al. 2015).

    Example
        >>> pt.nn.Dropout1d(0.5).eval()(pt.ones((2, 8, 3))).shape
        (2, 8, 3)
    """

    def _dropped(self, x: Any) -> Any:
        return F.dropout1d(x, self.p)


class Dropout2d(Dropout1d):
    """In training, each channel of each image is 0 with probability p and else divided by 1 - p: [n, h, w, c].

    Example
        >>> pt.nn.Dropout2d(0.5).eval()(pt.ones((2, 8, 8, 3))).shape
        (2, 8, 8, 3)
    """


class Dropout3d(Dropout1d):
    """In training, each channel of each volume is 0 with probability p and else divided by 1 - p: [n, d, h, w, c].

    Example
        >>> pt.nn.Dropout3d(0.5).eval()(pt.ones((2, 4, 4, 4, 3))).shape
        (2, 4, 4, 4, 3)
    """


class AlphaDropout(_Dropout):
    """Dropout for selu: dropped values become its limit at -infinity, and mean and variance stay.

    Klambauer et al. 2017.

    Example
        >>> pt.nn.AlphaDropout(0.5).eval()(pt.ones((3,))).tolist()
        [1.0, 1.0, 1.0]
    """

    def _dropped(self, x: Any) -> Any:
        return F.alpha_dropout(x, self.p, training=True)


class FeatureAlphaDropout(AlphaDropout):
    """Dropout for selu that drops whole channels: a dropped one becomes its limit at -infinity.

    Example
        >>> pt.nn.FeatureAlphaDropout(0.5).eval()(pt.ones((2, 8, 8, 3))).shape
        (2, 8, 8, 3)
    """

    def _dropped(self, x: Any) -> Any:
        return F.feature_alpha_dropout(x, self.p, training=True)
