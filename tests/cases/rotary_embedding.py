"""Cases of rotary_embedding; the reference is a complex product in NumPy."""

import numpy as np

import powertrain as pt
from kit import Array, Case, normal


def reference(x: Array, base: float = 10000.0, offset: int = 0, interleaved: bool = False) -> Array:
    half = x.shape[-1] // 2
    angle = (np.arange(x.shape[1])[:, None] + offset) * base ** (-np.arange(half) / half)
    a, b = (x[..., ::2], x[..., 1::2]) if interleaved else (x[..., :half], x[..., half:])
    y = (a + 1j * b) * np.exp(1j * angle)[:, None]
    return np.stack([y.real, y.imag], -1).reshape(x.shape) if interleaved else np.concatenate([y.real, y.imag], -1)


def magnitude(x: Array, base: float = 10000.0, offset: int = 0, interleaved: bool = False) -> Array:
    return np.full(x.shape, 2 * np.abs(x).max(initial=0.0))


CASES = [
    Case(normal((2, 5, 3, 4))),
    Case(normal((1, 7, 2, 6)), interleaved=True),
    Case(normal((1, 3, 1, 8)), base=100.0, offset=4),
]
ERRORS = [
    (
        Case(normal((1, 3, 1, 5))),
        pt.ShapeError,
        "[rotary_embedding] input is f32[1, 3, 1, 5]; expected [batch, time, heads, an even width]; reshape input",
    ),
]
MUTANTS = [("spec.cpp", "b * cosine + a * sine", "b * cosine - a * sine")]
BENCH = [Case(normal((4, 512, 8, 64)))]
