"""What a model begins with: the weights of another run or of a safetensors file, and parameters that stay."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from powertrain.io.inputs import read_file
from powertrain.train.folder.checkpoint import Checkpoints
from powertrain.train.folder.run_folder import RunError

if TYPE_CHECKING:
    from powertrain.recipe.sections import Beginning

PREFIXES = ("best.model.", "model.")  # the best that early stopping kept, or else the last
SHOWN = 3  # names in a message


def demand_weights(beginnings: Mapping[str, Beginning]) -> None:
    """What a new run begins with is there; said before its folder is made. A resumed run needs it no more."""
    for role, one in beginnings.items():
        if one.weights is not None and not one.weights.exists():
            raise RunError(
                f"[model.{role}.weights] there is no {one.weights}; expected the folder of a run or a safetensors "
                "file; check the path, which is taken from the recipe's folder"
            )


def load_weights(module: Any, beginning: Beginning, role: str) -> str:
    """Set every slot of a module from a run's folder or a file, but those that begin anew; all of them, or an error.
    Says how many."""
    path = beginning.weights
    assert path is not None
    arrays = _read(path, role)
    for prefix in PREFIXES:
        chosen = {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}
        if chosen:
            break
    else:
        chosen = arrays
    own = module.state_dict()
    anew = _matching(own, beginning.fresh, f"model.{role}.fresh") if beginning.fresh else []
    if anew:
        chosen = {name: value for name, value in chosen.items() if not fnmatch.fnmatchcase(name, beginning.fresh)}
    try:
        module.load_state_dict({**chosen, **{name: own[name] for name in anew}})
    except ValueError as error:
        raise RunError(
            f"[model.{role}.weights] {path} does not fit the model: {error}; expected weights of the same model; give "
            'the parameters that it was trained with, or name the layers that begin anew: fresh = "head.*"'
        ) from error
    words = f"; {beginning.fresh} begins anew" if anew else ""
    return f"weights {len(own) - len(anew)} of {len(own)} tensors from {path}{words}"


def freeze(module: Any, pattern: str, role: str) -> None:
    """Keep the parameters of a pattern as they are. Modules that have no others are in evaluation mode: else batch norm
    would go on measuring."""
    if not pattern:
        return
    _matching(dict(module.named_parameters()), pattern, f"model.{role}.frozen")
    module.freeze(pattern)
    for inner in module.modules():
        held = [slot for _, slot in inner.named_parameters()]
        if held and not any(slot.trainable for slot in held):
            inner.eval()


def _matching(names: Mapping[str, Any], pattern: str, where: str) -> list[str]:
    found = [name for name in names if fnmatch.fnmatchcase(name, pattern)]
    if not found:
        shown = ", ".join(list(names)[:SHOWN])
        raise RunError(f"[{where}] {pattern!r} matches nothing; expected a pattern of names such as {shown}")
    return found


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
