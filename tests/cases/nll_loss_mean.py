"""Cases of nll_loss_mean; the reference is that of nll_loss, over the weights of the labels that count."""

import powertrain as pt
from cases import nll_loss
from cases.cross_entropy_mean import BENCH, MISFIT, MUTANTS, SAID_OF_IT, SHARED, over_weights
from kit import Array

__all__ = ["BENCH", "CASES", "ERRORS", "MUTANTS", "reference"]


def reference(x: Array, labels: Array, weight: Array | None = None, ignore_index: int | None = None) -> Array:
    return over_weights(nll_loss.reference(x, labels, weight, ignore_index), labels, weight, ignore_index)


CASES = SHARED
ERRORS = [(MISFIT, pt.ShapeError, f"[nll_loss_mean] {SAID_OF_IT}")]
