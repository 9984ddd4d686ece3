"""Fitting as a whole: models that another library fits from all rows at once. One round is one fit."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np

from powertrain.models.common import ModelError
from powertrain.plugins import NoParams
from powertrain.plugins.learning import Run, Step


class Fitted:
    """Hands the training part to the model, and keeps what it learned as bytes: `run = { until = "1 round" }`."""

    Params: ClassVar[type] = NoParams
    resume: ClassVar[Literal["exact", "restart"]] = "restart"
    needs: ClassVar[tuple[str, ...]] = ("model",)
    host: ClassVar[bool] = True
    example_recipe: ClassVar[str] = """\
data     = { use = "digits", split = { valid = 0.2 } }
model    = "nearest-mean"
strategy = "fitted"
run      = { until = "9 rounds" }
"""

    def __init__(self, params: NoParams) -> None:
        pass

    def setup(self, run: Run) -> None:
        self.model = run.model()
        if not getattr(self.model, "host", False):
            raise ModelError(
                f"[fitted] the model {type(self.model).__name__} has slots; expected one with host = True, which fits "
                "itself; leave strategy out of the recipe"
            )
        self.state = run.blob("fitted", lambda: None, self._dump, self._load)
        self.part, self.valid = run.data("train"), run.data("valid") if "valid" in run.parts else None

    def _dump(self, state: Any) -> bytes:
        return b"" if state is None else self.model.dump(state)

    def _load(self, data: bytes) -> Any:
        return self.model.load(data) if data else None

    def round(self, run: Run) -> None:
        self.state.value = self.model.fit(self.part.rows(), self.valid.rows() if self.valid is not None else None)

    def predict(self, t: Step, batch: Any) -> Any:
        return np.asarray(self.model.answer(self.state.value, np.asarray(batch.x)), dtype=np.float32)

    def sections(self, run: Run) -> Any:
        """What the model says of what it learned."""
        return self.model.sections(self.state.value, run.dataset) if hasattr(self.model, "sections") else ()
