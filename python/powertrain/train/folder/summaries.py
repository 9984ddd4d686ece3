"""The runs in a folder as their files tell of them. No run is opened, and none of its code runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from powertrain.io.files import FolderError
from powertrain.plugin.tables import flat
from powertrain.recipe.toml import is_plain, value_text
from powertrain.train.folder.ledger import read_history
from powertrain.train.folder.run_folder import RunError, RunFolder


@dataclass(frozen=True)
class RunSummary:
    """One run: how far it came, and what came out.

    recipe    the name of its recipe
    settings  the keys of its recipe with their values as text
    results   what `results.json` holds; None of a run that is not finished
    problem   why it cannot be read; the rest is empty then
    """

    path: Path
    steps: int
    recipe: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    results: Mapping[str, Any] | None = None
    problem: str = ""

    @property
    def state(self) -> str:
        return "damaged" if self.problem else "unfinished" if self.results is None else "finished"

    @property
    def scores(self) -> dict[str, float]:
        """What was measured on the judged part."""
        return {} if self.results is None else dict(self.results[self.results["part"]])

    def history(self) -> list[dict[str, Any]]:
        """What happened in it; nothing where that cannot be read."""
        try:
            return read_history(self.path)
        except (FolderError, OSError):
            return []


def summaries(root: Path) -> list[RunSummary]:
    """Every run in a folder, by name. A damaged one hides no other."""
    return [summary(path) for path in sorted(root.iterdir()) if RunFolder(path).started] if root.is_dir() else []


def summary(path: Path) -> RunSummary:
    """One run, from its folder."""
    folder, steps = RunFolder(path), 0
    try:
        steps = folder.checkpoints.newest_meta().get("steps", 0)
        about, results = folder.about(), folder.results()
    except (RunError, FolderError, OSError) as error:
        return RunSummary(path, steps, problem=str(error))
    return RunSummary(path, steps, about["recipe"], texts(about["tables"]), results)


def texts(tables: Mapping[str, Any]) -> dict[str, str]:
    """Values by their keys, as a recipe writes them; what no recipe can hold, which a stranger may have put there, as
    Python does."""
    return {key: value_text(value) if is_plain(value) else str(value) for key, value in flat(tables).items()}


def differing(settings: Iterable[Mapping[str, str]]) -> list[str]:
    """The keys whose values are not the same in all."""
    every = list(settings)
    keys = sorted({key for one in every for key in one})
    return [key for key in keys if len({one.get(key, "") for one in every}) > 1]


def ended(history: Iterable[Mapping[str, Any]]) -> datetime | None:
    """When the last event was, in UTC; None where the ledger does not say."""
    times = [event["time"] for event in history if isinstance(event.get("time"), float)]
    try:
        return datetime.fromtimestamp(times[-1], timezone.utc)
    except (IndexError, OverflowError, ValueError, OSError):  # no time, or none that a calendar has
        return None


def day_and_time(when: datetime | None) -> str:
    return "" if when is None else when.strftime("%Y-%m-%d %H:%M")
