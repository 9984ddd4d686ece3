"""Modules, layers and initialisers."""

# Each module below says in its `__all__` what is public.

import types as _types

from powertrain.errors.boundary import export as _export
from powertrain.errors.hints import attributes as _attributes
from powertrain.nn import adapters as adapters
from powertrain.nn import init as init
from powertrain.nn import utils as utils
from powertrain.nn.activations import *  # noqa: F403 - what its __all__ names
from powertrain.nn.adaptive import *  # noqa: F403
from powertrain.nn.adaptive_softmax import *  # noqa: F403
from powertrain.nn.attention import *  # noqa: F403
from powertrain.nn.cells import *  # noqa: F403
from powertrain.nn.checks import SettingError as SettingError
from powertrain.nn.checks import StateError as StateError
from powertrain.nn.containers import *  # noqa: F403
from powertrain.nn.convolution import *  # noqa: F403
from powertrain.nn.distance import *  # noqa: F403
from powertrain.nn.dropout import *  # noqa: F403
from powertrain.nn.embedding import *  # noqa: F403
from powertrain.nn.generation import *  # noqa: F403
from powertrain.nn.gradients import *  # noqa: F403
from powertrain.nn.layers import *  # noqa: F403
from powertrain.nn.lazy import *  # noqa: F403
from powertrain.nn.losses import *  # noqa: F403
from powertrain.nn.margins import *  # noqa: F403
from powertrain.nn.module import Module as Module
from powertrain.nn.module import Parameter as Parameter
from powertrain.nn.norm import *  # noqa: F403
from powertrain.nn.padding import *  # noqa: F403
from powertrain.nn.pooling import *  # noqa: F403
from powertrain.nn.quantized import *  # noqa: F403
from powertrain.nn.rearrange import *  # noqa: F403
from powertrain.nn.recurrent import *  # noqa: F403
from powertrain.nn.row_norm import *  # noqa: F403
from powertrain.nn.tokens import *  # noqa: F403
from powertrain.nn.transformer import *  # noqa: F403
from powertrain.nn.unpooling import *  # noqa: F403

__all__ = sorted(
    name
    for name, value in globals().items()
    if not name.startswith("_") and (name in ("adapters", "init", "utils") or not isinstance(value, _types.ModuleType))
)

_export(globals())
__getattr__, __dir__ = _attributes(__name__, __all__)
