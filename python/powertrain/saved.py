"""One file that holds all of a training loop: arrays as safetensors, and plain values beside them. No pickle."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from powertrain import _core, random
from powertrain._core import Slot, Tensor
from powertrain.errors.arguments import shown
from powertrain.errors.boundary import export
from powertrain.errors.modules import answer_calls
from powertrain.io.files import Files, FolderError
from powertrain.ops.functional import OPERATORS

if TYPE_CHECKING:
    from powertrain.typing import State

_FORMAT = 1
_KEY = "powertrain"  # of the metadata of the file
_RANDOM = "random.default"
_SCALARS = (bool, int, float, str)


class SaveError(_core.Error, ValueError):
    """A file or a part of one that cannot be saved or restored."""


class NoFileError(_core.Error, OSError):
    """A file that cannot be read or written."""


def save(path: str | os.PathLike[str], *others: object, **parts: object) -> None:
    """Write all that a training loop is made of into one file, so that `pt.restore` goes on with the same bits.

    A part is an object with `state_dict` and `load_state_dict` (a model, an optimizer, an average, a loader), a slot or
    a pt.random.Generator. It may be a plain value too: numbers, strings, None, arrays, and lists and dicts of them. The
    default random generator is always saved. The file is written beside and renamed: a kill leaves the old one or the
    new one. NumPy has no bfloat16: tensors of it come back as tensors, others as arrays.

    Errors    a part that is none of these; a folder that is not there; a full disk
    Example
        >>> import powertrain as pt, pathlib, tempfile
        >>> model = pt.nn.Linear(2, 1)
        >>> opt = pt.optim.Adam(model)
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "training.safetensors"
        >>> pt.save(path, model=model, optimizer=opt, epoch=3)
        >>> pt.restore(path, model=model, optimizer=opt)
        {'epoch': 3}
    """
    from safetensors.numpy import save as serialized

    if others or not isinstance(path, (str, os.PathLike)):
        received = ", ".join(map(shown, (path, *others)))
        raise SaveError(
            f"[save] received {received}; expected a path, then parts by name; write "
            "pt.save(path, model=model, optimizer=opt, epoch=epoch)"
        )
    arrays: dict[str, Any] = {}
    held = {name: _packed(name, _state_of(name, part), arrays) for name, part in parts.items()}
    held[_RANDOM] = _packed(_RANDOM, np.array(random.default_generator().slot.numpy()), arrays)
    states = sorted(name for name, part in parts.items() if _is_stateful(part))
    header = {"format": _FORMAT, "states": states, "parts": held, "sha256": _hash(arrays)}
    target = Path(path)
    described = json.dumps(header, sort_keys=True, allow_nan=False)
    try:
        Files(target.parent).replace(target.name, serialized(arrays, {_KEY: described}))
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        there = target.parent.is_dir()
        what = error.strerror if there else f"there is no folder {target.parent}"
        fix = "choose another one" if there else "make it: pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)"
        raise NoFileError(f"[save] {path}: {what}; expected a folder that can be written to; {fix}") from error


def restore(path: str | os.PathLike[str], strict: bool = True, **parts: object) -> State:
    """Set parts to what `pt.save` wrote under their names, and return the plain values of the file.

    The file is checked whole first, and if a part does not fit, those before it are set back: nothing changes. With
    `strict` every part with a state must be passed, and the default random generator is set too.

    Errors    a file that is missing, damaged or none of `pt.save`; a part that is not in it, or that is not passed; a
              state that does not fit
    Example
        >>> import powertrain as pt, pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "weights.safetensors"
        >>> model, other = pt.nn.Linear(2, 1), pt.nn.Linear(2, 1)
        >>> pt.save(path, model=model, best=0.5)
        >>> pt.restore(path, model=other)
        {'best': 0.5}
        >>> np.array_equal(model.weight, other.weight)
        True
    """
    header, arrays = _read(Path(path))
    held, states = header["parts"], header["states"]
    _check_parts(path, parts, held, states, strict)
    values = {name: _unpacked(value, arrays) for name, value in held.items()}
    undo: list[Callable[[], None]] = []
    try:
        for name, part in parts.items():
            before = _state_of(name, part)
            undo.append(lambda name=name, part=part, before=before: _set(name, part, before))  # type: ignore[misc]
            _set(name, part, values[name])
        if strict:
            random.default_generator().slot.value = _core.tensor(values[_RANDOM])
    except Exception:
        for back in reversed(undo):
            back()
        raise
    return {name: value for name, value in values.items() if name not in states and name != _RANDOM}


def _is_stateful(part: Any) -> bool:
    return isinstance(part, (Slot, random.Generator)) or (
        hasattr(part, "state_dict") and hasattr(part, "load_state_dict")
    )


def _state_of(name: str, part: Any) -> Any:
    if isinstance(part, random.Generator):
        part = part.slot
    if isinstance(part, Slot):
        return part.value
    return dict(part.state_dict()) if _is_stateful(part) else part


def _set(name: str, part: Any, state: Any) -> None:
    if isinstance(part, random.Generator):
        part = part.slot
    if not isinstance(part, Slot):
        part.load_state_dict(state)
        return
    value = _core.tensor(state)
    if (value.shape, value.dtype) != (part.shape, part.dtype):
        raise SaveError(
            f"[restore] {name} is {value.dtype.name}{list(value.shape)} in the file, {part.dtype.name}"
            f"{list(part.shape)} here; expected one shape and dtype; make the slot as it was when it was saved"
        )
    part.value = value


def _packed(path: str, value: Any, arrays: dict[str, Any]) -> Any:
    """A value as JSON; arrays go to `arrays`, with their key in their place."""
    if type(value) is float and not math.isfinite(value):  # which JSON does not have
        return {"float": repr(value)}
    if value is None or type(value) in _SCALARS:
        return value
    if isinstance(value, Tensor) and value.dtype == _core.DType.bfloat16:  # float32 holds each of its numbers
        wide = OPERATORS["astype"](value, "float32")
        return {**_packed(path, wide, arrays), "dtype": value.dtype.name}
    if isinstance(value, (Tensor, np.ndarray, np.generic)):
        arrays[path] = np.ascontiguousarray(np.asarray(value)).reshape(np.shape(value))
        return {"array": path}
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {"dict": {key: _packed(f"{path}/{key}", item, arrays) for key, item in value.items()}}
    if isinstance(value, (list, tuple)):
        return [_packed(f"{path}/{place}", item, arrays) for place, item in enumerate(value)]
    raise SaveError(
        f"[save] {path} is {shown(value)}; expected an object with state_dict and load_state_dict, a slot, or plain "
        "values: numbers, strings, None, arrays, lists and dicts of them; save what it is made of"
    )


def _unpacked(value: Any, arrays: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_unpacked(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    if "float" in value:
        return float(value["float"])
    if "array" in value:
        found = arrays[value["array"]]
        return _core.tensor(found, value["dtype"]) if "dtype" in value else found
    return {key: _unpacked(item, arrays) for key, item in value["dict"].items()}


def _hash(arrays: Mapping[str, Any]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype} {arrays[name].shape}".encode())
        digest.update(arrays[name].tobytes())
    return digest.hexdigest()


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    from safetensors.numpy import load

    try:
        with Files(path.parent).reading(path.name) as file:
            raw = file.read()
    except (OSError, FolderError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise NoFileError(f"[restore] {path}: {said}; expected a file that pt.save wrote; check the path") from error
    _refuse_weights(path, raw)
    try:
        header = json.loads(described(raw)["__metadata__"][_KEY])
        arrays = load(raw)
        whole = header["format"] == _FORMAT and header["sha256"] == _hash(arrays)
        values = [_unpacked(value, arrays) for value in header["parts"].values()]
    except Exception as error:  # of whatever kind: the file may be anybody's
        raise SaveError(
            f"[restore] {path} is damaged, or was not written by pt.save ({type(error).__name__}); expected a file of "
            "pt.save; use an earlier one"
        ) from error
    if not whole or len(values) != len(header["parts"]) or _RANDOM not in header["parts"]:
        raise SaveError(
            f"[restore] {path} was changed after it was written, or is of another version; expected format {_FORMAT} "
            "with the same SHA-256; use an earlier one"
        )
    return header, arrays


def described(raw: bytes) -> dict[str, Any]:
    """The header of a safetensors file."""
    return dict(json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")]))


def _refuse_weights(path: Path, raw: bytes) -> None:
    """Files of weights are not damaged: they are for load_state_dict."""
    if raw.startswith(b"PK"):
        received, load = "a file of torch.save", "torch.load(path), layout='torch'"
    else:
        try:
            other = _KEY not in described(raw).get("__metadata__", {})
        except Exception:  # said where the file is read
            return
        received, load = "a safetensors file of another program", "safetensors.numpy.load_file(path), layout='torch'"
        if not other:
            return
    raise SaveError(
        f"[restore] {path} is {received}; expected one that pt.save wrote; for weights of PyTorch write "
        f"model.load_state_dict({load})"
    )


def _check_parts(path: Any, parts: Mapping[str, Any], held: Mapping[str, Any], states: list[str], strict: bool) -> None:
    there = ", ".join(sorted(name for name in held if name != _RANDOM)) or "nothing"
    for name, part in parts.items():
        if not _is_stateful(part):
            raise SaveError(
                f"[restore] {name} is {shown(part)}; expected an object with state_dict and load_state_dict, or a "
                "slot; plain values are in the dict that restore returns"
            )
        if name not in states:
            raise SaveError(f"[restore] {path} holds {there}; expected {name} among its states; leave it out")
    left = [name for name in states if name not in parts]
    if strict and left:
        raise SaveError(
            f"[restore] {path} holds the state of {left[0]}, which is not passed; expected every state; pass "
            f"{left[0]}=..., or strict=False to leave it and the random numbers as they are"
        )


__all__ = ["NoFileError", "SaveError", "restore", "save"]

export(globals())
answer_calls(__name__)
