"""What all optimizers share: flat state, groups, accumulation, clipping, the guard and the schedule.

Parameters of one group lie in one flat buffer, and so do their gradients and each moment; an optimizer is the function
`update_flat` over such buffers. With one group, which is the rule, a step reads the gradients once for the norm and
then sweeps all state once.
"""

from __future__ import annotations

import contextlib
import dataclasses
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, TypeVar

import powertrain as pt
from powertrain.autodiff.row_sparse import RowSparse, is_sparse
from powertrain.errors.boundary import shown
from powertrain.errors.methods import missing, needed_unless
from powertrain.nn.module import Module
from powertrain.optim.clipping import global_norm
from powertrain.optim.hints import HOW_TO_UPDATE, NotStepped, ParamGroup
from powertrain.optim.parameters import Chosen, Group, Named, choose, holds_alone
from powertrain.optim.scaling import LossScale
from powertrain.optim.settings import OptimizerError, check_schedule, check_settings, refuse_unknown
from powertrain.optim.state import Stateful
from powertrain.plugin.declared import Declared
from powertrain.program.facts import Watched
from powertrain.program.slots import REAL, RealLayout, Segment

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from powertrain.optim.settings import Settings
    from powertrain.typing import Numbers, TensorLike

Schedule = Callable[[pt.Tensor], pt.Tensor]
State: TypeAlias = Mapping[str, pt.Tensor]
Gradients: TypeAlias = Mapping[str, pt.Tensor | RowSparse] | Sequence[pt.Tensor | RowSparse]


Self = TypeVar("Self", bound="Optimizer")


@dataclasses.dataclass
class Part(Watched):
    """Parameters with the same settings: one flat buffer of values and one of each moment.

    A table with row-sparse gradients is a part by itself, and values and moments are its own shape.
    """

    rate: float
    weight_decay: float
    places: list[int]
    values: pt.Slot
    state: dict[str, pt.Slot]
    gradient: pt.Slot | None
    # How gradients and moments lie: as the values, or, of complex ones, as their parts.
    layout: pt.Slot | RealLayout
    sparse: bool = False

    @property
    def complex(self) -> bool:
        return isinstance(self.layout, RealLayout)


@dataclasses.dataclass(frozen=True)
class Rows:
    """Which rows of a table an update changes: its index [k]; the row of the summed gradients for each; and what the
    table held there, which is read in front of the guard, so that an index out of range changes nothing."""

    index: pt.Tensor
    place: pt.Tensor
    before: pt.Tensor


# The optimizers of a flat slot are held there, as an attribute of it.
_OWNERS = "optimizers"


class Optimizer(Watched, Stateful, NotStepped, Declared, declares=True):
    """The frame of an optimizer. A subclass names its moments and writes `scalars` and `update_flat`.

    params      a module, its parameters(), slots, (name, slot) pairs, or a list of groups such as
                {"params": model.head, "lr": 0.01, "weight_decay": 0.0}; frozen parameters are left out
    lr          the rate; `opt.lr = 0.1` changes it, in compiled steps too, since it is a slot
    schedule    a factor on the rate by update, see schedules.py
    clip        largest norm of all gradients together; larger ones are scaled down
    clip_value  largest magnitude of one number of a gradient; larger ones are cut
    accumulate  gradients of so many calls make one update
    loss_scale  for float16: what `scaled` multiplies a loss with, see scaling.py
    maximize    go up instead of down
    groups      settings by pattern of a name, for example [Group("*.bias", weight_decay=0.0)]

    Complex parameters are two real ones each, as PyTorch has it; moments are of their parts, [..., 2].
    """

    MOMENTS: ClassVar[tuple[str, ...]] = ()
    # Whether `update_flat` multiplies gradients by scalars["factor"], if that is there, on its own way through them.
    SCALES: ClassVar[bool] = False
    # Whether rows without a gradient may stay as they are, moments too: `update_flat` of the others is an update then.
    ROWS: ClassVar[bool] = False
    # Numbers in float64 that go from update to update beside the step, and what they begin with: see `advance`.
    COUNTERS: ClassVar[Mapping[str, float]] = {}

    def __init__(
        self,
        params: Named,
        *,
        lr: float,
        weight_decay: float = 0.0,
        schedule: Schedule | None = None,
        clip: float | None = None,
        clip_value: float | None = None,
        accumulate: int = 1,
        loss_scale: LossScale | None = None,
        maximize: bool = False,
        groups: Sequence[Group] = (),
        name: str = "optimizer",
        **unknown: object,
    ) -> None:
        if unknown:
            refuse_unknown(type(self), unknown)
        check_settings(name, lr=lr, weight_decay=weight_decay, clip=clip, clip_value=clip_value, accumulate=accumulate)
        check_schedule(name, schedule)
        chosen = choose(name, params, groups, lr)
        if clip is not None and clip_value is not None:
            raise OptimizerError(
                f"[{name}] clip = {clip:g}, clip_value = {clip_value:g}; expected one of them; clip by norm is usual"
            )
        self.name, self.schedule, self.accumulate = name, schedule, accumulate
        self.clip, self.clip_value, self.maximize = clip, clip_value, maximize
        self.loss_scale = loss_scale
        if loss_scale is not None:
            loss_scale.own(name)
        self.updates = pt.Slot(pt.tensor(0, dtype="int64"), name=f"{name}.updates")
        self._counters = {
            key: pt.Slot(pt.tensor(first, dtype="float64"), name=f"{name}.{key}")
            for key, first in self.COUNTERS.items()
        }
        self.params = [(one.path, one.slot) for one in chosen]
        widest = "float64" if any(_scalar_dtype(slot) == "float64" for _, slot in self.params) else "float32"
        self._rate = pt.Slot(pt.tensor(lr, dtype=widest), name=f"{name}.lr")
        self._gathered: dict[str, pt.Slot] = {}
        if accumulate > 1:
            self._gathered = {
                "calls": pt.Slot(pt.tensor(0, dtype="int64"), name=f"{name}.calls"),
                "weight": pt.Slot(pt.tensor(0.0, dtype=widest), name=f"{name}.weight"),
            }
        self._replaced_by = ""
        self.parts = list(self._make_parts(chosen, weight_decay))

    def _make_parts(self, chosen: Sequence[Chosen], weight_decay: float) -> Iterator[Part]:
        settings: dict[tuple[float, float, str, str], list[int]] = {}
        for place, one in enumerate(chosen):
            decay = weight_decay if one.weight_decay is None else one.weight_decay
            alone = one.path if is_sparse(one.slot) else ""
            settings.setdefault((one.rate, decay, str(one.slot.dtype), alone), []).append(place)
        for number, ((rate, decay, _, alone), places) in enumerate(settings.items()):
            if alone:
                yield self._make_sparse_part(rate, decay, places[0])
                continue
            values = self._flat_values([self.params[place][1] for place in places], f"parameters.{number}")
            layout = RealLayout.of(values) if values.dtype.name in REAL else values
            state = {moment: self._make_moment(moment, layout) for moment in self.MOMENTS}
            gradient = pt.flat_like(layout, f"{self.name}.gradient") if self.accumulate > 1 else None
            if isinstance(layout, RealLayout) and type(self).update_flat is Optimizer.update_flat:
                raise OptimizerError(
                    f"[{self.name}] {type(self).__name__} with complex parameters, {self.params[places[0]][0]} among "
                    "them; expected real ones; take an elementwise optimizer, such as AdamW, for these"
                )
            yield Part(rate, decay, places, values, state, gradient, layout)

    def _flat_values(self, slots: list[pt.Slot], name: str) -> pt.Slot:
        """The flat buffer of parameters: that of an optimizer before, where it holds the same ones in the same order.

        Then both update the same memory, as when a cell of a notebook runs again. An optimizer whose buffer holds other
        ones loses its parameters to this one, and says so when it is to update them.
        """
        homes = [slot.base for slot in slots]
        first = homes[0]
        if first is not None and all(home is first for home in homes) and holds_alone(first, slots):
            flat = first
            flat.segments = [Segment(slot.name, slot.offset, slot.shape) for slot in slots]
        else:
            for other in {owner for home in homes for owner in getattr(home, _OWNERS, ())}:
                other._replaced_by = self.name
            flat = pt.flatten_slots(slots, f"{self.name}.{name}")
        setattr(flat, _OWNERS, weakref.WeakSet([self, *getattr(flat, _OWNERS, ())]))
        return flat

    def _make_sparse_part(self, rate: float, decay: float, place: int) -> Part:
        path, table = self.params[place]
        for received, good, fix in (
            (type(self).__name__, self.ROWS, "SGD without momentum, Adagrad or SparseAdam"),
            (f"weight_decay = {decay:g}", decay == 0, f"a decay of 0, as by Group({path!r}, weight_decay=0.0)"),
            (f"accumulate = {self.accumulate}", self.accumulate == 1, "an update from each call"),
        ):
            if not good:
                raise OptimizerError(
                    f"[{self.name}] {received} with row-sparse gradients of {path}; expected {fix}; "
                    "or make the layer with sparse=False"
                )
        zeros = pt.zeros(table.shape, table.dtype)
        state = {name: pt.Slot(zeros, name=f"{self.name}.{name}.{path}") for name in self.MOMENTS}
        return Part(rate, decay, [place], table, state, None, table, sparse=True)

    def _make_moment(self, moment: str, values: pt.Slot | RealLayout) -> pt.Slot:
        name = f"{self.name}.{moment}"
        shapes = [self.moment_shape(moment, segment.shape) for segment in values.segments]
        if shapes == [segment.shape for segment in values.segments]:
            return pt.flat_like(values, name)
        named = zip(values.segments, shapes, strict=True)
        views = [pt.Slot(pt.zeros(shape, values.dtype), name=f"{name}.{segment.name}") for segment, shape in named]
        flat = pt.flatten_slots(views, name)
        flat.views = views
        return flat

    @classmethod
    def build(cls: type[Self], params: Any, module: Module, **settings: Unpack[Settings]) -> Self:
        """From the parameters of a recipe, which are those of the constructor, betas one by one."""
        given = {field.name: getattr(params, field.name) for field in dataclasses.fields(params)}
        if "beta1" in given:
            given["betas"] = (given.pop("beta1"), given.pop("beta2"))
        return cls(module, **given, **settings)

    # ------------------------------------------------------------ what a run sees

    @property
    def lr(self) -> pt.Tensor:
        """The rate before the schedule's factor."""
        return self._rate.value

    @lr.setter
    def lr(self, rate: TensorLike) -> None:
        if isinstance(rate, (int, float)):
            check_settings(self.name, lr=float(rate))
            rate = pt.tensor(rate, dtype=self._rate.dtype)
        self._rate.value = rate

    @property
    def scheduled_lr(self) -> pt.Tensor:
        """The rate of the next update: `lr` times the factor of the schedule."""
        if self.schedule is None:
            return self.lr
        return self.lr * pt.astype(self.schedule(self.updates.value), self._rate.dtype)

    @property
    def param_groups(self) -> list[ParamGroup]:
        """The parameters by their settings, to read: `params`, `names`, `lr` before the schedule and `weight_decay`."""
        lr = float(self.lr.item())
        return [
            ParamGroup(
                params=[self.params[place][1] for place in part.places],
                names=[self.params[place][0] for place in part.places],
                lr=lr * part.rate,
                weight_decay=part.weight_decay,
            )
            for part in self.parts
        ]

    def named_slots(self) -> Iterator[tuple[str, pt.Slot]]:
        """Every slot of the optimizer by name; moments as views `optimizer.m.<parameter>`, so no layout is saved."""
        for slot in (self._rate, self.updates, *self._counters.values(), *self._gathered.values()):
            yield slot.name, slot
        if self.loss_scale is not None:
            yield from self.loss_scale.named_slots()
        for part in self.parts:
            for flat in (*part.state.values(), part.gradient):
                if flat is not None:
                    yield from ((view.name, view) for view in ([flat] if part.sparse else flat.views))

    # ------------------------------------------------------------ what a subclass writes

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
        """New values and moments of a part; layerwise.py has a frame that goes through its parameters."""
        state = {name: slot.value for name, slot in part.state.items()}
        if not part.complex:
            return self.update_flat(part.values.value, g, state, part.weight_decay, scalars)
        p, new = self.update_flat(_parts_of(part.values.value), g, state, part.weight_decay, scalars)
        return pt.view_as_complex(pt.reshape(p, (-1, 2))), new

    def _update_rows(
        self, part: Part, sums: pt.Tensor, rows: Rows, scalars: Numbers
    ) -> tuple[pt.Tensor, dict[str, pt.Tensor]]:
        """A table after an update of the rows that have a gradient. Of a row that occurs twice both are the same."""
        state = {name: pt.take(slot.value, rows.index) for name, slot in part.state.items()}
        p, new = self.update_flat(rows.before, pt.take(sums, rows.place), state, part.weight_decay, scalars)
        put = pt.ops.functional.OPERATORS["put_rows"]
        return put(part.values.value, rows.index, p), {k: put(part.state[k].value, rows.index, new[k]) for k in new}

    @needed_unless("update_part", "update")
    def update_flat(
        self, p: pt.Tensor, g: pt.Tensor, state: Mapping[str, pt.Tensor], decay: float, scalars: Numbers
    ) -> tuple[pt.Tensor, dict[str, pt.Tensor]]:
        """New values and moments of one flat buffer; elementwise and pure."""
        raise missing(self, "update_flat")

    # ------------------------------------------------------------ the update

    def scaled(self, loss: pt.Tensor) -> pt.Tensor:
        """The loss to differentiate: times the loss scale, if there is one; `update` divides by it."""
        return loss if self.loss_scale is None else loss * self.loss_scale.slot.value

    def update(self, grads: Gradients, weight: TensorLike | None = None) -> None:
        """Make one update from the gradients, and end a phase.

        `grads` is what `pt.nn.value_and_grad` gave: a dict by the paths of the parameters, in any order, or a list in
        the order of `opt.params`.

        With `weight` the gradients are those of a sum whose total weight it is, and are divided by it: with
        accumulation once by the weight of all calls together, so that ragged batches count by their examples. With a
        loss scale they are those of the scaled loss; a step whose gradients are not finite changes the scale alone.
        """
        given = self._checked(grads)
        with pt.autocast("f32"):
            flat, rows = self._laid_out(given)
            if self.loss_scale is not None:
                scale = self.loss_scale.slot.value
                flat = [g / scale for g in flat]
            last = self._gather(flat, weight) if self.accumulate > 1 else None
            if last is None and weight is not None:
                flat = [g / weight for g in flat]
            if self.loss_scale is None:
                self._update(*self._guarded(flat), last, rows)
                return
            norm = global_norm(flat)
            with contextlib.suppress(pt.NonFiniteError):  # in a compiled step the guard itself skips
                self._update(*self._clipped(flat, pt.guard(norm, skip=True)), last, rows)
            self.loss_scale.adjust(norm)

    def _laid_out(self, grads: Sequence[Any]) -> tuple[list[pt.Tensor], list[Rows | None]]:
        """The gradient of each part as one tensor; of a sparse one its rows, and beside it where these belong."""
        flat: list[pt.Tensor] = []
        rows: list[Rows | None] = []
        for part in self.parts:
            given = [grads[place] for place in part.places]
            if part.sparse:
                sums, place = given[0].summed()
                flat.append(sums)
                rows.append(Rows(given[0].index, place, pt.take(part.values.value, given[0].index)))
            else:
                flat.append(pt.pack([pt.view_as_real(g) for g in given] if part.complex else given, part.layout))
                rows.append(None)
        return flat, rows

    def _update(
        self,
        flat: list[pt.Tensor],
        factor: pt.Tensor | None,
        last: pt.Tensor | None,
        rows: list[Rows | None],
    ) -> None:
        """One update from `factor` times the gradients of each part, if this call is the last that makes one."""
        before = self.updates.value
        scheduled = None if self.schedule is None else self.schedule(before)
        step = before + 1
        counters = self.advance(step, {name: slot.value for name, slot in self._counters.items()})
        for part, g, found in zip(self.parts, flat, rows, strict=True):
            dtype = _scalar_dtype(part.values)
            rate = _in(dtype, self._rate.value)
            if scheduled is not None:
                rate = rate * _in(dtype, scheduled)
            scaled = rate if part.rate == 1.0 else rate * part.rate
            g = -g if self.maximize else g
            scalars = {**self.scalars(step, scaled, part.weight_decay), **counters}
            if factor is not None:
                shrunk = _in(dtype, factor)
                g, scalars = (g, {**scalars, "factor": shrunk}) if self.SCALES else (g * shrunk, scalars)
            p, new = self._update_rows(part, g, found, scalars) if found else self.update_part(part, g, scalars)
            _assign(part.values, p, last)
            for name, value in new.items():
                _assign(part.state[name], value, last)
        _assign(self.updates, step, last)
        for name, value in counters.items():
            _assign(self._counters[name], value, last)
        pt.end_phase()

    def _gather(self, flat: list[pt.Tensor], weight: TensorLike | None) -> pt.Tensor:
        """Adds this call's gradients to those held, puts the mean of all in `flat`, and says if an update is due."""
        calls = self._gathered["calls"].value + 1
        held_weight = self._gathered["weight"]
        total = held_weight.value + (1.0 if weight is None else pt.astype(weight, held_weight.dtype))
        last = pt.equal(calls, self.accumulate)
        for place, part in enumerate(self.parts):
            assert part.gradient is not None
            held = part.gradient.value + flat[place]
            flat[place] = held / _in(_scalar_dtype(part.values), total)
            part.gradient.value = pt.where(last, 0.0, held)
        self._gathered["calls"].value = pt.where(last, 0, calls)
        held_weight.value = pt.where(last, 0.0, total)
        return last

    def _guarded(self, flat: list[pt.Tensor]) -> tuple[list[pt.Tensor], pt.Tensor | None]:
        """Gradients and what clips them, if finite; one guard for all parts, so that an update is whole or nothing."""
        if self.clip is None and len(flat) == 1:
            return self._cut([pt.guard(flat[0])]), None
        return self._clipped(flat, pt.guard(global_norm(flat)))

    def _clipped(self, flat: list[pt.Tensor], norm: pt.Tensor) -> tuple[list[pt.Tensor], pt.Tensor | None]:
        if self.clip is None:
            return self._cut(flat), None
        return flat, pt.minimum(self.clip / (norm + 1e-6), 1.0)

    def _cut(self, flat: list[pt.Tensor]) -> list[pt.Tensor]:
        """Gradients that are finite, with no number beyond clip_value."""
        if self.clip_value is None:
            return flat
        return [pt.clip(g, -self.clip_value, self.clip_value) for g in flat]

    def _checked(self, grads: Gradients) -> list[pt.Tensor | RowSparse]:
        """The gradients in the order of `params`, each of the shape and kind of its parameter."""
        if self._replaced_by:
            raise OptimizerError(
                f"[{self.name}] update() after {self._replaced_by} was made with some of its parameters; expected one "
                "optimizer for a parameter, or several of the same ones in the same groups; update with the later one"
            )
        given = self._by_path(grads) if isinstance(grads, Mapping) else grads
        wrong = [given] if not isinstance(given, (list, tuple)) else [g for g in given if not hasattr(g, "shape")]
        if wrong:
            raise OptimizerError(
                f"[{self.name}] received {shown(wrong[0])} for gradients; expected those by the parameters; "
                f"{HOW_TO_UPDATE}"
            )
        if len(given) != len(self.params):
            raise OptimizerError(
                f"[{self.name}] {len(given)} gradients; expected {len(self.params)}, one for each parameter; "
                "freeze parameters before the optimizer is made, and pass it what value_and_grad gave"
            )
        for (path, slot), grad in zip(self.params, given, strict=True):
            if tuple(grad.shape) != tuple(slot.shape):
                raise OptimizerError(
                    f"[{self.name}] gradient of {path} is {list(grad.shape)}; expected {list(slot.shape)}; "
                    "pass gradients in the order of optimizer.params"
                )
            if is_sparse(slot) != isinstance(grad, RowSparse):
                wanted, kind = ("a RowSparse", "a tensor") if is_sparse(slot) else ("a tensor", "a RowSparse")
                raise OptimizerError(
                    f"[{self.name}] gradient of {path} is {kind}; expected {wanted}; pass what value_and_grad gave"
                )
        return list(given)

    def _by_path(self, grads: Mapping[str, pt.Tensor | RowSparse]) -> list[pt.Tensor | RowSparse]:
        paths = [path for path, _ in self.params]
        wrong = [f"{path} is missing" for path in paths if path not in grads]
        if not wrong and len(grads) == len(paths):
            return [grads[path] for path in paths]
        known = set(paths)
        wrong += [f"{shown(path)} is no parameter of the optimizer" for path in grads if path not in known]
        listed = "; ".join(wrong[:4]) + (f"; and {len(wrong) - 4} more" if len(wrong) > 4 else "")
        raise OptimizerError(
            f"[{self.name}] {len(grads)} gradients: {listed}; expected one for each of its {len(paths)} parameters; "
            "take gradients by the model that the optimizer was made with, and freeze parameters before"
        )


def _parts_of(numbers: pt.Tensor) -> pt.Tensor:
    """Real and imaginary parts by turns."""
    return pt.reshape(pt.view_as_real(numbers), (-1,))


def _scalar_dtype(slot: pt.Slot) -> str:
    """In what the numbers of an update of these parameters are given: float64 ones would lose half of their digits."""
    return "float64" if slot.dtype.name in ("float64", "complex128") else "float32"


def _in(dtype: str, number: Any) -> Any:
    """A tensor in this dtype; a Python number stays one, since it takes the dtype of what it meets."""
    return pt.astype(number, dtype) if isinstance(number, pt.Tensor) and number.dtype.name != dtype else number


def decayed(change: pt.Tensor, p: pt.Tensor, decay: float) -> pt.Tensor:
    """A gradient or a direction with the parameter's share added."""
    return change + p * decay if decay else change


def running_mean(mean: pt.Tensor, new: pt.Tensor, kept: float) -> pt.Tensor:
    """The exponential moving average after one more value."""
    return pt.flush_denormals(mean * kept + new * (1 - kept))


def _assign(slot: pt.Slot, value: pt.Tensor, condition: pt.Tensor | None) -> None:
    slot.value = value if condition is None else pt.where(condition, value, slot.value)
