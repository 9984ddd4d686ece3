"""Transforms of a field of a recipe's data, and transforms of one picture.

Those of a field derive from `Transform`: they are fitted on the training split alone, then applied to batches
everywhere. What one learned is model state: `state()` gives it as named arrays, which a run keeps in slots and
`restore` takes back. They are plugins of the group `transform`. Those that derive from `RandomTransform` change
training batches alone.

Those of one picture are for the `__getitem__` of a data set, such as `ImageFolder(root, transform=...)`. They have the
names of torchvision: Compose, ToTensor, Normalize, Resize, CenterCrop, CenterResizedCrop, Pad, RandomCrop,
RandomResizedCrop, RandomHorizontalFlip and RandomVerticalFlip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from powertrain.data.dataset import Dataset
from powertrain.data.errors import DataError
from powertrain.data.image_transforms import (
    CenterCrop,
    Compose,
    Normalize,
    Pad,
    RandomCrop,
    RandomHorizontalFlip,
    RandomVerticalFlip,
    ToTensor,
)
from powertrain.data.order import CHANGES, Cursor, Draw
from powertrain.data.resizing import CenterResizedCrop, RandomResizedCrop, Resize
from powertrain.data.scaling import Scaling
from powertrain.data.source import (
    Array,
    Fields,
    Indices,
    Source,
    anew,
    by_rows,
    fetch_scaled,
    fetch_training,
    fetches_anew,
    pieces,
)
from powertrain.errors.boundary import export
from powertrain.errors.hints import attributes
from powertrain.errors.methods import overridden
from powertrain.plugin.bases import RandomTransform, Transform
from powertrain.plugin.params import NoParams, param
from powertrain.plugin.protocols import is_random

__all__ = [
    "CenterCrop",
    "CenterResizedCrop",
    "Channel",
    "Compose",
    "Flatten",
    "Normalize",
    "Pad",
    "RandomCrop",
    "RandomHorizontalFlip",
    "RandomResizedCrop",
    "RandomTransform",
    "RandomVerticalFlip",
    "Resize",
    "Scale",
    "Standardize",
    "ToTensor",
    "Transform",
    "Transformed",
]


# What a random transform, by its number, makes of some examples; whether it may overwrite x.
Change = Callable[[Any, int, Fields, bool], Fields]


class Scale(Transform):
    """Multiply by a number, then add one: 1/255 turns bytes into 0 to 1.

    Example
        >>> pt.data.Scale(0.5)(np.ones((2, 4, 4), np.float32)).shape
        (2, 4, 4)
    """

    by_row = True

    @dataclass(frozen=True)
    class Params:
        by: float = param(1.0, doc="factor")
        shift: float = param(0.0, doc="added after the factor")

    def __init__(self, by: float = 1.0, shift: float = 0.0) -> None:
        self.by, self.shift = np.float32(by), np.float32(shift)
        self.scaling = Scaling(multiply=self.by, add=self.shift if self.shift != 0 else -0.0)

    @classmethod
    def build(cls, params: Params, x: Array) -> Scale:
        return cls(params.by, params.shift)

    def __call__(self, x: Array) -> Array:
        return self._into(None, x)

    def overwrite(self, x: Array) -> Array:
        return self._into(x if x.dtype == np.float32 else None, x)

    def _into(self, out: Array | None, x: Array) -> Array:
        made: Array = np.multiply(x, self.by, out=out, dtype=np.float32)
        if self.shift != 0:
            made += self.shift
        return made


class Standardize(Transform):
    """Subtract the training mean and divide by the training standard deviation, of each feature or of all together.

    Example
        >>> pt.data.Standardize(np.array([1.0]), np.array([2.0]))(np.array([[5.0]])).tolist()
        [[2.0]]
    """

    by_row = True

    @dataclass(frozen=True)
    class Params:
        per_feature: bool = param(True, doc="false: one mean and deviation over the whole array, usual for images")

    def __init__(self, mean: Array, std: Array) -> None:
        self._set(mean, std)

    def _set(self, mean: Array, std: Array) -> None:
        self.mean = np.asarray(mean, dtype=np.float32)
        self.std = np.asarray(std, dtype=np.float32)
        # A feature that never varies carries nothing; dividing it by one leaves it at zero.
        self._factor = (1 / np.where(self.std > 0, self.std.astype(np.float64), 1)).astype(np.float32)
        self.scaling = Scaling(self.mean, self._factor)

    @classmethod
    def build(cls, params: Params, x: Array) -> Standardize:
        axes = 0 if params.per_feature else None
        count = x.shape[0] if params.per_feature else x.size
        mean = sum(_sums(x, axes)) / count
        # Two passes: sum(x^2)/n - mean^2 loses all digits when |mean| is large beside the deviation.
        variance = sum(_sums(x, axes, mean)) / count
        return cls(np.asarray(mean), np.sqrt(variance))

    def __call__(self, x: Array) -> Array:
        return self._into(None, x)

    def overwrite(self, x: Array) -> Array:
        return self._into(x if x.dtype == np.float32 else None, x)

    def _into(self, out: Array | None, x: Array) -> Array:
        made: Array = np.subtract(x, self.mean, out=out, dtype=np.float32)
        made *= self._factor
        return made

    def state(self) -> dict[str, Array]:
        return {"mean": self.mean, "std": self.std}

    def restore(self, state: Mapping[str, Array]) -> None:
        if set(state) != {"mean", "std"} or any(np.shape(state[key]) != self.mean.shape for key in state):
            received = ", ".join(f"{key} {list(np.shape(value))}" for key, value in state.items()) or "nothing"
            raise DataError(
                "standardize",
                f"state {received}",
                f"expected mean and std of shape {list(self.mean.shape)}",
                "restore it into a run with the same data",
            )
        self._set(state["mean"], state["std"])


def _sums(x: Array, axes: int | None, centre: Any = None) -> Iterator[NDArray[np.float64]]:
    """Sums of x, or of (x - centre)^2, in float64 over pieces of the rows."""
    values = np.empty((0, *x.shape[1:]))
    for piece in pieces(x):
        rows = x[piece]
        if len(rows) > len(values):  # memory that is taken anew for each piece costs more than the sums
            values = np.empty(rows.shape)
        part = values[: len(rows)]
        part[...] = rows
        if centre is not None:
            part -= centre
            np.square(part, out=part)
        yield np.asarray(np.sum(part, axis=axes))


class Flatten(Transform):
    """Each example as one row of numbers.

    Example
        >>> pt.data.Flatten()(np.ones((2, 4, 4), np.float32)).shape
        (2, 16)
    """

    by_row = True

    @classmethod
    def build(cls, params: NoParams, x: Array) -> Flatten:
        return cls()

    def __call__(self, x: Array) -> Array:
        return x.reshape(len(x), -1)


class Channel(Transform):
    """A last axis of one channel, which convolutions need, for grey images [n, height, width].

    Example
        >>> pt.data.Channel()(np.ones((2, 4, 4), np.float32)).shape
        (2, 4, 4, 1)
    """

    by_row = True

    @classmethod
    def build(cls, params: NoParams, x: Array) -> Channel:
        if x.ndim != 3:
            raise DataError(
                "channel",
                f"examples of shape {list(x.shape[1:])}",
                "expected grey images [height, width]",
                "leave channel out",
            )
        return cls()

    def __call__(self, x: Array) -> Array:
        return x[..., None]


class Transformed(Dataset):
    """A source with one field mapped by transforms, one after the other: by the fitted ones always, by the random ones
    in training.

    Example
        >>> source = pt.data.ArrayDataset(x=np.array([[0], [255]], np.uint8))
        >>> Transformed(source, [Scale(1 / 255)]).fetch(np.array([1]))["x"].tolist()
        [[1.0]]
    """

    def __init__(self, source: Source, transforms: Sequence[Transform | RandomTransform], field: str = "x") -> None:
        self.source = source
        self.transforms = list(transforms)
        self.field = field
        self._apart = False  # whether the source has been found not to scale its rows in one pass
        self._new = fetches_anew(source)
        self._overwrites = [overridden(one, "overwrite") for one in self.transforms]

    def __len__(self) -> int:
        return len(self.source)

    @property
    def by_row(self) -> bool:
        """Whether each example is transformed by itself, with the same bits whatever others come with it."""
        return all(not is_random(one) and getattr(one, "by_row", False) for one in self.transforms)

    @anew("source")  # a transform gives a new array, or a view of what it was given
    @by_rows("source")
    def fetch(self, indices: Indices) -> Fields:
        return self._fetched(indices, self.source.fetch, _as_found)

    def _fetched(self, indices: Indices, fetch: Callable[[Indices], Fields], change: Change) -> Fields:
        scaled = self._scaled(indices)
        if scaled is None:
            return self._mapped(fetch(indices), change, self._new)
        return self._mapped(scaled, change, True, 1)

    def _scaled(self, indices: Indices) -> Fields | None:
        """What the first transform makes of the examples, where it and the source can do that in one pass."""
        first = self.transforms[0] if self.transforms and not self._apart else None
        if not isinstance(first, Transform) or first.scaling is None:
            return None
        scaled = fetch_scaled(self.source, indices, self.field, first.scaling)
        # Asked once, since each batch would pay for it. Other numbers of rows are read by NumPy alone.
        self._apart = scaled is None and indices.dtype == np.int64
        return scaled

    def mapped(self, fields: Fields) -> Fields:
        """Fields of some examples after the fitted transforms."""
        return self._mapped(fields, _as_found, False)

    @by_rows("source")
    def fetch_changed(self, indices: Indices, seed: int, call: Cursor) -> Fields:
        def change(transform: RandomTransform, number: int, fields: Fields, own: bool) -> Fields:
            draw = Draw(seed, CHANGES + number, call)
            return transform.overwrite(fields, draw) if own else transform.change(fields, draw)

        return self._fetched(indices, lambda rows: fetch_training(self.source, rows, seed, call), change)

    def _mapped(self, fields: Fields, change: Change, new: bool, done: int = 0) -> Fields:
        """What the transforms behind the first `done` ones make of some examples. `new` says that these are memory of
        their own: then transforms that can do so write into it, while it is in the processor's caches."""
        for number, transform in enumerate(self.transforms[done:], done):
            given, overwrites = fields[self.field], self._overwrites[number]
            own = new and overwrites and self._alone(fields)
            if is_random(transform):
                fields = change(transform, number, fields, own)
            else:
                fixed = cast(Transform, transform)
                fields = {**fields, self.field: fixed.overwrite(given) if own else fixed(given)}
            # Other transforms may give what they hold, or a view of it.
            new = overwrites or (new and np.may_share_memory(given, fields[self.field]))
        return fields

    def _alone(self, fields: Fields) -> bool:
        """Whether the field can be written into, and no other field lies in its memory."""
        x = fields[self.field]
        return bool(x.flags.writeable) and not any(
            np.may_share_memory(x, other) for name, other in fields.items() if name != self.field
        )


def _as_found(transform: object, number: int, fields: Fields, own: bool) -> Fields:
    return fields


def untransformed(source: Source) -> Source:
    """Give a part as it was before transforms.

    Example
        >>> source = pt.data.ArrayDataset(x=np.array([[0], [255]], np.uint8))
        >>> pt.data.untransformed(pt.data.Transformed(source, [Scale(1 / 255)])) is source
        True
    """
    while isinstance(source, Transformed):
        source = source.source
    return source


export(globals())
__getattr__, __dir__ = attributes(__name__, __all__)
