"""Logs to MLflow: a tracking server, or files."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from powertrain.plugin import End, Start, param
from powertrain_loggers.logger import Logger

TAG = "powertrain.run"  # by which a resumed run finds itself: the newest of its folder
PLAIN = re.compile(r"[^\w-]+")  # what the name of a file is kept free of
MOST_SETTINGS, MOST_LETTERS = 100, 500  # of a request, and of a setting
ODD = re.compile(r"[^/\w.\- :]")  # what MLflow's names may not hold


class MLflow(Logger):
    """Logs where MLFLOW_TRACKING_URI says: settings, values, samples as texts, the report at the end."""

    @dataclass(frozen=True)
    class Params:
        experiment: str = param("powertrain", doc="MLflow's experiment that the run is one of", results=False)

    LIBRARY = "mlflow"
    INSTALLED_BY = "powertrain-loggers[mlflow]"

    def begin(self, library: Any, start: Start) -> None:
        self._client = library.MlflowClient()
        found = self._client.get_experiment_by_name(self.params.experiment)
        id = self._client.create_experiment(self.params.experiment) if found is None else found.experiment_id
        folder = hashlib.sha256(str(start.folder.absolute()).encode()).hexdigest()[:16]
        mine = self._client.search_runs([id], f"tags.`{TAG}` = '{folder}'", max_results=1)
        if start.progress["steps"] and mine:
            self._id = mine[0].info.run_id
            self._client.update_run(self._id, status="RUNNING")
            return
        made = self._client.create_run(id, run_name=start.folder.name, tags={TAG: folder})
        self._id = made.info.run_id
        entity = library.entities.Param
        told = [entity(ODD.sub("_", name), str(value)[:MOST_LETTERS]) for name, value in start.settings.items()]
        for at in range(0, len(told), MOST_SETTINGS):
            self._client.log_batch(self._id, params=told[at : at + MOST_SETTINGS])

    def numbers(self, values: Mapping[str, float], step: int) -> None:
        for name, value in values.items():
            self._client.log_metric(self._id, ODD.sub("_", name), value, step=step)

    def text(self, text: str, step: int) -> None:
        self._client.log_text(self._id, text, f"samples/{step:09}.txt")

    def table(self, title: str, rows: Sequence[Sequence[str]], step: int) -> None:
        # In the form of log_table, which adds to the rows that a resumed run has logged before.
        columns, data = list(rows[0]), [list(row) for row in rows[1:]]
        self._client.log_dict(self._id, {"columns": columns, "data": data}, _file(title, "json"))

    def picture(self, title: str, png: bytes, step: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, _file(title, "png"))
            path.write_bytes(png)
            self._client.log_artifact(self._id, str(path))

    def close(self, end: End) -> None:
        if end.report is not None:
            self._client.log_artifact(self._id, str(end.report))
        self._client.set_terminated(self._id, "FINISHED" if end.finished else "KILLED")


def _file(title: str, ending: str) -> str:
    return f"{PLAIN.sub('-', title.lower()).strip('-')}.{ending}"
