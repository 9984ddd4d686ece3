"""The state of what trains beside a model, as named arrays."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

import powertrain as pt
from powertrain import _core
from powertrain.errors.methods import Abstract, missing
from powertrain.nn.parameter import array_of
from powertrain.optim.settings import OptimizerError

if TYPE_CHECKING:
    from powertrain.typing import Array, TensorLike


class Stateful(Abstract):
    """An object whose state is slots with names."""

    @abstractmethod
    def named_slots(self) -> Iterator[tuple[str, pt.Slot]]:
        """Every slot of the state by name."""
        raise missing(self, "named_slots")

    def state_dict(self) -> dict[str, Array]:
        """Every number that the next updates depend on, by name, as copies; those of bfloat16 as float32."""
        return {name: np.array(array_of(slot)) for name, slot in self.named_slots()}

    def load_state_dict(self, state: Mapping[str, TensorLike]) -> None:
        """Set the state to what `state_dict` gave, after all of it is checked.

        Errors    names that are missing or unknown; another shape or dtype
        """
        where, slots = type(self).__name__, dict(self.named_slots())
        if not isinstance(state, Mapping):
            raise OptimizerError(f"[{where}] received {type(state).__name__}; expected what state_dict() gave")
        wrong = [f"{name} is missing" for name in slots if name not in state]
        wrong += [f"{name} is unknown" for name in state if name not in slots]
        values: dict[str, Any] = {}
        for name, slot in slots.items():
            if name not in state:
                continue
            value, kept = np.asarray(state[name]), "float32" if slot.dtype == pt.bfloat16 else slot.dtype.name
            if (value.shape, str(value.dtype)) != (tuple(slot.shape), kept):
                wrong.append(f"{name} is {value.dtype}{list(value.shape)}, expected {kept}{list(slot.shape)}")
                continue
            values[name] = pt.tensor(value, dtype=slot.dtype)
        if wrong:
            listed = "; ".join(wrong[:4]) + (f"; and {len(wrong) - 4} more" if len(wrong) > 4 else "")
            raise OptimizerError(
                f"[{where}] {len(values)} of {len(slots)} arrays fit: {listed}; expected a state of the same class, "
                "parameters and settings; make this one as that one was made"
            )
        for name, value in values.items():
            slots[name].value = value
        _core.keep_written(list(slots.values()))
