"""An exporter: the weights and biases of dense layers as one .npz, which NumPy alone can compute with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from powertrain.plugin import Exporter, Trained

RULES: dict[str, Any] = {
    "add": lambda call, a, b: a + b,
    "matmul": lambda call, a, b: a @ b,
    "multiply": lambda call, a, b: a * b,
    "relu": lambda call, x: np.maximum(x, 0),
    "reshape": lambda call, x: x.reshape(-1, *call.shape[1:]),
    "astype": lambda call, x: x.astype(call.dtype),
}


class Arrays(Exporter):
    suffix = ".npz"

    def write(self, trained: Trained, path: Path) -> None:
        program = trained.program(1, RULES)
        arrays = {f"v{number}": program.array(number) for number in program.graph.constants}
        with path.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]

    def load(self, trained: Trained, path: Path) -> Any:
        graph = trained.program(1, RULES).graph
        with np.load(path) as held:
            constants = {int(name[1:]): held[name] for name in held.files}
        return lambda x: graph.evaluate(RULES, [x], constants)[0]
