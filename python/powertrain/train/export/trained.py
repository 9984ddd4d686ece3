"""What an exporter is given of a run: its program, its weights, and what it keeps of its data."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain.plugin.exporter import ExportError, Program
from powertrain.plugin.learning import Strategy
from powertrain.plugin.registry import ENGINE
from powertrain.train.evaluate.evaluation import evaluating
from powertrain.train.evaluate.predict import outputs, own_outputs, transformed
from powertrain.train.export.comparing import tried
from powertrain.train.export.tracing import program_of

if TYPE_CHECKING:
    from powertrain.data import DataModule
    from powertrain.nn import Module
    from powertrain.train.deciding.decision import Decision
    from powertrain.train.run.train_run import TrainRun

LONGEST_NAME = 60
TRIED = 8  # examples for which the modules of a strategy are tried


class TrainedModel:
    """A run as exporters see it: `powertrain.plugin.Trained`."""

    def __init__(self, run: TrainRun) -> None:
        self.run = run

    @property
    def name(self) -> str:
        kept = self.run.display.kept  # a temporary folder has a name that nobody chose
        given = self.run.folder.path.resolve().name if kept else self.run.recipe.name
        words = re.sub(r"[^a-z0-9]+", "_", given.lower()).strip("_")[:LONGEST_NAME]
        return words if words[:1].isalpha() else f"run_{words}".rstrip("_")

    @property
    def folder(self) -> Path:
        if (number := self.run.chosen) is not None:  # whoever opens the folder gets the newest one
            raise ExportError(
                f"[export] received checkpoint {number} for an exporter that takes the folder of the run; expected one "
                "that writes the weights; leave the checkpoint out, or export to another format"
            )
        return self.run.folder.path

    @property
    def dataset(self) -> DataModule:
        return self.run.dataset

    @property
    def decision(self) -> Decision:
        return self.run.evaluations.decision

    @property
    def modules(self) -> Mapping[str, Module]:
        return self.run.table.modules

    @functools.cached_property
    def model(self) -> Module | None:
        if type(self.run.strategy).predict is Strategy.predict:
            return self.run.table.modules.get("model")
        return next((one for one in self.run.table.modules.values() if self._answers_alone(one)), None)

    def _answers_alone(self, module: Module) -> bool:
        """Whether a module answers some examples as the run does, bit for bit: a policy, or an average."""
        x = self.transformed(self.examples[:TRIED])
        try:
            with evaluating(self.modules):
                found = module(pt.asarray(x))
        except Exception:  # of whatever kind: another module may take other inputs
            return False
        return isinstance(found, pt.Tensor) and np.array_equal(found.numpy(), own_outputs(self.run, x))

    @property
    def requirements(self) -> Mapping[str, str]:
        used = {use.entry.distribution: use.entry.version for use in self.run.recipe.uses() if use.entry is not None}
        return dict(sorted({**used, ENGINE: getattr(pt, "__version__", "unknown")}.items()))

    @functools.cached_property
    def examples(self) -> NDArray[Any]:
        return tried(self.run)

    def program(self, rows: int, ops: Collection[str], *, transforms: bool = True) -> Program:
        x = np.resize(self.examples, (rows, *self.examples.shape[1:]))
        return program_of(self.run, x if transforms else self.transformed(x), ops, transforms)

    def transformed(self, x: NDArray[Any]) -> NDArray[Any]:
        return transformed(self.run, x)

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        return outputs(self.run, x)
