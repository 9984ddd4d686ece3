"""What a run keeps of how its outputs become an answer: decision.json beside its checkpoints."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.io.files import Files
from powertrain.io.records import MisfitError, fitted, from_json, to_json
from powertrain.monitor.columns import answered, margin_of
from powertrain.train.deciding.calibrations import METHODS, Calibration
from powertrain.train.folder.run_folder import DECISION, RunError

SHAPE = {"rounds": int, "calibration": ({"method": str},), "threshold": (float,)}


@dataclass(frozen=True)
class Decision:
    """A calibration of the outputs, and the probability from which on the second of two classes is the answer."""

    calibration: Calibration | None = None
    threshold: float | None = None

    def __bool__(self) -> bool:
        return self.calibration is not None or self.threshold is not None

    def calibrated(self, outputs: Any) -> Any:
        """Logits whose softmax holds. Of tensors in a trace it gives tensors, so that an export has it too."""
        return outputs if self.calibration is None else self.calibration(outputs)

    @property
    def margin(self) -> float:
        """How far the second logit must be above the first."""
        return 0.0 if self.threshold is None else margin_of(self.threshold)

    def classes(self, outputs: NDArray[Any]) -> NDArray[np.int64]:
        """The number of the class that each row of calibrated logits is answered with."""
        return answered(outputs, self.threshold)

    def table(self) -> dict[str, Any]:
        """What stands beside an exported or a served model: the method of the calibration, and the threshold."""
        method = {} if self.calibration is None else {"calibration": self.calibration.method}
        return method if self.threshold is None else {**method, "threshold": self.threshold}

    def to_json(self, rounds: int) -> bytes:
        """The file of a run that has made so many rounds: of another number of them the weights are others."""
        made = self.calibration
        kept = None if made is None else {"method": made.method, **asdict(made)}
        return to_json({"rounds": rounds, "calibration": kept, "threshold": self.threshold}, indent=1) + b"\n"


NOTHING = Decision()


def read_decision(files: Files, rounds: int, classes: int) -> Decision:
    """The decision in the folder of a run whose weights are those of so many rounds; none where it keeps none, or that
    of other weights."""
    if not files.there(DECISION):
        return NOTHING
    try:
        return decision_of(files.read(DECISION), rounds, classes)
    except MisfitError as error:
        raise RunError(
            f"[{files.path / DECISION}] {error}; expected what powertrain train wrote; restore it, or remove it to "
            "answer without calibration and threshold"
        ) from error


def decision_of(raw: bytes, rounds: int, classes: int) -> Decision:
    """The decision that `Decision.to_json` has written; none where it is of another number of rounds."""
    found = from_json(raw, SHAPE)
    if found["rounds"] != rounds:
        return NOTHING
    return Decision(_calibration(found["calibration"], classes), _threshold(found["threshold"], classes))


def _calibration(found: dict[str, Any] | None, classes: int) -> Calibration | None:
    if found is None:
        return None
    if found["method"] not in METHODS:
        raise MisfitError(f"its method is none of {', '.join(METHODS)}")
    kind = METHODS[found["method"]]
    values = fitted(found, kind.fields)
    made: Calibration = kind(**{name: values[name] for name in kind.fields})
    if text := made.misfit(classes):
        raise MisfitError(text)
    return made


def _threshold(found: float | None, classes: int) -> float | None:
    if found is not None and (classes != 2 or not 0 < found < 1):
        raise MisfitError(f"the threshold is {found} for {classes} classes")
    return found
