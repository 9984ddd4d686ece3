"""Adapters in a file of their own: a few megabytes that go on the same base model again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain.nn import checks
from powertrain.nn.adapters.layers import check_sizes
from powertrain.nn.adapters.placing import KINDS, Form, adaptable, demand_form, fits, placed, refuse_adapted
from powertrain.nn.module import Module
from powertrain.nn.parameter import array_of
from powertrain.nn.quantized import QuantizedConv2d, QuantizedLinear
from powertrain.nn.registry import join

M = TypeVar("M", bound=Module)
_KEY, _FORMAT = "powertrain.adapters", 1
_SHAPE = {
    "format": int, "kind": str, "rank": int, "alpha": float, "dropout": float, "layers": [str], "trained": [str],
    "base": str, "arrays": str,
}  # fmt: skip
SHOWN, SHOWN_LETTERS = 3, 80  # names in a message, and letters of a name that a file gives


def save(path: str | os.PathLike[str], model: Module) -> None:
    """Write what was trained in a model with adapters: these, what is trained whole, and running statistics.

    The file is safetensors. It says the hash of the frozen weights, which `load` compares. It is written beside and
    renamed: a kill leaves the old one or the new one.

    Errors    a model without adapters
    Example
        >>> import pathlib, tempfile
        >>> model = pt.nn.adapters.add(pt.nn.Sequential(pt.nn.Linear(4, 3)), rank=2)
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "adapters.safetensors"
        >>> pt.nn.adapters.save(path, model)
        >>> base = pt.nn.adapters.remove(model.clone())
        >>> pt.nn.adapters.load(path, base)[0].rank
        2
    """
    from safetensors.numpy import save as serialized

    from powertrain.io.files import Files
    from powertrain.io.hashing import hash_arrays
    from powertrain.io.plain_json import dumps

    form = demand_form("adapters.save", model)
    own, base = _parted(model, form)
    about = {"format": _FORMAT, **asdict(form), "base": hash_arrays(base), "arrays": hash_arrays(own)}
    target = Path(path)
    Files(target.parent).replace(target.name, serialized(own, {_KEY: dumps(about)}))


def load(path: str | os.PathLike[str], model: M, *, strict: bool = True) -> M:
    """Put the adapters of a file into the base model that they were trained with; returns the model itself.

    `strict` compares the frozen weights with those that the adapters were trained beside; without, only layers and
    shapes must fit, as for the same model in other bits. Everything is checked before anything changes.

    Errors    a file that is damaged or no adapters; a model of another form, with other weights, or with adapters
    Example
        >>> import pathlib, tempfile
        >>> base = pt.nn.Sequential(pt.nn.Linear(4, 3))
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "adapters.safetensors"
        >>> pt.nn.adapters.save(path, pt.nn.adapters.add(base.clone(), rank=2))
        >>> pt.nn.adapters.load(path, base)[0].rank
        2
    """
    from powertrain.io.hashing import hash_arrays

    about, arrays = _read(Path(path))
    settings = {name: about[name] for name in ("kind", "rank", "alpha", "dropout")}
    form = Form(**settings, layers=tuple(about["layers"]), trained=tuple(about["trained"]))
    where = f"adapters.load {Path(path).name}"
    refuse_adapted(model)
    known = adaptable(model)
    wrong = [f"{name[:SHOWN_LETTERS]} is no linear layer of it" for name in form.layers if name not in known]
    if wrong or not form.layers:
        raise _misfit(where, model, wrong or ["it names no layer"])
    own, base = _parted(model, form)
    wanted = {name: value.shape for name, value in own.items()}
    for name in form.layers:
        wanted |= {f"{name}.{slot}": shape for slot, shape in form.shapes(known[name]).items()}
    wrong = [f"{name} is missing" for name in wanted if name not in arrays]
    wrong += [f"{name[:SHOWN_LETTERS]} is unknown" for name in arrays if name not in wanted]
    wrong += [
        f"{name} is {list(arrays[name].shape)}, expected {list(shape)}"
        for name, shape in wanted.items()
        if name in arrays and arrays[name].shape != shape
    ]
    if wrong:
        raise _misfit(where, model, wrong)
    if strict and hash_arrays(base) != about["base"]:
        raise checks.StateError(
            f"[{where}] the frozen weights of the {type(model).__name__} are not those that the adapters were trained "
            "beside; expected the same base model; load its weights first, or pass strict=False"
        )
    values = {name: pt.tensor(value) for name, value in arrays.items()}
    placed(model, form)
    for name, slot in model.named_slots():
        value = values.get(name if form.owns(name) else form.plain(name))
        if value is not None:
            slot.value = pt.astype(value, slot.dtype)
    return model


def _parted(model: Module, form: Form) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
    """What training may have changed, and what it has not, by the names of the model without adapters.

    Buffers are running statistics, which a file keeps, but for those of quantized layers, which are the weights.
    """
    own: dict[str, NDArray[Any]] = {}
    base: dict[str, NDArray[Any]] = {}
    buffers = {
        join(path, name)
        for path, module in model.named_modules()
        if not isinstance(module, (QuantizedLinear, QuantizedConv2d))
        for name in module._buffers
    }
    for name, slot in model._kept().items():
        plain = form.plain(name)
        trained = form.owns(name) or name in buffers or fits(plain, form.trained)
        (own if trained else base)[plain] = np.asarray(array_of(slot), order="C")
    return own, base


def _misfit(where: str, model: Module, wrong: Sequence[str]) -> checks.StateError:
    more = f"; and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
    return checks.StateError(
        f"[{where}] {'; '.join(wrong[:SHOWN])}{more}; expected adapters of a {type(model).__name__} of this size; "
        "build the model with the parameters that they were trained with"
    )


def _read(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """What a file says of its adapters, and their arrays."""
    from safetensors.numpy import load as arrays_of

    from powertrain.io.hashing import hash_arrays
    from powertrain.io.inputs import read_file
    from powertrain.io.records import from_json
    from powertrain.saved import NoFileError, described

    try:
        raw = read_file(path)
    except OSError as error:
        raise NoFileError(
            f"[adapters.load] {path}: {error.strerror or error}; expected a file that pt.nn.adapters.save wrote; check "
            "the path"
        ) from error
    try:
        about = from_json(described(raw)["__metadata__"][_KEY].encode(), _SHAPE)
        arrays = arrays_of(raw)
        checks.choice("adapters", KINDS, kind=about["kind"])
        check_sizes("adapters", about["rank"], about["alpha"], about["dropout"])
        whole = about["format"] == _FORMAT and about["arrays"] == hash_arrays(arrays)
    except Exception as error:  # of whatever kind: the file may be anybody's
        raise checks.StateError(
            f"[adapters.load] {path} is damaged, or was not written by pt.nn.adapters.save ({type(error).__name__}); "
            "expected a file that it wrote; use an earlier one"
        ) from error
    if not whole:
        raise checks.StateError(
            f"[adapters.load] {path} was changed after it was written, or is of another version; expected format "
            f"{_FORMAT} with the same SHA-256; use an earlier one"
        )
    return about, arrays
