"""Functions of neural networks, with PyTorch's names and keywords: `import powertrain.nn.functional as F`.

Images are channels-last here, `[n, h, w, c]`, sequences batch-first, `[n, t, c]`, and classes are the last axis. The
word for an axis is `axis`.

Example
    >>> import powertrain as pt
    >>> import powertrain.nn.functional as F
    >>> F.max_pool2d(pt.ones((1, 4, 4, 3)), kernel_size=2).shape
    (1, 2, 2, 3)
"""

from __future__ import annotations

import typing as _typing

from powertrain.errors.boundary import export as _export
from powertrain.errors.hints import unknown as _unknown
from powertrain.nn.functional import adaptive_pooling as _adaptive_pooling
from powertrain.nn.functional import class_losses as _class_losses
from powertrain.nn.functional import drawn as _drawn
from powertrain.nn.functional import embedding as _embedding
from powertrain.nn.functional import layers as _layers
from powertrain.nn.functional import losses as _losses
from powertrain.nn.functional import pair_losses as _pair_losses
from powertrain.nn.functional import pooling as _pooling
from powertrain.nn.functional import shapes as _shapes
from powertrain.nn.functional import unpooling as _unpooling
from powertrain.nn.functional.adaptive_pooling import *  # noqa: F403
from powertrain.nn.functional.class_losses import *  # noqa: F403
from powertrain.nn.functional.drawn import *  # noqa: F403 - what its __all__ names
from powertrain.nn.functional.embedding import *  # noqa: F403
from powertrain.nn.functional.layers import *  # noqa: F403
from powertrain.nn.functional.losses import *  # noqa: F403
from powertrain.nn.functional.pair_losses import *  # noqa: F403
from powertrain.nn.functional.pooling import *  # noqa: F403
from powertrain.nn.functional.shapes import *  # noqa: F403
from powertrain.nn.functional.unpooling import *  # noqa: F403
from powertrain.ops import namespaces as _namespaces
from powertrain.ops.functional import OPERATORS as _OPERATORS

_OPS = sorted(_namespaces.FUNCTIONAL | _namespaces.SHARED)
globals().update({name: _OPERATORS[name] for name in _OPS})

_MADE = (
    _adaptive_pooling, _class_losses, _drawn, _embedding, _layers, _losses, _pair_losses, _pooling, _shapes, _unpooling,
)  # fmt: skip
__all__ = sorted([*_OPS, *(name for module in _MADE for name in module.__all__)])

_export(globals())


def __getattr__(name: str) -> _typing.Any:
    raise _unknown("powertrain.nn.functional", name)


def __dir__() -> list[str]:
    return __all__
