"""What looks into a step: a second program of it, which also gives what somebody wants to see.

Only steps that are looked into run that program, so that all others cost nothing. It does the rest as the other one
does, in the same order, and so the same bits are learned with looks as without.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import powertrain as pt
from powertrain.autodiff.row_sparse import RowSparse

if TYPE_CHECKING:
    from powertrain.nn import Module
    from powertrain.nn.hooks import Hook


class Look(Protocol):
    """The traced side: what one program gives beside its work. `hooks` are on the modules while it runs."""

    hooks: Sequence[tuple[Module, Hook]]

    def begin(self) -> None:
        """Called where a trace begins: a step may be traced again."""

    def minimized(self, opt: Any, grads: Any, weight: Any) -> None:
        """Called inside a trace with the gradients of a sum, which the update divides by its weight."""

    def found(self) -> pt.Tensor:
        """Called where a trace ends: what the program gives."""


class Observer(Protocol):
    """The host side: which steps are looked into, and who is told."""

    @property
    def looks(self) -> bool:
        """Whether any step is looked into; settled before the first one."""

    def looks_into(self, step: int) -> bool: ...
    def look(self) -> Any:
        """A new Look, for one program."""

    def looked(self, step: int, look: Any, found: pt.Tensor) -> None:
        """Take in what a program gave."""


def parameter_name(opt: Any, path: str) -> str:
    """The name of a parameter in a run, which may have several optimizers."""
    return path if opt.name == "optimizer" else f"{opt.name.partition('.')[2]}.{path}"


def layer_of(parameter: str) -> str:
    """A layer has the names of its parameters without their last part.

    >>> layer_of("encoder.0.weight"), layer_of("bias")
    ('encoder.0', 'model')
    """
    return parameter.rpartition(".")[0] or "model"


def divisor(opt: Any, weight: Any) -> pt.Tensor:
    """What divides the gradients that `minimized` is given, until they are those of the mean loss."""
    scale = pt.asarray(1.0 if weight is None else weight)
    return scale if opt.loss_scale is None else scale * opt.loss_scale.slot.value


def dense(gradient: Any) -> pt.Tensor:
    """The numbers of a gradient. Of a row-sparse one, those of the rows that the step touched."""
    return gradient.summed()[0] if isinstance(gradient, RowSparse) else gradient


def as_real(tensor: pt.Tensor) -> pt.Tensor:
    """Real and imaginary parts as numbers of their own."""
    return pt.view_as_real(tensor) if tensor.dtype.is_complex else tensor
