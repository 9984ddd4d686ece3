"""Cases of multi_margin_loss; the reference is its definition in NumPy."""

import numpy as np

import powertrain as pt
from cases.cross_entropy import pick
from kit import Array, Case, integers, normal, uniform


def terms(x: Array, labels: Array, weight: Array | None, p: int, margin: float) -> Array:
    short = np.maximum(x - pick(x, labels)[..., None] + margin, 0) ** p
    if weight is not None:
        short = short * weight[labels][..., None]
    return np.where(np.arange(x.shape[-1]) == labels[..., None] % x.shape[-1], 0.0, short)


def reference(x: Array, labels: Array, weight: Array | None = None, p: int = 1, margin: float = 1.0) -> Array:
    return np.mean(terms(x, labels, weight, p, margin), -1)


def magnitude(x: Array, labels: Array, weight: Array | None = None, p: int = 1, margin: float = 1.0) -> Array:
    return (2 * np.abs(x).max(-1, initial=0.0) + margin) ** p * (1.0 if weight is None else weight.max())


GRADIENT_SIZE = 60  # with many elements one is within a step of a kink
CASES = [
    *[Case(normal((3, n)), integers((3,), -n, n)) for n in (1, 2, 7)],
    Case(normal((2, 3, 5)), integers((2, 3), 0, 5), p=2, margin=0.5),
    Case(normal((5, 7)), integers((5,), 0, 7), uniform((7,), 0.5, 2.0)),
]
ERRORS = [
    (
        Case(normal((2, 8)), integers((2,), 0, 8), p=3),
        pt.ShapeError,
        "[multi_margin_loss] p = 3; expected 1 or 2; 1 is usual",
    ),
]
MUTANTS = [
    ("spec.cpp", "fn::number(0), short_by)", "short_by, short_by)"),
    ("spec.cpp", '+ attrs.number("margin")', '- attrs.number("margin")'),
]
BENCH = [Case(normal((4096, 1000)), integers((4096,), 0, 1000))]
