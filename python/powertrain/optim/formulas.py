"""Formulas that several optimizers have in common."""

from __future__ import annotations

import powertrain as pt


def decayed(change: pt.Tensor, p: pt.Tensor, decay: float) -> pt.Tensor:
    """A gradient or a direction with the parameter's share added."""
    return change + p * decay if decay else change


def running_mean(mean: pt.Tensor, new: pt.Tensor, kept: pt.Tensor | float) -> pt.Tensor:
    """The exponential moving average after one more value."""
    return pt.flush_denormals(mean * kept + new * (1 - kept))
