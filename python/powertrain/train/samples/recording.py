"""When a run shows samples of itself, and where it records them: `evaluate.samples`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from powertrain.errors.methods import overridden
from powertrain.plugin.importing import in_words
from powertrain.train.evaluate.evaluation import evaluating
from powertrain.train.folder.run_folder import RunError
from powertrain.train.samples.sheets import EVENT, write

if TYPE_CHECKING:
    from powertrain.plugin.run import Run
    from powertrain.train.run.train_run import TrainRun


class Recorder:
    """Writes samples below the run folder, for `evaluate.samples`. It computes in evaluation mode, with random numbers
    of its own, and holds no state: no bit of the training depends on it."""

    def __init__(self, run: TrainRun) -> None:
        self.run, self.count = run, run.recipe.evaluate.samples
        if not overridden(run.strategy, "sample"):
            self._demand_examples(run)

    def _demand_examples(self, run: TrainRun) -> None:
        """Refuse to show what a run does not have."""
        plays = run.dataset.kind.plays
        if plays or run.dataset.kind.tokens:
            what = "an environment" if plays else "a text"
            instead = "the report shows an episode" if plays else "strategy.sample shows what the model writes"
            raise RunError(
                f"[evaluate.samples] received {self.count}; {run.dataset.name} is {what}, which has no examples to "
                f"show; expected 0; leave it out: {instead}"
            )
        if "valid" not in run.dataset.splits:
            raise RunError(
                f"[evaluate.samples] received {self.count}; the data has no valid part to show examples of; expected "
                "one; for example split = { valid = 0.1 }"
            )

    def show(self, given: Run, number: int) -> str | None:
        """After an evaluation: write and record its samples, and return a text. Nobody's mistake in it ends a run."""
        run = self.run
        if not self.count or not run.leads:
            return None
        from powertrain.train.samples.examples import answered, drawn

        try:
            with evaluating(run.table.modules):
                shown = drawn(run, self.count) if overridden(run.strategy, "sample") else answered(run, self.count)
            if not shown.sheets and shown.text is None:
                raise RunError(f"what {run.recipe.strategy.name} gives for {run.dataset.name} cannot be shown")
            if shown.sheets:
                write(run.folder.files, run.progress.rounds, shown.sheets)
        except Exception as error:  # of whatever kind: data and strategies are anybody's
            self.count = 0
            run.display.warn(f"[evaluate.samples] no more samples are shown: {in_words(error)}")
            return None
        for sheet in shown.sheets:
            run.record(EVENT, **sheet.event())
        return shown.text
