"""A registry of trained models: numbered copies of runs, names such as champion for them, and a history.

It is a folder of files: `models/fraud/1/` is a copy of a run, and `models/ledger.jsonl` has one line for each thing
that happened. `pt.load("models:/fraud@champion")` opens what the name stands for, and so do the verbs of the command.
With `POWERTRAIN_MODELS=mlflow` it is MLflow's registry instead.

Example
    >>> import tempfile
    >>> registry = pt.models.Registry(tempfile.mkdtemp())
    >>> registry.versions("fraud")
    []
"""

from powertrain.errors.boundary import export
from powertrain.errors.hints import attributes
from powertrain.models.registry import (
    CHALLENGER,
    CHAMPION,
    AliasMovedError,
    Registry,
    RegistryError,
    Version,
    open_registry,
    resolved,
)

__all__ = [
    "CHALLENGER",
    "CHAMPION",
    "AliasMovedError",
    "Registry",
    "RegistryError",
    "Version",
    "open_registry",
    "resolved",
]

export(globals())
__getattr__, __dir__ = attributes(__name__, __all__)
