"""What the folder of a smaller copy of a run says of the layers of its model, which are not those of the recipe."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from powertrain._core import Error
from powertrain.io.records import MisfitError, from_json
from powertrain.train.folder.run_folder import RunError

if TYPE_CHECKING:
    from powertrain.nn import Module
    from powertrain.train.run.train_run import TrainRun


def take_layers(
    run: TrainRun, file: str, shape: dict[str, Any], verb: str, change: Callable[[Module, dict[str, Any]], Module]
) -> None:
    """Give the model of a run that is being opened the layers that such a file of its folder describes, if there is
    one. Such a run has no optimizer: it is not trained."""
    files = run.folder.files
    if not files.there(file):
        return
    try:
        found = from_json(files.read(file), {"role": str, **shape})
        role = found["role"]
        if role not in run.table.modules:
            raise MisfitError(f"there is no model {role!r}")
        run.table.modules[role] = change(run.table.modules[role], found)
    except (MisfitError, Error) as error:
        raise RunError(
            f"[{run.folder.path / file}] {error}; expected what powertrain {verb} wrote; {verb} the run again"
        ) from error
    run.table.optimizers.clear()
