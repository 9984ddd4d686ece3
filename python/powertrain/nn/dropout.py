"""Dropout: of elements, of channels, and the form for selu. Draws come from the default generator."""

from __future__ import annotations

from typing import Any

import powertrain as pt
from powertrain.nn import checks
from powertrain.nn.module import Module


class _Dropout(Module):
    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        checks.fixed(type(self).__name__, inplace=inplace)
        self.p = checks.share(type(self).__name__, p)

    def forward(self, input: Any) -> Any:
        return self._dropped(input) if self.training and self.p > 0 else input

    def _dropped(self, x: Any) -> pt.Tensor:
        return pt.dropout(x, self.p)


class Dropout(_Dropout):
    """In training, each element is 0 with probability p and else divided by 1 - p; in evaluation nothing happens.

    Srivastava et al. 2014.
    """


class Dropout1d(_Dropout):
    """In training, each channel of each example is 0 with probability p and else divided by 1 - p.

    Of any number of axes, channels last (Tompson et al. 2015).
    """

    def _dropped(self, x: Any) -> pt.Tensor:
        return pt.where(_by_channel(x) >= self.p, x * (1 / (1 - self.p)), 0.0)


class Dropout2d(Dropout1d):
    """Dropout1d of images."""


class Dropout3d(Dropout1d):
    """Dropout1d of volumes."""


def _by_channel(x: Any) -> pt.Tensor:
    """One draw in [0, 1) for each channel of each example."""
    return pt.random.uniform((x.shape[0], *[1] * (x.ndim - 2), x.shape[-1]))


class AlphaDropout(_Dropout):
    """Dropout for selu: dropped values become its limit at -infinity, and mean and variance stay.

    Klambauer et al. 2017.
    """

    LIMIT = -1.7580993408473766

    def _drawn(self, x: Any) -> pt.Tensor:
        return pt.random.uniform(x.shape)

    def _dropped(self, x: Any) -> pt.Tensor:
        kept = self._drawn(x) >= self.p
        scale = 1 / ((1 - self.p) * (1 + self.p * self.LIMIT**2)) ** 0.5
        return (pt.where(kept, x, self.LIMIT) - self.LIMIT * self.p) * scale


class FeatureAlphaDropout(AlphaDropout):
    """AlphaDropout of whole channels."""

    def _drawn(self, x: Any) -> pt.Tensor:
        return _by_channel(x)
