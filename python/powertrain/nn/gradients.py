"""Gradients by the parameters of a model."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

import powertrain as pt
from powertrain.autodiff.gradients import Variable, differentiated, variables_of
from powertrain.errors.arguments import shown
from powertrain.errors.boundary import public
from powertrain.nn.module import Module

if TYPE_CHECKING:
    from collections.abc import Iterable

    from powertrain import Slot, Tensor
    from powertrain.typing import Gradients, Parts, Tree

__all__ = ["value_and_grad"]


P = ParamSpec("P")
R = TypeVar("R")
# Models whose gradients were asked for, by id. Their paths name the gradients, and an optimizer that was given bare
# parameters does not know these. Any thread adds models and lists them: a dict is listed in one go, while a WeakSet may
# grow as it is walked.
_MODELS: weakref.WeakValueDictionary[int, Module] = weakref.WeakValueDictionary()


@overload
def value_and_grad(  # type: ignore[overload-overlap]
    model: Module, function: Callable[P, R], has_aux: bool = False
) -> Callable[P, tuple[R, Gradients]]: ...
@overload
def value_and_grad(model: Slot, function: Callable[P, R], has_aux: bool = False) -> Callable[P, tuple[R, Tensor]]: ...
@overload
def value_and_grad(
    model: Iterable[Slot], function: Callable[P, R], has_aux: bool = False
) -> Callable[P, tuple[R, list[Tensor]]]: ...
@overload
def value_and_grad(model: Parts, function: Callable[P, R], has_aux: bool = False) -> Callable[P, tuple[R, Tree]]: ...
def value_and_grad(
    model: Module | Slot | Iterable[Slot] | Parts, function: Callable[..., object], has_aux: bool = False
) -> Callable[..., tuple[object, object]]:
    """Make a function that gives the value of `function` and its gradients by the trainable parameters of `model`.

    The gradients are a dict by the paths of the parameters, as `opt.update` takes it. `function` computes the loss with
    the model, from the arguments of the call; with `has_aux` it returns (loss, anything), and then so is the value. In
    place of a model there may be a slot, or a list, tuple or dict of slots or modules, whose structure the gradients
    have.
    The gradient of a table of `nn.Embedding(sparse=True)` is a `RowSparse`, of others a tensor.

    Errors    a loss that is not one floating-point number, or that depends on no parameter; an op without gradient on
              the way; a row-sparse table that is read otherwise than by its layer
    Source    as mlx.nn.value_and_grad
    Example
        >>> import powertrain as pt
        >>> model = pt.nn.Linear(2, 1)
        >>> loss_and_grads = pt.nn.value_and_grad(model, lambda x, y: pt.square(model(x) - y).mean())
        >>> loss, grads = loss_and_grads(pt.ones((8, 2)), pt.zeros((8, 1)))
        >>> {path: gradient.shape for path, gradient in grads.items()}
        {'weight': (2, 1), 'bias': (1,)}
    """
    if isinstance(function, Module) or not callable(function):
        raise pt.DTypeError(
            f"[value_and_grad] received {shown(model)} and {shown(function)}; expected a model, and a function that "
            "gives the loss; write loss, grads = pt.nn.value_and_grad(model, loss_fn)(x, y)"
        )
    if isinstance(model, Module):
        _MODELS[id(model)] = model
    # An iterator of slots would be empty at the second call.
    params = model if isinstance(model, (Module, pt.Slot, dict, list, tuple)) else _listed(model)

    @public
    def value_and_gradients(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        found: list[Variable] = []
        _, places = variables_of("value_and_grad", "the model", params, found, False)
        return differentiated("value_and_grad", found, places, lambda: function(*args, **kwargs), has_aux)

    return value_and_gradients


def paths_in_models(slots: Sequence[Slot]) -> list[list[str]]:
    """The paths of some parameters, in each model that has all of them and whose gradients were asked for."""
    found = []
    for model in filter(None, (known() for known in _MODELS.valuerefs())):
        paths = {id(slot): path for path, slot in model.named_parameters()}
        if all(id(slot) in paths for slot in slots):
            found.append([paths[id(slot)] for slot in slots])
    return found


def _listed(model: Any) -> Any:
    if hasattr(model, "named_parameters"):
        return model
    try:
        return list(model)
    except TypeError:
        raise pt.DTypeError(
            f"[value_and_grad] received {shown(model)} for the model; expected a module, or slots; write "
            "loss, grads = pt.nn.value_and_grad(model, loss_fn)(x, y)"
        ) from None
