"""Gradients made smaller before an update; `clip` and `clip_value` of an optimizer do it in the update itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar

import powertrain as pt
from powertrain.autodiff.row_sparse import RowSparse
from powertrain.errors.arguments import shown
from powertrain.optim.settings import OptimizerError, check_settings

G = TypeVar("G")


def clip_by_global_norm(grads: G, max_norm: float) -> tuple[G, pt.Tensor]:
    """Scale gradients down to a norm of all together of at most `max_norm`; returns them and the norm before.

    `grads` is what value_and_grad gave: a tensor, or lists, tuples and dicts. The norm is computed in float64.

    Errors    max_norm not above 0; a gradient that is no tensor
    Source    Pascanu et al. 2013; the factor of torch.nn.utils.clip_grad_norm_
    Example
        >>> import powertrain as pt
        >>> grads, norm = pt.optim.clip_by_global_norm([pt.tensor([3.0]), pt.tensor([4.0])], 1.0)
        >>> norm.item(), round(grads[1].item(), 4)
        (5.0, 0.8)
    """
    check_settings("clip_by_global_norm", max_norm=max_norm)
    norm = global_norm(_numbers("clip_by_global_norm", grads))
    factor = pt.minimum(max_norm / (norm + 1e-6), 1.0)
    return _each(grads, lambda g: g * pt.astype(factor, g.dtype)), norm


def clip_by_value(grads: G, max_value: float) -> G:
    """Cut each number of gradients to the range from -max_value to max_value.

    Errors    max_value not above 0; a gradient that is no tensor, or row-sparse
    Example
        >>> import powertrain as pt
        >>> pt.optim.clip_by_value({"w": pt.tensor([3.0, -0.5])}, 1.0)["w"].numpy().tolist()
        [1.0, -0.5]
    """
    check_settings("clip_by_value", clip_value=max_value)
    _numbers("clip_by_value", grads)
    return _each(grads, lambda g: pt.clip(g, -max_value, max_value))


def global_norm(numbers: list[pt.Tensor]) -> pt.Tensor:
    """The norm of all numbers together, in float64, so that the squares of finite ones stay finite."""
    squares = [pt.sum(pt.square(pt.astype(g, "float64"))) for g in numbers]
    return pt.sqrt(sum(squares[1:], squares[0]))


@dataclasses.dataclass(frozen=True)
class Guarded:
    """Gradients of each part that are finite, the factor that clips them, and their norm where it was computed."""

    flat: list[pt.Tensor]
    factor: pt.Tensor | None = None
    norm: pt.Tensor | None = None


def guarded(flat: list[pt.Tensor], clip: float | None, clip_value: float | None, with_norm: bool) -> Guarded:
    """Gradients with one guard for all parts, so that an update is whole or nothing."""
    if clip is None and len(flat) == 1 and not with_norm:
        return Guarded(_cut([pt.guard(flat[0])], clip_value))
    return clipped(flat, pt.guard(global_norm(flat)), clip, clip_value)


def clipped(flat: list[pt.Tensor], norm: pt.Tensor, clip: float | None, clip_value: float | None) -> Guarded:
    """Gradients of this norm, scaled to one of at most `clip`."""
    if clip is None:
        return Guarded(_cut(flat, clip_value), None, norm)
    return Guarded(flat, pt.minimum(clip / (norm + 1e-6), 1.0), norm)


def _cut(flat: list[pt.Tensor], clip_value: float | None) -> list[pt.Tensor]:
    """Gradients that are finite, with no number beyond clip_value."""
    if clip_value is None:
        return flat
    return [pt.clip(g, -clip_value, clip_value) for g in flat]


def _numbers(where: str, grads: Any) -> list[pt.Tensor]:
    """The numbers of all gradients; of rows that belong to one index their sum counts."""
    found: list[pt.Tensor] = []

    def walk(tree: Any) -> None:
        if isinstance(tree, RowSparse):
            found.append(tree.summed()[0])
        elif isinstance(tree, pt.Tensor):
            found.append(pt.view_as_real(tree) if tree.dtype.is_complex else tree)
        elif isinstance(tree, (dict, list, tuple)):
            for item in tree.values() if isinstance(tree, dict) else tree:
                walk(item)
        elif tree is not None:
            raise OptimizerError(f"[{where}] received {shown(tree)}; expected gradients; pass what value_and_grad gave")

    walk(grads)
    if not found:
        raise OptimizerError(f"[{where}] received no gradients; expected some; pass what value_and_grad gave")
    return found


def _each(tree: Any, change: Callable[[pt.Tensor], pt.Tensor]) -> Any:
    if isinstance(tree, RowSparse):
        index, rows = tree.index, change(tree.rows)
        return dataclasses.replace(tree, index=index, rows=rows)
    if isinstance(tree, dict):
        return {key: _each(item, change) for key, item in tree.items()}
    if isinstance(tree, (list, tuple)):
        items = [_each(item, change) for item in tree]
        return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)
    return None if tree is None else change(tree)
