"""Parameters as one vector, parameters that are computed from others, and sequences of several lengths.

`parametrize` and `parametrizations` are the general and the usual ways to compute a parameter, `prune` keeps weights at
zero, `rnn` pads sequences.
Gradients are values here, so that functions of `torch.nn.utils` that clip them are functions of `pt.optim`.
"""

from __future__ import annotations

from powertrain.errors.boundary import export as _export
from powertrain.errors.hints import attributes as _attributes
from powertrain.nn.utils import parametrizations, parametrize, prune, rnn
from powertrain.nn.utils.vectors import parameters_to_vector, vector_to_parameters

__all__ = ["parameters_to_vector", "parametrizations", "parametrize", "prune", "rnn", "vector_to_parameters"]

_export(globals())
__getattr__, __dir__ = _attributes(__name__, __all__)
