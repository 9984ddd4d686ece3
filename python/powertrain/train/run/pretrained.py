"""What a model begins with: the weights of another run or of a safetensors file; parameters that stay; adapters."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from powertrain.io.inputs import read_file
from powertrain.nn import SettingError, StateError
from powertrain.nn.adapters import add
from powertrain.nn.adapters.placing import fits
from powertrain.nn.quantizing import Form, empty, layers_of, quantized
from powertrain.nn.utils.masking import mask
from powertrain.train.folder.checkpoint import Checkpoints
from powertrain.train.folder.run_folder import RunError
from powertrain.train.folder.saved_arrays import below

if TYPE_CHECKING:
    from powertrain.recipe.sections import Adapters, Beginning, Prune

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


def begun(module: Any, beginning: Beginning, role: str, started: bool) -> tuple[Any, str]:
    """The model as training begins with it, and how many weights it has from elsewhere, in words. One that has started
    takes its numbers from its checkpoint."""
    arrays = None if beginning.weights is None or started else _read(beginning.weights, role)
    words = ""
    # Of a run with adapters the weights fit behind them alone.
    late = arrays is not None and beginning.adapters is not None and any(".base." in name for name in arrays)
    if arrays is not None and not late:
        words = load_weights(module, arrays, beginning, role)
    freeze(module, beginning.frozen, role)
    if beginning.adapters is not None:
        module = adapted(module, beginning.adapters, beginning.fresh, role, started)
    if arrays is not None and late:
        words = load_weights(module, arrays, beginning, role)
    if beginning.prune is not None:
        _pruned(module, beginning.prune, role)
    return module, words


def load_weights(module: Any, arrays: Mapping[str, NDArray[Any]], beginning: Beginning, role: str) -> str:
    """Set every slot of a module from arrays, but those that start untrained. All of them, or an error."""
    path = beginning.weights
    for prefix in PREFIXES:
        chosen = below(arrays, prefix)
        if chosen:
            break
    else:
        chosen = dict(arrays)
    own = module.state_dict()
    anew = _matching(own, beginning.fresh, f"model.{role}.fresh") if beginning.fresh else []
    if anew:
        chosen = {name: value for name, value in chosen.items() if not fnmatch.fnmatchcase(name, beginning.fresh)}
    try:
        module.load_state_dict({**chosen, **{name: own[name] for name in anew}})
    except ValueError as error:
        raise RunError(
            f"[model.{role}.weights] {path} does not fit the model: {error}; expected weights of the same model; give "
            'the parameters that it was trained with, or name the layers that start untrained: fresh = "head.*"'
        ) from error
    words = f"; {beginning.fresh} starts untrained" if anew else ""
    return f"weights {len(own) - len(anew)} of {len(own)} tensors from {path}{words}"


def _pruned(module: Any, given: Prune, role: str) -> None:
    """Keep the smallest weights at zero. Of a run that has started the masks come from its checkpoint too."""
    try:
        mask(module, given.sparsity, structured=given.structured, skip=given.skip)
    except SettingError as error:
        raise RunError(f"[model.{role}.prune] {error}") from error


def freeze(module: Any, pattern: str, role: str) -> None:
    """Keep the parameters of a pattern as they are. Modules that have no others are in evaluation mode: else batch norm
    would go on measuring."""
    if not pattern:
        return
    _matching(dict(module.named_parameters()), pattern, f"model.{role}.frozen")
    module.freeze(pattern)
    _rest(module)


def adapted(module: Any, given: Adapters, fresh: str, role: str, started: bool) -> Any:
    """A model with adapters, its other weights frozen, and in fewer bits if the recipe says so."""
    names = dict(module.named_parameters())
    for pattern in given.trained:
        _matching(names, pattern, f"model.{role}.adapters.trained")
    trained = [*given.trained, *([fresh] if fresh else [])]
    if given.bits is not None:
        whole = [name for name in names if fits(name, trained)]
        paths = [path for path in layers_of(module) if f"{path}.weight" not in whole]
        form = Form.of(given.bits, None, "float")
        # Of a run that has started the numbers come from its checkpoint.
        skip = [path for path in layers_of(module) if path not in paths]
        module = empty(module, form, paths) if started else quantized(module, form, {}, skip)
    try:
        module = add(
            module, given.kind, rank=given.rank, alpha=given.alpha, dropout=given.dropout, targets=given.targets,
            trained=trained,
        )  # fmt: skip
    except (SettingError, StateError) as error:
        raise RunError(f"[model.{role}.adapters] {error}") from error
    _rest(module)
    return module


def _rest(module: Any) -> None:
    """Bring what is frozen as a whole into evaluation mode."""
    for inner in module.modules():
        held = [slot for _, slot in inner.named_parameters()]
        if held and not any(slot.trainable for slot in held):
            inner.eval()


def _matching(names: Mapping[str, Any], pattern: str, where: str) -> list[str]:
    found = [name for name in names if fnmatch.fnmatchcase(name, pattern)]
    if not found:
        shown = ", ".join(list(names)[:SHOWN])
        raise RunError(f"[{where}] {pattern!r} matches no parameter; expected a pattern of names such as {shown}")
    return found


def _read(path: Path, role: str) -> Mapping[str, NDArray[Any]]:
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
