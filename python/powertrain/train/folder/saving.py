"""When a run is written to disk, and how it is taken up again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from powertrain.io.files import NoSpaceError
from powertrain.train.folder.checkpoint import Checkpoint
from powertrain.train.folder.run_folder import RunError

if TYPE_CHECKING:
    from powertrain.train.run.train_run import TrainRun

# A checkpoint may cost this share of the time; a large model is saved less often than a small one.
SAVE_SHARE = 0.05


class Saver:
    """Writes and reads the checkpoints of a run. They are numbered by rounds, which every strategy has."""

    def __init__(self, run: TrainRun) -> None:
        self.run = run
        self.saved_step = 0  # of the last checkpoint on disk
        self._saved_round = 0
        self._seconds_before = 0.0
        self._cost = 0.0
        self.start_clock()

    def start_clock(self) -> None:
        self._began = self._saved_at = time.monotonic()

    def elapsed(self) -> float:
        """Seconds of training, over all resumptions."""
        return self._seconds_before + time.monotonic() - self._began

    def due(self) -> bool:
        waited = time.monotonic() - self._saved_at
        return waited >= max(self.run.recipe.run.save_seconds, self._cost / SAVE_SHARE)

    def save(self) -> None:
        """A checkpoint on disk. A full disk is said, and training goes on."""
        run, number = self.run, self.run.progress.rounds
        if self._saved_round == number > 0:
            return
        start = time.monotonic()
        if run.ledger is not None:
            run.ledger.sync()  # first: what happened before a checkpoint is never lost without it
        meta = {"seconds": self.elapsed(), "steps": run.progress.steps}
        try:
            run.folder.checkpoints.save(number, run.table.snapshot(), meta, run.table.lasting())
            self._saved_round, self.saved_step = number, run.progress.steps
            run.record("commit")
        except NoSpaceError as error:
            run.display.warn(f"{error}: the run goes on, and the earlier checkpoint stands")
        if run.ledger is not None and run.ledger.full:
            run.display.warn(f"[{run.folder.path}] the ledger misses events, since the disk is full: free some space")
        self._saved_at = time.monotonic()
        self._cost = self._saved_at - start

    @property
    def saved(self) -> bool:
        """Whether what the run is now stands on the disk."""
        return self._saved_round == self.run.progress.rounds

    def load(self, checkpoint: Checkpoint) -> None:
        """Set every slot from a checkpoint."""
        wrong = self.run.table.load(checkpoint.arrays)
        if wrong:
            more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
            raise RunError(
                f"[{self.run.folder.path.name} checkpoint {checkpoint.number}] {'; '.join(wrong[:5])}{more}; expected "
                "what the recipe describes; resume with the recipe, data and versions of run.lock"
            )
        self._saved_round, self.saved_step = checkpoint.number, self.run.progress.steps
        self._seconds_before = checkpoint.meta["seconds"]

    def restore(self) -> bool:
        """Take up the newest whole checkpoint; whether there was one."""
        run = self.run
        found, problems = run.folder.checkpoints.latest()
        for problem in problems:
            run.display.warn(f"[{run.folder.path.name}] {problem}")
        if found is not None:
            self.load(found)
        run.record("resume", problems=problems)
        self.start_clock()
        return found is not None
