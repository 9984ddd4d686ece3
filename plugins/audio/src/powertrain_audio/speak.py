"""`python -m powertrain_audio.speak FOLDER`: eSpeak NG says the digits, into FOLDER/spoken-digits.npz.

The library comes in the package espeakng-loader (`pip install powertrain-audio[speech]`); nothing is played.
"""

from __future__ import annotations

import ctypes
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from powertrain_audio.digits import FILE, RATE, SECONDS, WORDS
from powertrain_audio.folder import fitted, resampled

ACCENTS = ("en", "en-us", "en-gb-scotland", "en-029")
TIMBRES = {
    "train": ("", "+m1", "+m3", "+m5", "+m7", "+f1", "+f2", "+f4", "+whisper", "+croak"),
    "test": ("+m2", "+m4", "+f3", "+f5"),
}
SPEEDS, PITCHES = (130, 175, 220), (35, 60)
RATE_PARAMETER, PITCH_PARAMETER = 1, 3
QUIET = 200  # of 32,768: what is softer at both ends is cut off


def main(arguments: Sequence[str]) -> None:
    if len(arguments) != 1:
        sys.exit("[speak] expected one folder; for example python -m powertrain_audio.speak data")
    speaker, made = Speaker(), {}
    for part, timbres in TIMBRES.items():
        made[part], made[f"{part}_label"] = say_all(speaker, timbres)
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / FILE, **made)
    print(f"{folder / FILE}: {len(made['train']):,} sounds to learn from, {len(made['test']):,} for the test")


def say_all(speaker: Speaker, timbres: Sequence[str]) -> tuple[Any, Any]:
    """Every digit in every accent, speed and pitch of some timbres, as int16, and which digit each is."""
    sounds, labels = [], []
    for accent, timbre, speed, pitch in itertools.product(ACCENTS, timbres, SPEEDS, PITCHES):
        speaker.choose(accent + timbre, speed, pitch)
        for label, word in enumerate(WORDS):
            samples = trimmed(speaker.say(word)) / 32768
            sounds.append(fitted(resampled(samples, speaker.rate, RATE), round(RATE * SECONDS)))
            labels.append(label)
    return np.rint(np.stack(sounds) * 32767).clip(-32768, 32767).astype(np.int16), np.array(labels, dtype=np.int64)


def trimmed(samples: Any) -> Any:
    """Without the silence at both ends."""
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > QUIET)
    return samples[loud[0] : loud[-1] + 1] if len(loud) else samples[:1]


class Speaker:
    """eSpeak NG, by its C interface (speak_lib.h)."""

    def __init__(self) -> None:
        try:
            import espeakng_loader
        except ImportError:
            sys.exit("[speak] espeakng-loader is not installed; expected it; pip install powertrain-audio[speech]")
        try:
            self._library = ctypes.CDLL(str(espeakng_loader.get_library_path()))
        except OSError as error:
            sys.exit(
                f"[speak] its library cannot be loaded: {error}; expected the library of eSpeak NG; update "
                "espeakng-loader"
            )
        folder = str(espeakng_loader.get_data_path())
        # 2: give samples at once, play nothing.
        self.rate = int(self._library.espeak_Initialize(2, 0, folder.encode(), 0))
        if self.rate <= 0:
            sys.exit(f"[speak] no voices in {folder}; expected the voices of eSpeak NG; reinstall espeakng-loader")
        self._heard: list[Any] = []
        samples = ctypes.POINTER(ctypes.c_short)
        # Held here, since the library keeps the address.
        self._callback = ctypes.CFUNCTYPE(ctypes.c_int, samples, ctypes.c_int, ctypes.c_void_p)(self._hear)
        self._library.espeak_SetSynthCallback(self._callback)

    def _hear(self, samples: Any, count: int, events: Any) -> int:
        if samples and count > 0:
            self._heard.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    def choose(self, voice: str, speed: int, pitch: int) -> None:
        if self._library.espeak_SetVoiceByName(voice.encode()):
            sys.exit(f"[speak] there is no voice {voice}; expected one of eSpeak NG; update espeakng-loader")
        self._library.espeak_SetParameter(RATE_PARAMETER, speed, 0)
        self._library.espeak_SetParameter(PITCH_PARAMETER, pitch, 0)

    def say(self, text: str) -> Any:
        """The samples, as int16."""
        self._heard = []
        raw = text.encode() + b"\0"
        self._library.espeak_Synth(raw, ctypes.c_size_t(len(raw)), 0, 1, 0, 1, None, None)
        if not self._heard:
            sys.exit(f"[speak] silence for {text}; expected speech; reinstall espeakng-loader")
        return np.concatenate(self._heard)


if __name__ == "__main__":
    main(sys.argv[1:])
