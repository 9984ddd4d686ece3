"""The recipes of this distribution: `digits_federated` is the path of digits-federated.toml beside this file."""

from __future__ import annotations

from pathlib import Path


def __getattr__(name: str) -> Path:
    path = Path(__file__).with_name(name.replace("_", "-") + ".toml")
    if name.startswith("_") or not path.is_file():
        raise AttributeError(f"module {__name__!r} has no recipe {name!r}")
    return path
