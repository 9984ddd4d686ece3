"""Functions that a module calls before and after its forward."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from powertrain.nn.module import Module

_numbers = itertools.count()


@dataclass(frozen=True)
class Hook:
    """`before` or after forward; with `with_kwargs` it is given keyword arguments too."""

    function: Callable[..., Any]
    before: bool
    with_kwargs: bool
    id: int

    @classmethod
    def after(cls, function: Callable[..., Any]) -> Hook:
        """A hook for `attached`: `function(module, args, output)`."""
        return cls(function, False, False, next(_numbers))


class HookHandle:
    """Takes a hook away again: `remove()`, or the end of a `with` block."""

    def __init__(self, module: Module, hook: Hook) -> None:
        self._module, self._hook, self.id = module, hook, hook.id

    def remove(self) -> None:
        """The module calls the hook no longer; that it is gone already is no error."""
        self._module._hooks = tuple(hook for hook in self._module._hooks if hook.id != self.id)

    def __enter__(self) -> HookHandle:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()


def register(
    module: Module, function: Callable[..., Any], before: bool, prepend: bool, with_kwargs: bool
) -> HookHandle:
    hook = Hook(function, before, with_kwargs, next(_numbers))
    # A new tuple, assigned: an attribute that changes is what a compiled step sees.
    module._hooks = (hook, *module._hooks) if prepend else (*module._hooks, hook)
    return HookHandle(module, hook)


@contextlib.contextmanager
def attached(hooks: Iterable[tuple[Module, Hook]]) -> Iterator[None]:
    """Inside the block modules have these hooks too. They are the same ones each time, and afterwards modules are as
    before, so that no compiled function is traced again: neither one that was traced inside nor one outside."""
    hooks = list(hooks)
    before = [(module, vars(module).get("_hooks")) for module in dict.fromkeys(module for module, _ in hooks)]
    try:
        for module, hook in hooks:
            module._hooks = (*module._hooks, hook)
        yield
    finally:
        for module, kept in before:
            if kept is None:
                del module._hooks
            else:
                module._hooks = kept


def called(module: Module, hooks: tuple[Hook, ...], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The module's forward between its hooks, each of which may change what it sees by what it returns."""
    for hook in hooks:
        if not hook.before:
            continue
        found = hook.function(module, args, kwargs) if hook.with_kwargs else hook.function(module, args)
        if found is not None and hook.with_kwargs:
            args, kwargs = found
        elif found is not None:
            args = found if isinstance(found, tuple) else (found,)
    y = module.forward(*args, **kwargs)
    for hook in hooks:
        if hook.before:
            continue
        found = hook.function(module, args, kwargs, y) if hook.with_kwargs else hook.function(module, args, y)
        y = y if found is None else found
    return y
