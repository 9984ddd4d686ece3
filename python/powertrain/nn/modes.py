"""Models that answer: in evaluation mode for as long as anybody asks them."""

from __future__ import annotations

import weakref
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


class evaluating:  # noqa: N801 - a block, as those of contextlib, whose generators would cost a request more
    """Models without dropout and with their running statistics, for the length of a block.

    When the last one leaves, in whatever thread, each part goes back to the mode that it had. One that is frozen may be
    in evaluation mode while the rest trains.
    """

    def __init__(self, *models: Module) -> None:
        self._models = models

    def __enter__(self) -> None:
        self.entered: list[tuple[Module, _Evaluated]] = []
        with _lock:
            for model in self._models:
                held = _evaluated.get(model)
                if held is None:
                    training = _training(model)
                    if not training:  # nothing is to be changed back
                        continue
                    held = _evaluated[model] = _Evaluated(0, training)
                    model.eval()
                held.users += 1
                self.entered.append((model, held))

    def __exit__(self, *error: object) -> None:
        if self.entered:
            with _lock:
                for model, held in self.entered:
                    _leave(model, held)


def _training(model: Module) -> list[Module]:
    """The parts in training mode. A request to a small model notices how long it takes to find that there are none."""
    left, seen, found = [model], {id(model)}, []
    while left:
        part = left.pop()
        if part.training:
            found.append(part)
        for one in part._modules.values():
            if id(one) not in seen:
                seen.add(id(one))
                left.append(one)
    return found


def _leave(model: Module, held: _Evaluated) -> None:
    held.users -= 1
    if not held.users:
        del _evaluated[model]
        for part in held.parts:
            object.__setattr__(part, "training", True)
        _core.facts_changed()
