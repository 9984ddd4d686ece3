"""Modules: objects whose slots and sub-modules register themselves, with names that are the paths of attributes."""

from __future__ import annotations

import fnmatch
import reprlib
from collections.abc import Callable
from typing import Any, ClassVar, ParamSpec, Protocol, TypeVar, cast

import powertrain as pt
from powertrain import _core
from powertrain.errors.boundary import LEFTOVERS, translated
from powertrain.nn import display, hooks
from powertrain.nn.checks import StateError
from powertrain.nn.other_names import unknown
from powertrain.nn.parameter import Parameter, slot_size
from powertrain.nn.state import State

__all__ = ["Module", "Parameter", "StateError", "slot_size"]

M = TypeVar("M", bound="Module")
P = ParamSpec("P")
R = TypeVar("R", covariant=True)


class Forwards(Protocol[P, R]):
    """What has a forward: a call of a module takes and gives what that takes and gives."""

    def forward(self, *args: P.args, **kwargs: P.kwargs) -> R: ...


class Module(State):
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
    # `def forward(self, x)` for PyTorch, with the same parts and settings on self and channels last: what the exporter
    # safetensors writes for a module that is no layer of PyTorch's. Empty where the settings of one have no such form.
    TORCH_FORWARD: str = ""

    training: bool
    __array_ufunc__ = None  # no operand of NumPy's, which would make arrays of it as an object
    _hooks: tuple[hooks.Hook, ...] = ()

    def __init__(self) -> None:
        super().__init__()
        object.__setattr__(self, "training", True)

    def __getattr__(self, name: str) -> Any:
        held = vars(self).get("parametrizations")
        if held is not None and name in getattr(held, "_modules", ()):
            return held._modules[name]()  # computed from others: nn/utils/parametrize.py
        if isinstance(getattr(type(self), name, None), property):  # one that failed: what it says itself
            return object.__getattribute__(self, name)
        unknown(self, name)

    def __call__(self: Forwards[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            if self._hooks:  # type: ignore[attr-defined]  # of a module
                return cast("R", hooks.called(self, self._hooks, args, kwargs))  # type: ignore[arg-type, attr-defined]
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

    # ------------------------------------------------------------ hooks

    def register_forward_pre_hook(
        self, hook: Callable[..., object], *, prepend: bool = False, with_kwargs: bool = False
    ) -> hooks.HookHandle:
        """Call `hook(module, args)` before each forward; what it returns, unless None, takes the place of args.

        `with_kwargs`: `hook(module, args, kwargs)`, which returns None or both. In a compiled step a hook is traced
        with the module, once, as any other function.
        """
        return hooks.register(self, hook, True, prepend, with_kwargs)

    def register_forward_hook(
        self, hook: Callable[..., object], *, prepend: bool = False, with_kwargs: bool = False
    ) -> hooks.HookHandle:
        """Call `hook(module, args, output)` after each forward; what it returns, unless None, is the output.

        `with_kwargs`: `hook(module, args, kwargs, output)`. `remove()` of what this returns takes it away.

        >>> layer, seen = pt.nn.Linear(2, 3), []
        >>> with layer.register_forward_hook(lambda module, args, output: seen.append(output.shape)):
        ...     _ = layer(pt.ones((4, 2)))
        >>> seen
        [(4, 3)]
        """
        return hooks.register(self, hook, False, prepend, with_kwargs)

    # ------------------------------------------------------------ modes

    def apply(self: M, fn: Callable[[Module], object]) -> M:
        """Call a function with every module below this one, then with this one; returns the module itself.

        >>> names = []
        >>> _ = pt.nn.Sequential(pt.nn.ReLU()).apply(lambda module: names.append(type(module).__name__))
        >>> names
        ['ReLU', 'Sequential']
        """
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def train(self: M, mode: bool = True) -> M:
        """Sets the mode of this module and all below: dropout and batch statistics on (or off)."""
        for module in self.modules():
            object.__setattr__(module, "training", bool(mode))
        _core.facts_changed()
        return self

    def eval(self: M) -> M:
        """The mode of evaluation: `train(False)`."""
        return self.train(False)

    def freeze(self, pattern: str = "*") -> list[str]:
        """Keeps the matching parameters as they are; before an optimizer is made. Returns their names."""
        return self._set_trainable(pattern, False)

    def unfreeze(self, pattern: str = "*") -> list[str]:
        """Lets the matching parameters be trained again. Returns their names."""
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

    # ------------------------------------------------------------ display

    def extra_repr(self) -> str:
        """The settings that `repr` shows, for example "in_features=3"; a module of your own may say its own."""
        return display.settings(self)

    def _shown(self) -> list[tuple[str, Any]]:
        """The parts that `repr` shows."""
        return list(self._modules.items())

    @reprlib.recursive_repr()  # a module may hold one that it is a part of
    def __repr__(self) -> str:
        return display.text(self)

    def summary(self) -> str:
        """A table of the parts that hold slots, with shapes and counts, and the totals."""
        return display.table(self)
