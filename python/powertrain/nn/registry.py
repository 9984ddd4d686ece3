"""What a module holds: slots and modules by name, found by their paths."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import powertrain as pt
from powertrain.nn import checks
from powertrain.program.facts import Watched

if TYPE_CHECKING:
    from powertrain.nn.module import Module
    from powertrain.typing import TensorLike

# What Keras and PyTorch switch by an attribute, which here nobody would read.
_SWITCHES = ("requires_grad", "trainable")
# What Keras calls a setting of a layer, with its name here.
_KERAS = {
    "alpha": "negative_slope", "dilation_rate": "dilation", "epsilon": "eps", "pool_size": "kernel_size", "rate": "p",
    "strides": "stride",
}  # fmt: skip


def join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def _holds_parts(value: list[Any] | tuple[Any, ...] | dict[Any, Any]) -> bool:
    """Whether modules or slots are among the items, or among the items of these."""

    def items_of(one: Any) -> Iterable[Any]:
        return one.values() if isinstance(one, dict) else one if isinstance(one, (list, tuple)) else ()

    items = items_of(value)
    return any(isinstance(item, (Registry, pt.Slot)) for item in itertools.chain(items, *map(items_of, items)))


class Slots(list[pt.Slot]):
    """A list of slots that `next` takes from too, as from PyTorch's generators: next(model.parameters()).dtype."""

    _rest: Iterator[pt.Slot] | None = None

    def __next__(self) -> pt.Slot:
        self._rest = self._rest or iter(self)
        return next(self._rest)


class Registry(Watched):
    """Slots and modules that register themselves when they are assigned to attributes, with their names."""

    _slots: dict[str, pt.Slot]
    _modules: dict[str, Module]
    _buffers: set[str]
    # Buffers that state_dict leaves out.
    _transient: frozenset[str] = frozenset()

    def __init__(self) -> None:
        object.__setattr__(self, "_slots", {})
        object.__setattr__(self, "_modules", {})
        # Names of slots that training never changes, whether or not parameters are frozen.
        object.__setattr__(self, "_buffers", set())

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, (list, tuple, dict)) and _holds_parts(value):
            fix = "pt.nn.ModuleDict(modules)" if isinstance(value, dict) else "pt.nn.Sequential(*modules)"
            raise pt.DTypeError(
                f"[{type(self).__name__}.{name}] a {type(value).__name__} of modules or slots, whose parameters "
                f"would not be found; expected a module; wrap it in {fix}"
            )
        if "_modules" not in vars(self):
            if isinstance(value, (Registry, pt.Slot)):
                raise pt.DTypeError(
                    f"[{type(self).__name__}] attribute {name} before super().__init__(); expected that call first; "
                    "begin __init__ with super().__init__()"
                )
            super().__setattr__(name, value)  # a setting, as of a dataclass
            return
        if name in self._modules and not callable(value) and value is not None:
            raise pt.DTypeError(
                f"[{type(self).__name__}.{name}] {type(value).__name__} in place of a "
                f"{type(self._modules[name]).__name__}; expected a module; to take it away assign None"
            )
        if name in self._slots and not isinstance(value, (pt.Slot, Registry)) and value is not None:
            self._set_value(name, value)
            return
        if name in _SWITCHES and isinstance(value, bool):
            raise pt.DTypeError(
                f"[{type(self).__name__}] {name} = {value}; expected no such switch; write "
                f"model.{'unfreeze' if value else 'freeze'}()"
            )
        if name in _KERAS:
            self._demand_own_word(name, value)
        held = self._modules.get("parametrizations")
        if held is not None and name in held._modules:
            raise pt.DTypeError(
                f"[{type(self).__name__}.{name}] {type(value).__name__} in place of a computed parameter; expected no "
                f"assignment; set what it is computed from, the slots of module.parametrizations.{name}, or write "
                f"pt.nn.utils.parametrize.remove_parametrizations(module, {name!r}) first"
            )
        self._register(name, value)
        super().__setattr__(name, value)

    def _demand_own_word(self, name: str, value: Any) -> None:
        """Refuse Keras' name of a setting for a layer of ours: nobody would read it. Your own classes have any name."""
        held, ours = vars(self), _KERAS[name]
        if ours in held and name not in held and type(self).__module__.startswith("powertrain.nn."):
            raise pt.DTypeError(
                f"[{type(self).__name__}] {name} = {value!r}; expected {ours}; write module.{ours} = {value!r}"
            )

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
        if isinstance(value, Registry):
            self._modules[name] = value  # type: ignore[assignment]  # every registry is a module
        else:
            self._modules.pop(name, None)

    def __delattr__(self, name: str) -> None:
        self._register(name, None)
        super().__delattr__(name)

    # ------------------------------------------------------------ by a name that is a text

    def _check_name(self, where: str, name: Any) -> None:
        held = name in vars(self) if isinstance(name, str) else False
        known = held or (isinstance(name, str) and hasattr(type(self), name))
        if not isinstance(name, str) or not name or "." in name or (known and name not in self._free_names()):
            raise checks.SettingError(
                f"[{type(self).__name__}.{where}] name = {name!r}; expected a text without dots that no other "
                "attribute has; rename it"
            )

    def _free_names(self) -> set[str]:
        """Of what is registered, or stands as None where a slot or module could."""
        return {*self._slots, *self._modules, *(name for name, value in vars(self).items() if value is None)}

    def register_buffer(self, name: str, tensor: TensorLike | None, persistent: bool = True) -> None:
        """Keep a tensor that training does not change; `persistent=False` leaves it out of state_dict.

        It is `module.<name>`, a slot: an assignment to it is its new value, in a compiled step too.

        Example
            >>> layer = pt.nn.Module()
            >>> layer.register_buffer("steps", pt.zeros((2,)))
            >>> layer.steps.shape
            (2,)
        """
        self._check_name("register_buffer", name)
        if tensor is not None and not isinstance(tensor, pt.Slot):
            from powertrain.nn.parameter import detached

            tensor = pt.Slot(detached(tensor))
        if isinstance(tensor, pt.Slot) and tensor.trainable:
            raise checks.SettingError(
                f"[{type(self).__name__}.register_buffer] {name} is a parameter; expected a tensor; for a parameter "
                f"write register_parameter({name!r}, value)"
            )
        setattr(self, name, None)
        setattr(self, name, tensor)
        kept = self._transient - {name} if persistent else self._transient | {name}
        if kept != self._transient:
            self._transient = kept

    def register_parameter(self, name: str, param: pt.Slot | None) -> None:
        """Keep a parameter, as an assignment to the attribute does; None says that there is none."""
        self._check_name("register_parameter", name)
        if param is not None and not isinstance(param, pt.Slot):
            raise pt.DTypeError(
                f"[{type(self).__name__}.register_parameter] {name} is {type(param).__name__}; expected a parameter; "
                f"write register_parameter({name!r}, pt.nn.Parameter(value))"
            )
        setattr(self, name, param)

    def register_module(self, name: str, module: Registry | None) -> None:
        """Keep a module, as an assignment to the attribute does; None says that there is none."""
        self._check_name("register_module", name)
        if module is not None and not isinstance(module, Registry):
            raise pt.DTypeError(
                f"[{type(self).__name__}.register_module] {name} is {type(module).__name__}; expected a module; wrap a "
                "function in one"
            )
        setattr(self, name, module)

    def add_module(self, name: str, module: Registry | None) -> None:
        """Keep a module: PyTorch's older name of `register_module`."""
        self.register_module(name, module)

    # ------------------------------------------------------------ modules

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """This module and all below it, each once, depth first."""
        yield from self._walk(prefix, set())

    def _walk(self, prefix: str, seen: set[int]) -> Iterator[tuple[str, Module]]:
        if id(self) in seen:
            return
        seen.add(id(self))
        yield prefix, self  # type: ignore[misc]  # every registry is a module
        for name, module in self._modules.items():
            yield from module._walk(join(prefix, name), seen)

    def modules(self) -> Iterator[Module]:
        """This module and all below it, each once, depth first."""
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules that this one holds itself, each once."""
        seen: set[int] = set()
        for name, module in self._modules.items():
            if id(module) not in seen:
                seen.add(id(module))
                yield name, module

    def children(self) -> Iterator[Module]:
        """The modules that this one holds itself, each once."""
        return (module for _, module in self.named_children())

    def get_submodule(self, target: str) -> Module:
        """The module of a path, such as "encoder.layers.0"; this one by ""."""
        found: Any = self
        for name in target.split(".") if target else []:
            inner = found._modules.get(name)
            if inner is None:
                raise checks.MissingNameError(
                    f"[{type(self).__name__}.get_submodule] {target!r}: {type(found).__name__} has no module {name!r}; "
                    f"expected one of {', '.join(found._modules) or 'none'}; see model.named_modules()"
                )
            found = inner
        module: Module = found
        return module

    def get_parameter(self, target: str) -> pt.Slot:
        """The parameter of a path, such as "encoder.layers.0.weight"."""
        return self._get_slot("get_parameter", target, False)

    def get_buffer(self, target: str) -> pt.Slot:
        """The buffer of a path, such as "norm.running_mean"."""
        return self._get_slot("get_buffer", target, True)

    def _get_slot(self, where: str, target: str, buffer: bool) -> pt.Slot:
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        names = [one for one in module._slots if (one in module._buffers) == buffer]
        if name not in names:
            kind = "buffer" if buffer else "parameter"
            raise checks.MissingNameError(
                f"[{type(self).__name__}.{where}] {target!r}: {type(module).__name__} has no {kind} {name!r}; expected "
                f"one of {', '.join(names) or 'none'}; see model.named_{kind}s()"
            )
        return module._slots[name]

    # ------------------------------------------------------------ slots

    def _named(
        self, wanted: Callable[[Module, str], bool], prefix: str = "", recurse: bool = True
    ) -> Iterator[tuple[str, pt.Slot]]:
        seen: set[int] = set()
        for path, module in self.named_modules(prefix) if recurse else [(prefix, self)]:
            for name, slot in module._slots.items():
                if id(slot) not in seen and wanted(module, name):  # type: ignore[arg-type]  # every one is a module
                    seen.add(id(slot))
                    yield join(path, name), slot

    def every_path(self) -> Iterator[tuple[str, Module, str, pt.Slot]]:
        """Every path to a slot, with its module and its name there: those that are tied come once for each path."""
        yield from self._paths("", ())

    def _paths(self, prefix: str, above: tuple[Any, ...]) -> Iterator[tuple[str, Module, str, pt.Slot]]:
        if any(module is self for module in above):
            return
        for name, slot in self._slots.items():
            yield join(prefix, name), self, name, slot  # type: ignore[misc]  # every registry is a module
        for name, module in self._modules.items():
            yield from module._paths(join(prefix, name), (*above, self))

    def named_slots(self) -> Iterator[tuple[str, pt.Slot]]:
        """Every slot, once, by its first path."""
        return self._named(lambda module, name: True)

    def named_parameters(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, pt.Slot]]:
        """Every parameter, frozen ones too; one that is tied has its first path."""
        return self._named(lambda module, name: name not in module._buffers, prefix, recurse)

    def named_buffers(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, pt.Slot]]:
        """Slots that are no parameters, such as running statistics."""
        return self._named(lambda module, name: name in module._buffers, prefix, recurse)

    def parameters(self, recurse: bool = True) -> list[pt.Slot]:
        """Every parameter, frozen ones too, in order. Each gets its path as its name, which optimizers show."""
        found = Slots()
        for path, slot in self.named_parameters("", recurse):
            if slot.name != path:
                slot.name = path
            found.append(slot)
        return found

    def trainable(self) -> list[pt.Slot]:
        """The parameters that are not frozen, in order: what gradients are taken of."""
        return [slot for slot in self.parameters() if slot.trainable]

    def buffers(self, recurse: bool = True) -> list[pt.Slot]:
        """Every slot that is no parameter."""
        return Slots(slot for _, slot in self.named_buffers("", recurse))

    def name_slots(self, prefix: str = "") -> None:
        """Gives every slot its path as its name, which errors, profiles and checkpoints show."""
        for name, slot in self.named_slots():
            slot.name = join(prefix, name)
