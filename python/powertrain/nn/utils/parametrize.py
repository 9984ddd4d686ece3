"""Parameters that are computed from others, whenever a module reads them.

`register_parametrization(layer, "weight", parametrization)` takes the parameter out of the layer: what is trained and
saved is `layer.parametrizations.weight.original`, and `layer.weight` is what the parametrization makes of it.
"""

from __future__ import annotations

from typing import Any

import powertrain as pt
from powertrain.errors.boundary import export as _export
from powertrain.errors.hints import attributes as _attributes
from powertrain.nn import checks
from powertrain.nn.containers import ModuleDict
from powertrain.nn.module import Module, Parameter

__all__ = ["ParametrizationList", "is_parametrized", "register_parametrization", "remove_parametrizations"]


class ParametrizationList(Module):
    """The parametrizations of one tensor, "0", "1" and so on, and the slots that the first of them is given.

    These are `original`, or `original0`, `original1` and so on where the inverse of a parametrization gives several.
    `axes` says how PyTorch's axes of the tensor are transposed to ours.

    Example
        >>> layer = pt.nn.utils.parametrizations.weight_norm(pt.nn.Linear(3, 2))
        >>> made = layer.parametrizations.weight
        >>> type(made).__name__, [name for name, _ in made.named_parameters()]
        ('ParametrizationList', ['original0', 'original1'])
    """

    def __init__(self, originals: tuple[pt.Slot, ...], several: bool, axes: tuple[int, ...] | None) -> None:
        super().__init__()
        self.axes, self._count = axes, 0
        self._originals = tuple(f"original{place}" for place in range(len(originals))) if several else ("original",)
        for name, slot in zip(self._originals, originals, strict=True):
            setattr(self, name, slot)

    def torch_layout(self, name: str) -> tuple[int, ...] | None:
        if self.axes is None or len(self._slots[name].shape) != len(self.axes):
            return None
        return self.axes

    def append(self, parametrization: Module) -> None:
        """One more, of what those before it make."""
        setattr(self, str(self._count), parametrization)
        self._count += 1

    def forward(self) -> pt.Tensor:
        """The tensor."""
        given: tuple[Any, ...] = tuple(getattr(self, name) for name in self._originals)
        for place in range(self._count):
            given = (getattr(self, str(place))(*given),)
        y = given[0]
        return y.value if isinstance(y, pt.Slot) else y


class Parametrizations(ModuleDict):
    """The lists of parametrizations of a module, by the names of its tensors."""


def register_parametrization(module: Module, tensor_name: str, parametrization: Module) -> Module:
    """Compute a parameter of a module from others, by `parametrization(original)`; returns the module.

    Where the parametrization has a method `right_inverse(value)`, what that gives is trained, so that the parameter
    begins with the value that it had; a tuple gives several parameters, which are the arguments of its forward. Another
    parametrization of the same tensor is given what those before it make. Optimizers are made afterwards.

    Errors    a name that is no parameter; a parametrization that is no module, or that gives another shape or dtype
    Source    PyTorch, nn.utils.parametrize.register_parametrization
    Example
        >>> import powertrain as pt
        >>> class Symmetric(pt.nn.Module):
        ...     def forward(self, x):
        ...         return pt.triu(x) + pt.triu(x, 1).T
        >>> layer = pt.nn.utils.parametrize.register_parametrization(pt.nn.Linear(3, 3), "weight", Symmetric())
        >>> bool((layer.weight == layer.weight.T).all().item()), sorted(layer.state_dict())
        (True, ['bias', 'parametrizations.weight.original'])
    """
    where = "register_parametrization"
    if not isinstance(parametrization, Module):
        raise pt.DTypeError(
            f"[{where}] parametrization is {type(parametrization).__name__}; expected a module; write a class of "
            "pt.nn.Module with forward(self, x)"
        )
    if is_parametrized(module, tensor_name):
        _append(where, module, tensor_name, parametrization)
        return module
    names = [name for name, _ in module.named_parameters(recurse=False)]
    if tensor_name not in names:
        raise checks.SettingError(
            f"[{where}] tensor_name = {tensor_name!r}; expected a parameter of {type(module).__name__}: "
            f"{', '.join(names) or 'it has none'}; see module.named_parameters()"
        )
    slot = module._slots[tensor_name]
    inverse = getattr(parametrization, "right_inverse", None) if _inverts(parametrization) else None
    found = slot.value if inverse is None else inverse(slot.value)
    several = isinstance(found, tuple)
    values = found if several else (found,)
    originals = (slot,) if inverse is None else tuple(_like(slot, value) for value in values)
    made = ParametrizationList(originals, several, module.torch_layout(tensor_name))
    made.append(parametrization)
    _check(where, tensor_name, slot, made())
    delattr(module, tensor_name)
    if "parametrizations" not in module._modules:
        module.parametrizations = Parametrizations()
    module._modules["parametrizations"][tensor_name] = made
    return module


def _inverts(parametrization: Module) -> bool:
    return hasattr(type(parametrization), "right_inverse")


def _like(slot: pt.Slot, value: Any) -> pt.Slot:
    made = Parameter(value, slot.name)
    made.trainable = slot.trainable
    return made


def _append(where: str, module: Module, name: str, parametrization: Module) -> None:
    """Of a tensor that is computed already: the inverse of all sets what is trained."""
    held = list_of(module, name)
    before = held()
    _check(where, name, before, parametrization(before))
    if _inverts(parametrization):
        value = parametrization.right_inverse(before)
        first = getattr(held, "0")
        if held._count > 1 or not _inverts(first):
            raise checks.SettingError(
                f"[{where}] a second parametrization of {name} with a right_inverse; expected one behind one that has "
                "it too; register it first"
            )
        found = first.right_inverse(value)
        for one, part in zip(held._originals, found if isinstance(found, tuple) else (found,), strict=True):
            getattr(held, one).value = part
    held.append(parametrization)


def _check(where: str, name: str, before: Any, after: Any) -> None:
    if tuple(after.shape) != tuple(before.shape) or after.dtype != before.dtype:
        raise pt.ShapeError(
            f"[{where}] {name} becomes {after.dtype.name}{list(after.shape)}; expected {before.dtype.name}"
            f"{list(before.shape)}, as it is; check the parametrization"
        )


def list_of(module: Module, tensor_name: str) -> ParametrizationList:
    """The parametrizations of a tensor that has some."""
    held: ParametrizationList = module._modules["parametrizations"][tensor_name]  # type: ignore[index]
    return held


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether a tensor of the module, or any of them, is computed from others.

    Example
        >>> import powertrain as pt
        >>> pt.nn.utils.parametrize.is_parametrized(pt.nn.Linear(2, 2))
        False
    """
    held = module._modules.get("parametrizations")
    if not isinstance(held, Parametrizations):
        return False
    return len(held) > 0 if tensor_name is None else tensor_name in held


def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """Make a computed tensor a parameter again; returns the module.

    It keeps the value that it has, or, without `leave_parametrized`, gets that of its one original.

    Errors    a tensor that has no parametrization; several originals without leave_parametrized
    Source    PyTorch, nn.utils.parametrize.remove_parametrizations
    Example
        >>> import powertrain as pt
        >>> layer = pt.nn.utils.parametrizations.weight_norm(pt.nn.Linear(2, 2))
        >>> sorted(pt.nn.utils.parametrize.remove_parametrizations(layer, "weight").state_dict())
        ['bias', 'weight']
    """
    where = "remove_parametrizations"
    if not is_parametrized(module, tensor_name):
        raise checks.SettingError(
            f"[{where}] tensor_name = {tensor_name!r}; expected a parametrized tensor of {type(module).__name__}; ask "
            "pt.nn.utils.parametrize.is_parametrized(module, tensor_name)"
        )
    held = list_of(module, tensor_name)
    if not leave_parametrized and len(held._originals) > 1:
        raise checks.SettingError(
            f"[{where}] leave_parametrized = False, {tensor_name} has {len(held._originals)} originals; expected one; "
            "leave it out"
        )
    slot = getattr(held, held._originals[0])
    made = _like(slot, held()) if leave_parametrized else slot
    del module._modules["parametrizations"][tensor_name]
    if not is_parametrized(module):
        del module.parametrizations
    setattr(module, tensor_name, made)
    return module


_export(globals())
__getattr__, __dir__ = _attributes(__name__, __all__)
