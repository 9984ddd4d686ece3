"""Initial values of parameters, as functions of (seed, stream, call) of a generator.

Those whose names end in _ are PyTorch's: they write a new value into a parameter and return it, and read the fans from
its shape. The others take a shape and give a tensor.

Fans: of a weight (in, out) they are in and out; of a kernel (kernel..., in, out) both are times its area.
"""

from powertrain.errors.boundary import export
from powertrain.errors.hints import attributes
from powertrain.nn.init.later import drawn_later
from powertrain.nn.init.values import (
    kaiming_normal,
    kaiming_uniform,
    normal,
    ones,
    uniform,
    uniform_fan_in,
    xavier_normal,
    xavier_uniform,
    zeros,
)
from powertrain.nn.init.writing import (
    calculate_gain,
    constant_,
    dirac_,
    eye_,
    fans,
    kaiming_normal_,
    kaiming_uniform_,
    normal_,
    ones_,
    orthogonal_,
    sparse_,
    trunc_normal_,
    uniform_,
    xavier_normal_,
    xavier_uniform_,
    zeros_,
)

__all__ = [
    "calculate_gain",
    "constant_",
    "dirac_",
    "drawn_later",
    "eye_",
    "fans",
    "kaiming_normal",
    "kaiming_normal_",
    "kaiming_uniform",
    "kaiming_uniform_",
    "normal",
    "normal_",
    "ones",
    "ones_",
    "orthogonal_",
    "sparse_",
    "trunc_normal_",
    "uniform",
    "uniform_",
    "uniform_fan_in",
    "xavier_normal",
    "xavier_normal_",
    "xavier_uniform",
    "xavier_uniform_",
    "zeros",
    "zeros_",
]

export(globals())
__getattr__, __dir__ = attributes(__name__, __all__)
