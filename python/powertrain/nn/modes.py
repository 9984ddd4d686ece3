"""Models that answer: in evaluation mode for as long as anybody asks them."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from powertrain import _core
from powertrain.io.locks import ModuleLock

if TYPE_CHECKING:
    from powertrain.nn.module import Module


@dataclass
class _Evaluated:
    """A model that answers: how many ask it, and the parts that were in training mode before the first of them."""

    users: int
    parts: list[Module]


_evaluated: weakref.WeakKeyDictionary[Module, _Evaluated] = weakref.WeakKeyDictionary()
_lock = ModuleLock()


@contextlib.contextmanager
def evaluating(*models: Module) -> Iterator[None]:
    """Models without dropout and with their running statistics, for the length of a block.

    When the last one leaves, in whatever thread, each part goes back to the mode that it had. One that is frozen may be
    in evaluation mode while the rest trains.
    """
    entered: list[tuple[Module, _Evaluated]] = []
    with _lock:
        for model in models:
            held = _evaluated.get(model)
            if held is None:
                training = [part for part in model.modules() if part.training]
                if not training:  # nothing is to be changed back
                    continue
                held = _evaluated[model] = _Evaluated(0, training)
                model.eval()
            held.users += 1
            entered.append((model, held))
    try:
        yield
    finally:
        if entered:
            with _lock:
                for model, held in entered:
                    _leave(model, held)


def _leave(model: Module, held: _Evaluated) -> None:
    held.users -= 1
    if not held.users:
        del _evaluated[model]
        for part in held.parts:
            object.__setattr__(part, "training", True)
        _core.facts_changed()
