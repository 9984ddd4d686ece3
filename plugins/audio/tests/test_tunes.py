"""Tunes: ABC notation against its standard, tokens, families, files that sound, the strategy and its measures."""

from __future__ import annotations

import io
import random
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.data import DataError
from powertrain.plugin.testing import killed_and_resumed, powertrain
from powertrain_audio.abc_notation import BAR, Event, Tune, tunes_of
from powertrain_audio.playing import RATE, beginning, midi, wav
from powertrain_audio.tune_measures import share_copied, share_of_bars
from powertrain_audio.tunes import AbcTunes, TuneWords, word_of

HEAD = "X:1\nT:A tune\nM:4/4\nL:1/8\nK:C\n"
PADDED = " CCCC CCCC"  # a tune has at least eight notes


def events(body: str, head: str = HEAD) -> list[str]:
    """The words of the only tune, without what was padded."""
    (tune,) = tunes_of(f"{head}{body}|{PADDED}\n")
    words = [word_of(event) for event in tune.events]
    return words[: words.index("|") if "|" in words and body.count("|") == 0 else len(words) - 9]


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("C D", "C4:1/8 D4:1/8"),
        ("c c' C,", "C5:1/8 C6:1/8 C3:1/8"),
        ("C2 C/2 C/ C// C3/2", "C4:1/4 C4:1/16 C4:1/16 C4:1/32 C4:3/16"),
        ("^C _B =F", "C#4:1/8 A#4:1/8 F4:1/8"),
        ("^F F | F", "F#4:1/8 F#4:1/8 | F4:1/8"),  # to the end of the bar
        ("z2 E", "z:1/4 E4:1/8"),
        ("(3CDE F", "C4:1/12 D4:1/12 E4:1/12 F4:1/8"),
        ("(3:2:2C2E F", "C4:1/6 E4:1/12 F4:1/8"),
        ("C>D E<F", "C4:3/16 D4:1/16 E4:1/16 F4:3/16"),
        ("C>>D", "C4:7/32 D4:1/32"),
        ("C-C D", "C4:1/4 D4:1/8"),
        ("C-|C", "C4:1/8 | C4:1/8"),
        ("[CEG]2 D", "G4:1/4 D4:1/8"),
        ('"Am"C {cd}~D (E.F) !trill!G uA', "C4:1/8 D4:1/8 E4:1/8 F4:1/8 G4:1/8 A4:1/8"),
        ("|: C :|1 D :|2 E || F |] G", "C4:1/8 | D4:1/8 | E4:1/8 | F4:1/8 | G4:1/8"),
        ("C [1 D [K:G] F", "C4:1/8 D4:1/8 F#4:1/8"),
        ("C % a comment", "C4:1/8"),
    ],
)
def test_what_abc_says(body: str, wanted: str) -> None:
    assert " ".join(events(body + "\n" if "%" in body else body)) == wanted


@pytest.mark.parametrize(
    ("key", "scale"),
    [
        ("G", "GABcdef"),
        ("D", "DEFGABc"),
        ("Bb", "BcdefgA"),
        ("Am", "ABcdefg"),
        ("E dor", "EFGABcd"),
        ("F#m", "FGABcde"),
    ],
)
def test_every_key_becomes_the_one_without_signs(key: str, scale: str) -> None:
    """The notes of a scale as it is written are white keys."""
    (tune,) = tunes_of(f"X:1\nM:4/4\nK:{key}\n{scale} {scale}\n")
    assert all(event.pitch is not None and event.pitch % 12 in (0, 2, 4, 5, 7, 9, 11) for event in tune.events)


def test_tunes_that_are_no_melody_in_one_meter_are_left_out() -> None:
    good = "X:3\nM:6/8\nK:D\nABA ABA ABA\n"
    bad = ["X:1\nM:none\nK:C\nCCCC CCCC\n",
           "X:1\nM:4/4\nK:C\nCCCC\nM:3/4\nCCCC CCCC\n", "X:1\nM:4/4\nK:HP\nCCCC CCCC\n",
           "X:1\nM:4/4\nCCCC CCCC\n", "X:1\nM:4/4\nK:C\nCC\n", "X:1\nM:4/4\nK:C\nCCCC & CCCC CCCC\n",
           "X:1\nM:4/4\nK:C\nC/7CCC CCCCC\n",
           "X:1\nM:4/4\nK:C\nC999CCC CCCC\n"]  # fmt: skip
    assert len(list(tunes_of("".join([*bad, good])))) == 1


def test_no_text_breaks_the_reader() -> None:
    draw, signs = random.Random(0), "ABCabcz|:[]()<>-'^_=/,0123456789 \n%\"!{}+K:M:L:X:\\"
    for _ in range(300):
        text = "".join(draw.choice(signs) for _ in range(200))
        list(tunes_of(f"{HEAD}{text}"))
        list(tunes_of(text))


def test_words_go_through_numbers_and_a_slot() -> None:
    tune = Tune("6/8", (Event(66, 36), BAR, Event(None, 12), *[Event(72, 12)] * 8))
    words = TuneWords.fit([tune])
    again = TuneWords.from_state(words.state())
    tokens = again.encoded([tune])
    assert again.decode(tokens).startswith("\n6/8 F#4:3/8 | z:1/8 C5:1/8 ") and again.tune(tokens[1:]) == tune
    assert again.encode("\nnever").tolist() == [1, 0] and again.meters == ("6/8",)
    for wrong in (b"", b"C4:1/8 C4:1/8", b"z:1/8 C4:1/8", b"__import__"):
        with pytest.raises(
            DataError, match=r"\[abc-tunes\] .* expected notes, meters and bar lines, in order, each once"
        ):
            TuneWords.from_state({"words": np.frombuffer(wrong, np.uint8)})


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """Tunes of two meters, drawn at random, some of them twice in other keys."""
    draw = random.Random(0)
    tunes = []
    for number in range(60):
        beats = 6 if number % 2 else 8
        bars = ["".join(draw.choice("CDEFGABcdefg") for _ in range(beats)) for _ in range(6)]
        tunes.append(f"X:{number}\nM:{'6/8' if beats == 6 else '4/4'}\nL:1/8\nK:C\n{'|'.join(bars)}|\n")
    tunes += [tune.replace("K:C\n", "K:C\nG2|") for tune in tunes[:10]]
    (tmp_path / "book.abc").write_text("\n".join(tunes))
    return tmp_path


def test_forms_of_a_tune_stay_in_one_part(book: Path) -> None:
    data = AbcTunes.build(AbcTunes.Params(path=book, context=16, valid=0.2, test=0.2), Path())
    words: Any = data.vocabulary
    texts = {part: words.decode(source.tokens) for part, source in data.splits.items()}  # type: ignore[attr-defined]
    sizes = {part: len(text.strip().splitlines()) for part, text in texts.items()}
    assert sum(sizes.values()) == 70 and 12 <= sizes["valid"] <= 14 and 12 <= sizes["test"] <= 14
    for part, text in texts.items():
        for line in text.strip().splitlines():
            if line[4:].startswith("G4:1/4 | "):
                assert f"{line[:4]}{line[13:]}" in text, part


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    words = r"\[abc-tunes\] no \.abc file in .*; expected the data set in one of them; set path; or get music21's"
    with pytest.raises(DataError, match=words):
        AbcTunes.build(AbcTunes.Params(path=tmp_path), Path())
    (tmp_path / "a.abc").write_text("no tune")
    with pytest.raises(DataError, match=r"\[abc-tunes\] no tune in .*a\.abc; expected melodies in ABC notation"):
        AbcTunes.build(AbcTunes.Params(path=tmp_path), Path())


def test_bars_and_copies_are_counted() -> None:
    bar = (Event(60, 24), Event(62, 24), Event(64, 24), Event(65, 24), BAR)
    upbeat, short = (Event(67, 24), BAR), (Event(60, 24), BAR)
    assert share_of_bars([Tune("4/4", upbeat + 3 * bar)]) == 1  # an upbeat is no bar
    assert share_of_bars([Tune("4/4", bar + bar + short + bar)]) == pytest.approx(2 / 3)
    assert share_of_bars([]) == share_copied([], []) == 0
    known, other = Tune("4/4", 4 * bar), Tune("4/4", (*(3 * bar), *[Event(70, 24)] * 4))
    assert share_copied([known], [known]) == 1 and share_copied([other], [known]) == pytest.approx(1 / 5)


def test_a_midi_file_says_notes_and_times() -> None:
    made = midi([Tune("4/4", (Event(60, 24), Event(None, 200), BAR, Event(67, 12)))])
    assert made[:14] == b"MThd\0\0\0\6\0\0\0\1\0\x18" and made.endswith(b"\0\xff\x2f\0")
    assert int.from_bytes(made[18:22], "big") == len(made) - 22
    assert bytes([0, 0x90, 60, 90, 24, 0x80, 60, 0]) in made
    assert bytes([0x81, 0x48, 0x90, 67, 90, 12, 0x80, 67, 0]) in made  # 200 is 1 * 128 + 72


def test_a_wav_file_has_the_pitch_and_the_length() -> None:
    with wave.open(io.BytesIO(wav([Tune("4/4", (Event(69, 96), Event(None, 96)))]))) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)
    seconds = len(sound) / RATE
    assert seconds == pytest.approx(2 * 4 * 60 / 110, abs=0.01)
    first = np.abs(np.fft.rfft(sound[: len(sound) // 2]))
    assert first.argmax() * 2 / seconds == pytest.approx(440, abs=1)
    assert np.abs(sound[len(sound) // 2 + 1 :]).max() == 0 and 1000 < np.abs(sound).max() < 32767


def test_the_beginning_of_a_tune_is_what_begins_in_time() -> None:
    tune = Tune("4/4", (BAR, Event(60, 40), Event(None, 10), BAR, Event(62, 50), Event(64, 96)))
    assert beginning(tune, 60).events == tune.events[:5] and beginning(tune, 50).events == tune.events[:3]
    assert beginning(tune) == tune and beginning(Tune("4/4", ())).events == ()


RECIPE = """\
data      = { use = "abc-tunes", path = ".", context = 16, valid = 0.2 }
model     = { use = "gpt", layers = 1, heads = 2, width = 16 }
strategy  = { use = "melody", judged = 3, round_steps = 5 }
optimizer = { use = "adam", lr = 1e-2 }
run       = { until = "40 steps", batch_size = 16, save_seconds = 0, evaluate = { every = "10 steps" } }
"""


def test_a_run_is_resumed_measured_drawn_and_heard(book: Path) -> None:
    found = killed_and_resumed(RECIPE, book, after="step 20/")
    assert 0 <= found["valid"]["bars"] <= 1 and 0 <= found["valid"]["copied"] <= 1
    page = (book / "whole" / "report.html").read_text("utf-8")
    assert "Tunes that it wrote" in page
    assert page.count("<audio") == 3 and page.count("<figcaption>the beginning of ") == 3
    for name, begin in (("a.mid", b"MThd"), ("a.wav", b"RIFF"), ("a.npy", b"\x93NUMPY")):
        powertrain("sample", "whole", "--count", "2", "--set", "meter=6/8", "--out", name, folder=book)
        assert (book / name).read_bytes().startswith(begin)
    run = pt.load(book / "whole")
    one, words = run.sample(3, seed=1), run.run.dataset.vocabulary
    assert (one == run.sample(3, seed=1)).all() and (one != run.sample(3, seed=2)).any()
    assert all(words.tune(row).meter == "6/8" for row in run.sample(3, meter="6/8"))
    with pytest.raises(DataError) as caught:
        run.sample(1, meter="5/4")
    assert str(caught.value) == "[melody] meter '5/4'; expected one of 4/4, 6/8; leave it out for any"


def test_other_texts_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("no tunes, but words. " * 30)
    tables = {"data": {"use": "text", "path": str(tmp_path / "a.txt"), "context": 8}, "strategy": "melody",
              "model": {"use": "gpt", "layers": 1, "heads": 1, "width": 8}, "optimizer": "adam",
              "run": {"until": "1 steps"}}  # fmt: skip
    with pytest.raises(DataError, match=r"\[melody\] the data a, which has no tunes; expected those of abc-tunes"):
        pt.fit(tables, verbose=False)


def test_tunes_are_heard_while_it_trains(tmp_path: Path) -> None:
    from powertrain_audio.melody import Melody

    (tmp_path / "tunes.toml").write_text(
        Melody.example_recipe.replace("100 rounds", "20 steps") + "evaluate = { samples = 2 }\n"
    )
    powertrain("train", "tunes.toml", "--run", "a", folder=tmp_path)
    files = sorted((tmp_path / "a" / "samples").iterdir())
    assert files and all(path.suffix == ".wav" for path in files)
    with wave.open(str(files[-1])) as sound:
        assert sound.getframerate() == RATE and sound.getnframes() > 0
    assert "<audio controls" in (tmp_path / "a" / "report.html").read_text(encoding="utf-8")
