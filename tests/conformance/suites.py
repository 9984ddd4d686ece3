"""The suites by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from conformance import array_standard, array_tests, modules, onnx_nodes, opinfo, optimizers
from conformance.outcome import Outcome


@dataclass(frozen=True)
class Suite:
    names: Callable[[], list[str]]
    of: Callable[[str], Iterator[Outcome]]
    not_offered: Callable[[], list[str]]
    # Why it cannot run here, if it cannot.
    absent: Callable[[], str] = str

    def outcomes(self, only: Sequence[str] | None = None) -> Iterator[tuple[str, Outcome]]:
        for name in only or self.names():
            for outcome in self.of(name):
                yield name, outcome


SUITES = {
    "OpInfo": Suite(opinfo.names, opinfo.outcomes, opinfo.not_offered),
    "ModuleInfo": Suite(modules.names, modules.outcomes, modules.not_offered),
    "ONNX": Suite(onnx_nodes.names, onnx_nodes.outcomes, onnx_nodes.not_offered),
    "optimizers": Suite(optimizers.names, optimizers.outcomes, optimizers.not_offered),
    "array API": Suite(array_standard.names, array_standard.outcomes, array_standard.not_offered),
    "array-api-tests": Suite(array_tests.names, array_tests.outcomes, array_tests.not_offered, array_tests.absent),
}
