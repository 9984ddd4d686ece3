"""Modules of our own distributions that may not be installed."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from powertrain.errors.boundary import MissingModuleError


def brought(asked: str, module: str, why: str, extra: str) -> Any:
    """A module such as powertrain_serve.command, or an error that says what `asked` for it, and how to install it."""
    package = module.partition(".")[0]
    if importlib.util.find_spec(package) is None:
        raise MissingModuleError(
            f"[{asked}] {package.replace('_', '-')} is not installed; expected it, since it {why}; "
            f"pip install 'powertrain[{extra}]'"
        )
    return importlib.import_module(module)
