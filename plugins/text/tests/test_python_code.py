"""Python source: files in parts, functions that are cut and parsed, bits against formulas, resumes, refusals."""

from __future__ import annotations

import math
import random
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.data import DataError
from powertrain.plugin.testing import killed_and_resumed, powertrain
from powertrain_text.code_measures import first_statement, n_gram_bits, parses, share_copied, share_parsed, simple_bits
from powertrain_text.source_code import FILE, PythonSource, divided


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("def a():\n    return 1\n\n\nx = 2\n", "def a():\n    return 1\n\n\n"),
        ("def a(\n    b,\n):\n    return 1\nx", "def a(\n    b,\n):\n    return 1\n"),
        ("def a():\n    return 1\n    x = [1,", "def a():\n    return 1\n"),
        ("def a", ""),
    ],
)
def test_a_function_ends_where_the_next_line_begins_at_the_left(text: str, wanted: str) -> None:
    assert first_statement(text, whole=False) == wanted


def test_the_last_line_of_a_file_belongs_to_it() -> None:
    assert first_statement("def a(): return 1", whole=True) == "def a(): return 1"


@pytest.mark.parametrize(
    ("text", "takes"),
    [
        ("def a():\n    return 1\n", True),
        ("def a():\n", False),
        ("def a(:\n    pass\n", False),
        ("", False),
        ("# only words\n", False),
        ("x = '\\d'\n", True),  # of which Python warns
        ("x = '\0'\n", False),
        ("(" * 5000 + ")" * 5000, False),
    ],
)
def test_what_python_takes(text: str, takes: bool) -> None:
    assert parses(text) is takes


def test_shares_of_functions_and_lines() -> None:
    known = "def a():\n    return something_long(1, 2, 3)\n    x = 1\n"
    assert share_parsed(["x = 1", "x ="]) == 0.5 and share_parsed([]) == 0
    assert share_copied([known, "    another_line_that_is_new(1)\n"], known) == 0.5
    assert share_copied(["x = 1\n"], known) == 0


def witten_bell(train: bytes, held: bytes, orders: int) -> float:
    """The definition, byte by byte."""
    counts: dict[bytes, Counter[int]] = {}
    for order in range(orders + 1):
        for at in range(order, len(train)):
            counts.setdefault(train[at - order : at], Counter())[train[at]] += 1
    bits = 0.0
    for at, byte in enumerate(held):
        p = 1 / 256
        for order in range(min(at, orders) + 1):
            if seen := counts.get(held[at - order : at]):
                p = (seen[byte] + len(seen) * p) / (sum(seen.values()) + len(seen))
        bits -= math.log2(p)
    return bits / len(held)


@pytest.mark.parametrize("orders", [0, 1, 3, 5])
def test_the_n_gram_is_that_of_its_formula(orders: int) -> None:
    draw = random.Random(0)
    train, held = (bytes(draw.choice(b"abac\xff\x00") for _ in range(size)) for size in (400, 90))
    held += b"never seen"
    assert n_gram_bits(train, held, orders) == pytest.approx(witten_bell(train, held, orders), rel=1e-12)


def test_what_repeats_takes_few_bits() -> None:
    text = Path(__file__).read_bytes()
    found = simple_bits(text, text[1000:5000])
    assert found["xz, behind the training part"] < 0.3 < found["6-gram of bytes"] < found["gzip"] < 8


def test_whole_files_are_held_out() -> None:
    texts = [letter * size for letter, size in zip("abcdefghij", range(10, 110, 10), strict=True)]
    parts = divided(texts, {"valid": 0.3, "test": 0.2}, 0)
    assert sorted(parts["train"] + parts["valid"] + parts["test"]) == texts
    assert sum(map(len, parts["valid"])) <= 165 and sum(map(len, parts["test"])) <= 110
    assert parts == divided(texts, {"valid": 0.3, "test": 0.2}, 0) != divided(texts, {"valid": 0.3, "test": 0.2}, 1)
    with pytest.raises(DataError) as caught:
        divided(["abc"], {"valid": 0.5}, 0)
    assert str(caught.value) == (
        "[python-source] 1 files, none of them for valid; expected some for each part; bring more files, or take a "
        "larger share"
    )


def test_a_folder_without_source_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.py").write_text("\n")
    with pytest.raises(DataError, match=r"\[python-source\] no source in .*; expected \.py files; set data\.path"):
        PythonSource.build(PythonSource.Params(path=tmp_path), Path())


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """Forty files of functions that add and multiply."""
    draw, folder = random.Random(0), tmp_path / "sources"
    folder.mkdir()
    for number in range(40):
        functions = [
            f"def {draw.choice(['add', 'mul'])}_{draw.randrange(9)}(a, b):\n    return a {draw.choice('+*')} b\n"
            for _ in range(8)
        ]
        (folder / f"part_{number}.py").write_text('"""A part."""\n\n\n' + "\n\n".join(functions))
    return folder


def tables(sources: Path) -> dict[str, Any]:
    pytest.importorskip("tokenizers", reason="tokenizers is not installed")
    return {
        "data": {"use": "python-source", "path": str(sources), "size": 300, "context": 32, "valid": 0.2},
        "model": {"use": "gpt", "layers": 1, "heads": 2, "width": 32},
        "strategy": {"use": "python-code", "judged": 10},
        "optimizer": {"use": "adamw", "lr": 1e-2},
        "run": {"until": "120 steps", "batch_size": 16},
    }


def test_it_writes_functions(sources: Path) -> None:
    run = pt.fit(tables(sources), verbose=False)
    found, dataset = run.results["valid"], run.run.dataset
    source: Any = dataset.splits["valid"]
    text = dataset.vocabulary.decode(source.tokens)
    assert text.count(FILE) == text.count('"""A part."""') and 0 < text.count(FILE) <= 8
    # The loss is of each token of whole windows, the bits are of the bytes of the same tokens.
    fields = source.fetch(np.arange(len(source)))
    size = sum(len(dataset.vocabulary.token_bytes()[token]) for token in fields["y"].ravel())
    assert found["bits"] == pytest.approx(found["loss"] * fields["y"].size / math.log(2) / size, rel=1e-5)
    assert found["bits"] < 1.5 and found["parsed"] >= 0.5
    tokens = run.sample(4, seed=1)
    assert (tokens == run.sample(4, seed=1)).all()
    functions = run.run.strategy.statements(run.run, tokens)
    assert all(text.startswith("def") for text in functions if text)
    real = run.run.strategy.real(run.run, "valid")
    assert len(real) == 10 and share_parsed(real) == 1
    bits, written = run.run.strategy.sections(run.run)
    assert bits.rows[0] == ("by", "bits") and {row[0] for row in bits.rows[1:]} > {"this model", "gzip"}
    head, own, people = written.rows
    assert head == ("by", "functions", "parsed", "copied") and people[:3] == ("people, in valid", "10", "100.0%")
    assert own == ("this model", "10", f"{found['parsed']:.1%}", f"{found['copied']:.1%}")


def test_samples_are_a_file_of_source(sources: Path, tmp_path: Path) -> None:
    made = {**tables(sources), "run": {"until": "30 steps", "batch_size": 16}}
    pt.fit(made, folder=tmp_path / "run", verbose=False)
    powertrain("sample", "run", "--count", "3", "--out", "made.py", "--set", "begin=class", folder=tmp_path)
    assert (tmp_path / "made.py").read_text().count("class") >= 1


def test_other_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("abc " * 200)
    given = {"use": "text", "path": str(tmp_path / "a.txt"), "context": 8}
    with pytest.raises(DataError) as caught:
        pt.fit(model={"use": "gpt", "layers": 1, "heads": 2, "width": 8}, data=given, strategy="python-code",
               steps=2, verbose=False)  # fmt: skip
    assert str(caught.value) == (
        "[python-code] the data a, which has no tokens of bytes; expected those of python-source; data = { use = "
        '"python-source" }; next_token learns other texts'
    )


def test_a_killed_run_ends_with_the_same_bits(sources: Path, tmp_path: Path) -> None:
    tables(sources)  # skips where the tokenizer is not there
    text = f"""\
data      = {{ use = "python-source", path = "{sources.as_posix()}", size = 300, context = 16, valid = 0.2 }}
model     = {{ use = "gpt", layers = 1, heads = 2, width = 16 }}
strategy  = {{ use = "python-code", judged = 3, round_steps = 5 }}
optimizer = {{ use = "adamw", lr = 2e-3 }}
run       = {{ until = "120 steps", batch_size = 8, evaluate = {{ every = "20 steps" }}, save_seconds = 0 }}
"""
    killed_and_resumed(text, tmp_path, after="step")
