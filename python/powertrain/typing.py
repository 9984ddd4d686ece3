"""Names for annotations, of the engine's signatures as of yours: `from powertrain.typing import TensorLike`.

Only type checkers and editors read them, so that no module of the engine imports this one when it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import EllipsisType
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from powertrain._core import DType, Slot, Tensor
from powertrain.errors.modules import answer_calls

if TYPE_CHECKING:
    from powertrain.autodiff.row_sparse import RowSparse
    from powertrain.data import DataLoader, DataModule, Dataset, IterableDataset, Source
    from powertrain.devices.place import device
    from powertrain.nn import Module


class HasArray(Protocol):
    """What NumPy can read: arrays of NumPy, of other libraries, pandas' columns.

    Example
        >>> class Three:
        ...     def __array__(self, dtype=None, copy=None):
        ...         return np.arange(3, dtype=dtype)
        >>> pt.asarray(Three()).tolist()
        [0, 1, 2]
    """

    def __array__(self) -> NDArray[Any]: ...


class HasBuffer(Protocol):
    """Python's own arrays of numbers: `array.array`, `memoryview`, `bytes`.

    Example
        >>> import array
        >>> pt.asarray(array.array("f", [1.0, 2.0])).tolist()
        [1.0, 2.0]
    """

    def __buffer__(self, flags: int, /) -> memoryview: ...


class Examples(Protocol):
    """Examples by number: a data set, a list of examples.

    Example
        >>> examples = [(np.zeros(2), 0), (np.ones(2), 1)]
        >>> pt.data.DataLoader(examples, batch_size=2).dataset is examples
        True
    """

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> object: ...


Array: TypeAlias = NDArray[Any]
"""An array of NumPy, of any dtype."""

Scalar: TypeAlias = bool | int | float | complex
"""A number of Python."""

TensorLike: TypeAlias = "Tensor | Slot | HasArray | HasBuffer | Scalar | Sequence[TensorLike]"
"""What functions take for a tensor; lists and tuples of numbers are float32 or int64."""

DTypeLike: TypeAlias = DType | str | type[complex] | type[np.generic] | np.dtype[Any]
"""What names a dtype: `pt.float32`, "float32", `float`, `np.float32`."""

Device: TypeAlias = "str | device | None"
"""Where a tensor lies: "cpu", "cuda", "cuda:1", or a `pt.device`."""

Axes: TypeAlias = int | Sequence[int]
"""An axis or several; negative ones count from the last."""

Shape: TypeAlias = int | Sequence[int]
"""The size of each axis; a number is the size of the one axis."""

Index: TypeAlias = "int | slice | EllipsisType | TensorLike | tuple[Index, ...] | None"
"""What stands between the brackets of `x[...]`, as in NumPy."""

Tree: TypeAlias = "Tensor | Slot | Scalar | Sequence[Tree] | Mapping[str, Tree] | None"
"""A tensor, or a list, tuple or dict of such."""

Gradients: TypeAlias = "dict[str, Tensor | RowSparse]"
"""The gradients of a model's parameters by their paths."""

Numbers: TypeAlias = "Mapping[str, Tensor | float]"
"""The numbers of one update of an optimizer, such as the rate, by name."""

Parts: TypeAlias = "Module | Slot | Sequence[Parts] | Mapping[str, Parts] | None"
"""Modules and slots in lists, tuples and dicts."""

Plain: TypeAlias = "Scalar | str | Sequence[Plain] | Mapping[str, Plain] | None"
"""What JSON and TOML can hold."""

Setting: TypeAlias = "bool | int | float | str | Tensor | Callable[[Tensor, Tensor], Tensor] | None"
"""A setting of a loss or an activation."""

Outputs: TypeAlias = "TensorLike | str | Sequence[str]"
"""What a metric compares: numbers, or texts."""

State: TypeAlias = dict[str, object]
"""What `state_dict` gives and `load_state_dict` takes: arrays and plain values by name."""

Table: TypeAlias = Mapping[str, object]
"""A table of a recipe, such as `{"use": "mlp", "hidden": [64]}`."""

Pair: TypeAlias = tuple[TensorLike, TensorLike]
"""Inputs and targets."""

PictureLike: TypeAlias = HasArray | Sequence[Sequence[float]]
"""A picture [height, width] or [height, width, channels]: an array, or as Pillow has it."""

DatasetLike: TypeAlias = "Dataset | Source | Examples"
"""What a split or a subset takes: a data set, or anything with `__len__` and `__getitem__`."""

ExamplesLike: TypeAlias = "TensorLike | Mapping[str, Sequence[object] | HasArray] | Sequence[object] | Path"
"""What `run.predict` takes: an array, a data frame, a dict of columns, a list of pictures, sounds or texts, a path."""

Collated: TypeAlias = "Tensor | list[str] | list[bytes] | tuple[Collated, ...] | dict[str, Collated]"
"""Examples made into one batch, in the structure that they have."""

Stream: TypeAlias = "IterableDataset | Iterable[tuple[TensorLike, TensorLike] | Mapping[str, TensorLike]]"
"""Examples (x, y), or dicts of x and y, one after another; it starts again for each epoch, and need not end."""

DataLike: TypeAlias = "str | Table | Pair | Mapping[str, Pair] | Dataset | Stream | DataLoader | DataModule"
"""What `pt.fit` learns from: a name, a table, (x, y), such pairs by part, or an object of `pt.data`."""

answer_calls(__name__)
