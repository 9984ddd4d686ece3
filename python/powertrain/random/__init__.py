"""Random numbers as a function of (seed, stream, call): the same on every machine, for any number of threads.

The names and arguments are those of NumPy's Generator; `bernoulli` is PyTorch's. Functions of this module draw from the
default generator, and so do the everyday three of PyTorch, `rand`, `randn` and `randint`, which `powertrain` has, too.
"""

from powertrain.errors.boundary import export
from powertrain.errors.hints import attributes
from powertrain.random.default import (
    bernoulli,
    choice,
    default_generator,
    exponential,
    gumbel,
    integers,
    laplace,
    lognormal,
    normal,
    permutation,
    rand,
    randint,
    randn,
    seed,
    standard_normal,
    uniform,
)
from powertrain.random.generator import Generator

__all__ = [
    "Generator", "bernoulli", "choice", "default_generator", "exponential", "gumbel", "integers", "laplace",
    "lognormal", "normal", "permutation", "rand", "randint", "randn", "seed", "standard_normal", "uniform",
]  # fmt: skip

export(globals())
__getattr__, __dir__ = attributes(__name__, __all__)
