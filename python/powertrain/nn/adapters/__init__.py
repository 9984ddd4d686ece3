"""Adapters: a few trained numbers beside a frozen model.

`add` puts them beside the linear layers of a model: LoRA (Hu et al. 2022), DoRA (Liu et al. 2024) or bottlenecks
(Houlsby et al. 2019). `merge` puts what LoRA and DoRA have learned into the weights. `save` and `load` keep the
adapters alone. In a recipe they are `model.adapters`.
"""

from __future__ import annotations

from powertrain.errors.boundary import export as _export
from powertrain.errors.hints import attributes as _attributes
from powertrain.nn.adapters.files import load, save
from powertrain.nn.adapters.layers import BottleneckLinear, LoRALinear
from powertrain.nn.adapters.placing import add, merge, remove

__all__ = ["BottleneckLinear", "LoRALinear", "add", "load", "merge", "remove", "save"]

_export(globals())
__getattr__, __dir__ = _attributes(__name__, __all__)
