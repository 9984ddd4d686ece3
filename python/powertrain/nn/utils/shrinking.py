"""Taking whole units away: a model with fewer channels and neurons that computes the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain.nn import activations, checks
from powertrain.nn.containers import Sequential
from powertrain.nn.convolution import Conv2d
from powertrain.nn.dropout import Dropout
from powertrain.nn.layers import Flatten, Linear
from powertrain.nn.module import Module, Parameter
from powertrain.nn.norm import BatchNorm1d, BatchNorm2d
from powertrain.nn.parameter import array_of
from powertrain.nn.pooling import AvgPool2d, MaxPool2d

M = TypeVar("M", bound=Module)
# What gives zeros for zeros, channel by channel.
BETWEEN = (
    activations.ReLU, activations.LeakyReLU, activations.ELU, activations.GELU, activations.SiLU, activations.Tanh,
    Dropout, MaxPool2d, AvgPool2d, Flatten,
)  # fmt: skip
NORMS = (BatchNorm1d, BatchNorm2d)


@dataclass(frozen=True)
class Shrunk:
    """What `shrink` took away: of each layer the units that are left and that there were, and why others stay whole.

    Example
        >>> pt.nn.utils.prune.Shrunk({"0": (2, 8)}, {}, (58, 16)).lines()
        ['58 parameters before, 16 after', '0: 2 of 8 units are left']
    """

    units: dict[str, tuple[int, int]]
    kept: dict[str, str]
    parameters: tuple[int, int]  # of the model, before and after

    def lines(self) -> list[str]:
        """The same in words."""
        before, after = self.parameters
        return [
            f"{before:,} parameters before, {after:,} after",
            *(f"{path}: {left} of {every} units are left" for path, (left, every) in self.units.items()),
            *(f"{path}: whole, since {why}" for path, why in self.kept.items()),
        ]


def shrink(model: M) -> tuple[M, Shrunk]:
    """Give a smaller copy of a model without the units whose weights and bias are all zero, and what was taken away.

    It looks at layers that follow each other in a Sequential: Linear and Conv2d, with activations, pooling, dropout and
    Flatten between them that make zeros of zeros. Right behind a layer may stand a batch norm: then units count as zero
    whose weight and bias are zero there. Other layers stay whole, and the report says why. The answers stay the same
    but for rounding.

    Errors    parameters that are still pruned: `remove` makes them plain first
    Example
        >>> model = pt.nn.Sequential(pt.nn.Linear(4, 8), pt.nn.ReLU(), pt.nn.Linear(8, 2))
        >>> _ = pt.nn.utils.prune.ln_structured(model[0], "weight", 0.75)
        >>> for name in ("weight", "bias"):
        ...     _ = pt.nn.utils.prune.remove(model[0], name)
        >>> small, report = pt.nn.utils.prune.shrink(model)
        >>> small[0].out_features, report.parameters
        (2, (58, 16))
    """
    for path, module in model.named_modules():
        if type(module) in (Linear, Conv2d) and "weight" not in module._slots:
            raise checks.SettingError(
                f"[shrink] the weight of {path or type(module).__name__} is computed from others; expected plain "
                "weights; make them so: pt.nn.utils.prune.remove(layer, name)"
            )
    made = model.clone()
    units: dict[str, tuple[int, int]] = {}
    kept: dict[str, str] = {}
    for one in unit_layers(made):
        _shrink_unit(one, units, kept)
    sizes = (_count(model), _count(made))
    return made, Shrunk(units, kept, sizes)


def _count(model: Module) -> int:
    return sum(int(np.prod(slot.shape, dtype=np.int64)) for slot in model.parameters())


@dataclass(frozen=True)
class Unit:
    """A layer whose units could be taken away, the norm right behind it, if any, and what stands behind both."""

    path: str
    layer: Any
    norm: Any
    behind: tuple[Any, ...]
    shared: frozenset[int] = frozenset()  # the modules that stand at several places of the model, by their ids

    @property
    def reason(self) -> str:
        """Why its units cannot be taken away; nothing where they can."""
        return _reason(self.layer, self.behind) or self._elsewhere()

    @property
    def after(self) -> Any:
        """The layer that reads its units, where one does."""
        return next(part for part in self.behind if type(part) in (Linear, Conv2d))

    def _elsewhere(self) -> str:
        for part in (self.layer, self.norm, self.after):
            if id(part) in self.shared:
                return f"{'it' if part is self.layer else f'the {type(part).__name__} behind it'} stands elsewhere too"
        return ""


def unit_layers(model: Module) -> list[Unit]:
    """The layers of the Sequentials of a model, in their order."""
    shared = _shared(model)
    chains = [(path, chain) for path, chain in model.named_modules() if isinstance(chain, Sequential)]
    return [one for path, chain in chains for one in _of(path, chain, shared)]


def _shared(model: Module) -> frozenset[int]:
    """The modules that stand at several places, by their ids."""
    places = Counter(id(part) for module in model.modules() for part in module._modules.values())
    return frozenset(number for number, count in places.items() if count > 1)


def _of(prefix: str, chain: Sequential, shared: frozenset[int]) -> list[Unit]:
    named = [(f"{prefix}.{name}" if prefix else name, part) for name, part in chain._modules.items()]
    if len(named) != len(chain):
        return []  # functions stand between, of which nothing is known
    found = []
    for at, (path, layer) in enumerate(named):
        if type(layer) in (Linear, Conv2d):
            behind = tuple(part for _, part in named[at + 1 :])
            has_norm = behind and type(behind[0]) in NORMS and behind[0].affine and behind[0].bias is not None
            norm, behind = (behind[0], behind[1:]) if has_norm else (None, behind)
            found.append(Unit(path, layer, norm, behind, shared))
    return found


def _shrink_unit(one: Unit, units: dict[str, tuple[int, int]], kept: dict[str, str]) -> None:
    dead = _dead(one.layer) if one.norm is None else _dead_of_norm(one.norm)
    if not dead.any():
        if one.norm is not None and _dead(one.layer).any():
            kept[one.path] = f"the {type(one.norm).__name__} behind it makes other numbers of zeros"
        return
    if one.reason:
        kept[one.path] = one.reason
        return
    keep = np.flatnonzero(~dead)
    if not len(keep):
        keep = np.array([0])  # a layer has one unit at least
    units[one.path] = (len(keep), len(dead))
    _take_outputs(one.layer, keep)
    if one.norm is not None:
        _take_channels(one.norm, keep)
    _take_inputs(one.after, keep, len(dead))


def _dead_of_norm(norm: Any) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = (array_of(norm.weight) == 0) & (array_of(norm.bias) == 0)
    return found


def _dead(layer: Any) -> NDArray[np.bool_]:
    weight = array_of(layer.weight)
    dead = np.all(weight.reshape(-1, weight.shape[-1]) == 0, axis=0)
    found: NDArray[np.bool_] = dead if layer.bias is None else dead & (array_of(layer.bias) == 0)
    return found


def _reason(layer: Any, behind: tuple[Any, ...]) -> str:
    """Why the units of a layer cannot be taken away; nothing where they can."""
    if isinstance(layer, Conv2d) and layer.groups != 1:
        return "its channels are in groups"
    for part in behind:
        if type(part) in (Linear, Conv2d):
            return "the channels of the next layer are in groups" if getattr(part, "groups", 1) != 1 else ""
        if type(part) not in BETWEEN:
            return f"a {type(part).__name__} stands behind it"
    return "no layer of the same Sequential reads it"


def _take_outputs(layer: Any, keep: NDArray[np.int64]) -> None:
    layer.weight = Parameter(array_of(layer.weight)[..., keep])
    if layer.bias is not None:
        layer.bias = Parameter(array_of(layer.bias)[keep])
    setattr(layer, "out_features" if isinstance(layer, Linear) else "out_channels", len(keep))


def _take_channels(norm: Any, keep: NDArray[np.int64]) -> None:
    norm.weight, norm.bias = Parameter(array_of(norm.weight)[keep]), Parameter(array_of(norm.bias)[keep])
    for name in ("running_mean", "running_var"):
        if getattr(norm, name) is not None:
            setattr(norm, name, pt.Slot(pt.asarray(array_of(getattr(norm, name))[keep])))
    norm.num_features = len(keep)


def _take_inputs(layer: Any, keep: NDArray[np.int64], units: int) -> None:
    """A Linear behind a Flatten reads the channels of each place, one place behind the other."""
    weight = array_of(layer.weight)
    if isinstance(layer, Conv2d):
        layer.weight, layer.in_channels = Parameter(weight[:, :, keep]), len(keep)
        return
    by_place = weight.reshape(-1, units, weight.shape[-1])[:, keep]
    layer.weight = Parameter(by_place.reshape(-1, weight.shape[-1]))
    layer.in_features = by_place.shape[0] * len(keep)


def sizes_of(model: Module) -> dict[str, list[int]]:
    """By path the inputs and outputs of each Linear and Conv2d, and the channels of each batch norm."""
    return {path: _sizes(part) for path, part in model.named_modules() if type(part) in (Linear, Conv2d, *NORMS)}


def _sizes(part: Any) -> list[int]:
    if isinstance(part, Linear):
        return [part.in_features, part.out_features]
    return [part.in_channels, part.out_channels] if isinstance(part, Conv2d) else [part.num_features]


def resize(model: Module, sizes: Mapping[str, Sequence[int]]) -> None:
    """Give layers of a model the sizes that `sizes_of` a shrunk one had; their numbers are to be loaded."""
    parts = dict(model.named_modules())
    for path, wanted in sizes.items():
        part = parts.get(path)
        known = _sizes(part) if type(part) in (Linear, Conv2d, *NORMS) else []
        if len(known) != len(wanted) or not all(1 <= new <= old for new, old in zip(wanted, known, strict=True)):
            raise checks.SettingError(
                f"[shrink] {path[:80]!r} of {list(wanted)[:4]}; expected a layer of at most {known or 'no units'}; is "
                "it the description of this model?"
            )
        keep = [np.arange(size) for size in wanted]
        if isinstance(part, (Linear, Conv2d)):
            _take_outputs(part, keep[1])
            part.weight = Parameter(array_of(part.weight)[..., keep[0], :])
            setattr(part, "in_features" if isinstance(part, Linear) else "in_channels", len(keep[0]))
        else:
            _take_channels(part, keep[0])
