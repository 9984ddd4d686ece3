"""Spectrograms: how loud each band of a sound is over time, as the ear hears pitch (mel) and loudness (decibel); and
back to sounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from powertrain.data import DataError
from powertrain.plugin import Transform, param
from powertrain_audio.vocoder import frequencies_of, sound_of

FLOOR = 80.0  # decibel below full loudness, under which all is silence


def mel(hertz: Any) -> Any:
    """Pitch of a frequency (O'Shaughnessy 1987)."""
    return 2595 * np.log10(1 + np.asarray(hertz) / 700)


def bands(count: int, window: int, rate: int, low: float, high: float) -> Any:
    """Triangles over the frequencies of a window, evenly spaced in pitch: [window // 2 + 1, count]."""
    edges = 700 * (10 ** (np.linspace(mel(low), mel(high), count + 2) / 2595) - 1)
    frequencies = np.arange(window // 2 + 1) * (rate / window)
    rising = (frequencies[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - frequencies[:, None]) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(rising, falling))


class Spectrogram(Transform):
    """Sounds [samples] as pictures [frames, mels]: Hann windows, power, mel bands, decibel; standardized, or 0 to 1.

    Computed by NumPy in float64; mean and deviation over all bands are those of the training part.
    """

    example_shapes: ClassVar[tuple[tuple[int, ...], ...]] = ((2000,), (999,))

    @dataclass(frozen=True)
    class Params:
        rate: int = param(8000, low=1000, high=192_000, doc="samples a second of the sounds")
        window: int = param(256, low=16, high=65536, doc="samples of a window")
        hop: int = param(128, low=1, high=65536, doc="samples from one window to the next")
        mels: int = param(32, low=1, high=512, doc="bands")
        low: float = param(60.0, low=0, doc="hertz where the lowest band begins")
        high: float | None = param(None, above=0, doc="hertz where the highest ends; half of the rate where not given")
        scale: Literal["standard", "unit"] = param(
            "standard", doc="zero mean and unit variance; unit: from 0, silence, to 1, as what draws sounds takes them"
        )

        def __post_init__(self) -> None:
            high = self.rate / 2 if self.high is None else self.high
            if not self.low < high <= self.rate / 2:
                raise ValueError(
                    f"low = {self.low:g}, high = {high:g} at {self.rate} samples a second; expected low < high <= "
                    f"{self.rate / 2:g}, half of the rate; change them"
                )

    def __init__(self, params: Params) -> None:
        super().__init__(params)
        self.window = np.hanning(params.window + 1)[:-1]
        high = params.rate / 2 if params.high is None else params.high
        self.bands = bands(params.mels, params.window, params.rate, params.low, high)
        self.mean, self.deviation = np.zeros(()), np.ones(())

    @classmethod
    def build(cls, params: Params, x: Any) -> Spectrogram:
        if x.ndim != 2 or x.shape[1] < params.window:
            raise DataError(
                "spectrogram",
                f"examples of shape {list(x.shape[1:])}",
                f"expected sounds of at least {params.window} samples",
                "put it first of the features, or lower window",
            )
        made = cls(params)
        if params.scale == "unit":
            made.mean, made.deviation = np.asarray(-FLOOR), np.asarray(FLOOR)
            return made
        parts = [made.decibel(x[start : start + 256]) for start in range(0, len(x), 256)]
        total = sum(part.size for part in parts)
        made.mean = np.asarray(sum(float(part.sum()) for part in parts) / total)
        variance = sum(float(np.square(part - made.mean).sum()) for part in parts) / total
        made.deviation = np.asarray(np.sqrt(variance) if variance > 0 else 1.0)
        return made

    def decibel(self, x: Any) -> Any:
        """[batch, frames, mels], not less than the floor below full loudness."""
        frames = np.lib.stride_tricks.sliding_window_view(x, self.params.window, axis=1)[:, :: self.params.hop]
        power = np.square(np.abs(np.fft.rfft(frames * self.window, axis=2))) / np.square(self.window.sum())
        # Einsum without a library of linear algebra: an example comes out the same alone and among others.
        loud = np.einsum("ntf,fm->ntm", power, self.bands, optimize=False)
        return 10 * np.log10(np.maximum(loud, 10 ** (-FLOOR / 10)))

    def __call__(self, x: Any) -> Any:
        scaled = ((self.decibel(x) - self.mean) / self.deviation).astype(np.float32)
        return np.minimum(scaled, 1) if self.params.scale == "unit" else scaled

    def sound(self, x: Any) -> Any:
        """Sounds [batch, samples] that look like the pictures x: the way back, but for phases, which are found."""
        power = 10 ** ((np.asarray(x, np.float64) * self.deviation + self.mean) / 10)
        return sound_of(np.sqrt(frequencies_of(power, self.bands)) * self.window.sum(), self.window, self.params.hop)

    def picture(self, x: Any) -> Any:
        """For the report: time to the right, high tones above."""
        return np.swapaxes(x, 1, 2)[:, ::-1]

    def state(self) -> dict[str, Any]:
        return {"mean": self.mean, "deviation": self.deviation}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.mean, self.deviation = np.asarray(state["mean"]), np.asarray(state["deviation"])
