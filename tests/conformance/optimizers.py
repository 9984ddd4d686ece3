"""PyTorch's optimizer database: each of its settings, 25 steps of random gradients, by displacement."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch.testing._internal.common_optimizers import optim_db

import powertrain as pt
from conformance.outcome import Outcome

STEPS = 25
# Of float32 state against PyTorch's in float64, as in test_optim.py, for five times as many steps.
TOLERANCE = 5e-5
SHAPES = {"a.weight": (13, 7), "a.bias": (7,), "b.weight": (5, 5), "b.scale": ()}
# Scales by the sizes of a matrix, which is (out, in) to PyTorch.
TURNED = "Muon"
# Takes sparse gradients alone, of PyTorch's; here they have all rows.
SPARSE = "SparseAdam"
INFOS = {info.optim_cls.__name__: info for info in optim_db}
# How PyTorch runs an update, which changes no number of it.
EXECUTION = ("foreach", "fused", "capturable", "differentiable")
# Evaluates the function within a step: compared in tests/optim/test_optim_beyond.py.
ELSEWHERE = ("LBFGS",)


def names() -> list[str]:
    return sorted(name for name in INFOS if hasattr(pt.optim, name) and name not in ELSEWHERE)


def not_offered() -> list[str]:
    return sorted(set(INFOS) - set(names()) - set(ELSEWHERE))


def outcomes(name: str) -> Iterator[Outcome]:
    for number, given in enumerate(INFOS[name].optim_inputs_func(device="cpu")):
        yield one(name, f"{name} settings {number}: {given.desc}", dict(given.kwargs))


def settings_of(name: str) -> set[str]:
    """The names of the settings that our optimizer takes, those of the frame among them."""
    classes = inspect.getmro(getattr(pt.optim, name))
    return {key for one in classes if issubclass(one, pt.optim.Optimizer) for key in inspect.signature(one).parameters}


def one(name: str, where: str, settings: dict[str, Any]) -> Outcome:
    values, gradients = problem(name)
    parameters = {key: torch.tensor(value.astype("float64"), requires_grad=True) for key, value in values.items()}
    peer = INFOS[name].optim_cls(list(parameters.values()), **settings)
    missing, taken = translated(name, peer.defaults, INFOS[name].optim_cls(list(parameters.values())).defaults)
    if missing:
        return Outcome("not offered", where, ", ".join(missing))
    slots = {key: pt.Slot(laid(name, value), name=key, trainable=True) for key, value in values.items()}
    try:
        optimizer = getattr(pt.optim, name)(list(slots.items()), **taken)
    except (pt.optim.OptimizerError, TypeError) as error:
        return Outcome("error", where, str(error))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for step in gradients:
            for key, parameter in parameters.items():
                gradient = torch.tensor(step[key].astype("float64"))
                parameter.grad = gradient.to_sparse(1) if name == SPARSE else gradient
            peer.step()
            optimizer.update([laid(name, step[key]) for key in values])
    for key, slot in slots.items():
        want = parameters[key].detach().numpy() - values[key]
        got = (slot.numpy().T if name == TURNED else slot.numpy()) - values[key].astype("float64")
        error = np.linalg.norm(got - want) / np.linalg.norm(want)
        if not error <= TOLERANCE:
            return Outcome("values", where, f"{key} moved otherwise by {error:.2g} of the way")
    return Outcome("passed", where)


def problem(name: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Parameters and the gradients of each step."""
    rng = np.random.default_rng(99)
    # Muon takes matrices alone, and a number has no rows.
    least = {TURNED: 2, SPARSE: 1}.get(name, 0)
    shapes = {key: shape for key, shape in SHAPES.items() if len(shape) >= least}
    values = {key: np.asarray(rng.normal(0, 0.02, shape), "float32") for key, shape in shapes.items()}
    steps = [{key: np.asarray(rng.standard_normal(s), "float32") for key, s in shapes.items()} for _ in range(STEPS)]
    return values, steps


def translated(name: str, settings: dict[str, Any], usual: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
    """What ours lacks of the settings, and the rest: all, so that no default of ours stands in."""
    ours = settings_of(name)
    whole = {key: value for key, value in settings.items() if key not in EXECUTION}
    missing = [key for key, value in whole.items() if key not in ours and value != usual[key]]
    taken = {key: plain(value) for key, value in whole.items() if key in ours}
    return missing, taken


def laid(name: str, value: Any) -> Any:
    return pt.tensor(value.T.copy() if name == TURNED else value)


def plain(value: Any) -> Any:
    """Settings that PyTorch takes as tensors too, as numbers."""
    if isinstance(value, (tuple, list)):
        return tuple(map(plain, value))
    return float(value) if isinstance(value, torch.Tensor) else value
