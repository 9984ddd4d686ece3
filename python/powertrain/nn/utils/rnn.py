"""Sequences of several lengths as one batch, padded behind their ends; layers take their lengths beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import powertrain as pt
from powertrain.errors.boundary import export as _export
from powertrain.errors.hints import attributes as _attributes
from powertrain.nn import checks

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

__all__ = ["pad_sequence", "unpad_sequence"]


def pad_sequence(
    sequences: Sequence[TensorLike],
    batch_first: bool = True,
    padding_value: float = 0.0,
    padding_side: Literal["right", "left"] = "right",
) -> pt.Tensor:
    """Sequences as one batch, in which the shorter ones end, or begin, with padding_value.

    A recurrent layer takes it with `lengths`: `lstm(padded, lengths=[len(one) for one in sequences])`.

    Shapes    each of sequences [t_i, ...] -> [n, the largest t_i, ...]
    Errors    no sequences; axes behind the first one that differ; batch_first=False
    Grad      sequences
    Source    PyTorch, nn.utils.rnn.pad_sequence
    Example
        >>> import powertrain as pt
        >>> pt.nn.utils.rnn.pad_sequence([pt.tensor([1, 2]), pt.tensor([3])]).numpy().tolist()
        [[1, 2], [3, 0]]
    """
    checks.fixed("pad_sequence", batch_first=batch_first)
    checks.choice("pad_sequence", ("right", "left"), padding_side=padding_side)
    rows = [pt.asarray(one) for one in sequences]
    if not rows or any(row.ndim == 0 or row.shape[1:] != rows[0].shape[1:] for row in rows):
        raise pt.ShapeError(
            f"[pad_sequence] received {[list(row.shape) for row in rows]}; expected sequences whose axes behind the "
            "first one are alike; reshape them"
        )
    longest = max(row.shape[0] for row in rows)
    padded = []
    for row in rows:
        lacking = (longest - row.shape[0], 0) if padding_side == "left" else (0, longest - row.shape[0])
        padded.append(pt.pad(row, (lacking, *[(0, 0)] * (row.ndim - 1)), constant_values=padding_value))
    return pt.stack(padded)


def unpad_sequence(padded_sequences: TensorLike, lengths: TensorLike, batch_first: bool = True) -> list[pt.Tensor]:
    """The sequences of a padded batch, each up to its length.

    Shapes    padded_sequences [n, t, ...], lengths [n], which are known -> n of [lengths_i, ...]
    Errors    another number of lengths; a length outside of 0 to t; batch_first=False
    Source    PyTorch, nn.utils.rnn.unpad_sequence
    Example
        >>> import powertrain as pt
        >>> [one.shape for one in pt.nn.utils.rnn.unpad_sequence(pt.ones((2, 5, 3)), [4, 2])]
        [(4, 3), (2, 3)]
    """
    checks.fixed("unpad_sequence", batch_first=batch_first)
    padded, ends = pt.asarray(padded_sequences), [int(end) for end in pt.asarray(lengths).numpy().ravel()]
    if padded.ndim < 2 or len(ends) != padded.shape[0] or not all(0 <= end <= padded.shape[1] for end in ends):
        raise pt.ShapeError(
            f"[unpad_sequence] padded_sequences is {list(padded.shape)}, lengths = {ends}; expected a batch [n, t, "
            "...] and n lengths from 0 to t; check them"
        )
    return [padded[row, :end] for row, end in enumerate(ends)]


_export(globals())
__getattr__, __dir__ = _attributes(__name__, __all__)
