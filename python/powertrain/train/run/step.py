"""The traced side of a step: what a strategy calls while its step is recorded."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import powertrain as pt
from powertrain import _core
from powertrain.autodiff.row_sparse import in_order, is_sparse, parted
from powertrain.errors.arguments import shown
from powertrain.train.folder.run_folder import RunError
from powertrain.train.run.logs import Logs, total_and_count

if TYPE_CHECKING:
    from powertrain.data import Batch
    from powertrain.train.anomalies.losses import RecentLosses
    from powertrain.train.run.looks import Look


class TracedBatch:
    """The fields of a batch as symbolic tensors: `batch.x`, `batch.y`, `batch.weight`."""

    def __init__(self, names: tuple[str, ...], tensors: tuple[Any, ...]) -> None:
        self.fields = dict(zip(names, tensors, strict=True))
        self.weight_was_read = False

    def __getattr__(self, name: str) -> Any:
        try:
            if name == "weight":
                self.weight_was_read = True
            return self.fields[name]
        except KeyError:
            raise AttributeError(f"the batch has no field {name!r}; it has {', '.join(self.fields)}") from None


def names_and_arrays(batch: Batch) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """The fields of a loader's batch in order, the weights last."""
    return batch.for_a_step()


def demand_weight_read(function: Any, batch: TracedBatch) -> None:
    """Refuse a step that would train all examples alike where they have weights."""
    if not batch.weight_was_read:
        name = getattr(function, "__qualname__", type(function).__name__)
        raise RunError(
            f"[weight] the examples have weights, which {name} does not read; expected a strategy that multiplies the "
            "loss of each example by batch.weight; leave the weights out, or choose another strategy or a loss per "
            "example"
        )


def spread(weight: Any, like: Any) -> Any:
    """Weights [batch] laid over values [batch, ...], so that each token of an example has its weight."""
    shape = tuple(like.shape)
    if shape[0] != weight.shape[0]:
        times, left = divmod(shape[0], weight.shape[0])
        several = f"pt.concat([batch.weight] * {times})"
        raise pt.ShapeError(
            f"[minimize] loss is {list(shape)}, weight is {list(weight.shape)}; expected one value per example, whose "
            "axis comes first; "
            + (
                f"pass {several} as the weight"
                if times > 1 and not left
                else "leave means and keepdims out of the loss"
            )
        )
    if len(shape) == 1:
        return weight
    return pt.broadcast_to(pt.reshape(weight, (shape[0], *[1] * (len(shape) - 1))), shape)


def gradients_of(total: Any, slots: Sequence[Any]) -> Any:
    """The gradients of a number that the trace has computed already, in the order of the slots."""
    # Inside a trace every call is remembered, and a slot's value is one tensor until the slot is assigned.
    _, tables = parted(slots)
    one = pt.ones((), dtype=total.dtype)
    values = [slot.value for slot in slots if not is_sparse(slot)]
    grads, rows, any_reached = _core.gradients_by_rows(total, one, values, tables)
    if not any_reached:
        raise pt.ShapeError(
            f"[minimize] the loss depends on none of the {len(slots)} parameters as they are now; expected a loss "
            "whose parameters were not assigned after the forward pass; take gradients before you assign, with "
            "pt.nn.value_and_grad, and give them to opt.update"
        )
    return in_order(slots, grads, rows)


class Step:
    """What `t` is in `def step(self, t, batch)`."""

    def __init__(self, watched: Mapping[str, RecentLosses] | None = None, looks: Sequence[Look] = ()) -> None:
        self._watched, self._looks = watched or {}, looks
        self.logged: dict[str, pt.Tensor] = {}  # [total, count] by name
        self._left_out: list[pt.Tensor] = []  # of each update that may be left out, whether it is
        self.rng = pt.random.default_generator()  # its state is a slot, so that a resume draws the same numbers

    def minimize(self, opt: Any, loss: Any, weight: Any = None, *, couples: bool = False) -> None:
        if not isinstance(loss, pt.Tensor):
            raise pt.DTypeError(
                f"[minimize] received {shown(loss)}; expected a tensor, one value per example; return it from the loss"
            )
        unfrozen = next((path for path, slot in opt.frozen if slot.trainable), None)
        if unfrozen is not None:
            raise pt.optim.OptimizerError(
                f"[{opt.name}] {unfrozen} was unfrozen after the optimizer was made, which would go on without it; "
                "expected parameters that are frozen or trained from the start on; unfreeze them before and give the "
                "optimizer unfreeze_every=STEPS, or train on from these weights by another pt.fit"
            )
        slots = [slot for _, slot in opt.params]
        total, counted = (loss, None) if couples else _summed(loss, weight)
        self.update(opt, gradients_of(opt.scaled(total), slots), total, counted)

    def update(self, opt: Any, grads: Sequence[Any], total: Any, counted: Any) -> None:
        """Update from the gradients of a loss, which is the sum `total` over examples of the weight `counted`."""
        for look in self._looks:
            look.minimized(opt, grads, counted)
        left_out = None
        if opt.name in self._watched:
            left_out = self._watched[opt.name].update(opt, grads, total, counted)
        elif opt.loss_scale is not None:
            left_out = update_scaled(opt, grads, counted)
        else:
            opt.update(grads, counted)
        if left_out is not None:
            self._left_out.append(left_out)

    def gradients(self, total: Any, values: Sequence[Any]) -> list[Any]:
        """The gradients of a number by values on the way to it, of which one may depend on another."""
        return _core.gradients_along(total, pt.ones((), dtype=total.dtype), values)

    def log(self, name: str, total: Any, count: Any = 1) -> None:
        pair = total_and_count(total, count)
        self.logged[name] = self.logged[name] + pair if name in self.logged else pair

    def finish(self, logs: Logs) -> None:
        """Add what was logged to the means, unless an update of the step is left out. Called where the trace ends:
        before, nobody knows whether one will be."""
        unless = functools.reduce(pt.logical_or, self._left_out) if self._left_out else None
        for name, pair in self.logged.items():
            logs.add(name, pair, unless)


def update_scaled(opt: Any, grads: Sequence[Any], weight: Any) -> pt.Tensor:
    """Update by gradients of a scaled loss; whether the update is left out, since they are not finite."""
    finite: list[pt.Tensor] = []

    def check(norm: pt.Tensor) -> pt.Tensor:
        finite.append(pt.isfinite(norm))
        return pt.guard(norm, skip=True)

    opt.update(grads, weight, check=check)
    return pt.logical_not(finite[0])


def _summed(loss: Any, weight: Any) -> tuple[Any, Any]:
    """The sum of the losses of a batch, and the total weight that it is divided by."""
    if not loss.shape:
        raise pt.ShapeError(
            "[minimize] loss is one number; expected one value per example, which the engine divides by the "
            "total weight; leave the mean out, or pass couples=True where the examples of a batch belong together"
        )
    if weight is None:
        return pt.sum(loss), float(math.prod(loss.shape))
    weights = spread(weight, loss)
    return pt.sum(loss * weights), pt.sum(weights)
