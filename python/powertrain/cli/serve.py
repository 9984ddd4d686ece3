"""`powertrain serve`: the door to powertrain-serve, which is a distribution of its own."""

from __future__ import annotations

import argparse
import importlib
import importlib.util

from powertrain.errors.boundary import MissingModuleError


def serve(options: argparse.Namespace) -> int:
    if importlib.util.find_spec("powertrain_serve") is None:
        raise MissingModuleError(
            "[serve] powertrain-serve is not installed; expected it, since it brings the server; "
            "pip install 'powertrain[serve]'"
        )
    return int(importlib.import_module("powertrain_serve.command").serve(options))
