"""What the folder of a pruned run says of its layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from powertrain._core import Error
from powertrain.io.records import MisfitError, from_json
from powertrain.nn.utils.shrinking import resize
from powertrain.train.folder.run_folder import PRUNED, RunError

if TYPE_CHECKING:
    from powertrain.train.run.train_run import TrainRun

SHAPE = {"role": str, "sizes": {...: [int]}}


def take_pruned(run: TrainRun) -> None:
    """Give the model of a run that is being opened the smaller layers that its folder says. Such a run has no
    optimizer: it is not trained."""
    files = run.folder.files
    if not files.there(PRUNED):
        return
    try:
        found = from_json(files.read(PRUNED), SHAPE)
        if found["role"] not in run.table.modules:
            raise MisfitError(f"there is no model {found['role']!r}")
        resize(run.table.modules[found["role"]], found["sizes"])
    except (MisfitError, Error) as error:
        raise RunError(
            f"[{run.folder.path / PRUNED}] {error}; expected what powertrain prune wrote; prune the run again"
        ) from error
    run.table.optimizers.clear()
