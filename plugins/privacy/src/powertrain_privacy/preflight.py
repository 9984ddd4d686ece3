"""What a private training refuses: data that tell of each other, and models in which examples do."""

from __future__ import annotations

from typing import Any

import numpy as np

import powertrain as pt
from powertrain.plugin import Run
from powertrain_privacy.errors import PrivacyError

SAME = 32  # examples that two batches share; as many others differ


def demand_private_data(run: Run, delta: float) -> int:
    """The number of training examples. What is fitted on them would be given away without noise."""
    dataset = run.dataset
    train = dataset.splits["train"]
    fitted = [type(one).__name__ for one in dataset.transforms if one.state()]
    if dataset.target is not None and dataset.target.changes:
        fitted.append("target.scale")
    if dataset.class_weight is not None:
        fitted.append("class_weight")
    if fitted:
        raise PrivacyError(
            f"[dp-sgd] {', '.join(fitted)} is fitted on the training examples, which epsilon would not cover; expected "
            'features with fixed numbers; for pixels write features = [{ use = "scale", by = 0.00392 }]'
        )
    if delta * len(train) >= 1:
        raise PrivacyError(
            f"[dp-sgd] delta = {delta:g} with {len(train):,} examples; expected less than 1 / {len(train):,}, since a "
            f"larger one allows a whole example to be revealed; {0.1 / len(train):.0e} is usual"
        )
    return len(train)


def demand_independent(model: pt.nn.Module, run: Run) -> None:
    """Refuse features and models by which an example gets other values when the others in its batch change, and models
    that keep statistics of what they read."""
    first, second = (_batch(run, others) for others in (SAME, 2 * SAME))
    for name, field in first.items():
        if not np.array_equal(field[:SAME], second[name][:SAME]):
            changes = ", ".join(type(one).__name__ for one in run.dataset.chain if one not in run.dataset.transforms)
            raise PrivacyError(
                f"[dp-sgd] {changes} mixes the examples of a batch; expected changes of each by itself, since it is "
                "clipped by itself; leave mixup and cutmix out of features"
            )
    buffers = [(path, slot, slot.value) for path, slot in model.named_buffers()]
    drawn = pt.random.default_generator().slot
    before = drawn.value
    values = _first_rows(model, first["x"])
    drawn.value = before  # the same dropout for both
    again = _first_rows(model, second["x"])
    drawn.value = before
    changed = [path for path, slot, value in buffers if not pt.array_equal(slot.value, value)]
    for _, slot, value in buffers:
        slot.value = value
    for (path, layer), rows in values.items():
        if not np.array_equal(rows, again[path, layer], equal_nan=True):
            raise PrivacyError(
                f"[dp-sgd] {path or 'the model'} ({layer}) gives an example another value when the others in its batch "
                "change; expected examples that are independent, since each is clipped by itself; normalize within "
                "an example, by GroupNorm or LayerNorm in place of BatchNorm"
            )
    if changed:
        raise PrivacyError(
            f"[dp-sgd] {changed[0]} is changed by each batch that the model reads; expected parameters alone, since "
            "statistics get no noise; use GroupNorm, or leave track_running_stats out"
        )


def _batch(run: Run, others: int) -> dict[str, Any]:
    """The first training examples, and as many from `others` on, as training sees them."""
    train = run.dataset.splits["train"]
    rows = np.append(np.arange(SAME), others + np.arange(SAME)) % len(train)
    batch = next(iter(pt.data.DataLoader(train, len(rows), sampler=rows, augment=True)))
    return dict(batch.arrays)


def _first_rows(model: pt.nn.Module, x: Any) -> dict[tuple[str, str], Any]:
    """What each layer gives for the first examples, in the order of their calls."""
    found: dict[tuple[str, str], Any] = {}
    handles = []
    for path, layer in model.named_modules():

        def keep(layer: Any, args: Any, output: Any, path: str = path) -> None:
            if isinstance(output, pt.Tensor) and output.ndim:
                found[path, type(layer).__name__] = np.array(output.numpy()[:SAME])

        handles.append(layer.register_forward_hook(keep))
    try:
        model(pt.asarray(x))
    finally:
        for handle in handles:
            handle.remove()
    return found
