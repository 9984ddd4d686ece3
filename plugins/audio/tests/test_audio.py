"""Sounds: files, rates, spectrograms, random changes, spoken digits, and the whole distribution through the command."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.conformance.data import check_data
from powertrain.conformance.finding import Subject
from powertrain.data import DataError, Draw, InputFile
from powertrain.data.order import CHANGES, Cursor
from powertrain.plugin import Inputs
from powertrain.plugin.testing import killed_and_resumed, powertrain
from powertrain_audio.changes import RandomMask, RandomSound
from powertrain_audio.crowd import in_a_crowd
from powertrain_audio.digits import FILE, WORDS, SpokenDigits
from powertrain_audio.folder import AudioFolder, fitted, read_sound, resampled
from powertrain_audio.speak import Speaker, say_all
from powertrain_audio.spectrogram import Spectrogram, bands, mel

soundfile = pytest.importorskip("soundfile", reason="soundfile is not installed")
PITCHES = {"high": 1400.0, "low": 500.0}


def tone(hertz: float, rate: int, seconds: float = 0.3) -> Any:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)


def draw(call: int = 1) -> Draw:
    return Draw(7, CHANGES, Cursor(0, call))


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    """Tones of two pitches, in several rates, lengths and kinds, with one and two channels."""
    noise = np.random.default_rng(0)
    for label, pitch in PITCHES.items():
        (tmp_path / "sounds" / label).mkdir(parents=True)
        for number in range(12):
            rate = (8000, 11025, 16000)[number % 3]
            samples = tone(pitch * noise.uniform(0.9, 1.1), rate, 0.2 + 0.02 * number)
            samples = samples + noise.normal(0, 0.01, len(samples))
            if number % 4 == 0:
                samples = np.stack([samples, samples], axis=1)
            soundfile.write(tmp_path / "sounds" / label / f"{number:02}.{('wav', 'flac')[number % 2]}", samples, rate)
    return tmp_path / "sounds"


def load(path: Path, **params: Any) -> Any:
    return AudioFolder.build(AudioFolder.Params(path=path, seconds=0.25, **params), Path())


def test_a_folder_is_a_data_set_with_its_folders_as_classes(sounds: Path) -> None:
    data = load(sounds)
    assert data.labels == ("high", "low") and data.inputs().shape == (2000,) and len(data.train) == 24
    fields = data.train.fetch(np.arange(24))
    assert fields["x"].dtype == np.float32 and fields["y"].tolist() == [0] * 12 + [1] * 12
    # The loudest frequency of each sound is that of its class, whatever the rate of its file was.
    loudest = np.abs(np.fft.rfft(fields["x"])).argmax(axis=1) * 4.0
    for label, pitch in enumerate(PITCHES.values()):
        assert np.abs(loudest[fields["y"] == label] / pitch - 1).max() < 0.12
    ((names, x),) = data.read(InputFile(sounds / "low" / "11.flac"), 10)
    assert names == [str(sounds / "low" / "11.flac")] and (x[0] == fields["x"][23]).all()
    params = AudioFolder.Params(path=sounds)
    assert [one.line() for one in check_data(Subject("data", "audio-folder", AudioFolder, params, "here"))] == []


def test_sounds_that_cannot_be_read_are_left_out_and_counted(sounds: Path) -> None:
    whole = load(sounds).train.fetch(np.arange(24))
    (sounds / "low" / "broken.wav").write_bytes(b"RIFF\0\0\0\0WAVE")
    data = load(sounds, bad="skip")
    assert data.notes[0] == "1 of 25 sounds cannot be read and are left out" and "broken.wav: " in data.notes[1]
    assert all((values == whole[name]).all() for name, values in data.train.fetch(np.arange(24)).items())
    told: list[DataError] = []
    pieces = [names for names, _ in data.read(InputFile(sounds / "low", told.append), 10)]
    assert len(pieces) == 12 and len(told) == 1


def test_what_is_wrong_with_a_folder_is_said(sounds: Path, tmp_path: Path) -> None:
    (sounds / "low" / "broken.wav").write_bytes(b"RIFF\0\0\0\0WAVE")
    with pytest.raises(DataError, match=r"\[audio-folder\] .*broken\.wav: .*; expected a whole WAV or FLAC file"):
        load(sounds)
    soundfile.write(sounds / "low" / "broken.wav", np.zeros(0), 8000)
    with pytest.raises(DataError, match=r"broken\.wav: no sample"):
        load(sounds)
    with pytest.raises(DataError, match=r"\[audio-folder\] no folder .*nowhere"):
        load(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"\[audio-folder\] no sounds below .*; expected CLASS/FILE"):
        load(tmp_path / "empty")


def wav(rate: int, channels: int, samples: int) -> bytes:
    """The header of 16-bit sounds, and so many samples of zeros."""
    data = bytes(2 * channels * samples)
    form = struct.pack("<HHIIHH", 1, channels, rate, rate * 2 * channels & 0xFFFFFFFF, 2 * channels, 16)
    return (
        b"RIFF"
        + struct.pack("<I", 36 + len(data))
        + b"WAVEfmt "
        + struct.pack("<I", 16)
        + form
        + b"data"
        + (struct.pack("<I", len(data)) + data)
    )


@pytest.mark.parametrize(
    ("rate", "channels", "samples", "said"),
    [
        (2**31 - 1, 1, 8, "2,147,483,647 samples a second; 1,000 to 384,000 are read"),
        (1, 1, 8, "1 samples a second; 1,000 to 384,000 are read"),
        (8000, 1024, 30_000, "30,000 samples of 1024 channels, 8,000 a second"),
        (1000, 1, 4_000_000, "4,000,000 samples of 1 channels, 1,000 a second"),
    ],
)
def test_a_header_that_asks_for_gigabytes(tmp_path: Path, rate: int, channels: int, samples: int, said: str) -> None:
    """Of a rate without bounds, the filters that resample would be of gigabytes."""
    (tmp_path / "a.wav").write_bytes(wav(rate, channels, samples))
    with pytest.raises(DataError) as caught:
        read_sound(tmp_path / "a.wav", 8000)
    assert str(caught.value) == (
        f"[audio-folder] {tmp_path / 'a.wav'}: {said}; expected a whole WAV or FLAC file of at most 28,800,000 "
        "samples; repair it or take it out of the folder"
    )


def test_a_pipe_is_no_sound(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.wav")
    with pytest.raises(DataError, match=r"a\.wav: it is a pipe, not a regular file; expected a whole WAV or FLAC file"):
        read_sound(tmp_path / "a.wav", 8000)


@pytest.mark.parametrize(("given", "wanted"), [(8000, 16000), (16000, 8000), (11025, 8000), (22050, 8000)])
def test_resampling_keeps_tones_and_drops_what_the_rate_cannot_hold(given: int, wanted: int) -> None:
    made = resampled(tone(440, given), given, wanted)
    assert abs(len(made) - 0.3 * wanted) <= 1 and made.dtype == np.float32
    inside = slice(200, round(0.3 * wanted) - 200)
    np.testing.assert_allclose(made[inside], tone(440, wanted)[inside], atol=2e-3)
    if wanted < given:
        beyond = resampled(tone(0.7 * wanted, given), given, wanted)
        assert np.abs(beyond[inside]).max() < 2e-3


def test_a_sound_is_fitted_from_its_middle() -> None:
    assert fitted(np.arange(1, 7, dtype=np.float32), 4).tolist() == [2, 3, 4, 5]
    assert fitted(np.arange(1, 3, dtype=np.float32), 5).tolist() == [0, 1, 2, 0, 0]


def test_reading_gives_what_was_written(tmp_path: Path) -> None:
    samples = (tone(300, 8000) * 32767).astype(np.int16)
    for name in ("a.wav", "a.flac"):
        soundfile.write(tmp_path / name, samples, 8000, subtype="PCM_16")
        assert (read_sound(tmp_path / name, 8000) == samples / np.float32(32768)).all()


def test_a_spectrogram_shows_a_tone_at_its_pitch() -> None:
    params = Spectrogram.Params()
    x = np.stack([tone(hertz, 8000, 0.5) for hertz in (300, 1000, 2500)]).astype(np.float32)
    made = Spectrogram.build(params, x)
    picture = made(x)
    assert picture.shape == (3, 30, 32) and abs(picture.mean()) < 1e-4 and abs(picture.std() - 1) < 1e-3
    middles = np.linspace(mel(params.low), mel(4000), 34)[1:-1]
    for sound, hertz in zip(picture, (300, 1000, 2500), strict=True):
        assert abs(sound.mean(axis=0).argmax() - np.abs(middles - mel(hertz)).argmin()) <= 1
    shown = made.picture(picture)  # time to the right, high tones above
    assert shown.shape == (3, 32, 30) and (np.diff(shown.mean(axis=2).argmax(axis=1)) < 0).all()
    # Full loudness is 0 decibel: a band holds at most the power of the tone under its window.
    assert -12 < made.decibel(2 * x).max() < 0
    assert made.decibel(np.zeros((1, 800))).max() == -80


def test_bands_cover_the_frequencies_between() -> None:
    weights = bands(20, 512, 16000, 100, 8000)
    assert weights.shape == (257, 20) and weights.min() == 0 and weights.max() <= 1 and (weights.sum(axis=0) > 0).all()
    # Between the middles of the first and the last band each frequency is shared by two.
    np.testing.assert_allclose(weights[10:210].sum(axis=1), 1, atol=1e-6)


def test_a_spectrogram_refuses_what_it_cannot_use() -> None:
    with pytest.raises(DataError, match=r"\[spectrogram\] examples of shape \[100\]; expected sounds of at least 256"):
        Spectrogram.build(Spectrogram.Params(), np.zeros((2, 100), np.float32))
    with pytest.raises(ValueError, match="high = 5000 at 8000 samples a second; expected low < high <= 4000"):
        Spectrogram.Params(high=5000)


def test_random_sounds_are_moved_scaled_and_in_noise() -> None:
    x = np.zeros((30, 100), np.float32)
    x[:, 50] = 1
    inputs = Inputs("classification", (100,), 2)
    still = RandomSound.build(RandomSound.Params(noise=0.0), inputs).change({"x": x}, draw())["x"]
    places, heights = still.argmax(axis=1), still.max(axis=1)
    assert 40 <= places.min() < 45 and 55 < places.max() <= 60
    assert 0.5 <= heights.min() < 0.8 < 1.2 < heights.max() < 1.5
    assert ((still != 0).sum(axis=1) == 1).all()
    noisy = RandomSound.build(RandomSound.Params(shift=0, volume=0, noise=0.1), inputs).change({"x": x}, draw())["x"]
    assert 0.05 < np.abs(noisy - x).max() <= 0.1
    with pytest.raises(DataError, match=r"\[random-sound\] examples of shape \[4, 4\]; expected sounds"):
        RandomSound.build(RandomSound.Params(), Inputs("classification", (4, 4), 2))


def test_random_masks_hide_a_time_and_a_band() -> None:
    x = np.random.default_rng(0).normal(size=(40, 20, 10)).astype(np.float32)
    inputs = Inputs("classification", (20, 10), 2)
    made = RandomMask.build(RandomMask.Params(), inputs).change({"x": x}, draw())["x"]
    hidden = made != x
    times, pitches = hidden.all(axis=2).sum(axis=1), hidden.all(axis=1).sum(axis=1)
    assert times.max() == 4 and pitches.max() == 2 and (times == 0).any()
    for row in np.flatnonzero(times):
        assert np.ptp(np.flatnonzero(hidden[row].all(axis=1))) == times[row] - 1


def test_every_plugin_passes_the_check(tmp_path: Path) -> None:
    powertrain("plugins", "check", "powertrain-audio", "--seconds", "300", folder=tmp_path)


def test_digits_are_spoken_and_read_from_their_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"\[spoken-digits\] no spoken-digits.npz in .*powertrain_audio.speak FOLDER"):
        SpokenDigits.build(SpokenDigits.Params(path=tmp_path), Path())
    np.savez(tmp_path / FILE, train=np.zeros((3, 4)), train_label=np.zeros(3))
    with pytest.raises(DataError, match=r"has no sounds and labels of train; expected those that speak writes"):
        SpokenDigits.build(SpokenDigits.Params(path=tmp_path), Path())
    pytest.importorskip("espeakng_loader", reason="espeakng-loader is not installed")
    sounds, labels = say_all(Speaker(), ("+m2",))
    assert sounds.shape == (4 * 3 * 2 * len(WORDS), 6400) and sounds.dtype == np.int16
    assert len(np.unique(sounds, axis=0)) > 0.9 * len(sounds) and np.abs(sounds).max(axis=1).min() > 1000
    np.savez(tmp_path / FILE, train=sounds, train_label=labels, test=sounds[:20], test_label=labels[:20])
    alone = SpokenDigits.build(SpokenDigits.Params(path=tmp_path, crowd=False), Path())
    assert alone.inputs().shape == (6400,) and alone.labels == WORDS and len(alone.splits["test"]) == 20
    heard = SpokenDigits.build(SpokenDigits.Params(path=tmp_path), Path())
    assert heard.inputs().shape == (8000,) and len(heard.train) == len(alone.train)


def test_a_run_of_spoken_digits_hears_files(tmp_path: Path) -> None:
    """Of whatever length and rate, without the sounds that it learned from."""
    draw = np.random.default_rng(0)
    y = np.repeat(np.arange(10), 6)
    tone = 8000 * np.sin(np.arange(6400) * 0.05 * (y[:, None] + 1)) * np.hanning(6400)
    sounds = (tone + draw.normal(0, 100, tone.shape)).astype(np.int16)
    np.savez(tmp_path / FILE, train=sounds, train_label=y, test=sounds, test_label=y)
    recipe = {
        "data": {"use": "spoken-digits", "path": str(tmp_path), "crowd": False}, "model": "linear",
        "features": [{"use": "spectrogram", "rate": 8000, "mels": 8}], "optimizer": "adamw",
        "run": {"until": "2 epochs", "batch_size": 20}, "report": {"baseline": False},
    }  # fmt: skip
    pt.fit(recipe, folder=tmp_path / "run", verbose=False)
    (tmp_path / FILE).unlink()
    soundfile = pytest.importorskip("soundfile", reason="soundfile reads sounds")
    soundfile.write(tmp_path / "a.wav", sounds[7], 8000)
    soundfile.write(tmp_path / "b.wav", np.repeat(sounds[9], 2), 16000)
    run = pt.load(tmp_path / "run")
    found = run.predict(tmp_path / "a.wav")
    np.testing.assert_array_equal(found.outputs, run.predict(sounds[7:8] / np.float32(32768)).outputs)
    np.testing.assert_array_equal(found.outputs, run.predict([sounds[7] / np.float32(32768)]).outputs)
    (tmp_path / "some").mkdir()
    for name in ("a.wav", "b.wav"):
        (tmp_path / name).rename(tmp_path / "some" / name)
    assert len(run.predict(tmp_path / "some")) == 2


def test_a_word_in_a_crowd_is_anywhere_and_as_loud_as_it_is_said() -> None:
    words = np.zeros((60, 400), np.float32)
    words[:, 100:200] = np.sin(np.arange(60)[:, None] + np.arange(100) / 2)
    words[7] = 0  # silence stays silence beneath the murmur
    made = in_a_crowd(words, 600, seed=3)
    assert made.shape == (60, 600) and made.dtype == np.float32 and np.isfinite(made).all()
    loudest = np.abs(np.delete(made, 7, axis=0)).max(axis=1)
    assert loudest.min() >= 0.149 and loudest.max() <= 0.601 and np.ptp(loudest) > 0.3
    assert (np.rint(made * 32768) == made * 32768).all()
    # Where a word fits best is where it is: anywhere, and what is left of it is 5 to 20 decibel softer.
    places, softer = [], []
    for sound, word in zip(made.astype(np.float64), words[:, 100:200], strict=True):
        if not word.any():
            continue
        fits = np.correlate(sound, word)
        start = int(fits.argmax())
        left = sound.copy()
        left[start : start + 100] -= word * fits[start] / np.square(word).sum()
        places.append(start)
        softer.append(10 * np.log10(np.square(sound[start : start + 100]).mean() / np.square(left).mean()))
    assert min(places) < 100 and max(places) > 400
    assert 3 < np.percentile(softer, 10) < 9 and 17 < np.percentile(softer, 90) < 24
    # No sound hangs on the ones after it, and seeds differ.
    assert (in_a_crowd(words, 600, seed=3) == made).all() and (in_a_crowd(words, 600, seed=4) != made).any()


RECIPE = """\
data      = { use = "audio-folder", path = "sounds", seconds = 0.25, split = { valid = 0.25, stratify = true } }
features  = ["random-sound", { use = "spectrogram", mels = 16 }, "random-mask"]
model     = { use = "cnn", channels = [4, 8] }
optimizer = { use = "adamw", lr = 3e-3 }
run       = { until = "25 epochs", batch_size = 8, seed = 3, save_seconds = 0 }
"""


def test_killed_and_resumed_ends_with_the_same_bits(sounds: Path) -> None:
    folder = sounds.parent
    whole = killed_and_resumed(RECIPE, folder)
    assert whole["valid"]["accuracy"] > 0.8
    said = powertrain("predict", "whole", "sounds/low", folder=folder)
    assert said.count("low") > 8
    assert "Training examples" in (folder / "whole" / "report.html").read_text()
