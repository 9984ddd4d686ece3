"""The recipe `digit-strings` without learning where a digit begins: sounds are cut at their pauses, and each piece is
the digit of the nearest training sound, as pictures of one length. Prints the error rate of digits on the part test.

    POWERTRAIN_DATA=FOLDER python -m benchmarks.peers.numpy_digits
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from powertrain.metrics import WordErrorRate
from powertrain_audio.digit_strings import DigitStrings
from powertrain_audio.spectrogram import Spectrogram

FRAMES, LEAST, GAP = 20, 8, 2  # frames of a picture, of the shortest piece, and of a pause at least
SOFT = (8.0, 10.0, 12.0, 15.0, 18.0)  # decibel below the loudest frame where a pause begins; the best on valid is taken


def picture(frames: Any) -> Any:
    """Frames of a piece, brought to one length and loudness: a row."""
    places = np.linspace(0, len(frames) - 1, FRAMES)
    low = np.floor(places).astype(int)
    high, share = np.minimum(low + 1, len(frames) - 1), (places - low)[:, None]
    even = frames[low] * (1 - share) + frames[high] * share
    return (even - even.mean()).ravel()


def pieces(frames: Any, soft: float) -> list[Any]:
    """Frames between pauses."""
    loud = frames.max(axis=1)
    on = np.flatnonzero(loud > loud.max() - soft)
    cuts = np.flatnonzero(np.diff(on) > GAP) + 1
    return [frames[run[0] : run[-1] + 1] for run in np.split(on, cuts) if run[-1] - run[0] + 1 >= LEAST]


def main() -> None:
    data = DigitStrings.build(DigitStrings.Params(), Path())
    spectrogram = Spectrogram(Spectrogram.Params())
    source: Any = data.train
    window = spectrogram.params.window
    digits = [np.pad(word, (0, max(0, window - len(word)))) for voice in source.digits for word in voice]
    known = np.stack([picture(spectrogram.decibel(word[None].astype(np.float32))[0]) for word in digits])
    sizes = np.square(known).sum(axis=1)

    def rate(part: str, soft: float) -> float:
        metric = WordErrorRate()
        fields = data.splits[part].fetch(np.arange(len(data.splits[part])))
        for frames, y in zip(spectrogram.decibel(fields["x"]), fields["y"], strict=True):
            found = [int((sizes - 2 * known @ picture(piece)).argmin()) % 10 + 1 for piece in pieces(frames, soft)]
            metric.update([" ".join(map(str, found))], [" ".join(str(label) for label in y if label)])
        return float(metric.compute())

    best = min(SOFT, key=lambda soft: rate("valid", soft))
    print(f"test: {rate('test', best):.4f}, pauses {best:g} decibel below the loudest frame")


if __name__ == "__main__":
    main()
