"""What models read of the data: shapes, and batches as rows, images or floats."""

from __future__ import annotations

from typing import TYPE_CHECKING

import powertrain as pt
from powertrain.errors.boundary import export
from powertrain.plugin.protocols import Inputs
from powertrain.plugin.tasks import OWN

if TYPE_CHECKING:
    from powertrain import Tensor


class ModelError(pt.Error, ValueError):
    """Data or parameters that a model cannot be built from: `[where] what was received; what was expected; the fix`."""


def features(inputs: Inputs) -> int:
    """The size of one example as a row.

    Example
        >>> from powertrain.plugin import features, Inputs
        >>> features(Inputs('classification', shape=(8, 8), outputs=10))
        64
    """
    size = 1
    for extent in inputs.shape:
        size *= extent
    return size


def image_shape(where: str, inputs: Inputs) -> tuple[int, int, int]:
    """Height, width and channels; grey images may come without the last.

    Example
        >>> from powertrain.plugin import image_shape, Inputs
        >>> image_shape('mine', Inputs('classification', shape=(8, 8), outputs=10))
        (8, 8, 1)
    """
    if len(inputs.shape) not in (2, 3):
        raise ModelError(
            f"[{where}] examples of shape {list(inputs.shape)}; expected images [height, width] or "
            '[height, width, channels]; use mlp for other data, or for sounds features = ["spectrogram"]'
        )
    height, width = inputs.shape[0], inputs.shape[1]
    return height, width, inputs.shape[2] if len(inputs.shape) == 3 else 1


def as_rows(x: Tensor) -> Tensor:
    """A batch as rows of floats.

    Example
        >>> pt.plugin.as_rows(pt.ones((2, 4, 4))).shape
        (2, 16)
    """
    x = as_floats(x)
    return x if len(x.shape) == 2 else pt.reshape(x, (x.shape[0], -1))


def as_images(x: Tensor) -> Tensor:
    """A batch as [batch, height, width, channels] of floats.

    Example
        >>> from powertrain.plugin import as_images
        >>> as_images(pt.ones((2, 4, 4, 1))).shape
        (2, 4, 4, 1)
    """
    x = as_floats(x)
    return pt.reshape(x, (*x.shape, 1)) if len(x.shape) == 3 else x


def as_floats(x: Tensor) -> Tensor:
    """Bytes and integers as float32; floats as they are.

    Example
        >>> pt.plugin.as_floats(pt.tensor([1, 2])).dtype.name
        'float32'
    """
    return x if "float" in str(x.dtype) else pt.astype(x, "float32")


def check_task(where: str, inputs: Inputs, *tasks: str) -> None:
    """Refuse the engine's tasks that a model is not for. Of those that plugins add, its recipe must know.

    Example
        >>> from powertrain.plugin import check_task, Inputs
        >>> check_task('mine', Inputs('classification', shape=(8, 8), outputs=10), 'classification') is None
        True
    """
    if inputs.task in OWN and inputs.task not in tasks:
        raise ModelError(
            f"[{where}] a {inputs.task} task; expected {' or '.join(tasks)}; choose another model or other data"
        )


__all__ = ["ModelError", "as_floats", "as_images", "as_rows", "check_task", "features", "image_shape"]

export(globals())
