"""What stands at module:name, imported when it is asked for."""

from __future__ import annotations

import importlib
from typing import Any


def resolve(target: str) -> Any:
    """The object that `module:name.name` means."""
    module, _, attributes = target.partition(":")
    found: Any = importlib.import_module(module.strip())
    for attribute in filter(None, attributes.strip().split(".")):
        found = getattr(found, attribute)
    return found
