"""Schedules: the rate as a function of the count of updates, computed inside the graph.

They have the names, arguments and values of torch.optim.lr_scheduler, and are given to an optimizer as `schedule=`. The
optimizer counts its updates, so nobody calls a step(). A function of the step that gives the factor on the rate is a
schedule too. Rates are computed in float64; the optimizer rounds them once to the dtype of its parameters.
"""

from powertrain.errors.boundary import export
from powertrain.errors.hints import attributes
from powertrain.optim.schedules.combined import ChainedScheduler, LambdaLR, SequentialLR
from powertrain.optim.schedules.cycles import CosineAnnealingLR, CosineAnnealingWarmRestarts, CyclicLR, OneCycleLR
from powertrain.optim.schedules.decays import (
    ConstantLR,
    ExponentialLR,
    InverseSqrtLR,
    LinearLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)
from powertrain.plugin.schedule import Schedule, ScheduleError

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "InverseSqrtLR",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "OneCycleLR",
    "PolynomialLR",
    "Schedule",
    "ScheduleError",
    "SequentialLR",
    "StepLR",
]

export(globals())
__getattr__, __dir__ = attributes(__name__, __all__)
