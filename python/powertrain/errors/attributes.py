"""Attributes that an object of the engine does not have: an error of ours that shows what was probably meant."""

from __future__ import annotations

import difflib
from typing import Any, Final

from powertrain import _core

# Attributes of PyTorch's and Keras' objects, and what to write, by the class of ours or a base of it.
ELSEWHERE: Final[dict[str, dict[str, str]]] = {
    "DataLoader": {
        "next": "next(iter(loader))",
        "shape": "len(loader) for the batches, len(loader.dataset) for the examples",
    },
    "DType": {
        "is_floating_point": "dtype.is_float",
        "is_signed": "dtype.kind in 'ifc'",
        "str": "dtype.name",
        "type": "dtype.name",
    },
    "Generator": {
        "manual_seed": "pt.random.Generator(seed)",
        "shuffle": "x = generator.permutation(x)",
    },
    "Optimizer": {
        "apply": "opt.update(grads)",
        "apply_gradients": "opt.update(grads)",
        "defaults": "opt.param_groups",
        "get_last_lr": "opt.scheduled_lr",
        "init": "opt.update(grads): the state is made with the optimizer",
        "learning_rate": "opt.lr, or opt.scheduled_lr with a schedule",
        "minimize": "opt.update(grads)",
        "set_lr": "opt.lr = ...",
    },
    "TrainedRun": {
        "fit": "pt.fit(model=run.model, data=data, epochs=10)",
        "losses": 'run.history["train.loss"]',
        "metrics": "run.evaluate()",
        "save": "pt.fit(..., folder=...), whose folder pt.load opens",
        "score": "run.evaluate()",
        "state_dict": "run.model.state_dict()",
        "summary": "run.report()",
        "transform": "run.predict(x)",
    },
}  # fmt: skip


class UnknownAttributeError(_core.Error, AttributeError):
    """An attribute that an object does not have. The text is made when it is read, since many only ask."""

    def __init__(self, cls: type, wanted: str) -> None:
        super().__init__(cls, wanted)
        self.cls, self.wanted = cls, wanted

    def __str__(self) -> str:
        where = self.cls.__name__
        written = next((known[self.wanted] for base in self.cls.__mro__
                        if self.wanted in (known := ELSEWHERE.get(base.__name__, {}))), None)  # fmt: skip
        there = [name for name in dir(self.cls) if not name.startswith("_")]
        close = difflib.get_close_matches(self.wanted, there, 1)
        fix = f"write {written}" if written else f"did you mean {close[0]}?" if close else f"see dir({where})"
        return f"[{where}] {self.wanted}; expected an attribute of {where}; {fix}"


def missing(self: Any, name: str) -> Any:
    """The `__getattr__` of the engine's classes, behind those of their own that a class has."""
    cls = type(self)
    own = next((found for base in cls.__mro__ if (found := vars(base).get("__getattr__")) not in (None, missing)), None)
    if own is not None:
        return own(self, name)
    if not name.startswith("_") and hasattr(cls, name):  # a property that failed: what it says itself
        return object.__getattribute__(self, name)
    raise UnknownAttributeError(cls, name)
