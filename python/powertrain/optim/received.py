"""The gradients that an update receives: their check, and how they are laid out by parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import powertrain as pt
from powertrain.autodiff.row_sparse import RowSparse, is_sparse
from powertrain.errors.arguments import shown
from powertrain.nn.gradients import paths_in_models
from powertrain.optim.hints import HOW_TO_UPDATE, SEVERAL_MODULES
from powertrain.optim.parts import Part, Rows
from powertrain.optim.settings import OptimizerError

if TYPE_CHECKING:
    from powertrain.optim.optimizer import Optimizer

Gradients: TypeAlias = Mapping[str, pt.Tensor | RowSparse] | Sequence[pt.Tensor | RowSparse]


class LaidOut(list[Any]):
    """The gradients by parameter of flat ones, which lie as the parts of an optimizer do: an update takes these."""

    def __init__(self, parts: Sequence[Part], flat: Sequence[pt.Tensor]) -> None:
        piece = pt.ops.functional.OPERATORS["flat_view"]
        found: dict[int, pt.Tensor] = {}
        for part, whole in zip(parts, flat, strict=True):
            for place, segment in zip(part.places, part.layout.segments, strict=True):
                one = piece(whole, segment.offset, segment.shape)
                found[place] = pt.view_as_complex(one) if part.complex else one
        super().__init__(found[place] for place in range(len(found)))
        self.flat = list(flat)


def check_gradients(optimizer: Optimizer, grads: Gradients) -> list[pt.Tensor | RowSparse]:
    """The gradients in the order of `params`, each of the shape and kind of its parameter."""
    where = optimizer.name
    if optimizer.replaced_by:
        raise OptimizerError(
            f"[{where}] update() after {optimizer.replaced_by} was made with some of its parameters; expected one "
            "optimizer for a parameter, or several of the same ones in the same groups; update with the later one"
        )
    given = _by_path(optimizer, grads) if isinstance(grads, Mapping) else grads
    wrong = [given] if not isinstance(given, (list, tuple)) else [g for g in given if not hasattr(g, "shape")]
    if wrong:
        fix = SEVERAL_MODULES if isinstance(wrong[0], Mapping) else HOW_TO_UPDATE
        raise OptimizerError(
            f"[{where}] received {shown(wrong[0])} for gradients; expected those by the parameters; {fix}"
        )
    if len(given) != len(optimizer.params):
        raise OptimizerError(
            f"[{where}] {len(given)} gradients; expected {len(optimizer.params)}, one for each parameter; "
            "freeze parameters before the optimizer is made, and pass it what value_and_grad gave"
        )
    for (path, slot), grad in zip(optimizer.params, given, strict=True):
        if not slot.trainable:
            raise OptimizerError(
                f"[{where}] {path} was frozen after the optimizer was made, which would go on to decay it; expected "
                "parameters that are trained; freeze before, or make the optimizer again"
            )
        if tuple(grad.shape) != tuple(slot.shape):
            raise OptimizerError(
                f"[{where}] gradient of {path} is {list(grad.shape)}; expected {list(slot.shape)}; "
                "pass gradients in the order of optimizer.params"
            )
        if is_sparse(slot) != isinstance(grad, RowSparse):
            wanted, kind = ("a RowSparse", "a tensor") if is_sparse(slot) else ("a tensor", "a RowSparse")
            raise OptimizerError(
                f"[{where}] gradient of {path} is {kind}; expected {wanted}; pass what value_and_grad gave"
            )
    return given if isinstance(given, LaidOut) else list(given)


def _by_path(optimizer: Optimizer, grads: Mapping[str, pt.Tensor | RowSparse]) -> list[pt.Tensor | RowSparse]:
    paths = [path for path, _ in optimizer.params]
    wrong = [f"{path} is missing" for path in paths if path not in grads]
    if not wrong and len(grads) == len(paths):
        return [grads[path] for path in paths]
    # Of groups of bare parameters the optimizer does not know the paths; the model whose gradients these are does.
    for named in paths_in_models([slot for _, slot in optimizer.params]):
        if set(named) == set(grads):
            return [grads[path] for path in named]
    known = set(paths)
    wrong += [f"{shown(path)} is no parameter of the optimizer" for path in grads if path not in known]
    listed = "; ".join(wrong[:4]) + (f"; and {len(wrong) - 4} more" if len(wrong) > 4 else "")
    raise OptimizerError(
        f"[{optimizer.name}] {len(grads)} gradients: {listed}; expected one for each of its {len(paths)} parameters; "
        "take gradients by the model that the optimizer was made with, and make it again after freeze and unfreeze"
    )


def not_finite(optimizer: Optimizer, grads: Sequence[pt.Tensor | RowSparse]) -> pt.NonFiniteError | None:
    """The error that names the parameters whose gradients are not finite; None if all are."""
    named = []
    for (path, _), grad in zip(optimizer.params, grads, strict=True):
        values = grad.rows if isinstance(grad, RowSparse) else grad
        bad = values.size - pt.count_nonzero(pt.isfinite(values)).item()
        named += [f"{path} ({bad} of {values.size})"] if bad else []
    if not named:
        return None
    listed = ", ".join(named[:4]) + (f" and {len(named) - 4} more" if len(named) > 4 else "")
    return pt.NonFiniteError(
        f"[{optimizer.name}] received gradients that are not finite, of {listed}; expected finite gradients; compile "
        "the step, pt.compile(step): its error names the op and the line that made the first such number"
    )


def lay_out(parts: Sequence[Part], grads: Sequence[Any]) -> tuple[list[pt.Tensor], list[Rows | None]]:
    """The gradient of each part as one tensor; of a sparse one its rows, and beside it where these belong."""
    if isinstance(grads, LaidOut):
        return grads.flat, [None] * len(parts)
    flat: list[pt.Tensor] = []
    rows: list[Rows | None] = []
    for part in parts:
        given = [grads[place] for place in part.places]
        if part.sparse:
            sums, place = given[0].summed()
            flat.append(sums)
            rows.append(Rows(given[0].index, place, pt.take(part.values.value, given[0].index)))
        else:
            flat.append(pt.pack([pt.view_as_real(g) for g in given] if part.complex else given, part.layout))
            rows.append(None)
    return flat, rows
