"""PyTorch's ModuleInfo: its own settings and inputs for each module, with its weights loaded by name.

Outputs, and the gradients of <v, outputs> for a random v by inputs and parameters, in float32 (which modules are in)
against PyTorch's in float32 and float64.
"""

from __future__ import annotations

import copy
import inspect
import warnings
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch.testing._internal.common_modules import module_db

import powertrain as pt
from conformance.adapter import (
    NotOfferedError,
    channels_first,
    channels_last,
    offered,
    replaced,
    tensors_of,
    to_engine,
    watched_places,
)
from conformance.module_table import AXES, COVERED, PASSED_OVER, STEPS_FIRST
from conformance.opinfo import WIDER, array_of, cast
from conformance.outcome import Outcome, arrays_agree, cancelled

# The functions that PyTorch takes for a name.
ACTIVATIONS = {torch.nn.functional.relu: "relu", torch.nn.functional.gelu: "gelu"}
INFOS = {info.module_cls.__name__: info for info in module_db}


def names() -> list[str]:
    return sorted(name for name in INFOS if name in COVERED and hasattr(pt.nn, name))


def not_offered() -> list[str]:
    return sorted(set(INFOS) - set(names()))


def outcomes(name: str) -> Iterator[Outcome]:
    info = INFOS[name]
    for training in (info.train_and_eval_differ and (True, False)) or (True,):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.manual_seed(zlib.crc32(name.encode()))
            inputs = info.module_inputs_func(
                info, device="cpu", dtype=torch.float32, requires_grad=True, training=training
            )
            for number, given in enumerate(inputs):
                if given.forward_input is None:
                    continue
                where = f"{name} {'train' if training else 'eval'} {number} {given.desc}".strip()
                try:
                    yield one(name, where, given, training, number)
                except NotOfferedError as missing:
                    yield Outcome("not offered", where, str(missing))
                except (pt.Error, TypeError, ValueError, IndexError) as error:
                    yield Outcome("error", where, f"{type(error).__name__}: {error}")


def one(name: str, where: str, given: Any, training: bool, number: int) -> Outcome:
    arguments = given.constructor_input
    peer = INFOS[name].module_cls(*arguments.args, **arguments.kwargs).train(training)
    bound = inspect.signature(type(peer)).bind(*arguments.args, **arguments.kwargs)
    bound.apply_defaults()
    settings = {**bound.arguments, **bound.arguments.get("kwargs", {})}
    offered(not (settings.get("dropout") or 0) or not training, "dropout")
    ours = built(name, inspect.signature(type(peer)), settings)
    if not name.endswith("Loss"):  # whose weights are settings here
        state = {key: value.detach().numpy() for key, value in peer.state_dict().items()}
        ours.load_state_dict(state, layout="torch")
    ours.train(training)
    forward = given.forward_input.args, given.forward_input.kwargs
    adapter = Inputs(name, bool(settings.get("batch_first", name not in STEPS_FIRST)))
    return compared(where, peer, ours, forward, adapter, number)


def built(name: str, signature: inspect.Signature, settings: dict[str, Any]) -> Any:
    """Our module of these settings of PyTorch's."""
    ours = inspect.signature(getattr(pt.nn, name).__init__).parameters
    taken = {}
    for key, value in settings.items():
        if key in PASSED_OVER or key in ("args", "kwargs"):
            continue
        if key in ours:
            taken[key] = setting(key, value)
        else:
            parameter = signature.parameters.get(key)
            # Those that a module takes as **kwargs are usually nothing.
            offered(value == parameter.default if parameter else not value, key)
    try:
        return getattr(pt.nn, name)(**taken)
    except pt.nn.SettingError as error:
        raise NotOfferedError(str(error)) from error


def setting(key: str, value: Any) -> Any:
    if key == "activation" and not isinstance(value, str):
        offered(value in ACTIVATIONS, "activation as a function")
        return ACTIVATIONS[value]
    if isinstance(value, torch.Tensor):
        return to_engine(value)
    # One number stands for all axes here too.
    return value[0] if isinstance(value, (tuple, list)) and len(value) == 1 else value


class Inputs:
    """Arguments as our module takes them, and its results as PyTorch gives them."""

    def __init__(self, name: str, batch_first: bool) -> None:
        self.name, self.axes, self.batch_first = name, AXES.get(name), batch_first

    def call(self, module: Any, args: Any, kwargs: dict[str, Any]) -> list[Any]:
        if "input" in kwargs:
            args, kwargs = (kwargs["input"], *args), {key: x for key, x in kwargs.items() if key != "input"}
        if self.name in STEPS_FIRST or self.name.endswith("Cell"):
            return self._sequences(module, list(args), kwargs)
        if self.axes is None:
            return tensors_of(module(*args, **kwargs), pt.Tensor)
        if self.name in ("NLLLoss", "CrossEntropyLoss"):
            x, target = args
            target = pt.moveaxis(target, 1, -1) if target.dtype.is_float and target.ndim > 1 else target
            return [module(pt.moveaxis(x, 1, -1) if x.ndim > 1 else x, target)]
        x = args[0]
        if self.axes == -1:
            return [pt.moveaxis(module(pt.moveaxis(x, 1, -1)), -1, 1) if x.ndim > 1 else module(x)]
        found = module(channels_last(x, self.axes))
        parts = found if isinstance(found, tuple) else (found,)  # with return_indices, the places too
        return [channels_first(part, x.ndim == self.axes + 2) for part in parts]

    def _sequences(self, module: Any, args: list[Any], kwargs: dict[str, Any]) -> list[Any]:
        """Batches of ours are first: PyTorch's may be behind the steps."""
        # How many of the arguments are sequences: what follows are states, or masks, which keep their axes.
        sequences = {"TransformerEncoderLayer": 1, "MultiheadAttention": 3, "RNN": 1, "GRU": 1, "LSTM": 1}.get(
            self.name, 2
        )
        turn = not (self.batch_first or args[0].ndim == 2 or self.name.endswith("Cell"))
        if turn:
            args[:sequences] = [pt.swapaxes(x, 0, 1) for x in args[:sequences]]
        found = module(*args, **kwargs)
        results = list(found) if isinstance(found, (tuple, list)) else [found]
        results[0] = pt.swapaxes(results[0], 0, 1) if turn else results[0]
        return tensors_of(results, pt.Tensor)


def compared(where: str, peer: Any, ours: Any, forward: Any, adapter: Inputs, number: int) -> Outcome:
    args, kwargs = to_engine(forward)
    tensors = tensors_of((args, kwargs), pt.Tensor)
    watched = watched_places(tensors_of(forward, torch.Tensor))
    inputs = [tensors[at] for at in watched]
    wide_peer, wide_forward = copy.deepcopy(peer).double(), cast(forward, WIDER)
    start = {name: np.array(slot.numpy()) for name, slot in ours.named_slots()}

    def function(*xs: Any) -> list[Any]:
        """From the same state each time: running statistics of one call are not those of the next."""
        for name, slot in ours.named_buffers():
            slot.value = pt.tensor(start[name], dtype=slot.dtype)
        changed = replaced((args, kwargs), {id(old): new for old, new in zip(inputs, xs, strict=True)})
        return adapter.call(ours, *changed)

    sides = [Peer(peer, forward, watched), Peer(wide_peer, wide_forward, watched)]
    got = function(*inputs)
    if len(got) != len(sides[0].results):
        return Outcome("values", where, f"{len(got)} results, expected {len(sides[0].results)}")
    for ours_one, want, exact in zip(got, sides[0].results, sides[1].results, strict=True):
        wrong = arrays_agree(array_of(ours_one), array_of(want), array_of(exact))
        if wrong:
            return Outcome("values", where, wrong)
    chosen = [at for at, y in enumerate(sides[0].results) if y.requires_grad]
    rng = np.random.default_rng(number)
    cotangents = [np.asarray(rng.standard_normal(tuple(sides[0].results[at].shape)), "float32") for at in chosen]
    if not chosen:
        return Outcome("passed", where)

    def scalar(*xs: Any) -> Any:
        ys = function(*xs)
        return sum((ys[at] * pt.asarray(v)).sum().astype("float64") for at, v in zip(chosen, cotangents, strict=True))

    found = list(pt.grad(scalar, argnums=tuple(range(len(inputs))))(*inputs)) if inputs else []
    labels = [f"input {at}" for at in range(len(inputs))]
    for name, value in parameter_gradients(ours, lambda: scalar(*inputs)).items():
        found.append(value)
        labels.append(name)
    wants = [side.gradients(chosen, cotangents, labels[len(inputs) :]) for side in sides]
    for label, mine, want, exact in zip(labels, found, *wants, strict=True):
        rough, fine = array_of(want), array_of(exact)
        wrong = arrays_agree(array_of(mine), rough, fine, cancelled(rough, fine, rough.dtype))
        if wrong:
            return Outcome("gradient", where, f"{label}: {wrong}")
    return Outcome("passed", where)


def parameter_gradients(ours: Any, function: Any) -> dict[str, Any]:
    """By PyTorch's names and in its layout: the gradients take the parameters' places and leave by the same door."""
    if not ours.trainable():
        return {}
    _, gradients = pt.nn.value_and_grad(ours, function)()
    kept = [np.array(slot.numpy()) for slot in ours.trainable()]
    for slot, gradient in zip(ours.trainable(), gradients.values(), strict=True):
        slot.value = gradient
    state = ours.state_dict(layout="torch")
    trained = {id(slot) for slot in ours.trainable()}
    named = {path: state[path] for path, _, _, slot in ours.every_path() if id(slot) in trained}
    for slot, value in zip(ours.trainable(), kept, strict=True):
        slot.value = pt.tensor(value)
    return {path: pt.tensor(np.ascontiguousarray(value)) for path, value in named.items()}


class Peer:
    """PyTorch's module on the same inputs, and its gradients."""

    def __init__(self, module: Any, forward: Any, watched: list[int]) -> None:
        args, kwargs = forward
        self.inputs = [tensors_of(forward, torch.Tensor)[at] for at in watched]
        self.parameters = dict(module.named_parameters())
        self.results = tensors_of(module(*args, **kwargs), torch.Tensor)

    def gradients(self, chosen: list[int], cotangents: list[Any], parameters: list[str]) -> list[Any]:
        leaves = [*self.inputs, *(self.parameters[name] for name in parameters)]
        ys = [self.results[at] for at in chosen]
        vs = [torch.from_numpy(v).to(y.dtype) for v, y in zip(cotangents, ys, strict=True)]
        found = torch.autograd.grad(ys, leaves, vs, allow_unused=True, retain_graph=True)
        return [torch.zeros_like(x) if g is None else g.to_dense() for g, x in zip(found, leaves, strict=True)]
