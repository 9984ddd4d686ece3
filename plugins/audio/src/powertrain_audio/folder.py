"""Folders of sounds: one folder per class, or train, valid and test folders of such. Needs soundfile."""

from __future__ import annotations

import dataclasses
import functools
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import numpy as np

from powertrain.data import ArrayDataset, DataError, DataModule, InputFile, Source, class_folders, open_file
from powertrain.plugin import Data, param

SUFFIXES = (".wav", ".flac")
# A sound of more samples than this is refused: ten minutes of 48 kHz.
MOST_SAMPLES = 48_000 * 600
# Others than these are a damaged header: resampling from them would take filters of gigabytes.
LEAST_RATE, MOST_RATE = 1000, 384_000
WHERE = "audio-folder"
_UNKNOWN_LENGTH = 0x7FFFF000


def library() -> Any:
    """The module soundfile, where it is installed."""
    try:
        import soundfile
    except (ImportError, OSError):  # it raises OSError where libsndfile is missing
        raise DataError(
            WHERE,
            "soundfile is not installed",
            "expected it, since it reads sounds",
            "pip install powertrain-audio[files]",
        ) from None
    return soundfile


class AudioFolder(Data):
    """Sounds as floats from -1 to 1, [samples], all of one length and rate; the folder of a sound is its class."""

    examples = ({"path": "sounds"},)
    examples_folder: ClassVar[Path] = Path(__file__).parent

    @dataclass(frozen=True)
    class Params:
        path: Path = param(doc="the folder: path/CLASS/SOUND, or path/train/CLASS/SOUND and so on")
        rate: int = param(8000, low=1000, high=192_000, doc="samples a second that every sound is brought to")
        seconds: float = param(1.0, above=0, high=60, doc="length of an example; others are filled with silence or cut")
        bad: str = param("error", choices=("error", "skip"), doc="skip: leave out and count what cannot be read")

    @classmethod
    def build(cls, params: Params, base: Path) -> DataModule:
        library()
        root = base / params.path
        found = class_folders(root, SUFFIXES, WHERE, "sounds")
        found, held = found.read(lambda path: _sound(path, params), skip=params.bad == "skip")
        splits: dict[str, Source] = {}
        for part, files in found.parts.items():
            y = np.array([label for _, label in files], dtype=np.int64)
            splits[part] = ArrayDataset(x=np.stack(held.pop(part)), y=y)
        module = DataModule(root.name, "classification", splits, len(found.labels), found.labels, notes=found.notes)
        return cls.reopen(params, module)

    @classmethod
    def reopen(cls, params: Params, kept: DataModule) -> DataModule:
        return asked_by_files(kept, params.rate, _length(params))


def asked_by_files(kept: DataModule, rate: int, length: int) -> DataModule:
    """The data set of a run that is asked about files of sounds, or about samples of its rate."""

    def read(given: InputFile, count: int) -> Iterator[tuple[Sequence[str], Any]]:
        yield from given.examples(SUFFIXES, lambda path: fitted(read_sound(path, rate), length))

    def encode(values: object) -> Any:
        """Sounds [samples] of any length, of the rate that the run was trained on."""
        sounds = values if isinstance(values, (list, tuple)) else [values]
        if not sounds or not all(isinstance(one, np.ndarray) and one.ndim == 1 for one in sounds):
            return None
        return np.stack([fitted(one, length) for one in sounds])

    return dataclasses.replace(kept, read=read, encode=encode)


def _sound(path: Path, params: AudioFolder.Params) -> Any:
    return fitted(read_sound(path, params.rate), _length(params))


def _length(params: AudioFolder.Params) -> int:
    """Samples of an example."""
    return max(1, round(params.rate * params.seconds))


def read_sound(path: Path, rate: int) -> Any:
    """The samples of a file at that rate; several channels as their mean."""
    soundfile = library()
    try:
        with open_file(path) as file:
            _demand_all_samples(file)
        with open_file(path) as file, soundfile.SoundFile(file.fileno(), closefd=False) as opened:
            found, count = opened.samplerate, opened.frames
            if not LEAST_RATE <= found <= MOST_RATE:
                raise ValueError(f"{found:,} samples a second; {LEAST_RATE:,} to {MOST_RATE:,} are read")
            # The header decides how much is made room for, in the file's rate and in the one that is wanted.
            if max(count * opened.channels, count * rate // found) > MOST_SAMPLES:
                raise ValueError(f"{count:,} samples of {opened.channels} channels, {found:,} a second")
            samples = opened.read(dtype="float32", always_2d=True)
        if len(samples) == 0 or not np.isfinite(samples).all():
            raise ValueError("no sample" if len(samples) == 0 else "samples that are not finite")
    except (OSError, ValueError, RuntimeError, MemoryError, TypeError) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else _cause(error)
        raise DataError(
            WHERE, f"{path}: {said}", f"expected a whole WAV or FLAC file of at most {MOST_SAMPLES:,} samples",
            "repair it or take it out of the folder",
        ) from None  # fmt: skip
    return resampled(samples.mean(axis=1), found, rate)


def _demand_all_samples(file: BinaryIO) -> None:
    """Refuse a WAV file that ends before its samples do: libsndfile reads those that are there, and says nothing."""
    size = os.fstat(file.fileno()).st_size
    begins = file.read(12)
    if begins[:4] != b"RIFF" or begins[8:] != b"WAVE":
        return
    while len(chunk := file.read(8)) == 8:
        length = int.from_bytes(chunk[4:], "little")
        left = size - file.tell()
        # Programs that write into a pipe do not know the length, and state one of two gigabytes or more.
        if chunk[:4] == b"data" and left < length < _UNKNOWN_LENGTH:
            raise ValueError(f"{left:,} bytes of samples, where the header says {length:,}")
        file.seek(length + length % 2, os.SEEK_CUR)


def _cause(error: Exception) -> str:
    """What the library says, without the number that it was given in place of a name."""
    return str(getattr(error, "error_string", error))


def fitted(samples: Any, length: int) -> Any:
    """The middle of a sound, or the sound with silence on both sides."""
    out = np.zeros(length, dtype=np.float32)
    cut = max(0, len(samples) - length) // 2
    kept = samples[cut : cut + length]
    before = (length - len(kept)) // 2
    out[before : before + len(kept)] = kept
    return out


def resampled(samples: Any, given: int, wanted: int) -> Any:
    """Samples at another rate: an ideal low-pass filter under a Hann window (Smith 2002, windowed sinc)."""
    if given == wanted:
        return np.asarray(samples, dtype=np.float32)
    divisor = math.gcd(given, wanted)
    up, down = wanted // divisor, given // divisor
    taps, filters = _filters(up, down)
    reach = len(taps) // 2
    # Place k of the result is at k * down / up of the given samples: a whole part and one of `up` phases.
    places = np.arange(-(-len(samples) * up // down)) * down
    first, phases = places // up, places % up
    padded = np.pad(np.asarray(samples, dtype=np.float64), (reach, reach + 1))
    out = np.empty(len(places), dtype=np.float32)
    for start in range(0, len(places), 8192):  # in pieces, since each place takes as many numbers as there are taps
        here = slice(start, start + 8192)
        near = padded[first[here][:, None] + taps + reach]
        out[here] = np.einsum("pt,pt->p", near, filters[phases[here]])
    return out


@functools.lru_cache(maxsize=8)
def _filters(up: int, down: int) -> tuple[Any, Any]:
    """The places that each filter reads, and its weights at each of `up` phases."""
    # Zero crossings on each side, at the lower of the two rates: more give a steeper edge.
    width = 16 * max(1.0, down / up)
    reach = math.ceil(width)
    taps = np.arange(-reach + 1, reach + 1)
    away = (np.arange(up) / up)[:, None] - taps
    cutoff = min(1.0, up / down)
    window = np.where(np.abs(away) < width, 0.5 + 0.5 * np.cos(np.pi * away / width), 0.0)
    return taps, cutoff * np.sinc(cutoff * away) * window
