"""Optimizers over flat state, and schedules inside the graph."""

from powertrain.optim import schedules
from powertrain.optim.adam import Adam, AdamW
from powertrain.optim.adam_variants import Lion, NAdam, RAdam
from powertrain.optim.adaptive import Adadelta, Adagrad, Adamax, RMSprop
from powertrain.optim.layerwise import LAMB, LARS, Muon
from powertrain.optim.optimizer import Group, Optimizer, OptimizerError
from powertrain.optim.sgd import SGD
from powertrain.optim.signs import ASGD, Rprop

__all__ = [
    "ASGD",
    "LAMB",
    "LARS",
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Group",
    "Lion",
    "Muon",
    "NAdam",
    "Optimizer",
    "OptimizerError",
    "RAdam",
    "RMSprop",
    "Rprop",
    "schedules",
]
