"""A word among others: anywhere in a second of sound, beneath it a murmur of other words and noise.

Alone and in the middle, spoken digits are told apart by a linear model of their spectrograms. What makes speech hard is
that nothing is said at the same moment, in the same room, in silence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

VOICES = 5  # that murmur at once
NOISE = 0.5  # of the murmur's loudness
SOFTER = (5.0, 20.0)  # decibel, from and to: how much softer all of it is than the word
LOUDEST = (0.15, 0.6)  # of full loudness, from and to
QUIET = 200 / 32768  # what is softer at both ends of a word is cut off


def in_a_crowd(sounds: NDArray[np.float32], length: int, seed: int) -> NDArray[np.float32]:
    """Each word at a random place of `length` samples, murmured over by others of the same sounds: [count, length].

    As a microphone of 16 bits hears it, so that the last bits of a Fourier transform are of no matter.
    """
    words = [trimmed(sound)[:length] for sound in sounds.astype(np.float64)]
    made = np.empty((len(words), length), dtype=np.float32)
    for at, word in enumerate(words):
        # A stream for each, so that no word depends on how many there are before it.
        draw = np.random.Generator(np.random.Philox(key=[seed, at]))
        beneath = _even(_murmur(words, length, draw)) + NOISE * _even(_pink(length, draw))
        heard = _even(beneath) * _loudness(word) * 10 ** (-draw.uniform(*SOFTER) / 20)
        start = int(draw.integers(length - len(word) + 1))
        heard[start : start + len(word)] += word
        heard *= draw.uniform(*LOUDEST) / max(float(np.abs(heard).max()), QUIET)
        made[at] = np.rint(heard * 32767) / 32768
    return made


def _murmur(words: Sequence[NDArray[Any]], length: int, draw: np.random.Generator) -> NDArray[Any]:
    """Some other words at random places, over the edges too."""
    made = np.zeros(length)
    for which in draw.integers(len(words), size=VOICES):
        word = words[which]
        start = int(draw.integers(-len(word) // 2, length - len(word) // 2))
        first, last = max(0, start), min(length, start + len(word))
        made[first:last] += word[first - start : last - start]
    return made


def _pink(length: int, draw: np.random.Generator) -> NDArray[Any]:
    """Noise whose power falls with the frequency, as that of rooms and streets does."""
    waves = np.fft.rfft(draw.normal(size=length))
    waves[0] = 0
    waves[1:] /= np.sqrt(np.arange(1, len(waves)))
    return np.fft.irfft(waves, length)


def _loudness(sound: NDArray[Any]) -> float:
    return float(np.sqrt(np.mean(np.square(sound))))


def _even(sound: NDArray[Any]) -> NDArray[Any]:
    """Of loudness 1, unless it is silent."""
    return sound / (_loudness(sound) or 1.0)


def trimmed(sound: NDArray[Any]) -> NDArray[Any]:
    """A word without the silence at both ends."""
    loud = np.flatnonzero(np.abs(sound) > QUIET)
    return sound[loud[0] : loud[-1] + 1] if len(loud) else sound[:1]
