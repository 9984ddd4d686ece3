"""The exporter `c`."""

from __future__ import annotations

from pathlib import Path

from powertrain.builtin.exporters.c.compiling import compiled, compiler
from powertrain.builtin.exporters.c.header import OPS, header
from powertrain.plugin.exporter import Exporter, Program, Runner, Trained


class CHeader(Exporter):
    """One C header with the transforms and the model: C99, static memory, no dependency. For small models."""

    suffix = ".h"

    def write(self, trained: Trained, path: Path) -> None:
        data = trained.dataset
        chooses = data.kind.classes
        labels = data.labels if chooses and len(data.labels) == data.outputs else ()
        path.write_text(header(trained, _program(trained), labels, chooses), encoding="ascii")

    def load(self, trained: Trained, path: Path) -> Runner | None:
        if compiler() is None:
            return None
        program = trained.program(1, OPS)
        values = program.graph.values
        return compiled(path, trained.name, values[program.x], values[program.output])

    def lacks(self, trained: Trained) -> str:
        return "" if compiler() else "there is no C compiler here: install one, or name one by CC"


def _program(trained: Trained) -> Program:
    """`predict` for one example, with all that is known of it computed before."""
    return trained.program(1, OPS).folded()
