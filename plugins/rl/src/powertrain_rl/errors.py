"""The errors of this distribution: `[where] received; expected; how to fix it`."""

from __future__ import annotations

import powertrain as pt


class StrategyError(pt.Error, ValueError):
    """A strategy and an environment that do not fit together."""


class MakingError(pt.Error, ValueError):
    """An environment or a model that cannot be made."""
