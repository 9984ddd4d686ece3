"""Gradients of functions: by their arguments, and by slots."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec, TypeVar, overload

from powertrain import _core
from powertrain._core import Slot, Tensor
from powertrain.autodiff.row_sparse import in_order, parted
from powertrain.errors.arguments import shown
from powertrain.errors.boundary import public

if TYPE_CHECKING:
    from powertrain.typing import TensorLike, Tree

P = ParamSpec("P")
R = TypeVar("R")
Aux = TypeVar("Aux")
# The argument by which a function is differentiated: the gradient is of its type.
Of = TypeVar("Of")


def argument(where: str, place: Any, args: Sequence[Any]) -> Any:
    """The argument by which a function is differentiated."""
    if not -len(args) <= _core.integer(place, "argnums", where) < len(args):
        raise _core.IndexError(
            f"[{where}] argument {place} of a call with {len(args)}; expected one that was passed; check argnums"
        )
    return args[place]


def own_input(where: str, place: str, x: Any) -> Tensor:
    """An argument by which a function is differentiated: floats and complex numbers alone have derivatives."""
    tensor = _core.asarray(x)
    if not (tensor.dtype.is_float or tensor.dtype.is_complex):
        raise _core.DTypeError(
            f"[{where}] {place} is {tensor.dtype.name}{list(tensor.shape)}; expected floating-point or "
            "complex numbers; convert it with astype"
        )
    return _core.own(tensor)


def check_output(where: str, output: Tensor) -> Tensor:
    """What is differentiated, which is not of integers or bool."""
    if not (output.dtype.is_float or output.dtype.is_complex):
        raise _core.DTypeError(
            f"[{where}] the function returned {output.dtype.name}{list(output.shape)}; expected floating-point or "
            "complex numbers, which have derivatives; convert the result with astype"
        )
    return output


Variable = Tensor | Slot


def variables_of(where: str, path: str, tree: Any, found: list[Variable], inputs: bool) -> tuple[Any, Any]:
    """Find the variables in a tree of lists, tuples, dicts and modules, and append them to `found`.

    Returns the tree to pass to the function, in which each tensor is an input of its own, and a tree of the places in
    `found`. Slots, and the trainable parameters of modules, are variables as they are. Without `inputs` nothing else
    may be one.
    """
    if inputs and isinstance(tree, Tensor):
        found.append(own_input(where, path, tree))
        return found[-1], len(found) - 1
    if isinstance(tree, Slot):
        found.append(tree)
        return tree, len(found) - 1
    if hasattr(tree, "named_parameters"):
        places = {}
        for name, slot in tree.named_parameters():
            if slot.trainable:
                places[name] = len(found)
                found.append(slot)
        return tree, places
    if isinstance(tree, dict):
        pairs = {key: variables_of(where, f"{path}[{key!r}]", item, found, inputs) for key, item in tree.items()}
        return {key: item for key, (item, _) in pairs.items()}, {key: place for key, (_, place) in pairs.items()}
    if isinstance(tree, (list, tuple)):
        items = [variables_of(where, f"{path}[{n}]", item, found, inputs) for n, item in enumerate(tree)]
        return _sequence(tree, [item for item, _ in items]), _sequence(tree, [place for _, place in items])
    if tree is None:
        return None, None
    if not inputs:
        raise _core.DTypeError(
            f"[{where}] received {shown(tree)} for {path}; expected a module, or slots; differentiate a function of "
            "tensors by pt.value_and_grad(function, argnums=0)"
        )
    found.append(own_input(where, path, tree))
    return found[-1], len(found) - 1


def _sequence(like: Any, items: list[Any]) -> Any:
    """The items as a list, tuple or named tuple."""
    return type(like)(*items) if hasattr(like, "_fields") else type(like)(items)


def _filled(places: Any, gradients: list[Any]) -> Any:
    """The tree of places, with the gradient of each variable at its place."""
    if isinstance(places, int):
        return gradients[places]
    if isinstance(places, dict):
        return {key: _filled(place, gradients) for key, place in places.items()}
    if places is None:
        return None
    return _sequence(places, [_filled(place, gradients) for place in places])


def differentiated(
    where: str, variables: list[Variable], places: Any, function: Callable[[], Any], has_aux: bool
) -> tuple[Any, Any]:
    """The value of `function()`, and its gradients by the variables, laid out as `places`."""
    dense, tables = parted(variables)
    value, gradients, lookups = _core.value_and_grad(dense, tables, function, has_aux, where)
    return value, _filled(places, in_order(variables, gradients, lookups))


def check_function(where: str, function: Any, argnums: Any) -> None:
    if callable(function) and hasattr(argnums, "shape"):
        raise _core.DTypeError(
            f"[{where}] received {shown(argnums)} for argnums; expected the numbers of arguments: it makes a function; "
            f"write pt.{where}(function)(x)"
        )
    if callable(function) and not callable(argnums) and not hasattr(argnums, "named_parameters"):
        return
    if hasattr(function, "named_parameters") or hasattr(argnums, "named_parameters"):
        raise _core.DTypeError(
            f"[{where}] received a module in place of a function or argument numbers; expected a function of tensors; "
            "write loss, grads = pt.nn.value_and_grad(model, loss_fn)(x, y) for the parameters of a model"
        )
    raise _core.DTypeError(
        f"[{where}] received {shown(argnums if callable(function) else function)}; expected a function and the numbers "
        f"of its arguments; write pt.{where}(function, argnums=0)(x)"
    )


def _by_arguments(where: str, function: Callable[..., Any], argnums: Any, has_aux: bool) -> Callable[..., Any]:
    check_function(where, function, argnums)
    single = isinstance(argnums, int)
    numbers = _core.integers(argnums, "argnums", where)

    def call(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any]:
        values, found, places = list(args), list[Variable](), []
        for n in numbers:
            values[n], place = variables_of(where, f"argument {n}", argument(where, n, args), found, True)
            places.append(place)
        layout = places[0] if single else tuple(places)
        return differentiated(where, found, layout, lambda: function(*values, **kwargs), has_aux)

    return call


@overload
def value_and_grad(  # type: ignore[overload-overlap]
    function: Callable[Concatenate[Of, P], R], argnums: Literal[0] = 0, has_aux: bool = False
) -> Callable[Concatenate[Of, P], tuple[R, Of]]: ...
@overload
def value_and_grad(function: Callable[P, R], argnums: int, has_aux: bool = False) -> Callable[P, tuple[R, Tree]]: ...
@overload
def value_and_grad(
    function: Callable[P, R], argnums: Sequence[int], has_aux: bool = False
) -> Callable[P, tuple[R, tuple[Tree, ...]]]: ...
def value_and_grad(
    function: Callable[..., object], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Callable[..., tuple[object, object]]:
    """Make a function that gives the value of `function` and its gradient by the argument, or arguments, `argnums`.

    The gradient has the structure of the argument: a tensor for a tensor, a list, tuple or dict for one of tensors.
    `function` returns the loss, or (loss, anything) with `has_aux`, and then so is the value. For the parameters of a
    model see `pt.nn.value_and_grad`.

    Errors    arguments of integers or bool; a loss that is not one floating-point number
    Source    as jax.value_and_grad
    Example
        >>> import powertrain as pt
        >>> value, slope = pt.value_and_grad(lambda x: (x * x).sum())(pt.tensor([1.0, 2.0]))
        >>> value.item(), slope.numpy().tolist()
        (5.0, [2.0, 4.0])
    """
    call = _by_arguments("value_and_grad", function, argnums, has_aux)

    @public
    def value_and_gradient(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        return call(args, kwargs)

    return value_and_gradient


@overload
def grad(  # type: ignore[overload-overlap]
    function: Callable[Concatenate[Of, P], object], argnums: Literal[0] = 0, has_aux: Literal[False] = False
) -> Callable[Concatenate[Of, P], Of]: ...
@overload
def grad(
    function: Callable[Concatenate[Of, P], tuple[object, Aux]], argnums: Literal[0] = 0, *, has_aux: Literal[True]
) -> Callable[Concatenate[Of, P], tuple[Of, Aux]]: ...
@overload
def grad(function: Callable[P, object], argnums: int, has_aux: Literal[False] = False) -> Callable[P, Tree]: ...
@overload
def grad(
    function: Callable[P, object], argnums: Sequence[int], has_aux: Literal[False] = False
) -> Callable[P, tuple[Tree, ...]]: ...
@overload
def grad(
    function: Callable[P, tuple[object, Aux]], argnums: int | Sequence[int] = 0, *, has_aux: Literal[True]
) -> Callable[P, tuple[Tree, Aux]]: ...
def grad(
    function: Callable[..., object], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Callable[..., object]:
    """Make a function that gives the gradient of a scalar `function` by its argument, or arguments, `argnums`.

    The gradient has the structure of the argument, as in `value_and_grad`. With `has_aux` the function returns
    (loss, anything), and the gradient comes as (gradient, anything).

    Errors    arguments of integers or bool; a result that is not one floating-point number
    Source    as jax.grad
    Example
        >>> import powertrain as pt
        >>> pt.grad(lambda x: x ** 3)(pt.tensor(2.0)).item()
        12.0
        >>> pt.grad(lambda p: p["w"] * p["b"])({"w": pt.tensor(2.0), "b": pt.tensor(3.0)})["w"].item()
        3.0
    """
    call = _by_arguments("grad", function, argnums, has_aux)

    @public
    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, found = call(args, kwargs)
        return (found, value[1]) if has_aux else found

    return gradient


def vjp(function: Callable[..., Tensor], *inputs: TensorLike) -> tuple[Tensor, Callable[[TensorLike], list[Tensor]]]:
    """The value of `function(*inputs)`, and a function from a cotangent to the gradient by each input.

    Errors    inputs or a result of integers or bool
    Example
        >>> import powertrain as pt
        >>> y, back = pt.vjp(lambda x: x * x, pt.tensor([3.0]))
        >>> back(pt.tensor([1.0]))[0].numpy().tolist()
        [6.0]
    """
    watched = [own_input("vjp", f"argument {place}", x) for place, x in enumerate(inputs)]
    output = check_output("vjp", _core.with_tape(watched, lambda: function(*watched)))

    @public
    def back(cotangent: TensorLike) -> list[Tensor]:
        result: list[Tensor] = _core.gradients([output], [_core.asarray(cotangent)], watched)
        return result

    return output, back
