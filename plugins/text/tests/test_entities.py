"""Spans of words: the chain against all rows of labels, spans against seqeval, what is learned, resumes, refusals."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.data import ArrayDataset, DataError, DataModule
from powertrain.plugin import Inputs, ModelError
from powertrain.plugin.testing import killed_and_resumed, powertrain
from powertrain_text.chain import Chain
from powertrain_text.label_spans import show_spans
from powertrain_text.labelling import UNLABELLED
from powertrain_text.lexicon import FIRST, OTHER, PADDING, Lexicon, words_of
from powertrain_text.span_measures import SpanF1, found_spans
from powertrain_text.spans import hits_of, kinds_of, names_of, spans_of
from powertrain_text.tagged_words import TaggedWords, cut, read_sentences
from powertrain_text.word_tagger import WordTagger

NAMES = names_of(["LOC", "PER"])
# Names of persons end in "o" or "a", those of places in "burg"; the same words in small letters are no names.
FIRST_NAMES = [first + last for first in ("Bar", "Tim", "Lud", "Mir", "Sel") for last in ("o", "a")]
PLACES = [first + "burg" for first in ("Alt", "Neu", "Salz", "Frei", "Ham", "Lim")]
SENTENCES = (
    "{person} went to {place} .", "{person} {person} , of {place} , spoke .", "the burg is old .",
    "in {place} it rained .", "{person} met {person} in {place} today .",
)  # fmt: skip


def tagged(count: int, seed: int = 0) -> str:
    draw, lines = np.random.default_rng(seed), []
    for number in range(count):
        before = "O"
        for word in SENTENCES[number % len(SENTENCES)].split():
            if word == "{person}":
                inside = before in ("B-PER", "I-PER")
                before = "I-PER" if inside else "B-PER"
                lines.append(f"{draw.choice(FIRST_NAMES)} {before}")
            elif word == "{place}":
                before = "B-LOC"
                lines.append(f"{draw.choice(PLACES)} {before}")
            else:
                before = "O"
                lines.append(f"{word} O")
        lines.append("")
    return "\n".join(lines)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "names.conll").write_text(tagged(300))
    return tmp_path / "names.conll"


def tables(path: Path) -> dict[str, Any]:
    return {
        "data": {"use": "tagged-words", "path": str(path), "longest": 10, "letters": 8, "valid": 0.1, "test": 0.2},
        "model": {"use": "word-tagger", "width": 16, "letters": 8, "letter_width": 8, "dropout": 0.1},
        "strategy": "label-spans",
        "optimizer": {"use": "adamw", "lr": 1e-2},
        "run": {"until": "8 epochs", "batch_size": 16},
        "evaluate": {"metrics": ["span-f1", "label-accuracy"]},
    }


def test_names_are_found(file: Path) -> None:
    run = pt.fit(tables(file), verbose=False)
    found = run.results["test"]
    assert found["span-f1"] > 0.95 and found["span-f1"] == pytest.approx(found["f1"])
    assert min(found["precision"], found["recall"]) > 0.9
    table, wrong = run.run.strategy.sections(run.run)
    assert [row[1] for row in table.rows] == ["kind", *2 * ("LOC", "PER", "all")] and table.rows[3][0] == "this model"
    assert float(table.rows[3][5]) == pytest.approx(found["f1"], abs=1e-3)
    assert wrong.rows[0] == ("it said", "it is")
    spans = run.predict(["Timo Mira, of Altburg, spoke.", "the burg is old ."]).table()["spans"]
    assert list(spans) == ["PER 1-2, LOC 5", ""]
    row = run.run.dataset.encode(["Timo Mira went to Altburg ."])[0]
    labels = np.array([3, 4, 0, 0, 1, 0, 0, 0, 0, 0])
    assert show_spans(run.run, row, labels, ("LOC", "PER")) == "[PER Timo Mira] went to [LOC Altburg] ."


def test_the_command_finds_names(file: Path, tmp_path: Path) -> None:
    pt.fit(tables(file), folder=tmp_path / "run", verbose=False)
    (tmp_path / "asked.txt").write_text("Sela, of Limburg, spoke.\n")
    answers = powertrain("predict", "run", "asked.txt", folder=tmp_path)
    assert "PER 1, LOC 4" in answers
    with pytest.raises(DataError) as caught:
        pt.load(tmp_path / "run").predict(["a " * 11])
    assert str(caught.value) == (
        "[tagged-words] text 1 of 11 words; expected at most 10; give one sentence in each line, or raise data.longest "
        "and train again"
    )


@pytest.mark.peers
def test_a_tagger_of_words_answers_alike_in_pytorch(file: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    settings = {**tables(file), "run": {"until": "5 steps", "batch_size": 16}}
    made = pt.fit(settings, folder=tmp_path / "run", verbose=False).export("safetensors", tmp_path / "out")
    assert made.note == "" and "of test" in made.checked


@pytest.mark.parametrize("seed", range(3))
def test_a_chain_gives_the_probability_of_all_rows(seed: int) -> None:
    draw = np.random.default_rng(seed)
    chain = Chain(3)
    first, pairs = draw.normal(size=3), draw.normal(size=(3, 3))
    chain.first.value, chain.pairs.value = pt.asarray(first, dtype="float32"), pt.asarray(pairs, dtype="float32")
    scores = draw.normal(size=(2, 4, 3)).astype(np.float32)
    counts = (3, 4)
    real = np.arange(4) < np.array(counts)[:, None]
    found = np.exp(np.asarray(chain(pt.asarray(scores), pt.asarray(real))))
    for row, count in enumerate(counts):
        wanted = np.zeros((count, 3))
        for labels in itertools.product(range(3), repeat=count):
            total = first[labels[0]] + scores[row, np.arange(count), labels].sum()
            total += sum(pairs[a, b] for a, b in itertools.pairwise(labels))
            wanted[np.arange(count), labels] += np.exp(total)
        np.testing.assert_allclose(found[row, :count], wanted / wanted.sum(axis=1, keepdims=True), rtol=1e-5)


def test_padding_changes_nothing_before_it() -> None:
    pt.random.seed(0)
    model = WordTagger.build(WordTagger.Params(width=8), Inputs("labelling", (6, 9), 5, "int64", vocabulary=300))
    model.eval()
    model.chain.pairs.value = pt.asarray(np.random.default_rng(0).normal(size=(5, 5)), dtype="float32")
    tokens = np.random.default_rng(1).integers(2, 258, (1, 6, 9))
    tokens[:, 4:] = PADDING
    scores = np.asarray(model(pt.asarray(tokens)))
    np.testing.assert_allclose(np.asarray(model(pt.asarray(tokens[:, :4]))), scores[:, :4], rtol=0, atol=1e-5)
    assert (scores[0, 4:].argmax(axis=-1) == 0).all()
    with pytest.raises(ModelError) as caught:
        WordTagger.build(WordTagger.Params(), Inputs("labelling", (6,), 5, "int64", vocabulary=300))
    assert str(caught.value) == (
        "[word-tagger] examples of shape [6]; expected [places, 1 + letters] of words and their letters; use data = "
        '"tagged-words"'
    )


def test_spans_are_those_of_conlleval() -> None:
    labels = np.array([[0, 3, 4, 4, 0], [2, 2, 1, 4, UNLABELLED]])
    assert spans_of(labels).tolist() == [[0, 1, 1, 4], [1, 0, 0, 2], [1, 0, 2, 3], [1, 1, 3, 4]]
    assert hits_of(spans_of(labels), spans_of(labels[:1])).tolist() == [[0, 1, 1, 4]]
    assert hits_of(spans_of(labels * 0), spans_of(labels)).shape == (0, 4)
    assert kinds_of(NAMES) == ("LOC", "PER") and kinds_of(("O", "I-PER", "B-PER")) == ()


@pytest.mark.parametrize("seed", range(5))
def test_measures_are_those_of_seqeval(seed: int) -> None:
    seqeval = pytest.importorskip("seqeval.metrics", reason="seqeval is not installed")
    draw = np.random.default_rng(seed)
    wanted, found = draw.integers(0, 5, (20, 8)), draw.integers(0, 5, (20, 8))
    found = np.where(draw.random((20, 8)) < 0.7, wanted, found)
    texts = [[[NAMES[label] for label in row] for row in rows] for rows in (wanted, found)]
    every = found_spans(found, wanted, ("LOC", "PER"))
    for name in ("precision", "recall", "f1"):
        score = getattr(seqeval, f"{name}_score")
        assert getattr(every["all"], name) == pytest.approx(score(*texts))
        of_kinds = score(*texts, average=None)
        assert [getattr(every[kind], name) for kind in ("LOC", "PER")] == pytest.approx(list(of_kinds))


def test_f1_counts_whole_spans_and_no_padding() -> None:
    wanted = np.array([[3, 4, 0, 1, UNLABELLED], [0, 0, 3, 0, 0]])
    said = np.array([[3, 4, 0, 3, 1], [0, 0, 3, 4, 0]])
    metric = SpanF1()
    metric.update(np.eye(5)[said[:1]], wanted[:1])
    metric.update(np.eye(5)[said[1:]], wanted[1:])
    assert metric.compute() == pytest.approx(2 * 1 / (3 + 3))
    metric.reset()
    metric.update(np.eye(5)[said], wanted, np.array([1.0, 0.0]))
    assert metric.compute() == pytest.approx(0.5)
    none = SpanF1()
    none.update(np.eye(5)[wanted[1:] * 0], wanted[1:] * 0)
    assert np.isnan(none.compute())
    with pytest.raises(
        ValueError, match=r"\[span-f1\] predictions \[2, 5\], targets int64\[2, 5\]; expected scores of"
    ):
        metric.update(wanted, wanted)


def test_words_are_numbers_of_words_and_letters() -> None:
    lexicon = Lexicon.fit([["Rome", "in", "1996"], ["rome", "1997", "Müller"]], rare=2, letters=8)
    assert lexicon.words == ("0000", "rome") and len(lexicon) == FIRST + 256
    (row,) = lexicon.rows([["ROME", "Constantinople", "é"]], 4)
    assert row[:, 0].tolist() == [FIRST + 1, OTHER, OTHER, PADDING]
    assert lexicon.decode(row) == "ROME Consople é" and lexicon.decode(row[:, 0]) == "rome ? ?"
    again = Lexicon.from_state(lexicon.state())
    assert (again.words, again.letters) == (lexicon.words, 8) and again.encode("in rome").tolist() == [OTHER, FIRST + 1]
    assert Lexicon.from_state(Lexicon.fit([["a"]], 2, 8).state()).words == ()
    assert words_of("U.N. talks in St. Paul's.") == ["U.N.", "talks", "in", "St.", "Paul", "'s", "."]


def test_files_of_both_forms_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    path.write_text("-DOCSTART- -X- O\n\nEU NNP I-ORG\nBonn NNP I-LOC\nParis NNP B-LOC\nrose VBD O\n\n\nHe PRP O\n")
    assert read_sentences(path) == [
        (("EU", "Bonn", "Paris", "rose"), ("B-ORG", "B-LOC", "B-LOC", "O")), (("He",), ("O",)),
    ]  # fmt: skip
    path.write_text("EU NNP\n")
    with pytest.raises(DataError) as caught:
        read_sentences(path)
    assert str(caught.value) == (
        f"[tagged-words] {path}, line 1: 'EU NNP'; expected a word and its tag, O, B-KIND or I-KIND; fix that line"
    )
    path.write_text("He O\n\nShe O\n\n")
    with pytest.raises(DataError, match=r"\[tagged-words\] no tag but O; expected spans such as B-PER and I-PER"):
        TaggedWords.build(TaggedWords.Params(path=path, valid=0.0), Path())
    path.write_text("Bonn B-LOC\n")
    with pytest.raises(DataError, match=r"a.conll has 1 sentences; expected two or more; check the file"):
        TaggedWords.build(TaggedWords.Params(path=path), Path())
    with pytest.raises(DataError, match=r"no train.txt in .*; expected one; name a file, or another folder"):
        TaggedWords.build(TaggedWords.Params(path=tmp_path), Path())


def test_long_sentences_are_cut_between_spans() -> None:
    words = tuple("abcdefg")
    rows = list(cut((words, ("O", "O", "B-X", "I-X", "I-X", "O", "O")), 4))
    assert rows == [(("a", "b", "c", "d"), ("O", "O", "B-X", "I-X")), (("e", "f", "g"), ("B-X", "O", "O"))]
    rows = list(cut((words, ("O", "O", "O", "B-X", "I-X", "O", "O")), 4))
    assert rows[0][0] == ("a", "b", "c") and rows[1][1] == ("B-X", "I-X", "O", "O")


def test_parts_of_a_folder_are_kept(tmp_path: Path) -> None:
    for part in ("train", "valid", "test"):
        (tmp_path / f"{part}.txt").write_text(tagged(20, seed=len(part)))
    data = TaggedWords.build(TaggedWords.Params(path=tmp_path, longest=10, letters=8), Path())
    assert {part: len(rows) for part, rows in data.splits.items()} == {"train": 20, "valid": 20, "test": 20}
    short = TaggedWords.build(TaggedWords.Params(path=tmp_path, longest=5, letters=8), Path())
    assert short.notes == ("sentences of more than 5 words became 24 more rows",)
    labels = [[one[one != UNLABELLED] for one in data.train.fetch(np.arange(20))["y"]] for data in (data, short)]
    assert np.concatenate(labels[0]).tolist()[:8] == np.concatenate(labels[1]).tolist()[:8]


def test_labels_that_are_no_spans_are_refused(tmp_path: Path) -> None:
    x, y = np.full((4, 3, 9), 2), np.zeros((4, 3), np.int64)
    words = Lexicon.fit([["a", "a"]], 1, 8)
    data = DataModule("tags", "labelling", {"train": ArrayDataset(x=x, y=y)}, 2, ("X", "Y"), vocabulary=words)
    settings = {name: table for name, table in tables(tmp_path).items() if name not in ("data", "evaluate")}
    with pytest.raises(DataError) as caught:
        pt.fit(settings, data=data, verbose=False)
    assert str(caught.value) == (
        "[label-spans] the labels X, Y of tags; expected O, then B-KIND and I-KIND of each kind; use data of spans, "
        "such as tagged-words, or the strategy label-sequences"
    )


def test_a_killed_run_ends_with_the_same_bits(file: Path, tmp_path: Path) -> None:
    text = f"""\
data      = {{ use = "tagged-words", path = "{file.as_posix()}", longest = 10, letters = 8, valid = 0.1 }}
model     = {{ use = "word-tagger", width = 8, letters = 8, letter_width = 4, layers = 2, dropout = 0.3 }}
strategy  = {{ use = "label-spans", round_steps = 5 }}
optimizer = {{ use = "adamw", lr = 2e-3 }}
run       = {{ until = "10 epochs", batch_size = 16, save_seconds = 0 }}
"""
    killed_and_resumed(text, tmp_path)
