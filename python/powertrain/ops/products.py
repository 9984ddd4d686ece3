"""Products over named axes, each as transposes around one matrix product per pair of operands."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from powertrain import _core
from powertrain.ops.functional import OPERATORS

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def tensordot(a: TensorLike, b: TensorLike, axes: int | tuple[Sequence[int], Sequence[int]] = 2) -> _core.Tensor:
    """The sum of a times b over pairs of axes: the last `axes` of a with the first of b, or those that are listed.

    Shapes    a [i..., k...], b [k..., j...] -> [i..., j...]
    Dtypes    all numbers
    Errors    sizes that differ along a pair of axes; axes that do not exist
    Grad      a, b
    Example
        >>> import powertrain as pt
        >>> pt.tensordot(pt.ones((2, 3, 4)), pt.ones((3, 4, 5)), 2).shape
        (2, 5)
    """
    if not isinstance(axes, int):
        listed = tuple(tuple(_core.integers(one, "axes", "tensordot")) for one in axes)
        if len(listed) != 2 or len(listed[0]) != len(listed[1]):
            raise _core.ShapeError(f"[tensordot] axes = {axes}; expected as many of a as of b; list them in pairs")
        return contracted(a, b, listed)
    return contracted(a, b, axes)


def contracted(a: TensorLike, b: TensorLike, axes: int | tuple[Shape, ...]) -> _core.Tensor:
    """What tensordot gives, of axes that are a number, or two tuples of one length."""
    left, right = tensors(a, b)
    return einsum(_subscripts(left.shape, right.shape, axes), left, right)


def tensors(a: TensorLike, b: TensorLike) -> tuple[_core.Tensor, _core.Tensor]:
    """Both as tensors, of which nothing is handed out."""
    return (
        a if type(a) is _core.Tensor else _core.asarray(a),
        b if type(b) is _core.Tensor else _core.asarray(b),
    )


@functools.lru_cache(maxsize=256)
def _subscripts(left: Shape, right: Shape, axes: int | tuple[Shape, ...]) -> str:
    if isinstance(axes, int):
        if not 0 <= axes <= min(len(left), len(right)):
            raise _core.ShapeError(
                f"[tensordot] axes = {axes}, a has {len(left)} axes and b {len(right)}; expected 0 to "
                f"{min(len(left), len(right))}; sum fewer"
            )
        pairs = [(len(left) - axes + i, i) for i in range(axes)]
    else:
        pairs = list(zip(*axes, strict=True))
    first, second = list(_LETTERS[: len(left)]), list(_LETTERS[len(left) : len(left) + len(right)])
    for i, j in pairs:
        if not (-len(left) <= i < len(left) and -len(right) <= j < len(right)):
            raise _core.ShapeError(
                f"[tensordot] axes = {axes}, a has {len(left)} axes and b {len(right)}; expected axes of both; name "
                "axes that exist"
            )
        if left[i] != right[j]:
            raise _core.ShapeError(
                f"[tensordot] a is {list(left)}, b is {list(right)}, axes {i} and {j}; expected equal "
                "sizes; transpose one of them"
            )
        second[j] = first[i]
    summed = {first[i] for i, _ in pairs}
    kept = [letter for letter in (*first, *second) if letter not in summed]
    return f"{''.join(first)},{''.join(second)}->{''.join(kept)}"


def einsum(subscripts: str, *operands: TensorLike) -> _core.Tensor:
    """The sum of products of operands whose axes are named by letters: "ij,jk->ik" is a matrix product.

    Without an arrow the result has the letters that occur once, in alphabetical order; "..." stands for further axes,
    which broadcast. A letter twice in one operand takes the diagonal. Operands are multiplied from left to right.

    Shapes    as the letters say
    Dtypes    all numbers; operands are promoted to one
    Errors    letters that do not fit the operands; sizes that differ
    Grad      operands
    Example
        >>> import powertrain as pt
        >>> pt.einsum("bij,bjk->bik", pt.ones((4, 2, 3)), pt.ones((4, 3, 5))).shape
        (4, 2, 5)
    """
    tensors = [_core.asarray(operand) for operand in operands]
    plan = _planned(subscripts, tuple(tensor.shape for tensor in tensors))
    first, *others = (_called(tensor, calls) for tensor, calls in zip(tensors, plan.diagonals, strict=True))
    for other, pair in zip(others, plan.pairs, strict=True):
        first = _product(first, other, pair)
    return _called(first, plan.last)


# Calls of ops one after the other, each with what comes after the tensor. "total" is a sum in the tensor's dtype.
Calls = tuple[tuple[str, tuple[Any, ...]], ...]
Shape = tuple[int, ...]


class _Pair(NamedTuple):
    """How two operands become one: by a product of matrices, if something is summed, or of elements."""

    matrices: tuple[Calls, Calls] | None
    elements: tuple[Calls, Calls]
    shape: Shape
    product: Shape  # that of matrices


class _Plan(NamedTuple):
    """The calls of an einsum, which depend on its subscripts and shapes alone."""

    diagonals: tuple[Calls, ...]
    pairs: tuple[_Pair, ...]
    last: Calls


def _called(tensor: _core.Tensor, calls: Calls) -> _core.Tensor:
    for op, args in calls:
        if op == "total":
            dtype = tensor.dtype
            tensor = OPERATORS["astype"](OPERATORS["sum"](tensor, *args), dtype)
        else:
            tensor = OPERATORS[op](tensor, *args)
    return tensor


def _product(a: _core.Tensor, b: _core.Tensor, pair: _Pair) -> _core.Tensor:
    if pair.matrices and (continuous(a) or continuous(b)):
        product = OPERATORS["matmul"](_called(a, pair.matrices[0]), _called(b, pair.matrices[1]))
        return product if pair.product == pair.shape else OPERATORS["reshape"](product, pair.shape)
    left, right = _called(a, pair.elements[0]), _called(b, pair.elements[1])
    parts = OPERATORS["multiply"](OPERATORS["expand_dims"](left, 3), OPERATORS["expand_dims"](right, 1))
    return OPERATORS["reshape"](OPERATORS["astype"](OPERATORS["sum"](parts, 2), parts.dtype), pair.shape)


def continuous(x: _core.Tensor) -> bool:
    """Whether products of it are those of matmul, which takes no integers."""
    dtype = x.dtype
    return dtype.is_float or dtype.is_complex


@functools.lru_cache(maxsize=256)
def _planned(subscripts: str, shapes: tuple[Shape, ...]) -> _Plan:
    names, wanted = _parse(subscripts, [len(shape) for shape in shapes])
    _check_sizes(subscripts, shapes, names)
    terms = [_diagonals(_Term(letters, shape)) for letters, shape in zip(names, shapes, strict=True)]
    diagonals = tuple(tuple(term.calls) for term in terms)
    term, pairs = terms[0].begun(), []
    for place in range(1, len(terms)):
        later = {letter for other in terms[place + 1 :] for letter in other.letters}
        term, pair = _paired(term, terms[place].begun(), later | set(wanted))
        pairs.append(pair)
    _sum(term, set(wanted))
    order = [term.letters.index(letter) for letter in wanted]
    if order != sorted(order):
        term.call("permute_dims", order)
    return _Plan(diagonals, tuple(pairs), tuple(term.calls))


class _Term:
    """An operand as far as it is planned: the letters of its axes, their sizes, and the calls so far."""

    def __init__(self, letters: Iterable[str], shape: Shape) -> None:
        self.letters, self.shape = list(letters), list(shape)
        self.calls: list[tuple[str, tuple[Any, ...]]] = []

    def call(self, op: str, *args: Any) -> None:
        self.calls.append((op, tuple(tuple(one) if isinstance(one, list) else one for one in args)))

    def begun(self) -> _Term:
        """The same, before its next calls."""
        return _Term(self.letters, tuple(self.shape))

    def size(self, letter: str) -> int:
        return self.shape[self.letters.index(letter)]


def _fail(subscripts: str, received: str, expected: str) -> _core.ShapeError:
    return _core.ShapeError(f"[einsum] subscripts {subscripts!r}: {received}; expected {expected}; see help(pt.einsum)")


def _parse(subscripts: str, axes: list[int]) -> tuple[list[str], str]:
    """The letters of each operand and of the result, further axes named by letters that are free."""
    inputs, arrow, output = subscripts.replace(" ", "").partition("->")
    names = inputs.split(",")
    if len(names) != len(axes):
        raise _fail(subscripts, f"{len(axes)} operands", f"{len(names)}")
    free = [letter for letter in _LETTERS if letter not in subscripts]
    widest = 0
    for place, (name, ndim) in enumerate(zip(names, axes, strict=True)):
        letters = name.replace("...", "", 1)
        if any(letter not in _LETTERS for letter in letters):
            raise _fail(subscripts, f"operand {place} named {name!r}", "letters, and ... once")
        further = ndim - len(letters)
        if further < 0 or (further and "..." not in name):
            raise _fail(subscripts, f"operand {place} of {ndim} axes", f"{len(letters)}")
        widest = max(widest, further)
        names[place] = name.replace("...", "".join(free[:further][::-1]), 1)
    more = "".join(free[:widest][::-1])
    if not arrow:
        whole = "".join(names)
        return names, more + "".join(sorted(x for x in set(whole) - set(more) if whole.count(x) == 1))
    output = output.replace("...", more, 1)
    unknown = [letter for letter in output if letter not in "".join(names)]
    if unknown or len(set(output)) != len(output):
        raise _fail(subscripts, f"a result {output!r}", "letters of the operands, each once")
    return names, output


def _diagonals(term: _Term) -> _Term:
    """A letter that names two axes names their diagonal."""
    for letter in sorted(set(term.letters)):
        while term.letters.count(letter) > 1:
            first = term.letters.index(letter)
            second = term.letters.index(letter, first + 1)
            term.call("moveaxis", (first, second), (-2, -1))
            term.call("diagonal")
            size = min(term.shape[first], term.shape[second])
            kept = [i for i in range(len(term.letters)) if i not in (first, second)]
            term.letters = [*(term.letters[i] for i in kept), letter]
            term.shape = [*(term.shape[i] for i in kept), size]
    return term


def _check_sizes(subscripts: str, shapes: tuple[Shape, ...], names: list[str]) -> None:
    sizes: dict[str, int] = {}
    for shape, letters in zip(shapes, names, strict=True):
        for letter, size in zip(letters, shape, strict=True):
            if sizes.setdefault(letter, size) != size and 1 not in (size, sizes[letter]):
                raise _fail(subscripts, f"sizes {sizes[letter]} and {size} of one letter", "equal sizes")
            sizes[letter] = max(size, sizes[letter])


def _sum(term: _Term, wanted: set[str]) -> None:
    """Over the axes that nothing else names."""
    axes = [i for i, letter in enumerate(term.letters) if letter not in wanted]
    if axes:
        term.call("total", axes)
        kept = [i for i in range(len(term.letters)) if i not in axes]
        term.letters, term.shape = [term.letters[i] for i in kept], [term.shape[i] for i in kept]


def _paired(left: _Term, right: _Term, wanted: set[str]) -> tuple[_Term, _Pair]:
    """Two operands as one: shared letters that are wanted run along, others are summed by a matrix product."""
    second = set(right.letters)
    _sum(right, wanted | set(left.letters))
    _sum(left, wanted | second)
    shared = [letter for letter in left.letters if letter in right.letters]
    along = [letter for letter in shared if letter in wanted]
    summed = [letter for letter in shared if letter not in wanted]
    rows = [letter for letter in left.letters if letter not in shared]
    columns = [letter for letter in right.letters if letter not in shared]
    sizes = {**dict(zip(left.letters, left.shape, strict=True)), **dict(zip(right.letters, right.shape, strict=True))}
    for letter in shared:
        both = (left.size(letter), right.size(letter))
        sizes[letter] = 0 if 0 in both else max(both)
    letters = [*along, *rows, *columns]
    shape = tuple(sizes[letter] for letter in letters)
    elements = _arranged(left, (along, rows, summed), sizes), _arranged(right, (along, summed, columns), sizes)
    matrices, product = None, [along, rows, columns]
    if along and summed:
        matrices = elements
    elif summed:  # matrices, or vectors, without a batch
        product = [group for group in (rows, columns) if group]
        of_left, of_right = (rows, summed) if rows else (summed,), (summed, columns) if columns else (summed,)
        matrices = _arranged(left, of_left, sizes), _arranged(right, of_right, sizes)
    return _Term(letters, shape), _Pair(matrices, elements, shape, _sizes(product, sizes))


def _sizes(groups: Iterable[list[str]], sizes: dict[str, int]) -> Shape:
    return tuple(math.prod(sizes[letter] for letter in group) for group in groups)


def _arranged(term: _Term, groups: tuple[list[str], ...], sizes: dict[str, int]) -> Calls:
    """The calls of a term so far, then those that bring its axes into the order of the groups, each as one axis."""
    made = term.begun()
    order = [letter for group in groups for letter in group]
    places, shape = [term.letters.index(letter) for letter in order], [sizes[letter] for letter in order]
    if places != sorted(places):
        made.call("permute_dims", places)
    if shape != [term.size(letter) for letter in order]:
        made.call("broadcast_to", shape)
    grouped = list(_sizes(groups, sizes))
    if grouped != shape:
        made.call("reshape", grouped)
    return (*term.calls, *made.calls)
