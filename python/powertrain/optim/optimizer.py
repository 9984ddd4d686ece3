"""What all optimizers share: flat state, groups, accumulation, clipping, the guard and the schedule.

Parameters of one group lie in one flat buffer, and so do their gradients and each moment; an optimizer is the function
`update_flat` over such buffers. With one group, which is the rule, a step reads the gradients once for the norm and
then sweeps all state once.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, NoReturn, TypeAlias, TypeVar

import powertrain as pt
from powertrain.errors.methods import missing, needed_unless
from powertrain.io.plain_number import plain_number
from powertrain.nn.module import Module
from powertrain.optim.accumulation import Accumulation, Gathered, divisor
from powertrain.optim.clipping import Guarded, clipped, global_norm, guarded
from powertrain.optim.hints import NotStepped, ParamGroup
from powertrain.optim.moments import Moments, checked
from powertrain.optim.momentum import Momentum
from powertrain.optim.parameters import Named, choose
from powertrain.optim.parts import Part, Rows, in_dtype, make_parts, scalar_dtype
from powertrain.optim.received import Gradients, check_gradients, lay_out, not_finite
from powertrain.optim.scaling import LossScale
from powertrain.optim.schedules.combined import as_schedule
from powertrain.optim.settings import OptimizerError, check_settings, refuse_unknown
from powertrain.optim.state import Stateful
from powertrain.plugin.declared import Declared
from powertrain.plugin.group import Group
from powertrain.plugin.schedule import Factor, Schedule
from powertrain.program.facts import Watched
from powertrain.program.slots import SkippedError

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from powertrain.optim.settings import Settings
    from powertrain.typing import Numbers, TensorLike

State: TypeAlias = Mapping[str, pt.Tensor]

Self = TypeVar("Self", bound="Optimizer")


class Optimizer(NotStepped, Watched, Stateful, Momentum, Declared, declares=True):
    """The frame of an optimizer. A subclass names its moments and writes `scalars` and `update_flat`.

    params      a module, its parameters(), slots, (name, slot) pairs, or a list of groups such as
                {"params": model.head, "lr": 0.01, "weight_decay": 0.0}; frozen parameters are left out
    lr          the rate; `opt.lr = 0.1` changes it, in compiled steps too, since it is a slot
    schedule    one of pt.optim.schedules, or a function of the count of updates that gives a factor on the rate
    clip        largest norm of all gradients together; larger ones are scaled down
    clip_value  largest magnitude of one number of a gradient; larger ones are cut
    accumulate  gradients of so many calls make one update
    loss_scale  for float16: what `scaled` multiplies a loss with: pt.optim.LossScale()
    maximize    go up instead of down
    track_grad_norm  keep the norm of the gradients for `grad_norm`, where neither clip nor loss_scale needs it
    groups      settings by a pattern of names: [{"match": "*.bias", "weight_decay": 0.0}]; lr, start, frozen too
    layer_decay      each layer's rate is that of the next one to the output times this: 0.8, for example
    unfreeze_every   train the last layer alone, and one more before it after every so many updates

    A layer is what is below one number of the names, such as blocks.3.

    Complex parameters are two real ones each, as PyTorch has it; moments are of their parts, [..., 2].

    Example
        >>> class SignDescent(pt.optim.Optimizer):
        ...     def update_flat(self, p, g, state, decay, scalars):
        ...         return p - scalars["rate"] * pt.sign(g), {}
        >>> layer = pt.nn.Linear(1, 1, bias=False)
        >>> opt, before = SignDescent(layer, lr=0.5), layer.weight.value.item()
        >>> opt.update(pt.nn.value_and_grad(layer, lambda x: layer(x).sum())(pt.ones((1, 1)))[1])
        >>> round(layer.weight.value.item() - before, 3)
        -0.5
    """

    MOMENTS: ClassVar[tuple[str, ...]] = ()
    # Whether `update_flat` multiplies gradients by scalars["factor"], if that is there, on its own way through them.
    SCALES: ClassVar[bool] = False
    # Whether rows without a gradient may stay as they are, moments too: `update_flat` of the others is an update then.
    ROWS: ClassVar[bool] = False
    # Numbers in float64 that go from update to update beside the step, and what they begin with: see `advance`.
    COUNTERS: ClassVar[Mapping[str, float]] = {}
    # Whether updates make use of `decay`; where not, a weight decay that somebody asks for is an error.
    DECAYS: ClassVar[bool] = True
    # What a schedule such as OneCycleLR may set at each update: "momentum", or "betas", whose first it is. Formulas
    # take it from `momentum_of(scalars)`, and `scalars` from `momentum_at(step)`.
    CYCLED: ClassVar[str] = ""

    def __init__(
        self,
        params: Named,
        *,
        lr: float,
        weight_decay: float = 0.0,
        schedule: Schedule | Factor | None = None,
        clip: float | None = None,
        clip_value: float | None = None,
        accumulate: int = 1,
        loss_scale: LossScale | None = None,
        maximize: bool = False,
        track_grad_norm: bool = False,
        groups: Sequence[Group | Mapping[str, object]] = (),
        layer_decay: float | None = None,
        unfreeze_every: int | None = None,
        name: str = "optimizer",
        **unknown: object,
    ) -> None:
        if unknown:
            refuse_unknown(type(self), unknown)
        lr, weight_decay, accumulate = plain_number(lr), plain_number(weight_decay), plain_number(accumulate)
        clip, clip_value, layer_decay = plain_number(clip), plain_number(clip_value), plain_number(layer_decay)
        check_settings(name, lr=lr, weight_decay=weight_decay, clip=clip, clip_value=clip_value, accumulate=accumulate)
        check_settings(name, layer_decay=layer_decay, unfreeze_every=unfreeze_every)
        chosen, frozen = choose(name, params, groups, lr, layer_decay, unfreeze_every)
        if clip is not None and clip_value is not None:
            raise OptimizerError(
                f"[{name}] clip = {clip:g}, clip_value = {clip_value:g}; expected one of them; clip by norm is usual"
            )
        self.name, self.accumulate = name, accumulate
        self.schedule = None if schedule is None else as_schedule(name, schedule)
        if self.schedule is not None:
            self.schedule.check(name)
            self.check_momentum()
        self.clip, self.clip_value, self.maximize = clip, clip_value, maximize
        self.track_grad_norm = track_grad_norm
        self.loss_scale = loss_scale
        if loss_scale is not None:
            loss_scale.own(name)
        self.updates = pt.Slot(pt.tensor(0, dtype="int64"), name=f"{name}.updates")
        self._counters = {
            key: pt.Slot(pt.tensor(first, dtype="float64"), name=f"{name}.{key}")
            for key, first in self.COUNTERS.items()
        }
        self.params = [(one.path, one.slot) for one in chosen]
        self.frozen = [(one.path, one.slot) for one in frozen]  # when it was made
        widest = "float64" if any(scalar_dtype(slot) == "float64" for _, slot in self.params) else "float32"
        # In float64, so that the rate of an update is rounded once.
        self._rate = pt.Slot(pt.tensor(lr, dtype="float64"), name=f"{name}.lr")
        # Not part of the state: no update depends on it.
        self._norm = pt.Slot(pt.tensor(math.nan, dtype="float64"), name=f"{name}.grad_norm")
        self._held = Accumulation(name, accumulate, widest) if accumulate > 1 else None
        self.replaced_by = ""  # the name of a later optimizer that took parameters of this one
        self.parts = list(make_parts(self, chosen, weight_decay))

    @classmethod
    def build(cls: type[Self], params: NoReturn, module: Module, **settings: Unpack[Settings]) -> Self:
        """From the parameters of a recipe, which are those of the constructor, betas one by one."""
        given = {field.name: getattr(params, field.name) for field in dataclasses.fields(params)}
        if "beta1" in given:
            given["betas"] = (given.pop("beta1"), given.pop("beta2"))
        return cls(module, **given, **settings)

    def __repr__(self) -> str:
        groups = [f"lr={group['lr']:g}, weight_decay={group['weight_decay']:g}" for group in self.param_groups]
        counted = [f"{len(part.places)} parameters: {said}" for part, said in zip(self.parts, groups, strict=True)]
        return f"{type(self).__name__}({'; '.join(counted)})"

    # ------------------------------------------------------------ what a run sees

    @property
    def lr(self) -> pt.Tensor:
        """The rate before the schedule's factor."""
        return self._rate.value

    @lr.setter
    def lr(self, rate: TensorLike) -> None:
        rate = plain_number(rate)
        if not hasattr(rate, "shape"):
            if rate != 0:  # where a warm-up by hand begins
                check_settings(self.name, lr=rate)
            rate = pt.tensor(rate, dtype="float64")
        self._rate.value = pt.astype(rate, "float64")

    @property
    def scheduled_lr(self) -> pt.Tensor:
        """The rate of the next update: what the schedule makes of `lr`."""
        return self._scheduled(self._rate.value, self.updates.value)

    def _scheduled(self, rate: pt.Tensor, updates: pt.Tensor) -> pt.Tensor:
        if self.schedule is None:
            return rate
        return self.schedule.rate(pt.astype(updates, "float64"), rate)

    @property
    def grad_norm(self) -> pt.Tensor:
        """The norm of all gradients of the last update, before clipping; NaN before the first one.

        It is there where an update computes it: with `clip`, `loss_scale` or parts of several settings, or if it is
        asked for by `track_grad_norm=True`.
        """
        if not (self.track_grad_norm or self.clip is not None or self.loss_scale is not None or len(self.parts) > 1):
            raise OptimizerError(
                f"[{self.name}] grad_norm of updates that compute none; expected clip, or track_grad_norm=True; write "
                f"{type(self).__name__}(model, track_grad_norm=True)"
            )
        return self._norm.value

    @property
    def pending(self) -> pt.Tensor | None:
        """Whether gradients are held for an update that later calls make; None without `accumulate`."""
        return None if self._held is None else pt.greater(self._held.calls.value, 0)

    @property
    def param_groups(self) -> list[ParamGroup]:
        """The parameters by their settings, to read: `params`, `names`, `lr` before the schedule, `weight_decay` and
        `start`."""
        lr = float(self.lr.item())
        return [
            ParamGroup(
                params=[self.params[place][1] for place in part.places],
                names=[self.params[place][0] for place in part.places],
                lr=lr * part.rate,
                weight_decay=part.weight_decay,
                start=part.start,
            )
            for part in self.parts
        ]

    def named_slots(self) -> Iterator[tuple[str, pt.Slot]]:
        """Every slot of the optimizer by name; moments as views `optimizer.m.<parameter>`, so no layout is saved."""
        for slot in (self._rate, self.updates, *self._counters.values(), *(self._held.slots() if self._held else ())):
            yield slot.name, slot
        if self.loss_scale is not None:
            yield from self.loss_scale.named_slots()
        for part in self.parts:
            divided = [] if part.updated is None else [part.updated, *part.state.values()]
            yield from ((slot.name, slot) for slot in divided)
            for flat in (*(() if divided else part.state.values()), part.gradient):
                if flat is not None:
                    yield from ((view.name, view) for view in ([flat] if part.sparse else flat.views))

    # ------------------------------------------------------------ what a subclass writes

    @property
    def elementwise(self) -> bool:
        """Whether an update treats each number by itself, so that complex parameters are pairs of real ones."""
        return type(self).update_flat is not Optimizer.update_flat

    def moment_shape(self, moment: str, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of a moment of a parameter; it begins with zeros."""
        return shape

    def advance(self, step: pt.Tensor, counters: Mapping[str, pt.Tensor]) -> dict[str, pt.Tensor]:
        """The counters after this update, which are among its scalars."""
        return dict(counters)

    def scalars(self, step: pt.Tensor, rate: pt.Tensor, decay: float) -> Numbers:
        """The numbers of one update of a part, from the count of updates with this one and the rate.

        They have the rate's dtype: float64 for float64 parameters, else float32.
        """
        return {"rate": rate}

    def update_part(self, part: Part, g: pt.Tensor, scalars: Numbers) -> tuple[pt.Tensor, dict[str, pt.Tensor]]:
        """New values and moments of a part."""
        state = Moments(self, {name: slot.value for name, slot in part.state.items()})
        if not part.complex:
            return self.update_flat(part.own(part.values.value), part.own(g), state, part.weight_decay, scalars)
        given = self.update_flat(_parts_of(part.values.value), g, state, part.weight_decay, scalars)
        p, new = checked(self, given, state, g.shape)
        return pt.view_as_complex(pt.reshape(p, (-1, 2))), new

    def _update_rows(
        self, part: Part, sums: pt.Tensor, rows: Rows, scalars: Numbers
    ) -> tuple[pt.Tensor, dict[str, pt.Tensor]]:
        """A table after an update of the rows that have a gradient. Of a row that occurs twice both are the same."""
        state = Moments(self, {name: pt.take(slot.value, rows.index) for name, slot in part.state.items()})
        given = self.update_flat(rows.before, pt.take(sums, rows.place), state, part.weight_decay, scalars)
        p, new = checked(self, given, state, rows.before.shape)
        put = pt.ops.functional.OPERATORS["put_rows"]
        return put(part.values.value, rows.index, p), {k: put(part.state[k].value, rows.index, new[k]) for k in new}

    @needed_unless("update_part", "update")
    def update_flat(
        self, p: pt.Tensor, g: pt.Tensor, state: Mapping[str, pt.Tensor], decay: float, scalars: Numbers
    ) -> tuple[pt.Tensor, dict[str, pt.Tensor]]:
        """New values and moments of one flat buffer; elementwise and pure."""
        raise missing(self, "update_flat")

    # ------------------------------------------------------------ the update

    def flatten(self, grads: Gradients) -> list[pt.Tensor]:
        """Gradients, or other numbers by parameter, as one flat tensor for each of `parts`, like its moments.

        For an optimizer that is given more than gradients, such as an estimate of curvature.
        """
        return lay_out(self.parts, check_gradients(self, grads))[0]

    def scaled(self, loss: pt.Tensor) -> pt.Tensor:
        """The loss to differentiate: times the loss scale, if there is one; `update` divides by it."""
        return loss if self.loss_scale is None else loss * self.loss_scale.slot.value

    def update(
        self,
        grads: Gradients,
        weight: TensorLike | None = None,
        *,
        check: Callable[[pt.Tensor], pt.Tensor] | None = None,
    ) -> None:
        """Make one update from the gradients. If one of them is not finite, nothing of it happens.

        It ends a phase: what a step writes is committed whole up to here, or not at all.

        `grads` is what `pt.nn.value_and_grad` gave: a dict by the paths of the parameters, in any order, or a list in
        the order of `opt.params`.

        With `weight` the gradients are those of a sum whose total weight it is, and are divided by it. With
        accumulation they are divided once, by the weight of all calls, so that ragged batches count by their examples.
        With a loss scale they are those of the scaled loss; a step whose gradients are not finite changes the scale
        alone.

        `check` takes the place of the guard: it gets the norm of all gradients and gives it back, guarded. With
        `lambda norm: pt.guard(pt.where(doubt, math.nan, norm), skip=True)` an update is left out where the step has its
        own `doubt`. A guard without `skip` raises.
        """
        given = check_gradients(self, grads)
        with pt.autocast("f32"):
            flat, rows = lay_out(self.parts, given)
            if self.loss_scale is not None:
                scale = self.loss_scale.slot.value
                flat = [g / scale for g in flat]
            held = self._held.gather(self.parts, flat, weight) if self._held else None
            if held is None and weight is not None:
                total = weight if isinstance(weight, (int, float)) and weight else divisor(weight)
                flat = [g / total for g in flat]
            flat = [self._awake(part, g) for part, g in zip(self.parts, flat, strict=True)]
            norm = None if self.loss_scale is None and check is None else global_norm(flat)
            try:
                if norm is None:
                    found = guarded(flat, self.clip, self.clip_value, self.track_grad_norm)
                else:
                    checked = check(norm) if check else pt.guard(norm, skip=True)
                    found = clipped(flat, checked, self.clip, self.clip_value)
            # Both are of a step that is not compiled: in a compiled one the guard itself skips or raises.
            except SkippedError:
                pass
            except pt.NonFiniteError as error:
                raise not_finite(self, given) or error from None
            else:
                self._update(found, held, rows)
            if self.loss_scale is not None and norm is not None:
                self.loss_scale.adjust(norm)

    def _awake(self, part: Part, g: pt.Tensor) -> pt.Tensor:
        """The gradient of a part, zero before it is trained: it counts in no norm then."""
        return g if part.start == 0 else pt.where(self.updates.value >= part.start, g, pt.zeros((), g.dtype))

    def _update(self, grads: Guarded, held: Gathered | None, rows: list[Rows | None]) -> None:
        """One update from the gradients of each part, if this call is the last that makes one. All of it is computed
        before anything is written: what fails on the way leaves no part updated."""
        writes = list(self._writes(grads, None if held is None else held.due, rows))
        for slot, value in [*writes, *(held.writes if held else ())]:
            slot.value = value
        pt.end_phase()

    def _writes(
        self, grads: Guarded, last: pt.Tensor | None, rows: list[Rows | None]
    ) -> Iterator[tuple[pt.Slot, pt.Tensor]]:
        """The slots that an update changes, with their new values."""
        before = self.updates.value
        step = before + 1
        counters = self.advance(step, {name: slot.value for name, slot in self._counters.items()})
        rates: dict[float, pt.Tensor] = {}
        for part, g, found in zip(self.parts, grads.flat, rows, strict=True):
            dtype = scalar_dtype(part.values)
            if part.rate not in rates:
                base = self._rate.value if part.rate == 1.0 else self._rate.value * part.rate
                rates[part.rate] = self._scheduled(base, before)
            rate = in_dtype(dtype, rates[part.rate])
            g = -g if self.maximize else g
            moved = self.moved_momentum(step, dtype)
            # Moments begin with the part, and so does the count that corrects them.
            own = step if part.start == 0 else pt.maximum(step - part.start, 1)
            scalars = {**self.scalars(own, rate, part.weight_decay), **moved, **counters}
            if grads.factor is not None:
                shrunk = in_dtype(dtype, grads.factor)
                g, scalars = (g, {**scalars, "factor": shrunk}) if self.SCALES else (g * shrunk, scalars)
            home = part.values if part.updated is None else part.updated
            if found:
                p, new = self._update_rows(part, g, found, scalars)
            else:
                p, new = checked(self, self.update_part(part, g, scalars), part.state, home.shape)
            due = _both(last, None if part.start == 0 else step > part.start)
            yield home, _if_due(due, p, home)
            yield from ((part.state[name], _if_due(due, value, part.state[name])) for name, value in new.items())
        yield self.updates, _if_due(last, step, self.updates)
        if grads.norm is not None:
            yield self._norm, _if_due(last, grads.norm, self._norm)
        for name, value in counters.items():
            yield self._counters[name], _if_due(last, value, self._counters[name])


def _parts_of(numbers: pt.Tensor) -> pt.Tensor:
    """Real and imaginary parts by turns."""
    return pt.reshape(pt.view_as_real(numbers), (-1,))


def _both(first: pt.Tensor | None, second: pt.Tensor | None) -> pt.Tensor | None:
    if first is None or second is None:
        return second if first is None else first
    return pt.logical_and(first, second)


def _if_due(due: pt.Tensor | None, value: pt.Tensor, slot: pt.Slot) -> pt.Tensor:
    """The value where it is due, else what the slot holds."""
    return value if due is None else pt.where(due, value, slot.value)
