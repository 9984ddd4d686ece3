"""A task: amounts, judged by their relative error."""

from __future__ import annotations

import numpy as np

from powertrain.data import DataError, DataModule
from powertrain.plugin import Task


class Amounts(Task):
    """Numbers above 0, such as prices."""

    loss = "l1"
    metrics = ("mae",)
    headline = "mae"

    def check(self, dataset: DataModule) -> None:
        least = float(dataset.train.fetch(np.arange(len(dataset.train)))["y"].min())
        if least <= 0:
            raise DataError("amounts", f"a target of {least:g}", "expected numbers above 0", "choose regression")
