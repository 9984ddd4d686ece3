"""Loops and branches on values: one call each, eagerly as in a compiled step, with the same bits.

The functions are called once, with tensors that have no values yet, as `compile` calls its function. Like it they may
read slots, and Python's own branches on values are errors. Random numbers are drawn outside and passed in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from powertrain import _core
from powertrain._core import Tensor
from powertrain.autodiff.tree import arranged, flattened
from powertrain.ops.functional import OPERATORS

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

Tree = Any
R = TypeVar("R")
State = TypeVar("State")
Row = TypeVar("Row")
Output = TypeVar("Output")


def _with_tensors(tree: Tree) -> Tree:
    """The tree with its numbers as tensors."""
    if isinstance(tree, (bool, int, float)):
        return _core.asarray(tree)
    if isinstance(tree, dict):
        return {key: _with_tensors(item) for key, item in tree.items()}
    if isinstance(tree, (tuple, list)):
        items = [_with_tensors(item) for item in tree]
        return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)
    return tree


def _leaves(tree: Tree) -> tuple[list[Tensor], Callable[[list[Any]], Tree]]:
    leaves, rebuild = flattened(_with_tensors(tree))
    return [_core.asarray(leaf) for leaf in leaves], rebuild


def _in_order(tree: Tree, like: Tree, error: str) -> Tree:
    """The tree with its dicts in the order of another one, which has the same structure. What has another number of
    tensors is left to who counts them."""
    if len(flattened(tree)[0]) != len(flattened(like)[0]):
        return tree
    try:
        return arranged(tree, like)
    except ValueError as difference:
        raise _core.ShapeError(error.format(difference)) from None


def _next_state(where: str, first: Tree, made: Tree) -> tuple[list[Tensor], Callable[[list[Any]], Tree]]:
    """The state after a step, which has the structure of the first one."""
    error = f"[{where}] after a step the state {{}}, as before it; give back what was taken"
    after, state_of = _leaves(_in_order(_with_tensors(made), first, error))
    count = len(flattened(first)[0])
    if len(after) != count:
        raise _core.ShapeError(
            f"[{where}] the state has {count} tensors, and after a step {len(after)}; expected as many; give back "
            "what was taken"
        )
    return after, state_of


def scan(
    function: Callable[[State, Row], tuple[State, Output]],
    init: State,
    xs: Row | None = None,
    length: int | None = None,
    reverse: bool = False,
) -> tuple[State, Output]:
    """The state after a step for each row of xs, and what the steps gave, stacked: a loop as one call.

    `function(state, x)` gives the next state, of the same shapes and dtypes, and an output, which may be None. The
    first state is `init`; x is a row of the first axis of xs, or None without xs, when `length` says how many steps
    there are. With `reverse` the last row comes first, and outputs stay at their rows. For the gradient the states are
    kept, and each step is computed again.

    Errors    a state of another shape or dtype after a step; xs of several lengths; a function that assigns slots,
              draws random numbers or guards a value
    Source    as jax.lax.scan
    Example
        >>> import powertrain as pt
        >>> total, sums = pt.scan(lambda sum, x: (sum + x, sum + x), 0.0, pt.tensor([1.0, 2.0, 3.0]))
        >>> total.item(), sums.numpy().tolist()
        (6.0, [1.0, 3.0, 6.0])
    """
    first = _with_tensors(init)
    state, state_of = _leaves(first)
    rows, rows_of = _leaves(xs)
    found: dict[str, Any] = {}

    def step(tensors: list[Tensor]) -> list[Tensor]:
        result = function(state_of(tensors[: len(state)]), rows_of(tensors[len(state) :]))
        if not isinstance(result, tuple) or len(result) != 2:
            raise _core.DTypeError(
                f"[scan] the function gives {type(result).__name__}; expected (state, output); give None where there "
                "is no output"
            )
        after, found["state"] = _next_state("scan", first, result[0])
        outputs, found["outputs"] = _leaves(result[1])
        return [*after, *outputs]

    made = _core.scan(step, state, rows, _steps(rows, length), reverse)
    return found["state"](made[: len(state)]), found["outputs"](made[len(state) :])


def _steps(rows: list[Tensor], length: int | None) -> int:
    lengths = {x.shape[0] if x.ndim else -1 for x in rows}
    if length is not None:
        lengths.add(length)
    if len(lengths) != 1 or min(lengths) < 0:
        shapes = ", ".join(str(list(x.shape)) for x in rows) or "none"
        raise _core.ShapeError(
            f"[scan] xs of shapes {shapes}, length = {length}; expected one number of rows; pass length, or xs of "
            "equal first axes"
        )
    return lengths.pop()


def cond(pred: TensorLike, true_function: Callable[..., R], false_function: Callable[..., R], *operands: object) -> R:
    """`true_function(*operands)` where pred is true, else `false_function(*operands)`: only the chosen one is computed.

    Both give results of the same shapes and dtypes. Slots that the chosen one assigns are assigned, and no others. Both
    functions are called once, to record them; what else they do in Python, such as printing, happens for both.

    Errors    pred is not one bool; results that differ; a function that draws random numbers or guards a value
    Source    as jax.lax.cond
    Example
        >>> import powertrain as pt
        >>> pt.cond(pt.tensor(-2.0) > 0, lambda x: x * 10.0, lambda x: -x, pt.tensor(-2.0)).item()
        2.0
    """
    which = _core.asarray(pred)
    if which.dtype != _core.DType.bool or which.size != 1:
        raise _core.ShapeError(
            f"[cond] pred is {which.dtype.name}{list(which.shape)}; expected one bool; compare, or use any() or all()"
        )
    # Numbers of Python stay what they are.
    leaves, rebuild = flattened(operands)
    found: dict[str, Any] = {}

    def recorded(function: Callable[..., Tree]) -> Callable[[list[Tensor]], list[Tensor]]:
        def side(tensors: list[Tensor]) -> list[Tensor]:
            results = _with_tensors(function(*rebuild(tensors)))
            first = found.setdefault("first", results)
            error = "[cond] of the second function the result {}, as of the first; give results of one structure"
            leaves, found["results"] = _leaves(_in_order(results, first, error))
            return leaves

        return side

    made = _core.cond(
        OPERATORS["reshape"](which, ()),
        recorded(true_function),
        recorded(false_function),
        [_core.asarray(leaf) for leaf in leaves],
    )
    return found["results"](made)


def while_loop(condition: Callable[[State], TensorLike], function: Callable[[State], State], init: State) -> State:
    """The state after as many steps as the condition holds: `while condition(state): state = function(state)`.

    The state keeps its shapes and dtypes. There is no gradient, since nobody knows how many states to keep: `scan` has.

    Errors    a condition that is not one bool; a state of another shape or dtype after a step; a function that assigns
              slots, draws random numbers or guards a value; a gradient through it
    Source    as jax.lax.while_loop
    Example
        >>> import powertrain as pt
        >>> pt.while_loop(lambda x: x < 100, lambda x: x * 2, pt.tensor(3)).item()
        192
    """
    first = _with_tensors(init)
    state, state_of = _leaves(first)
    found: dict[str, Any] = {}

    def asked(tensors: list[Tensor]) -> list[Tensor]:
        return _leaves(condition(state_of(tensors)))[0]

    def step(tensors: list[Tensor]) -> list[Tensor]:
        after, found["state"] = _next_state("while_loop", first, function(state_of(tensors)))
        return after

    made = _core.while_loop(asked, step, state)
    return found["state"](made)
