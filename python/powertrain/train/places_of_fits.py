"""Where `pt.fit` cannot be called: inside of a traced function or of a gradient, and with a model that a run trains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

import powertrain as pt
from powertrain.io.locks import ModuleLock
from powertrain.train.folder.run_folder import RunError

# It computes nothing of use, and is refused where a call would be recorded.
_PROBE = pt.compile(lambda x: x)
_ONE = np.zeros((1, 1), np.float32)

_LOCK = ModuleLock()
_TRAINED: dict[int, pt.Slot] = {}  # the parameters that runs of this process train now, by their ids


def demand_outside() -> None:
    """Refuse a call whose steps would be recorded, as parts of a step or for a gradient, in place of being made."""
    try:
        _PROBE.each(_ONE)
    except pt.TraceError:
        raise RunError(
            "[fit] was called inside of a traced function or of a gradient, which records ops; expected a call of its "
            "own; call pt.fit outside of the functions that pt.compile, pt.grad, pt.vmap and the like are given"
        ) from None


def modules_of(model: Any) -> list[pt.nn.Module]:
    """The modules among what is given as the model: one, or one for each role."""
    if isinstance(model, pt.nn.Module):
        return [model]
    return [found for one in model.values() for found in modules_of(one)] if isinstance(model, Mapping) else []


@contextmanager
def trained_by_one(modules: Sequence[pt.nn.Module]) -> Iterator[None]:
    """Refuse to train parameters that another run trains: each would undo the steps of the other."""
    mine = {id(slot): (slot, module) for module in modules for slot in module.parameters() if slot.trainable}
    with _LOCK:
        taken = next((module for number, (_, module) in mine.items() if number in _TRAINED), None)
        if taken is not None:
            raise RunError(
                f"[fit] another run trains this {type(taken).__name__}, or a part of it, and has not ended; expected a "
                "model that no other run trains now; wait for that run, or pass model.clone()"
            )
        _TRAINED.update((number, slot) for number, (slot, _) in mine.items())
    try:
        yield
    finally:
        with _LOCK:
            for number in mine:
                del _TRAINED[number]
