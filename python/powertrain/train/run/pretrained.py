"""Weights that a model begins with: those of another run, or of a safetensors file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from powertrain.io.inputs import read_file
from powertrain.train.folder.checkpoint import Checkpoints
from powertrain.train.folder.run_folder import RunError

PREFIXES = ("best.model.", "model.")  # the best that early stopping kept, or else the last


def demand_weights(weights: Mapping[str, Path]) -> None:
    """What a new run begins with is there; said before its folder is made. A resumed run needs it no more."""
    for role, path in weights.items():
        if not path.exists():
            raise RunError(
                f"[model.{role}.weights] there is no {path}; expected the folder of a run or a safetensors file; check "
                "the path, which is taken from the recipe's folder"
            )


def load_weights(module: Any, path: Path, role: str) -> None:
    """Set every slot of a module from a run's folder or a file; all of them, or an error."""
    arrays = _read(path, role)
    for prefix in PREFIXES:
        chosen = {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}
        if chosen:
            break
    else:
        chosen = arrays
    try:
        module.load_state_dict(chosen)
    except ValueError as error:
        raise RunError(
            f"[model.{role}.weights] {path} does not fit the model: {error}; expected weights of the same model; give "
            "the parameters that it was trained with"
        ) from error


def _read(path: Path, role: str) -> dict[str, NDArray[Any]]:
    if path.is_dir():
        found, problems = Checkpoints(path).latest()
        if found is None:
            trouble = f" ({'; '.join(problems)})" if problems else ""
            raise RunError(
                f"[model.{role}.weights] {path} has no checkpoint that can be read{trouble}; expected a run; train it "
                "first"
            )
        return found.arrays
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        # From its bytes, since the library would map the file. A dtype that NumPy lacks makes it raise KeyError.
        arrays: dict[str, NDArray[Any]] = load(read_file(path))
    except (OSError, SafetensorError, ValueError, TypeError, KeyError) as error:
        raise RunError(
            f"[model.{role}.weights] {path} could not be read: {error}; expected the folder of a run or a "
            "safetensors file; check the path, which is taken from the recipe's folder"
        ) from error
    return arrays
