"""Folders of runs as training leaves them, made without training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from powertrain.io.files import Files
from powertrain.io.records import to_json
from powertrain.train.folder.ledger import Ledger
from powertrain.train.folder.run_folder import RUN
from powertrain.train.report.pictures import png
from powertrain.train.samples import sheets
from powertrain.train.samples.sheets import Sheet


def begun(folder: Path, recipe: str = "digits", steps: int = 0) -> Path:
    """A run that has begun, with a value of the loss for each step."""
    folder.mkdir(parents=True, exist_ok=True)
    about = {"recipe": recipe, "base": str(folder), "overrides": [], "tables": {"run": {"until": "20 epochs"}},
             "objects": [], "data": None}  # fmt: skip
    (folder / RUN).write_bytes(to_json(about))
    write(folder, *(metrics(step, {"train.loss": 1 / step, "valid.loss": 2 / step}) for step in range(1, steps + 1)))
    return folder


def metrics(step: int, values: dict[str, float]) -> dict[str, Any]:
    return {"event": "metrics", "step": step, "round": step, "epoch": step, "values": values}


def write(folder: Path, *events: dict[str, Any]) -> None:
    ledger = Ledger(folder)
    for event in events:
        ledger.write(**event)
    ledger.close()


def shown(folder: Path, round: int, titles: tuple[str, ...]) -> Path:
    """The pictures of an evaluation, of 4 x 4 pixels, as a run writes them; the path of their file."""
    sheet = Sheet("pictures", len(titles), 4, 4, titles)
    pixels = np.random.default_rng(round).integers(0, 256, (4 * sheet.rows, 4 * sheet.columns), np.uint8)
    sheets.write(Files(folder), round, {sheet: png(pixels)})
    write(folder, {"event": sheets.EVENT, "step": 10 * round, "round": round, **sheet.event()})
    return folder / sheet.name(round)
