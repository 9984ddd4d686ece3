"""What an update takes and gives: the moments by name, and new values with new moments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import powertrain as pt
from powertrain.errors.arguments import shown
from powertrain.optim.settings import OptimizerError

if TYPE_CHECKING:
    from powertrain.optim.optimizer import Optimizer


class MomentError(OptimizerError, KeyError):
    """A moment that no optimizer of the class keeps."""

    __str__ = Exception.__str__


class Moments(dict[str, pt.Tensor]):
    """The moments of a part. One that the class does not name is an error that says where to name it."""

    def __init__(self, optimizer: Optimizer, moments: Mapping[str, pt.Tensor]) -> None:
        super().__init__(moments)
        self._optimizer = optimizer

    def __missing__(self, name: str) -> NoReturn:
        raise MomentError(_undeclared(self._optimizer, f"reads the moment {shown(name)}", name))


def checked(
    optimizer: Optimizer, given: Any, kept: Mapping[str, object], shape: Sequence[int]
) -> tuple[pt.Tensor, dict[str, pt.Tensor]]:
    """New values and moments, as the method of a subclass gave them."""
    pair = isinstance(given, (tuple, list)) and len(given) == 2
    if not pair or not isinstance(given[0], pt.Tensor) or not isinstance(given[1], Mapping):
        received = f"({', '.join(map(shown, given))})" if isinstance(given, (tuple, list)) else shown(given)
        moments = ", ".join(f'"{name}": {name}' for name in kept)
        raise OptimizerError(
            f"[{_method(optimizer)}] gives {received}; expected new values and a dict of moments; end it with return "
            f"p, {{{moments}}}"
        )
    p, new = given
    for name in new:
        if name not in kept:
            raise OptimizerError(_undeclared(optimizer, f"gives the moment {shown(name)}", name))
    if tuple(p.shape) != tuple(shape):
        raise OptimizerError(
            f"[{_method(optimizer)}] gives values {list(p.shape)}; expected {list(shape)}, the shape of p; leave sums "
            "and means out of the new values"
        )
    return p, dict(new)


def _undeclared(optimizer: Optimizer, does: str, name: str) -> str:
    declared = tuple(optimizer.MOMENTS)
    return (
        f"[{_method(optimizer)}] {does}; expected one of MOMENTS, which is {declared}; write MOMENTS = "
        f"{(*declared, name)}"
    )


def _method(optimizer: Optimizer) -> str:
    """The method that a subclass wrote, and its line."""
    from powertrain.optim.optimizer import Optimizer
    from powertrain.plugin.blame import written_in

    kind = type(optimizer)
    own = kind.update_flat if kind.update_part is Optimizer.update_part else kind.update_part
    return written_in(own)
