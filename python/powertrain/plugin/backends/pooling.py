"""Where the windows of a pooling lie, for those who write poolings in another library's words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from powertrain.plugin.backends.graph import Call


@dataclass(frozen=True)
class PooledAxis:
    """One axis of an image that is pooled: `size` elements, of which `count` windows are made.

    Example
        >>> from powertrain.plugin import PooledAxis
        >>> PooledAxis(size=5, count=3, window=2, stride=2, padding=0, dilation=1).end
        1
    """

    size: int
    count: int
    window: int
    stride: int
    padding: int
    dilation: int

    @classmethod
    def of(cls, call: Call, image: Sequence[object], counts: Sequence[object]) -> tuple[PooledAxis, PooledAxis]:
        """Rows and columns of a call of a pooling of images, of their sizes and the numbers of windows."""
        window = call["kernel_size"]
        dilation: Any = call.attributes.get("dilation") or (1,)
        told = (window, call["stride"] or window, call["padding"], dilation)
        sizes: Any = (image, counts)
        rows, columns = (
            cls(*(int(one[axis]) for one in sizes), *(int(numbers[-axis]) for numbers in told)) for axis in (0, 1)
        )
        return rows, columns

    @property
    def end(self) -> int:
        """What the last window needs behind the image; below 0 where it does not reach its end."""
        return (self.count - 1) * self.stride + self.dilation * (self.window - 1) + 1 - self.padding - self.size

    def first(self, at: int) -> int:
        """Where element `at` of the first window lies in the padded axis."""
        return at * self.dilation

    def inside(self, at: int, beyond: int = 0) -> NDArray[np.bool_]:
        """For each window, whether its element `at` lies in the image, or at most `beyond` from it."""
        place = np.arange(self.count) * self.stride + self.first(at) - self.padding
        return (place >= -beyond) & (place < self.size + beyond)
