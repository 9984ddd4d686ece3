"""Functions as the loss of `pt.fit`: those of nn.functional, and a user's own with settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import powertrain as pt
import powertrain.nn.functional as F

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

PLAIN: dict[str, Any] = {"epochs": 2, "batch_size": 8, "verbose": False, "report": {"baseline": False}}
ROWS = np.random.default_rng(0).normal(size=(20, 5)).astype("float32")  # the last batch has 4 rows of padding
CLASSES = np.arange(20) % 3


def weighed(output: NotImported, target: Any, *, weight: TensorLike | None = None) -> Any:  # type: ignore[name-defined]  # noqa: F821
    """Annotations may name what only type checkers import."""
    each = F.cross_entropy(output, target, reduction="none")
    return each if weight is None else weight * each


def trained(loss: Any, y: Any, outputs: int) -> pt.TrainedRun:
    pt.random.seed(0)
    return pt.fit(model=pt.nn.Linear(5, outputs), data=(ROWS, y), loss=loss, **PLAIN)


@pytest.mark.parametrize(
    ("loss", "name", "y"),
    [
        (F.cross_entropy, "cross-entropy", CLASSES),
        (weighed, "cross-entropy", CLASSES),
        (F.mse_loss, "mse", ROWS[:, :3]),
        (F.binary_cross_entropy_with_logits, "bce", (ROWS[:, :3] > 0).astype("float32")),
    ],
    ids=["classes", "own", "numbers", "yes or no"],
)
def test_a_function_trains_as_the_loss_of_its_name(loss: Any, name: str, y: Any) -> None:
    """Those of nn.functional take the mean of a batch unless they are asked not to, which would count the padding."""
    by_function, by_name = trained(loss, y, 3), trained(name, y, 3)
    assert by_function.history["train.loss"] == by_name.history["train.loss"]


def test_a_loss_that_is_not_finite_is_said_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    """Its gradients may be finite: that of a logarithm is, below 0 too. So no guard sees it."""
    how = {**PLAIN, "verbose": True}
    trained = pt.fit(model=pt.nn.Linear(5, 3), data=(ROWS, CLASSES), loss=lambda x, y: pt.log(-1 - x[:, 0] ** 2), **how)
    assert trained.results["fit"].startswith("broken: the training loss is not finite (nan); look for a logarithm")
    assert f"fit    {trained.results['fit']}\n" in capsys.readouterr().out
