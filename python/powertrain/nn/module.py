"""Modules: objects whose slots and sub-modules register themselves, with names that are the paths of attributes."""

from __future__ import annotations

import copy
import fnmatch
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain import _core
from powertrain.boundary import LEFTOVERS, translated
from powertrain.facts import Watched
from powertrain.nn import torch_layout

M = TypeVar("M", bound="Module")
Layout = Literal["own", "torch"]


class StateError(pt.Error, ValueError):
    """Named values that do not fit a module: `[where] what was received; what was expected; how to fix it`."""


def Parameter(value: Any, name: str = "") -> pt.Slot:  # noqa: N802 - it reads as the type that it makes
    """A slot that training changes."""
    return pt.Slot(value, name=name, trainable=True)


class Module(Watched):
    """A part of a model. Assigning a slot or a module to an attribute registers it under that name.

    A tensor or array that is assigned over a buffer becomes its value. Over a parameter it is an error: its value is
    `module.weight.value`. Another slot takes the place of a parameter and is one too, but an optimizer that was made
    before goes on with the old one. None takes either away.

    >>> class Shift(pt.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.by = pt.nn.Parameter(pt.zeros((3,)))
    ...     def forward(self, x):
    ...         return x + self.by
    >>> [name for name, _ in Shift().named_parameters()]
    ['by']
    """

    # Buffers that the module has in PyTorch and not here.
    TORCH_ONLY: ClassVar[frozenset[str]] = frozenset()

    training: bool
    _slots: dict[str, pt.Slot]
    _modules: dict[str, Module]
    _buffers: set[str]

    def __init__(self) -> None:
        object.__setattr__(self, "_slots", {})
        object.__setattr__(self, "_modules", {})
        # Names of slots that training never changes, whether or not parameters are frozen.
        object.__setattr__(self, "_buffers", set())
        object.__setattr__(self, "training", True)

    def __setattr__(self, name: str, value: Any) -> None:
        if "_modules" not in vars(self):
            raise pt.DTypeError(
                f"[{type(self).__name__}] attribute {name} before super().__init__(); expected that call first; "
                "begin __init__ with super().__init__()"
            )
        if isinstance(value, (list, tuple)) and any(isinstance(item, (Module, pt.Slot)) for item in value):
            raise pt.DTypeError(
                f"[{type(self).__name__}.{name}] a {type(value).__name__} of modules or slots, whose parameters "
                "would not be found; expected a module; wrap it in pt.nn.Sequential(*modules)"
            )
        if name in self._modules and not callable(value) and value is not None:
            raise pt.DTypeError(
                f"[{type(self).__name__}.{name}] {type(value).__name__} in place of a "
                f"{type(self._modules[name]).__name__}; expected a module; to take it away assign None"
            )
        if name in self._slots and not isinstance(value, (pt.Slot, Module)) and value is not None:
            self._set_value(name, value)
            return
        self._register(name, value)
        super().__setattr__(name, value)

    def _set_value(self, name: str, value: Any) -> None:
        """What a buffer holds from now on."""
        if name not in self._buffers:
            raise pt.DTypeError(
                f"[{type(self).__name__}.{name}] {type(value).__name__} in place of a parameter; expected a slot; to "
                f"change its value write module.{name}.value = ..., for another parameter pt.nn.Parameter(...)"
            )
        self._slots[name].value = value

    def _register(self, name: str, value: Any) -> None:
        """Slots and modules keep the place in the order that their name has."""
        was_parameter = name in self._slots and name not in self._buffers
        self._buffers.discard(name)
        if isinstance(value, pt.Slot):
            self._slots[name] = value
            if not value.trainable and not was_parameter:
                self._buffers.add(name)
        else:
            self._slots.pop(name, None)
        if isinstance(value, Module):
            self._modules[name] = value
        else:
            self._modules.pop(name, None)

    def __delattr__(self, name: str) -> None:
        self._register(name, None)
        super().__delattr__(name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return self.forward(*args, **kwargs)
        except LEFTOVERS as error:
            found = translated(error, type(self).forward, (self, *args), kwargs)
            if found is None:
                raise
            raise found from error

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        raise pt.DTypeError(
            f"[{type(self).__name__}] called without a forward method; expected one; write def forward(self, x)"
        )

    # ------------------------------------------------------------ names

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """This module and all below it, each once, depth first."""
        yield from self._walk(prefix, set())

    def _walk(self, prefix: str, seen: set[int]) -> Iterator[tuple[str, Module]]:
        if id(self) in seen:
            return
        seen.add(id(self))
        yield prefix, self
        for name, module in self._modules.items():
            yield from module._walk(_join(prefix, name), seen)

    def _named(self, wanted: Callable[[Module, str], bool]) -> Iterator[tuple[str, pt.Slot]]:
        seen: set[int] = set()
        for path, module in self.named_modules():
            for name, slot in module._slots.items():
                if id(slot) not in seen and wanted(module, name):
                    seen.add(id(slot))
                    yield _join(path, name), slot

    def every_path(self) -> Iterator[tuple[str, Module, str, pt.Slot]]:
        """Every path to a slot, with its module and its name there: those that are tied come once for each path."""
        yield from self._paths("", ())

    def _paths(self, prefix: str, above: tuple[Module, ...]) -> Iterator[tuple[str, Module, str, pt.Slot]]:
        if any(module is self for module in above):
            return
        for name, slot in self._slots.items():
            yield _join(prefix, name), self, name, slot
        for name, module in self._modules.items():
            yield from module._paths(_join(prefix, name), (*above, self))

    def named_slots(self) -> Iterator[tuple[str, pt.Slot]]:
        """Every slot, once, by its first path."""
        return self._named(lambda module, name: True)

    def named_parameters(self) -> Iterator[tuple[str, pt.Slot]]:
        """Every parameter, frozen ones too; one that is tied has its first path."""
        return self._named(lambda module, name: name not in module._buffers)

    def named_buffers(self) -> Iterator[tuple[str, pt.Slot]]:
        """Slots that are no parameters, such as running statistics."""
        return self._named(lambda module, name: name in module._buffers)

    def parameters(self) -> list[pt.Slot]:
        return [slot for _, slot in self.named_parameters()]

    def trainable(self) -> list[pt.Slot]:
        """The parameters that are not frozen, in order: what gradients are taken of."""
        return [slot for slot in self.parameters() if slot.trainable]

    def buffers(self) -> list[pt.Slot]:
        return [slot for _, slot in self.named_buffers()]

    def name_slots(self, prefix: str = "") -> None:
        """Gives every slot its path as its name, which errors, profiles and checkpoints show."""
        for name, slot in self.named_slots():
            slot.name = _join(prefix, name)

    # ------------------------------------------------------------ modes

    def train(self: M, mode: bool = True) -> M:
        """Sets the mode of this module and all below: dropout and batch statistics on (or off)."""
        for _, module in self.named_modules():
            object.__setattr__(module, "training", mode)
        _core.facts_changed()
        return self

    def eval(self: M) -> M:
        return self.train(False)

    def freeze(self, pattern: str = "*") -> list[str]:
        """Keeps the matching parameters as they are; before an optimizer is made. Returns their names."""
        return self._set_trainable(pattern, False)

    def unfreeze(self, pattern: str = "*") -> list[str]:
        return self._set_trainable(pattern, True)

    def _set_trainable(self, pattern: str, trainable: bool) -> list[str]:
        found = [(name, slot) for name, slot in self.named_parameters() if fnmatch.fnmatchcase(name, pattern)]
        if not found:
            raise StateError(
                f"[freeze] pattern {pattern!r}; expected one that matches a parameter, such as "
                f"{', '.join(name for name, _ in list(self.named_parameters())[:3]) or 'none here'}; "
                "see model.named_parameters()"
            )
        for _, slot in found:
            slot.trainable = trainable
        return [name for name, _ in found]

    # ------------------------------------------------------------ values

    def clone(self: M) -> M:
        """A module of the same values with slots of its own; what is tied stays tied.

        >>> layer = pt.nn.Linear(2, 3)
        >>> layer.clone().weight is layer.weight
        False
        """
        return self._cloned({})

    def _cloned(self: M, made: dict[int, Any]) -> M:
        if id(self) in made:
            found: M = made[id(self)]
            return found
        twin = made[id(self)] = object.__new__(type(self))
        vars(twin).update(vars(self), _slots={}, _modules={}, _buffers=set(self._buffers))
        for name, slot in self._slots.items():
            if id(slot) not in made:
                made[id(slot)] = pt.Slot(pt.tensor(slot.value), name=slot.name, trainable=slot.trainable)
            twin._slots[name] = vars(twin)[name] = made[id(slot)]
        for name, module in self._modules.items():
            twin._modules[name] = vars(twin)[name] = module._cloned(made)
        return twin

    def __deepcopy__(self: M, memo: dict[int, Any]) -> M:
        """A clone whose plain attributes are copies too."""
        twin = self._cloned(memo)
        for module in {id(module): module for _, module in twin.named_modules()}.values():
            for name, value in vars(module).items():
                if name not in ("_slots", "_modules", "_buffers") and not isinstance(value, (pt.Slot, Module)):
                    vars(module)[name] = copy.deepcopy(value, memo)
        return twin

    def _cast(self, dtype: Any) -> None:
        """Gives parameters and buffers of real numbers a dtype; None leaves them as they are."""
        if dtype is None:
            return
        wanted = pt.zeros((), dtype).dtype
        if not wanted.is_float:
            raise pt.DTypeError(
                f"[{type(self).__name__}] dtype = {wanted.name}; expected a floating dtype; for example 'bfloat16'"
            )
        for _, slot in self.named_slots():
            if slot.dtype.is_float and slot.dtype != wanted:
                slot.value = pt.cast(slot.value, wanted)

    def torch_layout(self, name: str) -> tuple[int, ...] | None:
        """How PyTorch's axes of a slot of this module are transposed to ours; None where they are alike."""
        return None

    def state_dict(
        self, layout: Layout = "own", flattened: Mapping[str, tuple[int, ...]] | None = None
    ) -> dict[str, NDArray[Any]]:
        """The value of every slot by name, as copies; with `layout="torch"` as PyTorch's module has them.

        Then what is tied comes under each of its names. `flattened` is as in load_state_dict.
        """
        if layout == "torch":
            return torch_layout.to_torch(self, flattened or {})
        return {name: np.array(slot.numpy()) for name, slot in self.named_slots()}

    def load_state_dict(
        self,
        state: Mapping[str, Any],
        strict: bool = True,
        layout: Layout = "own",
        flattened: Mapping[str, tuple[int, ...]] | None = None,
    ) -> list[str]:
        """Sets slots by name after all are checked; returns the names that were set.

        `strict` wants every slot and no other name; otherwise missing and unknown names are passed over. Shapes must
        always agree. With `layout="torch"` the state is of PyTorch's module of the same names: weights are transposed
        as each module says, and tied ones may come under any of their names, or under all. A linear layer on a
        flattened image needs to be told of it, since PyTorch's flat images have the channels first:
        `flattened={"4.weight": (channels, height, width)}`.
        """
        if layout == "torch":
            state = torch_layout.from_torch(self, state, flattened or {})
        slots = dict(self.named_slots())
        values = {name: np.asarray(value) for name, value in state.items() if name in slots}
        wrong = [
            f"{name} is {list(value.shape)}, expected {list(slots[name].shape)}"
            for name, value in values.items()
            if tuple(value.shape) != tuple(slots[name].shape)
        ]
        tensors = {}
        for name, value in values.items():
            try:
                tensors[name] = pt.tensor(value, dtype=slots[name].dtype)
            except (TypeError, ValueError) as error:
                wrong.append(f"{name} is {value.dtype}, expected {slots[name].dtype.name} ({error})")
        if strict:
            wrong += [f"{name} is missing" for name in slots if name not in state]
            wrong += [f"{name} is unknown" for name in state if name not in slots]
        if wrong:
            shown = "; ".join(wrong[:8]) + (f"; and {len(wrong) - 8} more" if len(wrong) > 8 else "")
            raise StateError(
                f"[load_state_dict] {len(values)} of {len(slots)} tensors fit by name: {shown}; expected the state of "
                f"a {type(self).__name__} of this size; build the model with the parameters that it was saved with"
                + (", or pass strict=False for names that differ" if strict else "")
            )
        for name, tensor in tensors.items():
            slots[name].value = tensor
        return list(tensors)

    # ------------------------------------------------------------ display

    def summary(self) -> str:
        """A table of the parts that hold slots, with shapes and counts, and the totals."""
        rows = []
        first: dict[int, str] = {}
        for path, module in self.named_modules():
            shapes, count = [], 0
            for name, slot in module._slots.items():
                tied = first.setdefault(id(slot), _join(path, name))
                if tied != _join(path, name):
                    shapes.append(f"{name} = {tied}")
                    continue
                shapes.append(f"{name} {list(slot.shape)}")
                count += 0 if name in module._buffers else slot_size(slot)
            if shapes:
                rows.append((path or "(self)", type(module).__name__, f"{count:,}", ", ".join(shapes)))
        total = sum(slot_size(slot) for slot in self.parameters())
        trained = sum(slot_size(slot) for slot in self.trainable())
        widths = [max([len(row[column]) for row in rows], default=0) for column in range(3)]
        lines = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}  {d}" for a, b, c, d in rows]
        frozen = f", of which {total - trained:,} are frozen" if trained < total else ""
        return "\n".join([*lines, f"{total:,} parameters{frozen}"])


def slot_size(slot: pt.Slot) -> int:
    return int(np.prod(slot.shape, dtype=np.int64))


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name
