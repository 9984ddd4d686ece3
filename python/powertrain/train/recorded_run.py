"""What a run left in its folder, as `pt.TrainedRun` reads it: what happened in training, and how its data were."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from powertrain.errors.boundary import export
from powertrain.train.folder.ledger import first_line, read_history
from powertrain.train.folder.run_folder import RunError
from powertrain.train.histograms import bins
from powertrain.train.history import History

if TYPE_CHECKING:
    from powertrain.monitor import Event, Monitor, Profile
    from powertrain.plugin import Histogram
    from powertrain.train.run.train_run import TrainRun


class RecordedRun:
    """A run whose folder is read for as long as it is this run's."""

    def __init__(self, run: TrainRun) -> None:
        self.run = run
        self._first = first_line(run.folder.path)

    @property
    def folder(self) -> Path:
        return self.run.folder.path

    @property
    def profile(self) -> Profile:
        """What the inputs and outputs were when the training ended: `pt.monitor.Monitor` compares with it."""
        from powertrain.train.evaluate.reference import read_profile

        self._demand_folder()
        return read_profile(self.run.folder.files)

    def monitor_page(self, monitor: Monitor, events: Sequence[Event] = ()) -> str:
        """The page that `powertrain monitor` writes, in HTML, of a monitor with this run's profile, and its alarms.

        Errors    a monitor that has compared no window yet
        Example
            >>> run = pt.fit("digits", epochs=1, verbose=False)
            >>> monitor, x = pt.monitor.Monitor(run.profile, window=40), np.zeros((40, 8, 8))
            >>> events = monitor.observe(x, run.predict(x))
            >>> "<h2>Alarms</h2>" in run.monitor_page(monitor, events)
            True
        """
        from powertrain.train.report.drift_page import drift_page

        if not monitor.rows:
            raise RunError(
                f"[monitor_page] received a monitor of {monitor.examples:,} examples; expected at least "
                f"{monitor.window // 4:,}, which it compares; observe more"
            )
        return str(drift_page(self.folder.name, monitor, events))

    @property
    def history(self) -> History:
        rows = (line for line in self._events() if line["event"] == "metrics")
        return History({"step": row["step"], "epoch": row.get("epoch", 0), **row["values"]} for row in rows)

    @property
    def anomalies(self) -> list[dict[str, int | str]]:
        """What went wrong in training: `at` which step, of what `kind`, `what` was seen, and what was `done`."""
        found = (line for line in self._events() if line["event"] == "anomaly")
        return [{name: line[name] for name in ("at", "kind", "what", "done")} for line in found]

    @property
    def histograms(self) -> dict[int, dict[str, Histogram]]:
        """What `run.histograms` kept: by step, then by kind and layer, such as `gradient 0` or `activation conv1`."""
        kept = bins.by_step(self._events())
        return {step: {name: bins.histogram(one) for name, one in found.items()} for step, found in kept.items()}

    def _events(self) -> list[dict[str, Any]]:
        """What happened in training, as the folder tells it."""
        self._demand_folder()
        return read_history(self.folder)

    def _demand_folder(self) -> None:
        """Refuse to read what is gone, or what another run has written since."""
        now = first_line(self.folder)
        if now != self._first and self._first:
            raise RunError(
                f"[{self.folder}] {'another run was trained there since' if now else 'the run is no longer there'}; "
                "expected the folder as this run left it; where it was moved, open it: pt.load(NEW_PATH)"
            )


export(globals())
