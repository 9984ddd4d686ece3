"""Averages of a model's weights along a training run, to evaluate with."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any, TypeVar

import powertrain as pt
from powertrain.errors.methods import missing
from powertrain.nn.module import Module
from powertrain.nn.norm import AnyBatchNorm
from powertrain.optim.formulas import running_mean
from powertrain.optim.hints import NotAModel
from powertrain.optim.parts import accumulating
from powertrain.optim.settings import OptimizerError, check_settings
from powertrain.optim.state import Stateful
from powertrain.program.facts import Watched


class _Average(Watched, Stateful, NotAModel):
    """Averages of the trained parameters of a model, one slot for each; the first update copies them.

    With `use_buffers` also those of its floating-point buffers. Averages of 16 bits are kept in float32: the last
    digit of such a number is larger than what one value adds. `update` belongs behind the optimizer's, in the step
    that is compiled. `named_slots` is the state of a checkpoint.
    """

    def __init__(self, model: Module, use_buffers: bool, name: str) -> None:
        self.name, self._model = name, model
        self.count = pt.Slot(pt.tensor(0, dtype="int64"), name=f"{name}.count")
        averaged = [(path, slot) for path, slot in model.named_parameters() if slot.trainable]
        if not averaged:
            raise OptimizerError(f"[{name}] a model without trained parameters; expected some; unfreeze them")
        if use_buffers:
            averaged += [(path, slot) for path, slot in model.named_buffers() if slot.dtype.is_float]
        self.pairs = [(slot, pt.Slot(pt.tensor(_wide(slot.value)), name=f"{name}.{path}")) for path, slot in averaged]

    @abstractmethod
    def _next(self, average: pt.Tensor, value: pt.Tensor, count: pt.Tensor) -> pt.Tensor:
        """The average with one more value."""
        raise missing(self, "_next")

    def _demand_present(self) -> None:
        """Refuse a model that has other slots now: nobody reads those whose averages are kept."""
        present = {id(slot) for _, slot in self._model.named_slots()}
        gone = next((average.name for slot, average in self.pairs if id(slot) not in present), None)
        if gone is not None:
            raise OptimizerError(
                f"[{self.name}] {gone.removeprefix(f'{self.name}.')} is no slot of the model any more; expected the "
                "model with the slots that it had; make the average after model.to(dtype), "
                "load_state_dict(assign=True) and new layers, and merge adapters within applied()"
            )

    def update(self) -> None:
        """Take the present values into the average.

        A call between two updates of an optimizer with `accumulate` changes nothing: values count once per update.
        """
        self._demand_present()
        count = self.count.value
        between = accumulating([slot for slot, _ in self.pairs])
        for slot, average in self.pairs:
            value = _wide(slot.value)
            following = pt.where(pt.equal(count, 0), value, self._next(average.value, value, count))
            average.value = following if between is None else pt.where(between, average.value, following)
        self.count.value = count + 1 if between is None else pt.where(between, count, count + 1)
        pt.end_phase()

    def named_slots(self) -> Iterator[tuple[str, pt.Slot]]:
        """Every slot by name."""
        for slot in (self.count, *(average for _, average in self.pairs)):
            yield slot.name, slot

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The model holds the averages inside of the block, and what it held before behind it.

        That includes every buffer: the running statistics that a forward pass or `refresh_statistics` makes inside of
        the block end with it.
        """
        self._demand_present()
        changed = [slot for slot, _ in self.pairs] + [slot for _, slot in self._model.named_buffers()]
        before = [slot.value for slot in changed]
        for slot, average in self.pairs:
            slot.value = _as(average.value, slot.dtype)
        try:
            yield
        finally:
            for slot, value in zip(changed, before, strict=True):
                slot.value = value


class EMA(_Average):
    """The exponential moving average of the parameters: decay a + (1 - decay) p after each update; the first copies p.

    In `applied` a batch norm has the running statistics of the model's own weights. Averaged weights have others:
    `use_buffers` averages floating-point buffers too, and `refresh_statistics` measures the statistics again.

    Source    torch.optim.swa_utils.AveragedModel

    Example
        >>> import powertrain as pt
        >>> model = pt.nn.Linear(2, 1)
        >>> average = pt.optim.EMA(model, decay=0.99)
        >>> average.update()
        >>> with average.applied():
        ...     y = model(pt.ones((1, 2)))
    """

    def __init__(self, model: Module, decay: float = 0.999, use_buffers: bool = False, name: str = "ema") -> None:
        check_settings(name, decay=decay)
        self.decay = decay
        super().__init__(model, use_buffers, name)

    def _next(self, average: pt.Tensor, value: pt.Tensor, count: pt.Tensor) -> pt.Tensor:
        return running_mean(average, value, self.decay)


class SWA(_Average):
    """The plain mean of all values so far (Izmailov et al. 2018).

    Batch norms then want `refresh_statistics`, or `use_buffers`, which averages floating-point buffers too.

    Example
        >>> model = pt.nn.Linear(3, 2)
        >>> average = pt.optim.SWA(model)
        >>> average.update()
        >>> average.count.value.item()
        1
    """

    def __init__(self, model: Module, use_buffers: bool = False, name: str = "swa") -> None:
        super().__init__(model, use_buffers, name)

    def _next(self, average: pt.Tensor, value: pt.Tensor, count: pt.Tensor) -> pt.Tensor:
        return average + (value - average) / pt.astype(count + 1, value.dtype)


def _wide(value: pt.Tensor) -> pt.Tensor:
    return _as(value, pt.float32) if value.dtype.itemsize < 4 else value


def _as(value: pt.Tensor, dtype: pt.DType) -> pt.Tensor:
    return value if value.dtype == dtype else pt.astype(value, dtype)


Given = TypeVar("Given")


def refresh_statistics(
    model: Module, batches: Iterable[Given], forward: Callable[[Given], object] | None = None
) -> None:
    """Measure the running statistics of every batch norm again, as plain means over batches of inputs.

    Averaged weights have other statistics than the weights that were trained. Of a batch that is a tuple, a list or
    that of a DataLoader the model gets the first field; `forward` gets whole batches. A DataLoader goes on afterwards
    where it was, so that training takes the same order; an iterator over one does not.

    Errors    no batches; then, and after an error of the model, the statistics are as they were
    Source    as torch.optim.swa_utils.update_bn
    Example
        >>> model = pt.nn.Sequential(pt.nn.Linear(3, 3), pt.nn.BatchNorm1d(3))
        >>> pt.optim.refresh_statistics(model, [np.ones((4, 3), np.float32)])
        >>> model[1].running_mean.shape
        (3,)
    """
    norms = [module for _, module in model.named_modules() if isinstance(module, AnyBatchNorm)]
    settings = [(norm.momentum, norm.training) for norm in norms]
    held = [(slot, slot.value) for norm in norms for slot in norm.buffers()]
    for norm in norms:
        norm.reset_running_stats()
        norm.train()
    number = 0
    try:
        with batches.unmoved() if hasattr(batches, "unmoved") else nullcontext():
            for number, batch in enumerate(batches, 1):
                for norm in norms:
                    norm.momentum = 1.0 / number
                model(_inputs(batch)) if forward is None else forward(batch)
        if number == 0:
            raise OptimizerError(
                "[refresh_statistics] received no batches; expected some inputs of the model; make a new iterator, or "
                "pass a DataLoader"
            )
    except BaseException:
        for slot, value in held:
            slot.value = value
        raise
    finally:
        for norm, (momentum, training) in zip(norms, settings, strict=True):
            norm.momentum = momentum
            norm.train(training)


def _inputs(batch: Any) -> Any:
    """What the model gets of a batch: the first field, where it has fields in an order."""
    is_batch = hasattr(batch, "keys") and not isinstance(batch, Mapping)  # of a DataLoader
    return batch[0] if is_batch or isinstance(batch, (tuple, list)) else batch
