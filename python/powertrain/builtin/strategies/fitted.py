"""Fitting as a whole: models that another library fits from all rows at once. One round is one fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from powertrain.plugin import Batch, Held, Run, Step, Strategy
from powertrain.plugin.host_model import HostModel
from powertrain.plugin.model_inputs import ModelError

if TYPE_CHECKING:
    from powertrain.plugin.section import Section


class Fitted(Strategy):
    """Hands the training part to the model, and keeps what it learned as bytes: `run = { until = "1 round" }`."""

    resume: ClassVar[Literal["exact", "restart"]] = "restart"
    needs: ClassVar[tuple[str, ...]] = ("model",)
    host: ClassVar[bool] = True
    example_recipe: ClassVar[str] = """\
data     = { use = "digits", split = { valid = 0.2 } }
model    = "nearest-mean"
strategy = "fitted"
run      = { until = "9 rounds" }
"""

    def setup(self, run: Run) -> None:
        model = run.model()
        if not isinstance(model, HostModel):
            raise ModelError(
                f"[fitted] the model {type(model).__name__} has slots; expected a powertrain.plugin.HostModel, which "
                "fits itself; leave strategy out of the recipe"
            )
        self.fitter = model
        self.state: Held[Any] = run.blob("fitted", lambda: None, self._dump, self._load)
        self.part, self.valid = run.data("train"), run.data("valid") if "valid" in run.parts else None

    def _dump(self, state: Any) -> bytes:
        return b"" if state is None else self.fitter.dump(state)

    def _load(self, data: bytes) -> Any:
        return self.fitter.load(data) if data else None

    def round(self, run: Run) -> None:
        weighs = self.fitter.weighs
        valid = self.valid.rows(weights=weighs) if self.valid is not None else None
        self.state.value = self.fitter.fit(self.part.rows(weights=weighs), valid)

    def predict(self, t: Step, batch: Batch) -> Any:
        return np.asarray(self.fitter.answer(self.state.value, np.asarray(batch.x)), dtype=np.float32)

    def sections(self, run: Run) -> Sequence[Section]:
        """What the model says of what it learned."""
        return self.fitter.sections_of(self.state.value, run.dataset)
