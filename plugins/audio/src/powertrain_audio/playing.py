"""Tunes as files that sound: MIDI for programs of music, WAV for ears."""

from __future__ import annotations

import io
import struct
import wave
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain_audio.abc_notation import WHOLE, Event, Tune

QUARTERS_A_MINUTE = 110
PAUSE = WHOLE  # between two tunes
BEGINNING = 5 * WHOLE  # eleven seconds
RATE = 22_050
TICKS = WHOLE // 4  # of a quarter
PROGRAM, LOUD = 40, 90  # a violin; of 127
HARMONICS = (1.0, 0.5, 0.33, 0.22, 0.12, 0.07)  # how loud each is
RISE, FADE = 0.012, 0.06  # seconds
VOLUME = 0.6


def in_a_row(tunes: Sequence[Tune]) -> list[Event]:
    """The notes and rests of tunes one after another, a pause between two."""
    found: list[Event] = []
    for tune in tunes:
        found += [*(event for event in tune.events if not event.is_bar), Event(None, PAUSE)]
    return found[:-1]


def beginning(tune: Tune, length: int = BEGINNING) -> Tune:
    """The notes of a tune that begin before so many parts of a whole note have passed."""
    begins = np.cumsum([0, *(event.length for event in tune.events)])
    return replace(tune, events=tune.events[: int(np.searchsorted(begins[:-1], length))])


def midi(tunes: Sequence[Tune]) -> bytes:
    """A MIDI file of one track."""
    track = bytearray(b"\0\xff\x51\x03" + (60_000_000 // QUARTERS_A_MINUTE).to_bytes(3, "big"))
    track += bytes([0, 0xC0, PROGRAM])
    waited = 0
    for event in in_a_row(tunes):
        if event.pitch is None:
            waited += event.length
            continue
        track += _variable(waited) + bytes([0x90, event.pitch, LOUD])
        track += _variable(event.length) + bytes([0x80, event.pitch, 0])
        waited = 0
    track += b"\0\xff\x2f\0"
    return b"MThd" + struct.pack(">IHHH", 6, 0, 1, TICKS) + b"MTrk" + struct.pack(">I", len(track)) + bytes(track)


def _variable(number: int) -> bytes:
    """Seven bits in each byte, of which all but the last have the eighth set."""
    parts = [number & 0x7F]
    while number := number >> 7:
        parts.append(0x80 | (number & 0x7F))
    return bytes(reversed(parts))


def wav(tunes: Sequence[Tune]) -> bytes:
    """A WAV file of 16 bits and one channel; each note is some harmonics that rise, hold and fade."""
    samples = np.concatenate([_sound(event) for event in in_a_row(tunes)] or [np.zeros(1)])
    return wav_of(samples * VOLUME, RATE)


def wav_of(samples: NDArray[Any], rate: int) -> bytes:
    """A WAV file of 16 bits and one channel, of samples from -1 to 1; what lies outside is cut."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(np.rint(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return file.getvalue()


def _sound(event: Event) -> NDArray[Any]:
    seconds = event.length / WHOLE * 4 * 60 / QUARTERS_A_MINUTE
    at = np.arange(round(seconds * RATE)) / RATE
    if event.pitch is None:
        return np.zeros(len(at))
    hertz = 440 * 2 ** ((event.pitch - 69) / 12)
    heard = [(part, loud) for part, loud in enumerate(HARMONICS, 1) if part * hertz < RATE / 2]
    tone = sum(loud * np.sin(2 * np.pi * part * hertz * at) for part, loud in heard) / sum(HARMONICS)
    return tone * np.clip(np.minimum(at / RISE, (seconds - at) / FADE), 0, 1) * np.exp(-1.2 * at)
