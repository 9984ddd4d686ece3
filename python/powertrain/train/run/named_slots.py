"""The slots of a run by name: gathered for a checkpoint, set from one. There is no other state."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain.nn import QuantizedConv2d, QuantizedLinear
from powertrain.nn.display import counts
from powertrain.plugin.importing import in_words
from powertrain.random.default import drawing_from
from powertrain.train.folder.run_folder import RunError
from powertrain.train.folder.saved_arrays import each, form
from powertrain.train.run.logs import Logs
from powertrain.train.run.ring import Ring

Arrays = dict[str, NDArray[Any]]
Saved = Mapping[str, NDArray[Any]]  # of a checkpoint, each read when it is asked for
# What the names of the run's own slots begin with.
OWN = ("optimizer", "data", "transform", "target", "log", "best", "stop", "callback", "callbacks", "early", "anomalies")


class HostState(Protocol):
    """A slot that lives on the host: the engine never reads it inside a step."""

    def array(self) -> NDArray[Any]: ...
    def misfit(self, saved: NDArray[Any]) -> str: ...  # what is wrong with it, or nothing
    def restore(self, array: NDArray[Any]) -> None: ...


class HostGroup(Protocol):
    """Several slots on the host whose number may change, such as the best weights so far."""

    def arrays(self) -> Arrays: ...
    def misfits(self, saved: Saved) -> list[str]: ...
    def restore(self, saved: Saved) -> None: ...


class SlotTable:
    """Everything that a checkpoint holds."""

    def __init__(self, constants: Arrays) -> None:
        self.modules: dict[str, Any] = {}
        self.optimizers: dict[str, Any] = {}
        self.named: dict[str, Any] = {}
        self.host: dict[str, HostState] = {}
        self.groups: dict[str, HostGroup] = {}
        self.constants = constants
        self.logs = Logs()
        # Of state that several workers divide: the names of the pieces here, and the whole for the next snapshot.
        self.divided: set[str] = set()
        self.gathered: Arrays = {}

    def claim(self, name: str) -> None:
        """Refuse a strategy's name for a slot, ring or blob that would hide another slot in checkpoints."""
        single = {*self.named, *self.host}
        hides = name in single or name.partition(".")[0] in {*OWN, *self.modules, *self.groups}
        if not name or hides or any(other.startswith(f"{name}.") for other in single):
            raise RunError(
                f"[run.slot] the name {name or 'of no letters'} is taken, or begins like the run's own slots; "
                "expected a free name; choose another one"
            )

    def model_slots(self) -> dict[str, Any]:
        return {f"{role}.{name}": slot for role, module in self.modules.items() for name, slot in module.named_slots()}

    @property
    def parameters(self) -> int:
        """How many numbers the parameters of all models have."""
        return sum(counts(module)[0] for module in self.modules.values())

    def lasting(self) -> list[str]:
        """The slots that no update changes: frozen parameters, and weights of few bits."""
        found = []
        for role, module in self.modules.items():
            coded = {
                id(slot) for inner in module.modules() if isinstance(inner, (QuantizedLinear, QuantizedConv2d))
                for slot in inner.buffers()
            }  # fmt: skip
            frozen = {id(slot) for _, slot in module.named_parameters() if not slot.trainable}
            found += [f"{role}.{name}" for name, slot in module.named_slots() if id(slot) in coded | frozen]
        return found

    def rings(self) -> list[str]:
        """The slots that are rows of rings, of which few change between two checkpoints."""
        rings = [group for group in self.groups.values() if isinstance(group, Ring)]
        return [name for ring in rings for name in ring.rows_by_name()]

    def engine_slots(self) -> dict[str, Any]:
        slots = self.model_slots()
        for optimizer in self.optimizers.values():
            slots.update(dict(optimizer.named_slots()))
        slots.update(self.named)
        slots.update({f"log.{name}": slot for name, slot in self.logs.slots.items()})
        return slots

    def snapshot(self) -> Arrays:
        """Every slot's value, as it is now: no later step changes these arrays. Those of the engine are its own memory,
        which it copies before it writes. What lives on the host is copied here, unless nobody can write it."""
        arrays = {name: slot.numpy() for name, slot in self.engine_slots().items() if name not in self.divided}
        arrays.update(self.gathered)
        host = {name: state.array() for name, state in self.host.items()}
        for group in self.groups.values():
            host.update(group.arrays())
        arrays.update({name: array.copy() if array.flags.writeable else array for name, array in host.items()})
        arrays.update(self.constants)
        return arrays

    def bytes_while_saving(self) -> int:
        """The most that a run holds twice while a checkpoint is written: what steps or evaluations may change."""
        same = {*self.lasting(), *self.constants}
        return sum(array.nbytes for name, array in self.snapshot().items() if name not in same)

    def load(self, saved: Saved) -> list[str]:
        """Set every slot, or change nothing and return what does not fit."""
        for name in saved:
            if name.startswith("log."):  # these slots are made by the first step, which has not run yet
                self.logs.slot(name.removeprefix("log."))
        slots = self.engine_slots()
        wrong = self._misfits(slots, saved)
        if wrong:
            return wrong
        # Plugins read their own state here, and may refuse it: first, while no slot of the engine has changed.
        for name, state in self.host.items():
            _restored(name, functools.partial(state.restore, saved[name]))
        for name, group in self.groups.items():
            _restored(name, functools.partial(group.restore, saved))
        for name, array in each(saved, slots):
            slots[name].value = pt.asarray(array)  # which the slot copies at once
        return []

    def forget_places(self) -> None:
        """Leave out where sources stand: without their examples they stand nowhere."""
        for name in [name for name in self.host if re.fullmatch(r"data\..+\.cursor", name)]:
            del self.host[name]

    def set_model(self, saved: Saved) -> None:
        """Set the models' slots alone."""
        for name, slot in self.model_slots().items():
            slot.value = pt.tensor(saved[name])

    def _misfits(self, slots: Mapping[str, Any], saved: Saved) -> list[str]:
        wrong = [f"{name} is missing" for name in (*slots, *self.host, *self.constants) if name not in saved]
        wrong += [
            text for name, slot in slots.items() if name in saved for text in _differs(name, form(saved, name), slot)
        ]
        wrong += [f"{name} {text}" for name, state in self.host.items()
                  if name in saved and (text := state.misfit(saved[name]))]  # fmt: skip
        if any(name.startswith("best.") for name in saved):
            best = {f"best.{name}": slot for name, slot in self.model_slots().items()}
            wrong += [f"{name} is missing" for name in best if name not in saved]
            wrong += [
                text for name, slot in best.items() if name in saved for text in _differs(name, form(saved, name), slot)
            ]
        for name, value in self.constants.items():
            if name in saved and not np.array_equal(np.asarray(value), saved[name]):
                wrong.append(f"{name} is not what the data gives now")
        for group in self.groups.values():
            wrong += group.misfits(saved)
        return wrong


def _differs(name: str, saved: NDArray[Any], slot: Any) -> list[str]:
    if tuple(saved.shape) != tuple(slot.shape):
        return [f"{name} has the shape {list(saved.shape)} in the checkpoint and {list(slot.shape)} in the run"]
    expected = pt.zeros((), slot.dtype).numpy().dtype  # of no value, since it may not be drawn yet
    return [] if saved.dtype == expected else [f"{name} is {saved.dtype} in the checkpoint and {expected} in the run"]


def _restored(name: str, restore: Callable[[], None]) -> None:
    try:
        restore()
    except Exception as error:
        raise RunError(
            f"[checkpoint] {name} could not be restored: {in_words(error)}; expected what the same plugin saved; "
            "resume with the recipe, data and versions of run.lock"
        ) from error


def own_random_numbers() -> AbstractContextManager[None]:
    """A generator for a run that is made in a block, which it seeds and keeps; its caller's goes on as it was."""
    return drawing_from(pt.random.Generator(0, name="random.default"))
