"""How far two vectors are from each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.nn import checks
from powertrain.nn.module import Module

if TYPE_CHECKING:
    from powertrain import Tensor

__all__ = ["CosineSimilarity", "PairwiseDistance"]


class CosineSimilarity(Module):
    """The cosine of the angle between vectors along an axis: of the rows of matrices, by default.

    Example
        >>> pt.nn.CosineSimilarity()(pt.tensor([[3.0, 0.0]]), pt.tensor([[2.0, 0.0]])).tolist()
        [1.0]
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        checks.sizes("CosineSimilarity", -8, dim=dim)
        checks.numbers("CosineSimilarity", 0, eps=eps)
        self.dim, self.eps = dim, eps

    def forward(self, x1: Tensor, x2: Tensor) -> pt.Tensor:
        return F.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """The norm of x1 - x2 along the last axis.

    Example
        >>> pt.nn.PairwiseDistance()(pt.zeros((4, 2)), pt.ones((4, 2))).shape
        (4,)
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        if not (isinstance(p, (int, float)) and p == p):
            raise checks.SettingError(f"[PairwiseDistance] p = {p!r}; expected a number, or infinity; 2.0 is usual")
        checks.numbers("PairwiseDistance", 0, eps=eps)
        self.norm, self.eps, self.keepdim = p, eps, keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> pt.Tensor:
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)
