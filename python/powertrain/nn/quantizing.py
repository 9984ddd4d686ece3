"""`pt.quantize`: a model with quantized layers in the places of its own."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from powertrain.errors.boundary import export
from powertrain.nn import checks
from powertrain.nn.convolution import Conv2d
from powertrain.nn.layers import Linear
from powertrain.nn.module import Module
from powertrain.nn.quantized import Activations, QuantizedConv2d, QuantizedLinear, check_form

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

M = TypeVar("M", bound=Module)
Ranges = dict[str, tuple[float, float]]
USUAL_GROUP = 64  # of 4 bits


@dataclass(frozen=True)
class Form:
    """How the layers of a model are quantized; convolutions have 8 bits and float inputs, whatever it says."""

    bits: int = 8
    group_size: int | None = None
    activations: Activations = "float"

    def __post_init__(self) -> None:
        check_form("quantize", self.bits, self.group_size, self.activations)

    @classmethod
    def of(cls, bits: int, group_size: int | None, activations: Activations) -> Form:
        """With the usual size of a group where none is given."""
        return cls(bits, USUAL_GROUP if bits == 4 and group_size is None else group_size, activations)


def quantize(
    model: M,
    bits: int = 8,
    *,
    group_size: int | None = None,
    activations: Activations = "float",
    calibration: TensorLike | Iterable[TensorLike] | None = None,
    skip: Sequence[str] = (),
) -> M:
    """Give a copy of a trained model whose Linear and Conv2d layers have weights of 8 or 4 bits.

        bits           8, with a scale for each output; or 4, with one for each `group_size` inputs, usually 64
        activations    "float": only weights are quantized, and inputs stay as they are
                       "dynamic": each row of inputs is quantized to 8 bits too, and bytes are multiplied by bytes
                       "static": by ranges that are found beforehand, from `calibration`
        calibration    inputs as the model sees them in use: one batch, or several
        skip           patterns of paths of layers that stay as they are, such as "head" or "blocks.0.*"

    Convolutions keep 8 bits and float inputs. Other layers stay as they are. `run.quantize` does the same for a trained
    run, and measures what it costs.

    Errors    nothing to quantize; static activations without a calibration, or with layers that it does not reach
    Example
        >>> model = pt.nn.Sequential(pt.nn.Linear(8, 16), pt.nn.ReLU(), pt.nn.Linear(16, 3))
        >>> small = pt.quantize(model, bits=4, group_size=8)
        >>> small
        Sequential(
          (0): QuantizedLinear(in_features=8, out_features=16, bits=4)
          (1): ReLU()
          (2): QuantizedLinear(in_features=16, out_features=3, bits=4, group_size=8)
        )
        >>> pt.quantize(model, activations="static", calibration=np.ones((4, 8)))(pt.ones((2, 8))).shape
        (2, 3)
    """
    form = Form.of(bits, group_size, activations)
    demand_layers(model, skip)
    ranges: Ranges = {}
    if activations == "static":
        batches = list(_batches(calibration))
        twin = model.clone().eval()
        ranges = observed(twin, lambda: [twin(*batch) for batch in batches])
    return quantized(model.clone(), form, ranges, skip)


def _batches(calibration: Any) -> Iterator[tuple[Any, ...]]:
    if calibration is None:
        raise checks.SettingError(
            '[quantize] activations = "static" without a calibration; expected inputs to find ranges by; pass '
            'calibration = some inputs of training, or activations = "dynamic"'
        )
    if isinstance(calibration, Iterable) and not hasattr(calibration, "shape"):
        for batch in calibration:
            yield batch if isinstance(batch, tuple) else (batch,)
    else:
        yield (calibration,)


def layers_of(model: Module, skip: Sequence[str] = ()) -> dict[str, Module]:
    """The layers that can be quantized, by their paths, but for those whose path fits a pattern."""
    return {
        path: module
        for path, module in model.named_modules()
        if type(module) in (Linear, Conv2d) and "weight" in module._slots
        and not any(fnmatch.fnmatchcase(path, pattern) for pattern in skip)
    }  # fmt: skip


def demand_layers(model: Module, skip: Sequence[str], where: str = "quantize") -> None:
    """Refuse a model of which nothing would be quantized, or pruned, and patterns that fit nothing."""
    every = layers_of(model)
    for pattern in skip:
        if not any(fnmatch.fnmatchcase(path, pattern) for path in every):
            raise checks.SettingError(
                f"[{where}] skip = {pattern!r}; expected a pattern that fits a layer, such as "
                f"{', '.join(list(every)[:3]) or 'none here'}; see model.named_modules()"
            )
    if not layers_of(model, skip):
        raise checks.SettingError(
            f"[{where}] {type(model).__name__} without a Linear or Conv2d to {where}; expected one; skip fewer layers"
        )


def observed(model: Module, run: Callable[[], object]) -> Ranges:
    """The least and the largest input of each linear layer while something runs."""
    seen: Ranges = {}
    handles = []
    for path, layer in layers_of(model).items():
        if isinstance(layer, Linear):

            def note(module: Module, args: tuple[Any, ...], path: str = path) -> None:
                values = np.asarray(args[0], dtype=np.float32)
                if values.size:
                    low, high = seen.get(path, (np.inf, -np.inf))
                    seen[path] = (min(low, float(values.min())), max(high, float(values.max())))

            handles.append(layer.register_forward_pre_hook(note))
    try:
        run()
    finally:
        for handle in handles:
            handle.remove()
    odd = [path for path, span in seen.items() if not np.isfinite(span).all()]
    if odd:
        raise checks.SettingError(
            f"[quantize] the inputs of {odd[0]} are not finite in the calibration; expected finite ones; look at the "
            "examples"
        )
    return seen


def quantized(model: M, form: Form, ranges: Mapping[str, tuple[float, float]], skip: Sequence[str] = ()) -> M:
    """The model itself, with quantized layers in the places of its own."""
    found = layers_of(model, skip)
    if form.activations == "static":
        missed = [path for path, layer in found.items() if isinstance(layer, Linear) and path not in ranges]
        if missed:
            raise checks.SettingError(
                f"[quantize] the calibration does not reach {missed[0] or 'the layer'}; expected inputs that go "
                f"through every layer; pass others, or skip = [{missed[0]!r}]"
            )
    return replaced(model, {path: _quantized(layer, form, ranges.get(path)) for path, layer in found.items()})


def empty(model: M, form: Form, paths: Sequence[str]) -> M:
    """The model itself with quantized layers at these paths, whose numbers are to be loaded."""
    found = layers_of(model)
    made: dict[str, Module] = {}
    for path in paths:
        layer = found.get(path)
        if layer is None:
            raise checks.SettingError(
                f"[quantize] {path[:80]!r} is not a layer of a {type(model).__name__} that can be quantized; "
                f"expected one of {', '.join(list(found)[:5]) or 'none'}; check that the description is of this model"
            )
        made[path] = QuantizedConv2d._like(layer) if isinstance(layer, Conv2d) else _empty_linear(layer, form)
    return replaced(model, made)


def _empty_linear(layer: Any, form: Form) -> QuantizedLinear:
    return QuantizedLinear._like(layer, bits=form.bits, group_size=form.group_size, activations=form.activations)


def _quantized(layer: Module, form: Form, seen: tuple[float, float] | None) -> Module:
    if isinstance(layer, Conv2d):
        return QuantizedConv2d.from_float(layer)
    assert isinstance(layer, Linear)
    return QuantizedLinear.from_float(
        layer, bits=form.bits, group_size=form.group_size, activations=form.activations, seen=seen
    )


def replaced(model: M, made: Mapping[str, Module]) -> M:
    """The model with other modules in the places of those at these paths, and wherever else they stand."""
    paths = dict(model.named_modules())
    new = {id(paths[path]): module.train(paths[path].training) for path, module in made.items()}
    if id(model) in new:
        return new[id(model)]  # type: ignore[return-value]  # a layer by itself
    for module in list(model.modules()):
        for name, child in list(module._modules.items()):
            if id(child) in new:
                setattr(module, name, new[id(child)])
    return model


__all__ = ["quantize"]

export(globals())
