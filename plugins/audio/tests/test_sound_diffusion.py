"""Sounds that a network draws: the way back from a spectrogram, and a whole run that is sampled and heard."""

from __future__ import annotations

import io
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.data import DataError
from powertrain.plugin.testing import killed_and_resumed, powertrain
from powertrain_audio.digits import FILE, WORDS
from powertrain_audio.spectrogram import Spectrogram
from powertrain_audio.vocoder import frequencies_of

pytest.importorskip("powertrain_generative", reason="powertrain-generative is not installed")
SMALL = Spectrogram.Params(window=128, hop=32, mels=16, scale="unit")
RECIPE = """\
data      = { use = "spoken-digits", path = ".", crowd = false, split = { valid = 0.2, stratify = true } }
features  = [{ use = "spectrogram", window = 128, hop = 32, mels = 16, scale = "unit" }]
model     = { use = "unet", widths = [8], condition = 8, patch = 4 }
strategy  = { use = "sound-diffusion", judged = 20, round_steps = 5 }
optimizer = { use = "adam", lr = 3e-3 }
run       = { until = "40 steps", batch_size = 16, save_seconds = 0, evaluate = { every = "10 steps" } }
"""


def tones(count: int = 20, samples: int = 608) -> Any:
    """Two tones in each, the second begins in the middle."""
    time, pitch = np.arange(samples) / 8000, np.linspace(400, 1600, count)[:, None]
    sounds = 0.3 * np.sin(2 * np.pi * pitch * time) + 0.3 * np.sin(4 * np.pi * pitch * time) * (time > 0.035)
    return sounds.astype(np.float32)


def test_bands_become_frequencies_that_make_these_bands() -> None:
    made = Spectrogram.build(SMALL, tones())
    power = 10 ** (made.decibel(tones()) / 10)
    found = frequencies_of(power, made.bands)
    assert found.shape == (*power.shape[:2], 65) and found.min() >= 0
    loud = power > 1e-6
    assert np.abs(10 * np.log10((found @ made.bands)[loud] / power[loud])).mean() < 0.5


def test_a_spectrogram_from_0_to_1_goes_back_to_a_sound_that_has_it() -> None:
    made, x = Spectrogram.build(SMALL, tones()), tones()
    picture = made(x)
    assert picture.dtype == np.float32 and picture.min() >= 0 and picture.max() <= 1
    assert (made(np.zeros((1, 608), np.float32)) == 0).all() and made(4 * np.sign(x)).max() == 1
    sound = made.sound(picture)
    assert sound.shape == x.shape and (sound == made.sound(picture)).all()
    again = made(sound)
    assert 80 * np.abs(again - picture)[picture > 0.4].mean() < 2  # decibel
    loudest = [np.abs(np.fft.rfft(one)).argmax(axis=1) for one in (x, sound)]
    assert np.abs(loudest[0] - loudest[1]).max() <= 8  # of 13 Hz each: a band is wider
    (alone,) = made.sound(picture[3:4])
    assert np.abs(made(alone[None])[0] - again[3]).mean() < 0.03


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Digits that are tones, as many in both parts."""
    folder, rng = tmp_path_factory.mktemp("said"), np.random.default_rng(0)
    made: dict[str, Any] = {}
    for part, count in (("train", 100), ("test", 40)):
        sounds = tones()[rng.integers(0, 2, count) + 2 * (np.arange(count) % 10)] * rng.uniform(0.5, 1, (count, 1))
        made[part], made[f"{part}_label"] = (sounds * 32767).astype(np.int16), np.arange(count) % 10
    np.savez(folder / FILE, **made)
    return folder


def test_a_run_is_resumed_measured_and_heard(folder: Path) -> None:
    found = killed_and_resumed(RECIPE, folder, after="step 20/")
    assert found["test"]["frechet"] > 0 and 0 <= found["test"]["recognised"] <= 1
    report = (folder / "whole" / "report.html").read_text("utf-8")
    assert report.count('<audio controls src="data:audio/wav;base64,UklGR') == len(WORDS)
    for name, begin in (("a.wav", b"RIFF"), ("a.npy", b"\x93NUMPY"), ("a.png", b"\x89PNG")):
        powertrain("sample", "whole", "--count", "2", "--set", "label=four", "--out", name, folder=folder)
        assert (folder / name).read_bytes().startswith(begin)
    with wave.open(io.BytesIO((folder / "a.wav").read_bytes())) as file:
        assert (file.getframerate(), file.getnframes()) == (8000, 2 * (608 + 1600))
    run = pt.load(folder / "whole")
    strategy: Any = run.run.strategy
    drawn = run.sample(4, seed=1)
    assert drawn.shape == (4, 16, 16) and (drawn == run.sample(4, seed=1)).all()
    # What is measured are the sounds. Those that nobody has learned yet are far from what was drawn.
    heard = strategy.heard(run.run, 4, 1)
    assert heard.shape == drawn.shape and np.abs(heard - drawn).mean() > 0.01


@pytest.mark.parametrize(
    ("feature", "said"),
    [
        ('{ use = "spectrogram", window = 64, hop = 16, mels = 16 }',
         "features that end in Spectrogram; expected a spectrogram from 0 to 1; features ="),
        ('{ use = "scale", by = 0.5 }', "features that end in Scale; expected a spectrogram from 0 to 1; features ="),
        ('{ use = "spectrogram", window = 64, hop = 48, mels = 16, scale = "unit" }',
         "a spectrogram of hop 48 and window 64; expected windows that overlap by half or more; give hop = 32 or less"),
    ],
)  # fmt: skip
def test_what_makes_no_sound_is_refused(folder: Path, feature: str, said: str) -> None:
    (folder / "bad.toml").write_text(RECIPE.replace(RECIPE.splitlines()[1], f"features = [{feature}]"), "utf-8")
    with pytest.raises(DataError) as caught:
        pt.fit(str(folder / "bad.toml"), folder=folder / "bad", verbose=False)
    assert str(caught.value).startswith(f"[sound-diffusion] {said}")
    assert not (folder / "bad" / "run.json").exists()
