"""Other runs of a recipe beside this one: what they reached, and which of their settings are others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from powertrain.train.folder.run_folder import RunFolder
from powertrain.train.folder.summaries import RunSummary, day_and_time, differing, ended, summary, texts
from powertrain.train.report.elements import NOTHING, table_of
from powertrain.train.report.markup import Html, html

if TYPE_CHECKING:
    from powertrain.train.run.train_run import TrainRun

LOOKED_AT, SHOWN = 50, 10  # folders beside the run's, the newest first


def other_runs(run: TrainRun, results: Mapping[str, Any]) -> Html:
    """A table of the newest finished runs of the same recipe in the folder beside this one."""
    try:
        found = list(_beside(run.folder.path, results["recipe"])) if run.display.kept else []
    except OSError:  # who may write in a folder may not always list the one above
        return NOTHING
    if not found:
        return NOTHING
    part, own = results["part"], texts(run.recipe.tables)
    metrics = list(results[part])
    head = ("run", *(f"{part} {metric}" for metric in metrics), "steps", "seconds", "ended (UTC)", "other settings")
    rows = [("this run", *_measured(results, part, metrics), "", "")]
    for one in found:
        assert one.results is not None
        others = ", ".join(f"{key} = {one.settings.get(key, 'left out')}" for key in differing([own, one.settings]))
        rows.append((one.path.name, *_measured(one.results, part, metrics), day_and_time(ended(one.history())), others))
    return html("<h2>Other runs of this recipe</h2>{}", table_of((head, *rows), "words"))


def _measured(results: Mapping[str, Any], part: str, metrics: list[str]) -> tuple[str, ...]:
    values = results.get(part, {})
    shown = (f"{values[metric]:.4g}" if metric in values else "" for metric in metrics)
    return (*shown, f"{results['steps']:,}", f"{results['seconds']:.1f}")


def _beside(path: Path, recipe: str) -> Iterator[RunSummary]:
    folders = [one for one in path.resolve().parent.iterdir() if one.name != path.resolve().name and one.is_dir()]
    newest = sorted(folders, key=lambda one: one.lstat().st_mtime, reverse=True)[:LOOKED_AT]
    runs = (summary(one) for one in newest if RunFolder(one).started)
    yield from islice((one for one in runs if one.results is not None and one.recipe == recipe), SHOWN)
