"""The data set `tokens`: windows of a file that stays on the disk, what is wrong with one, and bounded memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.builtin.data import Tokens
from powertrain.data import DataError, DataModule, Windows
from powertrain.train.folder.run_folder import RunError
from running import environment


def text(count: int = 997) -> Any:
    return np.random.default_rng(0).integers(0, 50, count).astype(np.uint16)


def load(folder: Path, name: str = "train.bin", **params: Any) -> DataModule:
    return Tokens.build(Tokens.Params(path=Path(name), **{"vocabulary": 50, "context": 8, **params}), folder)


@pytest.mark.parametrize("name", ["train.bin", "wide.bin", "a.npy", "signed.npy", "big-endian.npy"])
def test_windows_are_those_of_the_tokens_in_memory(tmp_path: Path, name: str) -> None:
    tokens = text()
    tokens.tofile(tmp_path / "train.bin")
    tokens.astype("<u4").tofile(tmp_path / "wide.bin")
    np.save(tmp_path / "a.npy", tokens)
    np.save(tmp_path / "signed.npy", tokens.astype(np.int64))
    np.save(tmp_path / "big-endian.npy", tokens.astype(">i4"))
    dtype = "uint32" if name == "wide.bin" else "uint16"
    data = load(tmp_path, name, dtype=dtype, valid=0.1, test=0.2)
    assert data.outputs == 50 and data.context == 8
    for part, (start, end), stride in (("train", (0, 698), 1), ("valid", (698, 798), 8), ("test", (798, 997), 8)):
        want = Windows(tokens[start:end], 8, stride)
        rows = np.random.default_rng(1).permutation(len(want))
        assert len(data.splits[part]) == len(want)
        for field, values in want.fetch(rows).items():
            found = data.splits[part].fetch(rows)[field]
            assert found.dtype == np.int64 and (found == values).all()


@pytest.mark.parametrize(("written", "read"), [("<u4", "uint16"), ("<i8", "uint16"), ("<i8", "uint32")])
def test_numbers_that_are_wider_than_stated_are_refused(tmp_path: Path, written: str, read: str) -> None:
    text().astype(written).tofile(tmp_path / "train.bin")
    with pytest.raises(DataError) as caught:
        load(tmp_path, dtype=read)
    assert str(caught.value) == (
        f"[tokens train.bin] {tmp_path / 'train.bin'}, where every second number is 0 as {read}; expected tokens one "
        'after the other; set data.dtype = "uint32", or write the numbers as uint32'
    )
    np.zeros(997, np.uint16).tofile(tmp_path / "train.bin")
    assert len(load(tmp_path).train) > 0


def test_a_token_beyond_the_vocabulary_is_named_by_its_place(tmp_path: Path) -> None:
    tokens = text()
    tokens[950] = 50
    tokens.tofile(tmp_path / "train.bin")
    data = load(tmp_path)
    data.train.fetch(np.arange(len(data.train)))
    with pytest.raises(DataError) as caught:
        data.splits["valid"].fetch(np.arange(len(data.splits["valid"])))
    assert str(caught.value) == (
        f"[tokens] token 50 at place 950 of {tmp_path / 'train.bin'}; expected 0 to 49; set data.vocabulary to how "
        "many tokens there are"
    )
    np.save(tmp_path / "a.npy", np.array([3, -1] * 200))
    with pytest.raises(DataError, match=r"token -1 at place 1 of .*a\.npy"):
        load(tmp_path, "a.npy").train.fetch(np.array([0]))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "odd.bin",
            b"123",
            "odd.bin has 3 bytes; expected numbers of 2 bytes each; the file is cut off, or data.dtype is",
        ),
        ("empty.bin", b"", "empty.bin holds uint16[0]; expected one row of whole numbers"),
        ("text.npy", b"to be", "text.npy: it begins with 74 6f 20 62 65; expected a whole .npz or .npy file"),
        ("table.npy", np.zeros((3, 4), np.int64), "table.npy holds int64[3, 4]; expected one row of whole numbers"),
        ("floats.npy", np.zeros(99), "floats.npy holds float64[99]; expected one row of whole numbers"),
        ("short.bin", b"\0\0" * 9, "8 tokens for context = 8"),
    ],
)
def test_files_that_hold_no_tokens(tmp_path: Path, name: str, content: Any, said: str) -> None:
    if isinstance(content, bytes):
        (tmp_path / name).write_bytes(content)
    else:
        np.save(tmp_path / name, content)
    with pytest.raises(DataError) as caught:
        load(tmp_path, name)
    assert said in str(caught.value)


def test_a_file_that_is_cut_off_meanwhile(tmp_path: Path) -> None:
    text().tofile(tmp_path / "train.bin")
    data = load(tmp_path)
    with (tmp_path / "train.bin").open("r+b") as file:
        file.truncate(1000)
    data.train.fetch(np.array([0]))
    with pytest.raises(DataError, match=r"train\.bin\] it was cut off: it has 1,000 bytes now"):
        data.train.fetch(np.array([600]))


RECIPE = """
data      = { use = "tokens", path = "train.bin", vocabulary = 50, context = 16, valid = SHARE }
model     = { use = "gpt", layers = 1, heads = 2, width = 16 }
optimizer = { use = "adamw", lr = 1e-2 }
run       = { until = "20 steps", batch_size = 8, seed = 1, num_workers = WORKERS }
"""


def recipe(share: float, workers: int = 1) -> str:
    return RECIPE.replace("SHARE", f"{share:.9f}").replace("WORKERS", str(workers))


@pytest.mark.parametrize("workers", [0, 2])
def test_a_run_is_that_of_the_same_tokens_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    monkeypatch.chdir(tmp_path)
    (np.arange(3000) % 50).astype(np.uint16).tofile("train.bin")
    Path("tokens.toml").write_text(recipe(0.1, workers), encoding="utf-8")
    run = pt.fit("tokens.toml", verbose=False)
    assert run.evaluate("valid")["loss"] < 3.9  # log(50) is what knowing nothing costs
    again = pt.fit("tokens.toml", verbose=False, **{"run.num_workers": 1 - workers // 2})
    assert run.evaluate("valid") == again.evaluate("valid")
    with pytest.raises(RunError, match=r"was trained on token numbers; expected a run that knows their texts"):
        run.generate("to be")
    assert len(pt.nn.generate(run.model, [3, 4, 5], max_new_tokens=2)) >= 2


# Of what the system says of a child, this is without what its parent held before the program began.
PEAK = """
import sys
from powertrain.cli import main
from powertrain.train.report.process import peak_bytes
code = main(["train", "tokens.toml"])
print("peak", peak_bytes())
sys.exit(code)
"""


def test_twenty_gigabytes_train_in_half_a_gigabyte(tmp_path: Path) -> None:
    with (tmp_path / "train.bin").open("wb") as file:
        file.truncate(20 << 30)
    (tmp_path / "tokens.toml").write_text(recipe(1e-7), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", PEAK], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # Windows of a tenth of a millionth less than all tokens.
    assert f"train {(10 << 30) - 1074 - 16:,}" in done.stdout
    assert int(done.stdout.split()[-1]) < 500e6
