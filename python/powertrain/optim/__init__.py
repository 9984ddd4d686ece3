"""Optimizers over flat state, and schedules inside the graph."""

from powertrain.optim import schedules
from powertrain.optim.adam import Adam, AdamW
from powertrain.optim.optimizer import Group, Optimizer, OptimizerError
from powertrain.optim.sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "Group", "Optimizer", "OptimizerError", "schedules"]
