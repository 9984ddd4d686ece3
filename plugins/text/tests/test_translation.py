"""Translation: pairs as data, modules of SWORD, beam search against all rows, what is learned, resumes, refusals."""

from __future__ import annotations

import itertools
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.data import DataError
from powertrain.plugin import Inputs
from powertrain.plugin.testing import killed_and_resumed, powertrain
from powertrain_text.beam_search import beam_search
from powertrain_text.bible import ENGLISH, SPANISH, BibleVerses, plain, read_sword
from powertrain_text.encoder_decoder import EncoderDecoder, waves
from powertrain_text.pairs import TextPairs, ended, of_pairs
from powertrain_text.tokenizer import BEGIN, PADDING
from powertrain_text.translation_measures import nearest

NOUNS = {"dog": "perro", "cat": "gato", "horse": "caballo", "lion": "león", "wolf": "lobo", "bear": "oso"}
KINDS = {"white": "blanco", "black": "negro", "old": "viejo", "new": "nuevo", "small": "pequeño", "big": "grande"}
VERBS = {"sleeps": "duerme", "eats": "come", "runs": "corre", "sings": "canta", "sees": "ve", "waits": "espera"}
TEXTS = [
    (f"the {kind} {noun} {verb}", f"el {NOUNS[noun]} {KINDS[kind]} {VERBS[verb]}")
    for kind, noun, verb in itertools.product(KINDS, NOUNS, VERBS)
]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Sentences of three words, of which two change places."""
    rows = ["source,target", *(f"{text},{said}" for text, said in TEXTS)]
    (tmp_path / "pairs.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return tmp_path / "pairs.csv"


def lacking() -> None:
    for name in ("tokenizers", "sacrebleu"):
        pytest.importorskip(name, reason=f"{name} is not installed")


def tables(path: Path) -> dict[str, Any]:
    lacking()
    return {
        "data": {"use": "text-pairs", "path": str(path), "size": 400, "context": 8, "valid": 0.1},
        "model": {"use": "encoder-decoder", "layers": 1, "heads": 2, "width": 32, "dropout": 0.0},
        "strategy": {"use": "translate", "beams": 2, "judged": 12},
        "optimizer": {"use": "adamw", "lr": 1e-2, "clip": 1.0},
        "run": {"until": "200 steps", "batch_size": 32},
    }


def test_a_target_is_without_its_beginning_and_has_an_end() -> None:
    rows = np.array([[BEGIN, 7, 8, PADDING], [BEGIN, 7, 8, 9]])
    assert ended(rows).tolist() == [[7, 8, BEGIN, PADDING], [7, 8, 9, BEGIN]]


def test_it_translates_sentences_that_it_never_saw(table: Path) -> None:
    run = pt.fit(tables(table), verbose=False)
    found = run.results["valid"]
    assert found["chrf"] > 90 and found["bleu"] > 80 and found["loss"] < 0.2
    strategy, held = run.run.strategy, run.run.dataset.splits["valid"]
    x, wanted = strategy.judged(run.run, "valid", len(held))
    greedy, searched = (strategy.translated(run.run, way, x) for way in (strategy.greedy, strategy.predict))
    assert np.mean([one == right for one, right in zip(greedy, wanted, strict=True)]) > 0.8
    assert np.mean([one == right for one, right in zip(searched, wanted, strict=True)]) > 0.8
    scores, shown = strategy.sections(run.run)
    assert [row[0] for row in scores.rows[1:]] == [
        "this model, 2 beams", "this model, greedily", "the translation of the nearest training text",
    ]  # fmt: skip
    assert float(scores.rows[1][1]) == pytest.approx(found["chrf"], abs=0.06)
    assert found["chrf"] > float(scores.rows[3][1])
    assert len(shown.rows) == 9 and shown.rows[1][3] == wanted[0]
    assert "written: " in strategy.show(run.run, 1)


def test_the_encoder_says_where_it_looks(table: Path) -> None:
    run = pt.fit({**tables(table), "run": {"until": "2 steps", "batch_size": 8}}, verbose=False)
    found = run.explain(["the old cat"], method="attention")
    assert found.layers == ("transformer.encoder.layers.0.self_attn",) and found.values[0].shape == (1, 2, 8, 8)


@pytest.mark.parametrize("beams", [1, 3])
def test_a_search_writes_what_the_whole_decoder_would(beams: int) -> None:
    pt.random.seed(1)
    model = EncoderDecoder(11, EncoderDecoder.Params(layers=2, heads=2, width=8))
    model.eval()
    for slot in model.parameters():  # not so small that all tokens are alike
        slot.value = slot.value * 3.0
    source = np.array([[BEGIN, 7, 8, PADDING, PADDING], [BEGIN, 5, 6, 9, 10]])
    tokens = np.random.default_rng(0).integers(4, 11, (2 * beams, 5))
    whole = np.asarray(model(pt.asarray(source.repeat(beams, axis=0)), pt.asarray(tokens)))
    seen, kept = model.begin(pt.asarray(source), beams, 5)
    for at in range(5):
        scores, kept = model.write(seen, kept, pt.asarray(tokens[:, at]), pt.asarray(at))
        np.testing.assert_allclose(np.asarray(scores), whole[:, at], rtol=0, atol=1e-4)


def test_the_command_translates_lines(table: Path, tmp_path: Path) -> None:
    made = tables(table)
    pt.fit(made, folder=tmp_path / "run", verbose=False)
    (tmp_path / "asked.txt").write_text("the white dog sleeps\nthe old lion eats\n")
    said = powertrain("predict", "run", "asked.txt", folder=tmp_path)
    assert "el perro blanco duerme" in said and "el león viejo come" in said
    (tmp_path / "long.txt").write_text("the white dog sleeps\n" + "the dog " * 20)
    trained = pt.load(tmp_path / "run")
    with pytest.raises(DataError) as caught:
        trained.predict(tmp_path / "long.txt")
    assert str(caught.value).endswith(
        "expected at most 7; cut it into sentences, or raise data.context and train again"
    )


def every_row(table: Any, places: int) -> tuple[float, list[int]]:
    """The row of the largest mean log probability, of all that there are."""
    best = (-np.inf, [PADDING])
    for length in range(1, places + 1):
        for row in itertools.product(range(table.shape[1]), repeat=length):
            if PADDING in row or BEGIN in row[:-1] or (length < places and row[-1] != BEGIN):
                continue
            total = sum(table[before, now] for before, now in itertools.pairwise((BEGIN, *row)))
            best = max(best, (float(total) / length, list(row)))
    return best


@pytest.mark.parametrize("seed", range(3))
def test_a_search_that_keeps_all_finds_the_likeliest_row(seed: int) -> None:
    words, places = 6, 3
    logits = np.random.default_rng(seed).normal(size=(2, words, words)).astype(np.float32) * 2
    logs = np.asarray(pt.log_softmax(pt.asarray(logits), axis=-1))

    def searched(beams: int) -> Any:
        flat = pt.asarray(np.repeat(logs, beams, axis=0))

        def after(kept: Any, token: Any, at: Any) -> Any:
            which = pt.broadcast_to(pt.reshape(token, (-1, 1, 1)), (2 * beams, 1, words))
            return pt.take_along_axis(flat, which, axis=1)[:, 0], kept

        return np.asarray(pt.compile(lambda: beam_search(after, (), 2, places, beams))())

    # As many beams as beginnings of two tokens: nothing that may still win is dropped.
    for row, one in zip(searched(words * words), logs, strict=True):
        _, wanted = every_row(one, places)
        assert row.tolist() == wanted + [PADDING] * (places - len(wanted))
    for row, one in zip(searched(1), logs, strict=True):
        at, wanted = BEGIN, []
        while len(wanted) < places and (not wanted or at != BEGIN):
            at = int(np.where(np.arange(words) == PADDING, -np.inf, one[at]).argmax())
            wanted.append(at)
        assert row.tolist() == wanted + [PADDING] * (places - len(wanted))


def test_the_decoder_sees_neither_what_follows_nor_padding() -> None:
    pt.random.seed(0)
    model = EncoderDecoder(11, EncoderDecoder.Params(layers=2, heads=2, width=8))
    model.eval()
    source, before = np.array([[BEGIN, 7, 8, PADDING, PADDING]]), np.array([[BEGIN, 9, 6]])
    whole = np.asarray(model(pt.asarray(source), pt.asarray(before)))
    cut = np.asarray(model(pt.asarray(source[:, :3]), pt.asarray(before[:, :2])))
    np.testing.assert_allclose(whole[:, :2], cut, rtol=0, atol=1e-5)
    copied = np.asarray(model(pt.asarray(source), pt.asarray(source)))
    np.testing.assert_array_equal(np.asarray(model(pt.asarray(source))), copied)
    assert waves(3, 5).shape == (3, 5) and waves(1, 4).tolist() == [[0, 1, 0, 1]]
    with pytest.raises(pt.Error) as caught:
        EncoderDecoder.build(EncoderDecoder.Params(), Inputs("translation", (4,), 5, "int64", vocabulary=6))
    assert str(caught.value) == (
        "[encoder-decoder] 5 outputs and a vocabulary of 6; expected one vocabulary for texts and translations; fit "
        "one tokenizer on both, as text-pairs does"
    )


def test_the_nearest_text_shares_rare_tokens() -> None:
    train = np.array([[BEGIN, 5, 6, 7], [BEGIN, 5, 8, PADDING], [BEGIN, 5, 6, 9]])
    given = np.array([[BEGIN, 9, 5, PADDING], [BEGIN, 8, 6, PADDING]])
    assert nearest(train, given, 10).tolist() == [2, 1]


def module(folder: Path, verses: dict[str, list[str]]) -> None:
    """A zText module of one block for each testament."""
    folder.mkdir(parents=True)
    for part, texts in verses.items():
        raw = [text.encode() for text in texts]
        packed = zlib.compress(b"".join(raw))
        starts = np.cumsum([0, *map(len, raw)])
        (folder / f"{part}.bzz").write_bytes(packed)
        (folder / f"{part}.bzs").write_bytes(struct.pack("<III", 0, len(packed), len(b"".join(raw))))
        (folder / f"{part}.bzv").write_bytes(
            b"".join(struct.pack("<IIH", 0, at, len(one)) for at, one in zip(starts, raw, strict=False))
        )


def test_verses_of_two_modules(tmp_path: Path) -> None:
    lacking()
    module(tmp_path / ENGLISH, {"ot": ["", "<w>In the</w> beginning ¶"], "nt": ["<note>a</note>Blessed", "only"]})
    module(tmp_path / SPANISH, {"ot": ["", "En el  principio"], "nt": ["Bienaventurados", ""]})
    assert read_sword(tmp_path / ENGLISH) == ["", "In the beginning", "Blessed", "only"]
    data = BibleVerses.build(BibleVerses.Params(path=tmp_path, size=300, valid=0.0), Path())
    words: Any = data.vocabulary
    fields = data.train.fetch(np.arange(2))
    assert [words.decode(row) for row in fields["x"]] == ["In the beginning", "Blessed"]
    assert [words.decode(row) for row in fields["y"]] == ["En el principio", "Bienaventurados"]
    other = BibleVerses.build(BibleVerses.Params(path=tmp_path, size=300, valid=0.0, reverse=True), Path())
    assert (
        other.train.fetch(np.arange(2))["x"][:, 1:] == np.where(fields["y"] == BEGIN, PADDING, fields["y"])[:, :-1]
    ).all()
    assert plain('<title type="x"/>a<note n="1">b</note>  c') == "a c"


def test_modules_that_are_damaged_or_missing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"\[bible-verses\] no engKJV2006eb/ot.bzv in .*apt-get install sword-text-kjv"):
        BibleVerses.build(BibleVerses.Params(path=tmp_path), Path())
    module(tmp_path / ENGLISH, {"ot": ["a"], "nt": ["b"]})
    module(tmp_path / SPANISH, {"ot": ["a"], "nt": ["b", "c"]})
    with pytest.raises(
        DataError, match=r"\[bible-verses\] 2 and 3 verses; expected as many; fetch both packages again"
    ):
        BibleVerses.build(BibleVerses.Params(path=tmp_path), Path())
    for name, content in (("ot.bzz", b"none"), ("ot.bzs", b"12345"), ("ot.bzv", struct.pack("<IIH", 7, 0, 1))):
        whole = (tmp_path / ENGLISH / name).read_bytes()
        (tmp_path / ENGLISH / name).write_bytes(content)
        with pytest.raises(DataError, match=r"the testament ot cannot be read: .*; expected a zText module of SWORD"):
            read_sword(tmp_path / ENGLISH)
        (tmp_path / ENGLISH / name).write_bytes(whole)


def test_pairs_that_are_no_data_are_refused(table: Path) -> None:
    lacking()
    params = TextPairs.Params(path=table, size=300, context=4, valid=0.1)
    with pytest.raises(DataError) as caught:
        TextPairs.build(params, Path())
    assert str(caught.value) == (
        "[pairs] no pair of train with fewer than 4 tokens on each side; expected some; raise data.context"
    )
    with pytest.raises(DataError, match=r"\[pairs\] 1 pairs of texts; expected two or more; check the file"):
        of_pairs("pairs", [("a", "b")], params)
    pairs = [(str(number), str(number)) for number in range(30)] + [("long " * 40, "short")]
    some = of_pairs("numbers", pairs, TextPairs.Params(path=table, size=300, context=8, valid=0.0))
    assert some.notes == ("1 of 31 pairs have more tokens than data.context and are left out",)
    assert len(some.train) == 30


def test_other_data_are_refused(tmp_path: Path) -> None:
    lacking()
    np.savez(tmp_path / "a.npz", x=np.zeros((8, 4), np.float32), y=np.zeros(8, np.int64))
    with pytest.raises(pt.Error, match=r"translation"):
        pt.fit(model={"use": "encoder-decoder"}, data={"use": "arrays", "path": str(tmp_path / "a.npz")}, steps=2,
               verbose=False)  # fmt: skip


def test_a_model_that_cannot_write_is_refused(table: Path) -> None:
    with pytest.raises(pt.Error) as caught:
        pt.fit({**tables(table), "model": "bag-of-tokens"}, verbose=False)
    assert str(caught.value) == (
        "[translate] a model BagOfTokens without begin, write; expected one that reads a text and writes "
        'another; model = "encoder-decoder"'
    )


def test_a_killed_run_ends_with_the_same_bits(table: Path, tmp_path: Path) -> None:
    lacking()
    text = f"""\
data      = {{ use = "text-pairs", path = "{table.as_posix()}", size = 400, context = 8, valid = 0.1 }}
model     = {{ use = "encoder-decoder", layers = 1, heads = 2, width = 16 }}
strategy  = {{ use = "translate", beams = 2, judged = 4, round_steps = 5 }}
optimizer = {{ use = "adamw", lr = 2e-3 }}
run       = {{ until = "120 steps", batch_size = 8, evaluate = {{ every = "20 steps" }}, save_seconds = 0 }}
"""
    killed_and_resumed(text, tmp_path, after="step")
