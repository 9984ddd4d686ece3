"""The loss of contrastive learning: two views of an example lie near each other, those of others far away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.errors.boundary import export

if TYPE_CHECKING:
    from powertrain import Tensor

NEVER = 1e9  # taken off a score, so that its share of a softmax is 0


def nt_xent(first: Tensor, second: Tensor, weight: Tensor, temperature: float) -> Tensor:
    """Compute NT-Xent, the loss of SimCLR: one value per example, by two places of each.

    Each place is asked which of all the others in the batch belongs to the same example. The loss is the cross-entropy
    of the answer, the mean of both directions. Padding, whose weight is 0, is never an answer.

    Shapes    first, second [batch, width], weight [batch] -> [batch]
    Source    Chen et al. 2020, A simple framework for contrastive learning of visual representations, eq. 1
    Example
        >>> one, other = pt.tensor([[1.0, 0.0], [0.0, 1.0]]), pt.tensor([[0.0, 1.0], [1.0, 0.0]])
        >>> near, far = (pt.plugin.nt_xent(one, two, pt.ones(2), 0.5) for two in (one, other))
        >>> bool(pt.all(near < far))
        True
    """
    count = first.shape[0]
    both = F.normalize(pt.concat([first, second], axis=0))
    scores = pt.matmul(both, pt.permute_dims(both, (1, 0))) / temperature
    real = pt.astype(pt.concat([weight, weight], axis=0) > 0, "float32")
    itself = pt.astype(F.one_hot(pt.arange(2 * count), 2 * count), "float32")
    scores = scores - NEVER * (itself + pt.reshape(1.0 - real, (1, 2 * count)))
    partner = pt.concat([pt.arange(count) + count, pt.arange(count)], axis=0)
    each = F.cross_entropy(scores, partner, ignore_index=None, reduction="none")
    return (each[:count] + each[count:]) / 2


__all__ = ["nt_xent"]

export(globals())
