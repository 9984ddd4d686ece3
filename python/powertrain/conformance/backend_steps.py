"""Whole training steps on a backend: the same losses as the engine's, and nothing changed by a step that fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.conformance.finding import Finding, Subject, rng
from powertrain.plugin.backends import Adapter, BackendError

STEPS = 3
ROWS = 8


def _plain() -> tuple[Any, tuple[int, ...]]:
    return pt.nn.Sequential(pt.nn.Linear(12, 16), pt.nn.ReLU(), pt.nn.Linear(16, 5)), (12,)


def _dense() -> tuple[Any, tuple[int, ...]]:
    return pt.nn.Sequential(pt.nn.Linear(12, 16), pt.nn.Tanh(), pt.nn.Dropout(0.25), pt.nn.Linear(16, 5)), (12,)


def _images() -> tuple[Any, tuple[int, ...]]:
    layers = [pt.nn.Conv2d(2, 4, 3, padding=1), pt.nn.BatchNorm2d(4), pt.nn.GELU(), pt.nn.MaxPool2d(2)]
    return pt.nn.Sequential(*layers, pt.nn.Flatten(), pt.nn.Linear(4 * 3 * 3, 5)), (6, 6, 2)


PROGRAMS: dict[str, Callable[[], tuple[Any, tuple[int, ...]]]] = {
    "a perceptron": _plain,
    "a perceptron with dropout": _dense,
    "a convolution network with batch norm": _images,
}


def check_steps(subject: Subject, adapter: Adapter, most: float) -> Iterator[Finding]:
    for name, make in PROGRAMS.items():
        adapter.doing = f"a training step of {name}"  # type: ignore[attr-defined]
        try:
            found, changed = _train(make, adapter)
        except BackendError as error:
            if "cannot run" in str(error):  # its vocabulary is its own choice
                continue
            yield subject.finding("refuses", f"{name}: {str(error).partition('] ')[2]}", "a step", "fix it")
            continue
        except Exception as error:
            yield subject.raised(f"a training step of {name}", error)
            continue
        wanted, _ = _train(make, None)
        if not np.allclose(found, wanted, rtol=most, atol=0):
            yield subject.finding(
                "wrong-step",
                f"losses of {name} are {_words(found)}",
                f"{_words(wanted)}, as the engine's",
                "look at the ops that its program holds: compiled.programs[0]['graph']",
            )
        if changed:
            yield subject.finding(
                "commits-failure",
                f"a step of {name} whose loss is not finite changes {changed}",
                "NonFiniteError and nothing changed",
                "look at its rules for isfinite and all",
            )


def _train(make: Callable[[], tuple[Any, tuple[int, ...]]], adapter: Adapter | None) -> tuple[list[float], str]:
    """The losses of some steps, and which slot a step with NaN changed."""
    before = pt.random.default_generator().slot.value
    try:
        pt.random.seed(5)
        module: pt.nn.Module
        module, shape = make()
        optimizer = pt.optim.AdamW(module, lr=1e-2, clip=None if make is _plain else 1.0)

        def step(x: Any, y: Any) -> Any:
            loss, gradients = pt.nn.value_and_grad(module, lambda: F.cross_entropy(module(x), y, ignore_index=None))()
            optimizer.update(gradients)
            return loss

        compiled = pt.compile(step, backend=adapter)
        x = rng().standard_normal((ROWS, *shape)).astype(np.float32)
        y = np.arange(ROWS) % 5
        losses = [float(compiled(x, y).item()) for _ in range(STEPS)]
        slots = dict(module.named_slots())
        held = {name: np.array(slot.numpy()) for name, slot in slots.items()}
        try:
            compiled(x * np.float32(np.nan), y)
        except pt.NonFiniteError:
            changed = [name for name, slot in slots.items() if held[name].tobytes() != np.array(slot.numpy()).tobytes()]
        else:
            changed = ["everything"]
        return losses, ", ".join(changed[:3])
    finally:
        pt.random.default_generator().slot.value = before


def _words(losses: list[float]) -> str:
    return ", ".join(f"{loss:.9g}" for loss in losses)
