"""Losses: plugins of the group `loss`, each `name(output, target, **parameters)` giving one value per example.

The engine takes the weighted mean; a loss never averages over the batch itself.
"""

from __future__ import annotations

from typing import Annotated, Any

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.errors.boundary import export
from powertrain.errors.hints import attributes
from powertrain.plugin.params import Range

__all__ = ["bce", "cross_entropy", "huber", "l1", "mse"]

Share = Annotated[float, Range(low=0, below=1)]


def cross_entropy(output: Any, target: Any, *, smoothing: Share = 0.0) -> pt.Tensor:
    """-log softmax(output)[target] of logits [..., classes]; for sequences one value per token.

    A target is a class number, or one row of class shares like `output`, as mixup makes them. With `smoothing` s it is
    (1 - s) of that and s spread evenly over all (Szegedy et al. 2016).

    Shapes    output [..., classes], target [...] of integers or [..., classes] of shares -> [...]
    Example
        >>> from powertrain.builtin import losses
        >>> losses.cross_entropy(pt.zeros((2, 4)), pt.tensor([0, 3])).shape
        (2,)
    """
    dtype = str(target.dtype)
    shares = "float" in dtype
    if len(output.shape) == 0 or tuple(target.shape) != tuple(output.shape if shares else output.shape[:-1]):
        wanted = "a row of class shares for each row of output" if shares else "one class number for each row of output"
        raise pt.ShapeError(
            f"[cross-entropy] output is {list(output.shape)}, target is {dtype}{list(target.shape)}; expected "
            f"{wanted}; reshape the target, as labels[:, 0] where they are a column"
        )
    return F.cross_entropy(output, target, ignore_index=None, reduction="none", label_smoothing=smoothing)


# The softmax of what it trains is meant as probabilities, which the report holds to what came of them.
cross_entropy.probabilities = True  # type: ignore[attr-defined]


def mse(output: Any, target: Any) -> pt.Tensor:
    """(output - target)^2, the mean over the outputs of an example.

    Example
        >>> from powertrain.builtin import losses
        >>> losses.mse(pt.zeros((2, 1)), pt.ones((2, 1))).shape
        (2,)
    """
    return _per_example(F.mse_loss(*_aligned("mse", output, target), reduction="none"))


def l1(output: Any, target: Any) -> pt.Tensor:
    """|output - target|, the mean over the outputs of an example.

    Example
        >>> from powertrain.builtin import losses
        >>> losses.l1(pt.zeros((2, 1)), pt.ones((2, 1))).shape
        (2,)
    """
    return _per_example(F.l1_loss(*_aligned("l1", output, target), reduction="none"))


def huber(output: Any, target: Any, *, delta: Annotated[float, Range(above=0)] = 1.0) -> pt.Tensor:
    """Squared within `delta` of the target and linear outside (Huber 1964), the mean over the outputs of an example.

    Example
        >>> from powertrain.builtin import losses
        >>> losses.huber(pt.zeros((2, 1)), pt.ones((2, 1))).shape
        (2,)
    """
    return _per_example(F.huber_loss(*_aligned("huber", output, target), reduction="none", delta=delta))


def bce(output: Any, target: Any) -> pt.Tensor:
    """Binary cross-entropy of logits against targets from 0 to 1, the mean over the outputs of an example.

    Example
        >>> from powertrain.builtin import losses
        >>> losses.bce(pt.zeros((2, 1)), pt.ones((2, 1))).shape
        (2,)
    """
    return _per_example(F.binary_cross_entropy_with_logits(*_aligned("bce", output, target), reduction="none"))


def _aligned(name: str, output: Any, target: Any) -> tuple[Any, Any]:
    """Output and target of one shape: a model of one output gives [batch, 1] where the data has [batch], or the
    other way round."""
    if len(output.shape) == len(target.shape) + 1 and output.shape[-1] == 1:
        output = pt.reshape(output, tuple(output.shape)[:-1])
    elif len(target.shape) == len(output.shape) + 1 and target.shape[-1] == 1:
        target = pt.reshape(target, tuple(target.shape)[:-1])
    if tuple(output.shape) != tuple(target.shape):
        scores = len(output.shape) == len(target.shape) + 1
        fix = "check the number of outputs of the model"
        if scores and "int" in str(target.dtype):
            fix = "for class numbers take cross-entropy"
        elif scores:
            fix = 'end the model with one output, or give classes as whole numbers, y.astype("int64")'
        raise pt.ShapeError(
            f"[{name}] output is {list(output.shape)}, target is {list(target.shape)}; expected one shape; {fix}"
        )
    return output, pt.astype(target, output.dtype)


def _per_example(values: pt.Tensor) -> pt.Tensor:
    axes = tuple(range(1, len(values.shape)))
    return pt.mean(values, axis=axes) if axes else values


export(globals())
__getattr__, __dir__ = attributes(__name__, __all__)
