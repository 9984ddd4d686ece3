"""What the folder of a quantized run says of its layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from powertrain._core import Error
from powertrain.io.records import MisfitError, from_json
from powertrain.nn.quantizing import Form, empty
from powertrain.train.folder.run_folder import QUANTIZED, RunError

if TYPE_CHECKING:
    from powertrain.train.run.train_run import TrainRun

SHAPE = {"role": str, "bits": int, "group_size": (int,), "activations": str, "layers": [str]}


def take_form(run: TrainRun) -> None:
    """Give the model of a run that is being opened the quantized layers that its folder says. Such a run has no
    optimizer: it is not trained."""
    files = run.folder.files
    if not files.there(QUANTIZED):
        return
    try:
        found = from_json(files.read(QUANTIZED), SHAPE)
        role = found["role"]
        form = Form(found["bits"], found["group_size"], found["activations"])
        run.table.modules[role] = empty(run.table.modules[role], form, found["layers"])
    except (MisfitError, KeyError, Error) as error:
        raise RunError(
            f"[{run.folder.path / QUANTIZED}] {_told(error)}; expected what powertrain quantize wrote; quantize the "
            "run again"
        ) from error
    run.table.optimizers.clear()


def _told(error: Exception) -> Any:
    return f"there is no model {error}" if isinstance(error, KeyError) else error
