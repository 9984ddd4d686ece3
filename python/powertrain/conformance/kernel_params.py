"""Checks of a kernel's parameters: other values than those of its cases, through the engine."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

import powertrain as pt
from powertrain.conformance.finding import Finding, Subject
from powertrain.conformance.kernel_trials import NEAR, as_dtype, distance, of_reference
from powertrain.conformance.parameters import check_parameters as check_declared
from powertrain.conformance.usage import check_effects
from powertrain.plugin.conversion import check
from powertrain.plugin.kernels import Case, Kernel
from powertrain.plugin.params import parameters
from powertrain.plugin.wording import show


def check_parameters(subject: Subject, kernel: Kernel, cases: Sequence[Case]) -> Iterator[Finding]:
    if not parameters(kernel.Params):
        return
    wrong: list[Finding] = []

    def results(params: Any) -> Iterator[bytes]:
        table = {field.name: getattr(params, field.name) for field in parameters(kernel.Params)}
        for case in cases:
            inputs = as_dtype(kernel, case.inputs, kernel.forward.dtypes[0])
            made = kernel(*map(pt.tensor, inputs), **table)
            arrays = [np.asarray(one) for one in (made if isinstance(made, tuple) else [made])]
            wanted = of_reference(kernel, inputs, table)
            for one, right in zip(arrays, wanted, strict=True):
                worst = distance(one, right)
                if not wrong and not worst <= NEAR.get(str(right.dtype), 0.0):
                    words = ", ".join(f"{name} = {show(value)}" for name, value in table.items())
                    wrong.append(
                        subject.finding(
                            "wrong-result",
                            f"with {words} it differs from the reference by {worst:.3g} of the largest element",
                            f"at most {NEAR.get(str(right.dtype), 0.0):g}",
                            "see that the function reads each of its attributes",
                        )
                    )
                yield one.tobytes()

    first, _ = check(kernel.Params, cases[0].params, kernel.name)
    held = _Held(kernel.Params)
    found = list(check_declared(dataclasses.replace(subject, plugin=held)))
    if not found:
        found = list(check_effects(dataclasses.replace(subject, plugin=held, params=first), results))
    yield from wrong[:1] or found


class _Held:
    """A kernel's parameters, as those of other plugins are found."""

    def __init__(self, params: type) -> None:
        self.Params = params
