"""What modules are asked for by names of other libraries: an error that shows the line to write."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, NoReturn

from powertrain.errors.tensor_counterparts import MODULE
from powertrain.nn import checks

if TYPE_CHECKING:
    from powertrain.nn.module import Module


def unknown(module: Module, name: str) -> NoReturn:
    """Raise the error for an attribute that a module does not have."""
    where = type(module).__name__
    if name in ("_slots", "_modules", "_buffers", "training") and name not in vars(module):
        raise checks.MissingNameError(
            f"[{where}] used before super().__init__(); expected that call first; begin __init__ with "
            "super().__init__()"
        )
    if name in MODULE and "_modules" in vars(module):
        raise checks.MissingNameError(f"[{where}] {name}; expected a name of {where}; write {MODULE[name]}")
    own = [one for one in (*vars(module), *dir(type(module))) if not one.startswith("_")]
    near = difflib.get_close_matches(name, own, 1) if not name.startswith("__") else []
    fix = f"did you mean {near[0]}?" if near else "assign it before it is read"
    raise checks.MissingNameError(f"[{where}] {name}; expected an attribute of {where}; {fix}")
