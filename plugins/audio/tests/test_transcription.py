"""Transcription: CTC against all paths, what is heard, strings of digits, what is learned, resumes, refusals."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.data import ArrayDataset, DataError, DataModule
from powertrain.plugin import Inputs
from powertrain.plugin.testing import killed_and_resumed, powertrain
from powertrain_audio.digit_strings import DigitStrings
from powertrain_audio.digits import FILE, WORDS
from powertrain_audio.speech_gru import SpeechGRU
from powertrain_audio.transcription import LabelErrorRate, Transcription, ctc, heard

VOICES = {"train": 10, "test": 3}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Digits as tones of ten pitches, which each voice says a little higher or lower than others."""
    made: dict[str, Any] = {}
    time, draw = np.arange(1200) / 8000, np.random.default_rng(0)
    for part, voices in VOICES.items():
        pitches = 300 * 1.25 ** np.arange(10)[None] * draw.uniform(0.97, 1.03, (voices, 1))
        sounds = 12000 * np.sin(2 * np.pi * pitches[:, :, None] * time) * np.hanning(len(time))
        quiet = np.zeros((voices * 10, 1600))
        quiet[:, 200:1400] = sounds.reshape(voices * 10, -1)
        made[part], made[f"{part}_label"] = quiet.astype(np.int16), np.tile(np.arange(10), voices)
    np.savez(tmp_path / FILE, **made)
    return tmp_path


def tables(folder: Path) -> dict[str, Any]:
    return {
        "data": {
            "use": "digit-strings", "path": str(folder), "least": 1, "most": 4, "seconds": 1.0, "train": 400,
            "held": 60,
        },
        "features": [{"use": "spectrogram", "window": 256, "hop": 128, "mels": 24}],
        "model": {"use": "speech-gru", "stack": 2, "width": 32, "layers": 1, "dropout": 0.0},
        "optimizer": {"use": "adamw", "lr": 1e-2, "clip": 1.0},
        "run": {"until": "12 epochs", "batch_size": 16},
    }  # fmt: skip


def test_it_hears_digits_of_voices_that_it_never_heard(folder: Path) -> None:
    run = pt.fit(tables(folder), verbose=False)
    assert run.results["test"]["label-error-rate"] < 0.1
    judged = run.run.evaluations.evaluator("test", keep=True)
    whole, worst = run.run.dataset.kind.sections(run.run.dataset, judged)
    assert "of 60 have no error" in whole.lines[0] and len(worst.rows) == 13
    assert sum(int(row[1]) for row in whole.rows[1:]) == 60


def test_the_command_hears_a_file(folder: Path) -> None:
    soundfile = pytest.importorskip("soundfile", reason="soundfile is not installed")
    run = pt.fit(tables(folder), folder=folder / "run", verbose=False)
    source: Any = run.run.dataset.splits["test"]
    strings = source.source  # below the spectrogram
    fields = strings.fetch(np.arange(20))
    found = [heard(np.asarray(run.predict(x[None]).outputs))[0] for x in fields["x"]]
    at = next(at for at, row in enumerate(found) if row == [label for label in fields["y"][at] if label])
    soundfile.write(folder / "digits.wav", fields["x"][at], 8000)
    wanted = " ".join(WORDS[label - 1] for label in found[at])
    assert wanted in powertrain("predict", "run", "digits.wav", folder=folder)


def test_ctc_sums_all_paths() -> None:
    draw = np.random.default_rng(0)
    scores = draw.normal(size=(3, 4, 3)).astype(np.float32)
    target = np.array([[1, 2, 0], [0, 2, 2], [0, 0, 0]])  # 0 is no label, wherever it stands
    logs = np.asarray(pt.log_softmax(pt.asarray(scores), axis=-1), np.float64)
    for row, value in enumerate(np.asarray(ctc(pt.asarray(scores), pt.asarray(target)))):
        wanted = [label for label in target[row] if label]
        total = 0.0
        for path in itertools.product(range(3), repeat=4):
            if heard(np.eye(3)[[list(path)]])[0] == wanted:
                total += np.exp(sum(logs[row, at, label] for at, label in enumerate(path)))
        assert value == pytest.approx(-np.log(total) / max(1, len(wanted)), rel=1e-5)
    assert ctc(pt.zeros((1, 1, 3)), pt.tensor([[1, 2]])).tolist() == [0.0]  # two labels at one time cannot be
    with pytest.raises(pt.ShapeError) as caught:
        ctc(pt.zeros((2, 3)), pt.tensor([0, 1]))
    assert str(caught.value) == (
        "[ctc] output is [2, 3], target is int64[2]; expected scores [batch, times, labels] and rows of labels; use "
        "data of the task transcription"
    )


def test_errors_are_counted_for_each_label() -> None:
    scores = np.eye(4)[[[1, 1, 0, 1, 2], [0, 0, 0, 0, 0], [3, 3, 3, 0, 0]]]
    assert heard(scores) == [[1, 1, 2], [], [3]]
    rate = LabelErrorRate()
    rate.update(scores, np.array([[1, 2, 0], [2, 3, 0], [3, 0, 0]]))
    assert rate.compute() == pytest.approx((1 + 2 + 0) / 5)
    rate.reset()
    rate.update(scores, np.array([[1, 2, 0], [2, 3, 0], [3, 0, 0]]), np.array([1, 0, 1]))
    assert rate.compute() == pytest.approx(1 / 3)


def test_strings_of_one_voice(folder: Path) -> None:
    params = DigitStrings.Params(path=folder, least=2, most=5, seconds=1.0, train=50, held=20)
    data = DigitStrings.build(params, Path())
    assert data.labels[1:] == WORDS and {name: len(part) for name, part in data.splits.items()} == {
        "train": 50, "valid": 20, "test": 20,
    }  # fmt: skip
    fields = data.train.fetch(np.arange(50))
    assert fields["x"].shape == (50, 8000) and fields["y"].shape == (50, 5)
    counts = (fields["y"] > 0).sum(axis=1)
    assert counts.min() >= 2 and counts.max() <= 5
    # What is said is as long as its digits, with what is drawn between them.
    loud = np.abs(fields["x"]) > 0.3
    spans = np.array([np.flatnonzero(row)[-1] - np.flatnonzero(row)[0] for row in loud])
    assert (spans < counts * 1200 + (counts - 1) * 960).all() and (spans > 600).all()
    short = DigitStrings.Params(path=folder, least=9, most=9, seconds=1.0, train=20, held=1)
    kept = (DigitStrings.build(short, Path()).train.fetch(np.arange(20))["y"] > 0).sum(axis=1)
    assert (kept < 9).all() and (kept >= 3).all()  # as many as fit into a second


def test_data_that_are_none_are_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"\[digit-strings\] no spoken-digits.npz in .*powertrain_audio.speak FOLDER"):
        DigitStrings.build(DigitStrings.Params(path=tmp_path / "empty"), Path())
    arrays = dict(np.load(folder / FILE))
    np.savez(folder / FILE, **{**arrays, "train_label": arrays["train_label"][::-1]})
    with pytest.raises(DataError) as caught:
        DigitStrings.build(DigitStrings.Params(path=folder), Path())
    assert str(caught.value) == (
        "[digit-strings] sounds that are not each voice's ten digits in turn; expected those that speak writes; have "
        "them spoken again"
    )
    source = ArrayDataset(x=np.zeros((2, 4, 3), np.float32), y=np.array([[1, 9], [1, 0]]))
    with pytest.raises(DataError) as caught:
        Transcription().check(DataModule("rows", "transcription", {"train": source}, 3))
    assert str(caught.value) == (
        "[transcription] targets of train are int64[2, 2]; expected rows of labels from 1 to 2, filled up with 0; "
        "number the labels from 1 on, and count the blank among the outputs"
    )
    for shape, words in (
        ((2, 5), "2 frames; expected at least 3"),
        ((8000,), "expected [frames, bands]; use "),
    ):
        with pytest.raises(pt.Error) as refused:
            SpeechGRU.build(SpeechGRU.Params(), Inputs("transcription", shape, 4))
        assert words in str(refused.value)


def test_a_killed_run_ends_with_the_same_bits(folder: Path) -> None:
    text = f"""\
data      = {{ use = "digit-strings", path = "{folder.as_posix()}", most = 3, seconds = 1.0, train = 64, held = 16 }}
features  = [{{ use = "random-sound", shift = 0.0 }}, {{ use = "spectrogram", hop = 256, mels = 16 }}, "random-mask"]
model     = {{ use = "speech-gru", stack = 2, width = 16, dropout = 0.1 }}
optimizer = {{ use = "adamw", lr = 2e-3 }}
run       = {{ until = "10 epochs", batch_size = 16, save_seconds = 0 }}
"""
    killed_and_resumed(text, folder)
