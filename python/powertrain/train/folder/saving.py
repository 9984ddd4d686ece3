"""When a run is written to disk, and how it is taken up again.

A checkpoint is taken at a commit and written while training goes on. The training thread takes the snapshot, which no
later step changes: the engine copies a slot before it writes it, as long as somebody else reads it. So a run holds what
its steps change twice until the checkpoint is on disk. A thread hashes, writes and renames. There is one at a time; the
next commit hears how it went, and whoever ends a run waits for it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from concurrent.futures import Future, wait
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from powertrain._core import Error
from powertrain.io.array_pieces import Arrays
from powertrain.io.files import NoSpaceError
from powertrain.recipe.durations import Duration
from powertrain.train.folder.checkpoint import Checkpoint
from powertrain.train.folder.keeping import Metas, Policy
from powertrain.train.folder.lock import differences
from powertrain.train.folder.run_folder import RunError

if TYPE_CHECKING:
    from powertrain.train.run.train_run import TrainRun

# The writing of checkpoints may take this share of the time; a large model is saved less often than a small one. What
# training itself waits, for a copy in memory, is a fraction of it.
SAVE_SHARE = 0.05


@dataclass(frozen=True)
class Begun:
    """A checkpoint that is being written."""

    number: int
    meta: Mapping[str, Any]
    written: Future[Written]


class Written(NamedTuple):
    """What the thread tells of it."""

    seconds: float
    metas: Metas  # of the checkpoints that there are now


class Saver:
    """Writes and reads the checkpoints of a run. They are numbered by rounds, which every strategy has."""

    def __init__(self, run: TrainRun) -> None:
        self.run = run
        self.saved_step = 0  # of the last checkpoint on disk
        self._saved_round = 0
        self._begun: Begun | None = None
        self._policy = Policy.of(run.recipe.run.keep)
        self._metas: Metas = {}  # of the checkpoints on disk
        self._seconds_before = 0.0
        self._cost = 0.0
        self._values: Mapping[str, float] = {}  # of the evaluation at this commit, if there was one
        self.start_clock()

    def start_clock(self) -> None:
        self._began = self._saved_at = time.monotonic()

    def elapsed(self) -> float:
        """Seconds of training, over all resumptions."""
        return self._seconds_before + time.monotonic() - self._began

    def due(self, wanted: bool, values: Mapping[str, float]) -> bool:
        """Hear how the last checkpoint went; whether this commit gets one: if it is wanted, if it is time, or if what
        its evaluation gave makes it one to keep."""
        if self._begun is not None and self._begun.written.done():
            self.wait()
        self._values = values
        return wanted or self.run.done or self._time() or self._stays()

    def _time(self) -> bool:
        waited = time.monotonic() - self._saved_at
        return self._begun is None and waited >= max(self.run.recipe.run.save_seconds, self._cost / SAVE_SHARE)

    def _stays(self) -> bool:
        """Whether the policy keeps this commit's checkpoint when it is no longer one of the last."""
        if not (self._policy.best or self._policy.every):
            return False
        begun = {} if self._begun is None else {self._begun.number: self._begun.meta}
        number = self.run.progress.rounds
        return self._policy.wants(number, {**self._metas, **begun, number: self._meta()})

    def _meta(self) -> dict[str, Any]:
        run = self.run
        values = {name: value for name, value in self._values.items() if math.isfinite(value)}
        return {
            "seconds": self.elapsed(),
            "steps": run.progress.steps,
            "progress": asdict(run.progress),
            "values": values,
            "lower": [name for name in values if run.evaluations.lower_is_better(name)],
        }

    def save(self) -> None:
        """Begin the checkpoint of this commit."""
        run, number = self.run, self.run.progress.rounds
        self.wait()
        if self._saved_round == number > 0:
            return
        self._saved_at = time.monotonic()
        meta, arrays, lasting, rings = self._meta(), run.table.snapshot(), run.table.lasting(), run.table.rings()
        written = run.folder.write_beside(lambda: self._write(number, arrays, meta, lasting, rings))
        self._begun = Begun(number, meta, written)

    def _write(
        self, number: int, arrays: Arrays, meta: Mapping[str, Any], lasting: list[str], rings: list[str]
    ) -> Written:
        """In the thread beside training."""
        start = time.monotonic()
        if self.run.ledger is not None:
            self.run.ledger.sync()  # first: what happened before a checkpoint is never lost without it
        checkpoints = self.run.folder.checkpoints
        checkpoints.save(number, arrays, meta, lasting, self._policy, rings)
        return Written(time.monotonic() - start, checkpoints.metas(number))

    def wait(self) -> None:
        """Wait for the checkpoint that is being written, if there is one. A full disk is said, and training goes on."""
        if self._begun is None:
            return
        run, begun = self.run, self._begun
        wait([begun.written])
        self._begun = None
        try:
            self._cost, self._metas = begun.written.result()
            self._saved_round, self.saved_step = begun.number, begun.meta["steps"]
            if run.ledger is not None:
                run.ledger.write("commit", self.saved_step, begun.number)
        except NoSpaceError as error:
            run.display.warn(f"{error}: the run goes on, and the earlier checkpoint stands")
        if run.ledger is not None and run.ledger.lost_events():
            run.display.warn(f"[{run.folder.path}] the ledger lacks events, since the disk is full: free some space")

    def close(self) -> None:
        """The end of a run, whatever ended it: a checkpoint that is being written becomes whole."""
        try:
            self.wait()
        except (Error, OSError) as error:  # what ended the run is the one to tell
            self.run.display.warn(str(error))

    @property
    def saved(self) -> bool:
        """Whether what the run is now stands on the disk."""
        return self._saved_round == self.run.progress.rounds

    def load(self, checkpoint: Checkpoint) -> None:
        """Set every slot from a checkpoint."""
        wrong = self.run.table.load(checkpoint.arrays)
        if wrong:
            more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
            others = differences(self.run.folder.files, self.run.recipe)
            since = f" (since it began: {'; '.join(others)})" if others else ""
            raise RunError(
                f"[{self.run.folder.path.name} checkpoint {checkpoint.number}] {'; '.join(wrong[:5])}{more}; expected "
                f"what the recipe describes; resume with the recipe, data and versions of run.lock{since}"
            )
        self._saved_round, self.saved_step = checkpoint.number, self.run.progress.steps
        self._seconds_before = checkpoint.meta["seconds"]

    def _tell_target(self) -> None:
        """Say where the target is another one than before, and refuse one that the run has passed: it would be ended
        where nobody meant it to end."""
        run, now = self.run, self.run.recipe.run.until
        before = run.folder.target()
        if before is None or before == now:
            return
        done = Duration(int(getattr(run.progress, now.unit)), now.unit)
        if done.amount <= now.amount:
            run.evaluations.retarget()
            run.display.line(f"note   the target was {before}, it is {now} now")
            return
        given = f"{before.unit}={before.amount}" if before.unit in ("epochs", "steps") else f'run.until="{before}"'
        again = given if run.display.python else f'--set run.until="{before}"'
        raise RunError(
            f"[{run.folder.path}] it has trained for {done}, and the target is {now}; it was {before}; expected a "
            f'target that is not passed; give {again} again, or "{done}" to end it here'
        )

    def restore(self) -> bool:
        """Take up the newest whole checkpoint; whether there was one."""
        run = self.run
        found, problems = run.folder.checkpoints.latest()
        if found is None:
            run.folder.checkpoints.demand_format()
        for problem in problems:
            run.display.warn(f"[{run.folder.path.name}] {problem}")
        if found is not None:
            self.load(found)
            self._metas = run.folder.checkpoints.metas(found.number)
            self._tell_target()
        run.record("resume", problems=problems, until=str(run.recipe.run.until))
        self.start_clock()
        return found is not None
