"""What the folder of a pruned run says of its layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from powertrain.nn.utils.shrinking import resize
from powertrain.train.folder.run_folder import PRUNED
from powertrain.train.layer_notes import take_layers

if TYPE_CHECKING:
    from powertrain.nn import Module
    from powertrain.train.run.train_run import TrainRun

SHAPE = {"sizes": {...: [int]}}


def take_pruned(run: TrainRun) -> None:
    """Give the model of a run that is being opened the smaller layers that its folder says."""
    take_layers(run, PRUNED, SHAPE, "prune", _smaller)


def _smaller(model: Module, found: dict[str, Any]) -> Module:
    resize(model, found["sizes"])
    return model
