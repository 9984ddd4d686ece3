"""Products over named axes, each as transposes around one matrix product per pair of operands."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

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
    left, right = _core.asarray(a), _core.asarray(b)
    if isinstance(axes, int):
        if not 0 <= axes <= min(left.ndim, right.ndim):
            raise _core.ShapeError(
                f"[tensordot] axes = {axes}, a has {left.ndim} axes and b {right.ndim}; expected 0 to "
                f"{min(left.ndim, right.ndim)}; sum fewer"
            )
        pairs = [(left.ndim - axes + i, i) for i in range(axes)]
    else:
        listed = [_core.integers(one, "axes", "tensordot") for one in axes]
        if len(listed) != 2 or len(listed[0]) != len(listed[1]):
            raise _core.ShapeError(f"[tensordot] axes = {axes}; expected as many of a as of b; list them in pairs")
        pairs = list(zip(*listed, strict=True))
    first, second = list(_LETTERS[: left.ndim]), list(_LETTERS[left.ndim : left.ndim + right.ndim])
    for i, j in pairs:
        if not (-left.ndim <= i < left.ndim and -right.ndim <= j < right.ndim):
            raise _core.ShapeError(
                f"[tensordot] axes = {axes}, a has {left.ndim} axes and b {right.ndim}; expected axes of both; name "
                "axes that exist"
            )
        if left.shape[i] != right.shape[j]:
            raise _core.ShapeError(
                f"[tensordot] a is {list(left.shape)}, b is {list(right.shape)}, axes {i} and {j}; expected equal "
                "sizes; transpose one of them"
            )
        second[j] = first[i]
    summed = {first[i] for i, _ in pairs}
    kept = [letter for letter in (*first, *second) if letter not in summed]
    return einsum(f"{''.join(first)},{''.join(second)}->{''.join(kept)}", left, right)


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
    names, wanted = _parse(subscripts, tensors)
    _check_sizes(subscripts, tensors, names)
    terms = [_diagonals(tensor, list(letters)) for tensor, letters in zip(tensors, names, strict=True)]
    tensor, letters = terms[0]
    for place in range(1, len(terms)):
        later = {letter for _, others in terms[place + 1 :] for letter in others}
        tensor, letters = _product((tensor, letters), terms[place], later | set(wanted))
    tensor, letters = _summed(tensor, letters, set(wanted))
    order = [letters.index(letter) for letter in wanted]
    return tensor if order == sorted(order) else OPERATORS["permute_dims"](tensor, order)


def _fail(subscripts: str, received: str, expected: str) -> _core.ShapeError:
    return _core.ShapeError(f"[einsum] subscripts {subscripts!r}: {received}; expected {expected}; see help(pt.einsum)")


def _parse(subscripts: str, tensors: list[_core.Tensor]) -> tuple[list[str], str]:
    """The letters of each operand and of the result, further axes named by letters that are free."""
    inputs, arrow, output = subscripts.replace(" ", "").partition("->")
    names = inputs.split(",")
    if len(names) != len(tensors):
        raise _fail(subscripts, f"{len(tensors)} operands", f"{len(names)}")
    free = [letter for letter in _LETTERS if letter not in subscripts]
    widest = 0
    for place, (name, tensor) in enumerate(zip(names, tensors, strict=True)):
        letters = name.replace("...", "", 1)
        if any(letter not in _LETTERS for letter in letters):
            raise _fail(subscripts, f"operand {place} named {name!r}", "letters, and ... once")
        further = tensor.ndim - len(letters)
        if further < 0 or (further and "..." not in name):
            raise _fail(subscripts, f"operand {place} of {tensor.ndim} axes", f"{len(letters)}")
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


def _diagonals(tensor: _core.Tensor, letters: list[str]) -> tuple[_core.Tensor, list[str]]:
    """A letter that names two axes names their diagonal."""
    for letter in sorted(set(letters)):
        while letters.count(letter) > 1:
            first = letters.index(letter)
            second = letters.index(letter, first + 1)
            tensor = OPERATORS["diagonal"](OPERATORS["moveaxis"](tensor, (first, second), (-2, -1)))
            letters = [x for i, x in enumerate(letters) if i not in (first, second)] + [letter]
    return tensor, letters


def _check_sizes(subscripts: str, tensors: list[_core.Tensor], names: list[str]) -> None:
    sizes: dict[str, int] = {}
    for tensor, letters in zip(tensors, names, strict=True):
        for letter, size in zip(letters, tensor.shape, strict=True):
            if sizes.setdefault(letter, size) != size and 1 not in (size, sizes[letter]):
                raise _fail(subscripts, f"sizes {sizes[letter]} and {size} of one letter", "equal sizes")
            sizes[letter] = max(size, sizes[letter])


def _summed(tensor: _core.Tensor, letters: list[str], wanted: set[str]) -> tuple[_core.Tensor, list[str]]:
    """Without the axes that nothing else names."""
    axes = tuple(i for i, letter in enumerate(letters) if letter not in wanted)
    if not axes:
        return tensor, letters
    dtype = tensor.dtype
    total = OPERATORS["astype"](OPERATORS["sum"](tensor, axes), dtype)
    return total, [letter for letter in letters if letter in wanted]


def _product(
    left: tuple[_core.Tensor, list[str]], right: tuple[_core.Tensor, list[str]], wanted: set[str]
) -> tuple[_core.Tensor, list[str]]:
    """Two operands as one: shared letters that are wanted run along, others are summed by a matrix product."""
    a, first = _summed(*left, wanted | set(right[1]))
    b, second = _summed(*right, wanted | set(left[1]))
    shared = [letter for letter in first if letter in second]
    along = [letter for letter in shared if letter in wanted]
    summed = [letter for letter in shared if letter not in wanted]
    rows = [letter for letter in first if letter not in shared]
    columns = [letter for letter in second if letter not in shared]
    sizes = {**dict(zip(first, a.shape, strict=True)), **dict(zip(second, b.shape, strict=True))}
    for letter in shared:
        sizes[letter] = max(a.shape[first.index(letter)], b.shape[second.index(letter)])
        if 0 in (a.shape[first.index(letter)], b.shape[second.index(letter)]):
            sizes[letter] = 0
    a, b = _arranged(a, first, (along, rows, summed), sizes), _arranged(b, second, (along, summed, columns), sizes)
    if summed and any(dtype.is_float or dtype.is_complex for dtype in (a.dtype, b.dtype)):
        product = OPERATORS["matmul"](a, b)
    else:
        parts = OPERATORS["multiply"](OPERATORS["expand_dims"](a, 3), OPERATORS["expand_dims"](b, 1))
        product = OPERATORS["astype"](OPERATORS["sum"](parts, 2), parts.dtype)
    letters = [*along, *rows, *columns]
    return OPERATORS["reshape"](product, [sizes[letter] for letter in letters]), letters


def _arranged(
    tensor: _core.Tensor, letters: list[str], groups: tuple[list[str], ...], sizes: dict[str, int]
) -> _core.Tensor:
    """The axes in the order of the groups, each group as one axis."""
    order = [letter for group in groups for letter in group]
    tensor = OPERATORS["permute_dims"](tensor, [letters.index(letter) for letter in order])
    tensor = OPERATORS["broadcast_to"](tensor, [sizes[letter] for letter in order])
    return OPERATORS["reshape"](tensor, [math.prod(sizes[letter] for letter in group) for group in groups])
