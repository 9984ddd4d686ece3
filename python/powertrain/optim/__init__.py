"""Optimizers over flat state, and schedules inside the graph."""

from powertrain.errors.boundary import export
from powertrain.errors.hints import attributes
from powertrain.optim import schedules
from powertrain.optim.adam import Adam, AdamW
from powertrain.optim.adam_variants import Lion, NAdam, RAdam, SparseAdam
from powertrain.optim.adaptive import Adadelta, Adagrad, Adamax, RMSprop
from powertrain.optim.averages import EMA, SWA, refresh_statistics
from powertrain.optim.clipping import clip_by_global_norm, clip_by_value
from powertrain.optim.factored import Adafactor
from powertrain.optim.layerwise import LAMB, LARS, Muon
from powertrain.optim.lbfgs import LBFGS
from powertrain.optim.optimizer import Optimizer
from powertrain.optim.plateau import ReduceLROnPlateau
from powertrain.optim.scaling import LossScale
from powertrain.optim.settings import OptimizerError
from powertrain.optim.sgd import SGD
from powertrain.optim.signs import ASGD, Rprop
from powertrain.optim.soap import SOAP
from powertrain.plugin.group import Group

__all__ = [
    "ASGD",
    "EMA",
    "LAMB",
    "LARS",
    "LBFGS",
    "SGD",
    "SOAP",
    "SWA",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Group",
    "Lion",
    "LossScale",
    "Muon",
    "NAdam",
    "Optimizer",
    "OptimizerError",
    "RAdam",
    "RMSprop",
    "ReduceLROnPlateau",
    "Rprop",
    "SparseAdam",
    "clip_by_global_norm",
    "clip_by_value",
    "refresh_statistics",
    "schedules",
]

# Of these the modules are not meant: pt.optim.adam(...) says what to write.
del globals()["adam"], globals()["sgd"]
export(globals())
__getattr__, __dir__ = attributes(__name__, __all__)
