"""From a spectrogram back to a sound: mel bands become frequencies, and phases are found that fit together."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt

SPREADS = 50  # rounds of spreading bands over frequencies
ROUNDS = 60  # of finding phases
MOMENTUM = 0.99  # of the fast form of Perraudin et al. 2013
SMALLEST = 1e-12


def frequencies_of(loud: NDArray[Any], bands: NDArray[Any]) -> NDArray[np.float32]:
    """The power of each frequency, [..., frequencies], of which triangles make the given bands, [..., bands].

    Multiplicative updates for the divergence (Lee and Seung 2001), under which nothing becomes negative, and soft bands
    beside loud ones count too.
    """
    wide = pt.tensor(bands.astype(np.float32))
    cover = pt.maximum(pt.sum(wide, axis=1), SMALLEST)
    wanted = pt.tensor(loud.astype(np.float32))

    @pt.compile
    def nearer(found: Any, wanted: Any) -> Any:
        return found * ((wanted / pt.maximum(found @ wide, SMALLEST)) @ wide.mT) / cover

    found = wanted @ wide.mT
    for _ in range(SPREADS):
        found = nearer(found, wanted)
    return found.numpy()


def sound_of(sizes: NDArray[Any], window: NDArray[Any], hop: int) -> NDArray[np.float32]:
    """Sounds [count, samples] whose Fourier transforms have the given sizes, [count, frames, frequencies], as nearly as
    frames that overlap allow (Griffin and Lim 1984). They begin with random phases, the same ones each time."""
    size, frames = len(window), sizes.shape[1]
    edge = -(-size // hop)  # frames of silence on both sides, so that each sample is in as many
    wanted = np.pad(sizes.swapaxes(1, 2), ((0, 0), (0, 0), (edge, edge))).astype(np.float32)
    hann = pt.tensor(window.astype(np.float32))

    @pt.compile
    def heard(wanted: Any, turn: Any) -> Any:
        return pt.istft(pt.complex(wanted * turn[0], wanted * turn[1]), size, hop, window=hann)

    @pt.compile
    def nearer(wanted: Any, turn: Any, before: Any) -> tuple[Any, Any]:
        """Phases of the sound that has the given ones, moved on in the direction in which they went."""
        made = pt.stft(heard(wanted, turn), size, hop, window=hann)
        now = pt.stack([pt.real(made), pt.imag(made)])
        pushed = now + MOMENTUM * (now - before)
        return pushed / pt.maximum(pt.sqrt(pt.sum(pt.square(pushed), axis=0)), SMALLEST), now

    angles = 2 * np.pi * np.random.Generator(np.random.Philox(key=0)).random(wanted.shape)
    turn: Any = np.stack([np.cos(angles), np.sin(angles)]).astype(np.float32)
    before: Any = np.zeros_like(turn)
    for _ in range(ROUNDS):
        turn, before = nearer(wanted, turn, before)
    first = edge * hop - size // 2  # istft begins in the middle of the first frame
    return np.ascontiguousarray(heard(wanted, turn).numpy()[:, first : first + (frames - 1) * hop + size])
