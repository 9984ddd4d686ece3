"""Diffusion of sounds: a network draws spectrograms, and a vocoder makes them heard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from powertrain.data import DataError
from powertrain.plugin import Run, Section, pictures_section
from powertrain_audio.playing import wav_of
from powertrain_audio.spectrogram import Spectrogram

try:
    from powertrain_generative.diffusion import Diffusion
    from powertrain_generative.judge import quality
except ImportError as error:
    raise ImportError(
        "powertrain-generative is not installed; expected it; pip install 'powertrain-audio[generation]'"
    ) from error

PAUSE = 0.2  # seconds between two sounds of a file
SHOWN = 6  # sounds of a class in the report


class SoundDiffusion(Diffusion):
    """Diffusion of spectrograms, which become sounds by the phases that fit them best (Griffin and Lim 1984). Samples
    are measured as they are heard: by the spectrograms of the sounds."""

    forms: ClassVar[tuple[str, ...]] = (".wav",)
    example_recipe: ClassVar[str] = """\
data      = { use = "digits", split = { valid = 0.1 } }
features  = [
    { use = "scale", by = 0.0625 }, "flatten",
    { use = "spectrogram", rate = 8000, window = 16, hop = 4, mels = 4, scale = "unit" },
]
model     = { use = "unet", widths = [4], condition = 8 }
strategy  = { use = "sound-diffusion", judged = 0 }
optimizer = { use = "adam", lr = 1e-3 }
run       = { until = "100 rounds", batch_size = 16 }
"""

    def setup(self, run: Run) -> None:
        self.spectrogram = _last_spectrogram(run)
        super().setup(run)

    def write(self, run: Run, drawn: Any, form: str) -> bytes:
        return self.wav(drawn)

    def wav(self, drawn: NDArray[Any]) -> bytes:
        """One file of some samples, one after the other."""
        rate = self.spectrogram.params.rate
        sounds = np.pad(self.spectrogram.sound(drawn), ((0, 0), (0, round(PAUSE * rate))))
        return wav_of(sounds.reshape(-1), rate)

    def heard(self, run: Run, count: int, seed: int) -> NDArray[np.float32]:
        """The spectrograms of the sounds that samples become."""
        made: NDArray[np.float32] = self.spectrogram(self.spectrogram.sound(self.sample(run, count, seed)))
        return made

    def score(self, run: Run, part: str) -> Mapping[str, float]:
        return quality(run, part, self.heard, self.params.judged, by_class=True)

    def sections(self, run: Run) -> list[Section]:
        labels = self.labels or ("any",)
        drawn = {
            label: self.sample(run, SHOWN, seed, label=label if self.labels else "")
            for seed, label in enumerate(labels)
        }
        pictures = self.spectrogram.picture(np.concatenate(list(drawn.values())))
        said = ("Time goes to the right, and high tones are above.",)
        shown = pictures_section("Samples", pictures, columns=SHOWN, lines=said, rows=labels)
        sounds = {label: self.wav(made) for label, made in drawn.items()}
        return [shown, Section("Samples, to be heard", sounds=sounds)]


def _last_spectrogram(run: Run) -> Spectrogram:
    """The transform that made the examples, if sounds can be made of them again."""
    last = run.dataset.transforms[-1] if run.dataset.transforms else None
    if not isinstance(last, Spectrogram) or last.params.scale != "unit":
        raise DataError(
            "sound-diffusion", f"features that end in {type(last).__name__ if last else 'nothing'}",
            "expected a spectrogram from 0 to 1", 'features = [{ use = "spectrogram", scale = "unit" }]',
        )  # fmt: skip
    if 2 * last.params.hop > last.params.window:
        raise DataError(
            "sound-diffusion", f"a spectrogram of hop {last.params.hop} and window {last.params.window}",
            "expected windows that overlap by half or more", f"give hop = {last.params.window // 2} or less",
        )  # fmt: skip
    return last
