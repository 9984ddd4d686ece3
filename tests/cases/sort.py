"""Cases of sort; the reference is numpy.sort, and its reverse if descending."""

import numpy as np

from kit import SIZES, Array, Case, booleans, integers, normal, spaced, special, values


def reference(x: Array, axis: int = -1, descending: bool = False) -> Array:
    ordered = np.sort(x, axis=axis, kind="stable")
    return np.flip(ordered, axis) if descending else ordered


K = 0
GRADIENT_SIZE = 1100
CASES = [
    *[Case(normal((n,))).no_gradient() for n in SIZES],
    *[Case(spaced((n,))) for n in (1, 7, 100)],
    Case(spaced((3, 5, 7)), axis=1, descending=True),
    Case(spaced((60, 5)), axis=0),
    Case(special()).no_gradient(),
    Case(integers((2, 70), -9, 9)),
    Case(booleans((9,))),
    # One alone has another digit in its second place.
    Case(values(np.where(np.arange(1200) == 5, 256, np.arange(1200) % 256), "int32")),
]
MUTANTS = [
    ("spec.cpp", "{in[0], order}", "{in[0] + in[0], order}"),
    ("cpu.cpp", "at > 0 && entries[at - 1].key > moved.key", "at > 0 && entries[at - 1].key < moved.key"),
    ("cpu.cpp", "== n) continue;", ">= n - 1) continue;"),
    ("keys.h", "uint32_t(~bits)", "bits"),
]
BENCH = [Case(normal((1 << 20,))), Case(normal((4096, 256)))]
