"""Gradients of functions of slots and of tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from powertrain import _core
from powertrain._core import Slot, Tensor
from powertrain.boundary import public
from powertrain.row_sparse import in_order, parted

# An input gets an identity of its own, so that a function may be differentiated by each argument alone, and memory of
# its own: a view of memory that NumPy lent is made of a copy, which no tape would know.
OWN: Callable[..., Tensor] = _core.op_function("copy")


def argument(where: str, place: Any, args: Sequence[Any]) -> Any:
    """The argument by which a function is differentiated."""
    if not -len(args) <= _core.integer(place, "argnums", where) < len(args):
        raise _core.IndexError(
            f"[{where}] argument {place} of a call with {len(args)}; expected one that was passed; check argnums"
        )
    return args[place]


def own_input(where: str, place: int, x: Any) -> Tensor:
    """An argument by which a function is differentiated: floats and complex numbers alone have derivatives."""
    tensor = _core.asarray(x)
    if not (tensor.dtype.is_float or tensor.dtype.is_complex):
        raise _core.DTypeError(
            f"[{where}] argument {place} is {tensor.dtype.name}{list(tensor.shape)}; expected floating-point or "
            "complex numbers; convert it with astype"
        )
    return OWN(tensor)


def check_output(where: str, output: Tensor) -> Tensor:
    """What is differentiated, which is not of integers or bool."""
    if not (output.dtype.is_float or output.dtype.is_complex):
        raise _core.DTypeError(
            f"[{where}] the function returned {output.dtype.name}{list(output.shape)}; expected floating-point or "
            "complex numbers, which have derivatives; convert the result with astype"
        )
    return output


def _slots(params: Any) -> list[Slot]:
    if hasattr(params, "trainable_parameters"):
        return list(params.trainable_parameters())
    if hasattr(params, "parameters"):
        return [slot for slot in params.parameters() if slot.trainable]
    slots = list(params)
    for slot in slots:
        if not isinstance(slot, Slot):
            raise _core.DTypeError(
                f"[value_and_grad] received {type(slot).__name__} among the parameters; expected slots; "
                "use powertrain.grad for a function of tensors"
            )
    return slots


def value_and_grad(params: Any, function: Callable[[], Any], has_aux: bool = False) -> tuple[Any, list[Any]]:
    """The value of `function()` and its gradient by each parameter, in the order of the parameters.

    `params` is a module or a list of slots; `function` returns the loss, or (loss, anything) with `has_aux`. The
    gradient of a table of `nn.Embedding(sparse=True)` is a `RowSparse`, of others a tensor.

    Errors    a loss that is not one floating-point number; an op without gradient on the way; a row-sparse table that
              is read otherwise than by its layer
    Example
        >>> import powertrain as pt
        >>> w = pt.Slot(pt.tensor([1.0, 2.0]), name="w", trainable=True)
        >>> loss, grads = pt.value_and_grad([w], lambda: (w * w).sum())
        >>> grads[0].numpy().tolist()
        [2.0, 4.0]
    """
    slots = _slots(params)
    dense_slots, tables = parted(slots)
    value, dense, lookups = _core.value_and_grad(dense_slots, function, has_aux, tables)
    return value, in_order(slots, dense, lookups)


def vjp(function: Callable[..., Tensor], *inputs: Any) -> tuple[Tensor, Callable[[Any], list[Tensor]]]:
    """The value of `function(*inputs)`, and a function from a cotangent to the gradient by each input.

    Errors    inputs or a result of integers or bool
    Example
        >>> import powertrain as pt
        >>> y, back = pt.vjp(lambda x: x * x, pt.tensor([3.0]))
        >>> back(pt.tensor([1.0]))[0].numpy().tolist()
        [6.0]
    """
    watched = [own_input("vjp", place, x) for place, x in enumerate(inputs)]
    output = check_output("vjp", _core.with_tape(watched, lambda: function(*watched)))

    @public
    def back(cotangent: Any) -> list[Tensor]:
        result: list[Tensor] = _core.gradients([output], [_core.asarray(cotangent)], watched)
        return result

    return output, back


def grad(function: Callable[..., Tensor], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """A function that gives the gradient of a scalar `function` by its argument, or arguments, `argnums`.

    Errors    arguments or a result of integers or bool; a result that is not one number
    Example
        >>> import powertrain as pt
        >>> pt.grad(lambda x: x ** 3)(pt.tensor(2.0)).item()
        12.0
    """
    single = isinstance(argnums, int)
    numbers = _core.integers(argnums, "argnums", "grad")

    @public
    def gradient(*args: Any) -> Any:
        values = list(args)
        for n in numbers:
            values[n] = own_input("grad", n, argument("grad", n, args))
        watched = [values[n] for n in numbers]
        output = check_output("grad", _core.with_tape(watched, lambda: function(*values)))
        if output.size != 1:
            raise _core.ShapeError(
                f"[grad] the function returned shape {output.shape}; expected one number; take its sum() or mean()"
            )
        grads = _core.gradients([output], [_core.full(output.shape, 1.0, output.dtype)], watched)
        return grads[0] if single else tuple(grads)

    return gradient
