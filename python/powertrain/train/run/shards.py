"""A step over a batch that is cut into shards: the gradients of each, their sum in a fixed tree, and one update.

Each shard is a batch of its own to the model: batch norm sees its examples alone, and dropout draws its own numbers.
The sums are those of a binary tree over all shards. Its lower levels lie inside of one process, and the transport sums
the upper ones. So no bit depends on how many processes share the work.

The step of a strategy becomes two programs. The first one changes no slot: from the examples of a shard it makes the
gradients, and what the step would have written. The second takes the sums, and makes the update behind one guard.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import powertrain as pt
from powertrain.autodiff.row_sparse import RowSparse
from powertrain.optim.division import Sharing
from powertrain.optim.received import LaidOut
from powertrain.plugin.transport import Alone, Transport
from powertrain.train.folder.run_folder import RunError
from powertrain.train.run.named_slots import OWN
from powertrain.train.run.reduction import Contribution, Lend, TreeSum
from powertrain.train.run.step import Step
from powertrain.train.workers.pace import Pace

if TYPE_CHECKING:
    from powertrain.train.run.named_slots import SlotTable

# The random numbers of a shard are of the stream of its number times this: low streams may be used by others.
STREAMS = 1 << 20


class Shards:
    """How many shards a batch is cut into, and which of them this process computes."""

    def __init__(self, count: int, table: SlotTable, compress: bool = False) -> None:
        self.count, self._table = count, table
        self.compress = compress  # whether gradients are rounded to 16 bits wherever they are summed
        self.transport: Transport = Alone()
        self.pace = Pace()
        self.cut = False  # whether steps get the examples of the own shards alone

    @property
    def own(self) -> range:
        each = self.count // self.transport.size
        return range(self.transport.rank * each, (self.transport.rank + 1) * each)

    @property
    def held(self) -> range:
        """Whose examples a step gets."""
        return self.own if self.cut else range(self.count)

    def carried(self) -> list[pt.Slot]:
        """The slots that a step may change beside those of optimizers: buffers, and the strategy's own."""
        table, lasting = self._table, set(self._table.lasting())
        buffers = {
            f"{role}.{name}": slot for role, module in table.modules.items() for name, slot in module.named_buffers()
        }
        found = [slot for name, slot in buffers.items() if name not in lasting]
        found += [slot for name, slot in table.named.items() if name.partition(".")[0] not in (*OWN, "random")]
        return list({id(slot): slot for slot in found}.values())


class ShardStep(Step):
    """What `t` is while the gradients of a shard are recorded: it keeps what the update needs."""

    def __init__(self) -> None:
        super().__init__()
        self.opt: Any = None
        self.grads: list[pt.Tensor] = []
        self.loss: list[pt.Tensor] = []  # the sum over the examples, and their weight

    def update(self, opt: Any, grads: Sequence[Any], total: pt.Tensor, weight: Any) -> None:
        if self.opt is not None:
            raise RunError(
                "[run.shards] the step minimizes twice, and shards are summed once; expected a step with one "
                "minimize; leave run.shards out"
            )
        for (path, _), gradient in zip(opt.params, grads, strict=True):
            if isinstance(gradient, RowSparse):
                raise RunError(
                    f"[run.shards] the gradient of {path} is row-sparse, and shards are summed whole; expected dense "
                    "gradients; make the layer with sparse=False, or leave run.shards out"
                )
        self.opt, self.grads = opt, list(grads)
        # A loss that couples the examples is a mean already: then the mean over the shards is minimized.
        weight = 1.0 if weight is None else weight
        self.loss = [total, weight if isinstance(weight, pt.Tensor) else pt.tensor(weight, dtype=total.dtype)]


class ShardedStep:
    """A step of a strategy over the shards of a batch; it is called as a compiled step is.

    `record` runs the step inside of a trace with the `t` and the arrays that it gets. `begin` makes the `t` that
    updates, and `finish` gives what looks into that one found: they see the sums, and no activation.
    """

    def __init__(
        self,
        shards: Shards,
        record: Callable[[Step, tuple[Any, ...]], object],
        begin: Callable[[], Step],
        finish: Callable[[Step], list[pt.Tensor]],
    ) -> None:
        self._shards, self._record, self._begin, self._finish = shards, record, begin, finish
        # What the trace of the gradients found for that of the update.
        self._opt: Any = None
        self._carried: list[pt.Slot] = []
        self._logged: list[str] = []
        self._contribution: Contribution | None = None
        self._sum = TreeSum(self._rounded)
        self._sharing: Sharing | None = None
        self._gradients = pt.compile(lambda shard, *arrays: self._trace_gradients(shard, arrays))
        self._update = pt.compile(lambda *sums: self._trace_update(sums))

    def __call__(self, *arrays: Any) -> Any:
        count = len(self._shards.held)
        if odd := [len(array) for array in arrays if len(array) % count]:
            raise RunError(
                f"[run.shards] a batch of {odd[0]} examples; expected a multiple of {count} shards; change "
                "run.batch_size or run.shards"
            )
        random = pt.random.default_generator().slot
        state = random.numpy().tolist()
        sums = self._sum.of(
            [partial(self._contribute, shard, state, arrays) for shard in self._shards.own],
            self._shards.transport,
            self._shards.pace,
        )
        # Every shard draws as often, so this is the same in each process.
        random.value = pt.tensor([*state[:2], int(random.numpy()[2])])
        try:
            found = self._update(*sums)
        except pt.NonFiniteError as error:
            raise self._cause(state, arrays) or error from None
        if self._sharing is None:
            self._sharing = Sharing(self._opt, self._shards.transport)
        with self._shards.pace.pausing():
            self._sharing()
        return found

    def _contribute(self, shard: int, state: Sequence[int], arrays: Sequence[Any], lend: Lend) -> None:
        """Write what a shard contributes into what `lend` gives."""
        self._of_shard(partial(self._gradients.into, lend), shard, state, arrays)

    def _of_shard(self, program: Any, shard: int, state: Sequence[int], arrays: Sequence[Any]) -> Any:
        """What a program makes of a shard, with the shard's own random numbers."""
        seed, stream, call = state
        pt.random.default_generator().slot.value = pt.tensor([seed, stream + shard * STREAMS, call])
        held = self._shards.held
        place, rows = shard - held.start, [len(array) // len(held) for array in arrays]
        parts = [array[place * size : (place + 1) * size] for array, size in zip(arrays, rows, strict=True)]
        return program(pt.tensor(shard), *parts)

    def _cause(self, state: Sequence[int], arrays: Sequence[Any]) -> pt.NonFiniteError | None:
        """The error that names the op which made a number that is not finite, from computing the shards again behind
        guards; None where it is the sum alone that is not finite."""

        def guarded(shard: pt.Tensor, *arrays: Any) -> list[pt.Tensor]:
            return [pt.guard(one) for one in self._trace_gradients(shard, arrays) if one.dtype.is_float]

        program = pt.compile(guarded)
        for shard in self._shards.own:
            try:
                self._of_shard(program, shard, state, arrays)
            except pt.NonFiniteError as error:
                return error
        if self._shards.transport.size == 1:
            return None
        return pt.NonFiniteError(
            "[run.shards] a gradient is not finite in a shard of another worker; expected finite numbers; train with "
            "--resume and one worker, which names the op; nothing of this step was committed"
        )

    def _rounded(self) -> int:
        """How many of the arrays, from the first one on, are gradients that are compressed."""
        return self._contribution.gradients if self._contribution is not None and self._shards.compress else 0

    @property
    def programs(self) -> list[dict[str, Any]]:
        """What one call needs, as the programs of a compiled function say it."""
        gradients, update = self._gradients.programs[0], self._update.programs[0]
        flops = len(self._shards.own) * gradients["flops"] + update["flops"]
        return [{"flops": flops, "arena_bytes": max(gradients["arena_bytes"], update["arena_bytes"])}]

    def _trace_gradients(self, shard: pt.Tensor, arrays: tuple[Any, ...]) -> list[pt.Tensor]:
        """What one shard contributes to the sums. Its slots begin as they were before the step, and stay so."""
        t, carried = ShardStep(), self._shards.carried()
        before = [slot.value for slot in carried]
        self._record(t, arrays)
        if t.opt is None:
            raise RunError(
                "[run.shards] the step minimizes nothing; expected a step with one minimize; leave run.shards out"
            )
        written = [self._written(slot.value, shard) for slot in carried]
        for slot, value in zip(carried, before, strict=True):
            slot.value = value
        others = [*t.loss, *written, *t.logged.values()]
        self._opt, self._carried, self._logged = t.opt, carried, list(t.logged)
        self._contribution = Contribution(t.opt.parts, others)
        return self._contribution.packed(t.grads, others)

    def _written(self, value: pt.Tensor, shard: pt.Tensor) -> pt.Tensor:
        """Of real and complex numbers the mean over the shards counts, of others what the first shard made."""
        if value.dtype.is_float or value.dtype.is_complex:
            return value * (1 / self._shards.count)
        return pt.where(pt.equal(shard, 0), value, pt.zeros((), value.dtype))

    def _trace_update(self, sums: Sequence[pt.Tensor]) -> list[pt.Tensor]:
        assert self._contribution is not None
        t, (flat, found) = self._begin(), self._contribution.unpacked(sums)
        others = iter(found)
        total, weight = next(others), next(others)
        for slot in self._carried:
            slot.value = next(others)
        t.logged = {name: next(others) for name in self._logged}
        t.update(self._opt, LaidOut(self._opt.parts, flat), total, weight)
        return self._finish(t)
