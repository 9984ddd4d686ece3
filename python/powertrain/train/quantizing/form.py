"""What the folder of a quantized run says of its layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from powertrain.nn.quantizing import Form, empty
from powertrain.train.folder.run_folder import QUANTIZED
from powertrain.train.layer_notes import take_layers

if TYPE_CHECKING:
    from powertrain.nn import Module
    from powertrain.train.run.train_run import TrainRun

SHAPE = {"bits": int, "group_size": (int,), "activations": str, "layers": [str]}


def take_form(run: TrainRun) -> None:
    """Give the model of a run that is being opened the quantized layers that its folder says."""
    take_layers(run, QUANTIZED, SHAPE, "quantize", _quantized)


def _quantized(model: Module, found: dict[str, Any]) -> Module:
    return empty(model, Form(found["bits"], found["group_size"], found["activations"]), found["layers"])
