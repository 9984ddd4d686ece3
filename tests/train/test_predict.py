"""`run.predict` and `powertrain predict`: what they take, what comes back, files of answers, bounded memory."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.cli import main
from powertrain.data import DataError
from powertrain.train.evaluate.evaluation import evaluating
from powertrain.train.folder.run_folder import RunError
from running import command, environment, inside


def rows(count: int = 90, seed: int = 0) -> tuple[Any, Any]:
    draw = np.random.default_rng(seed)
    y = draw.integers(0, 3, count)
    return (draw.normal(size=(count, 4)) + 2 * np.eye(3, 4)[y]).astype(np.float32), y


@pytest.fixture(scope="module")
def animals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of three classes, `run`, and files to ask it about."""
    folder = tmp_path_factory.mktemp("animals")
    x, y = rows()
    np.savez(folder / "rows.npz", x=x, y=y)
    text = """
data      = { use = "arrays", path = "rows.npz", split = { valid = 0.2 } }
features  = ["standardize"]
model     = { use = "mlp", hidden = [8] }
optimizer = { use = "adamw", lr = 1e-2 }
run       = { until = "5 epochs", batch_size = 16 }
"""
    (folder / "rows.toml").write_text(text, encoding="utf-8")
    inside(["train", "rows.toml", "--run", "run"], folder)
    np.save(folder / "x.npy", rows(700, 1)[0])
    np.savez(folder / "x.npz", other=np.zeros(3), x=rows(700, 1)[0])
    return folder


def test_what_comes_back_of_classes(animals: Path) -> None:
    x = rows(700, 1)[0]
    said = pt.load(animals / "run").predict(x)
    assert len(said) == 700 and said.classes == ("0", "1", "2") and said.unit == "" and said.names == ()
    assert said.outputs.shape == (700, 3) and np.asarray(said) is said.outputs
    shares = said.probabilities
    assert shares.dtype == np.float64 and shares.sum(axis=1) == pytest.approx(np.ones(700))
    np.testing.assert_allclose(shares, np.asarray(pt.softmax(pt.tensor(said.outputs), axis=-1)), atol=1e-6)
    assert said.labels.dtype == np.int64 and (said.labels == shares.argmax(axis=1)).all()
    row = said[-1]
    assert row["row"] == 699 and row["label"] == str(said.labels[-1])
    assert list(row["probabilities"]) == ["0", "1", "2"]
    assert row["probability"] == row["probabilities"][row["label"]]
    assert [one["row"] for one in said[np.array([5, 3])]] == [5, 3] and len(said[10:20]) == 10
    assert list(said.table()) == ["row", "label", "probability", "probability_0", "probability_1", "probability_2"]
    assert repr(said) == "Predictions(700 examples: 0, 1, 2)"
    with pytest.raises(RunError) as caught:
        said.values  # noqa: B018
    assert str(caught.value) == (
        "[predictions.values] the run predicts classes; expected numbers; take predictions.labels or "
        "predictions.probabilities"
    )


def test_what_comes_back_of_numbers() -> None:
    x = rows()[0]
    one = pt.fit(model=pt.nn.Linear(4, 1), data=(x, x[:, 0] * 3), epochs=1, verbose=False).predict(x[:5])
    assert one.values.shape == (5,) and list(one.table()) == ["row", "value"] and isinstance(one[0]["value"], float)
    two = pt.fit(model=pt.nn.Linear(4, 2), data=(x, x[:, :2]), epochs=1, verbose=False).predict(x[:5])
    assert two.values.shape == (5, 2) and list(two.table()) == ["row", "value_0", "value_1"]
    assert len(two[0]["value"]) == 2
    for name in ("labels", "probabilities"):
        with pytest.raises(RunError) as caught:
            getattr(one, name)
        assert str(caught.value) == (
            f"[predictions.{name}] the run does not predict classes; expected one that does; take "
            "predictions.values, or predictions.outputs"
        )


def test_scores_are_not_called_probabilities() -> None:
    x, y = rows()
    loss = lambda output, target: output.sum(axis=1) * 0  # noqa: E731
    said = pt.fit(model=pt.nn.Linear(4, 3), data=(x, y), epochs=1, verbose=False, loss=loss).predict(x[:4])
    with pytest.raises(RunError, match=r"^\[predictions.probabilities\] the loss of this run gives scores; expected"):
        said.probabilities  # noqa: B018
    assert list(said[0]) == ["row", "label", "score", "scores"]
    assert list(said.table())[2:4] == ["score", "score_0"]


def test_forms_in_memory_give_the_same_answers(animals: Path) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is an extra")
    opened, x = pt.load(animals / "run"), rows(700, 1)[0][:8]
    wanted = opened.predict(x).outputs
    columns = {name: x[:, at] for at, name in enumerate("abcd")}
    for form in (
        x.tolist(),
        pt.tensor(x),
        columns,
        pandas.DataFrame(columns),
        animals / "x.npy",
        str(animals / "x.npz"),
    ):
        np.testing.assert_array_equal(np.asarray(opened.predict(form))[:8], wanted)
    np.testing.assert_allclose(opened.predict(x[3]).outputs, wanted[3:4], atol=1e-6)


def test_lines_of_the_command_name_their_row_and_say_all_probabilities(animals: Path) -> None:
    said = pt.load(animals / "run").predict(rows(700, 1)[0])
    plain = inside(["predict", "run", "x.npy"], animals).stdout.splitlines()
    assert len(plain) == 700 and plain[699].split() == ["699", str(said.labels[699]), str(said[699]["probability"])]
    every = inside(["predict", "run", "x.npy", "--probabilities"], animals).stdout.splitlines()
    assert every[3].split()[3:] == [
        word for name, share in said[3]["probabilities"].items() for word in (name, str(share))
    ]
    lines = [json.loads(line) for line in inside(["predict", "run", "x.npz", "--json"], animals).stdout.splitlines()]
    assert lines == list(said)


def table_of(path: Path) -> dict[str, list[Any]]:
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as file:
            head, *body = csv.reader(file)
        return {name: [row[at] for row in body] for at, name in enumerate(head)}
    if path.suffix == ".parquet":
        parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is an extra")
        found: dict[str, list[Any]] = parquet.read_table(path).to_pydict()
        return found
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {name: [row[name] for row in rows] for name in rows[0]}


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_files_of_answers(kind: str, animals: Path) -> None:
    if kind == "parquet":
        pytest.importorskip("pyarrow", reason="pyarrow is an extra")
    said = pt.load(animals / "run").predict(rows(700, 1)[0])
    out = animals / f"answers.{kind}"
    done = inside(["predict", "run", "x.npy", "--out", out.name], animals)
    assert done.stdout == f"700 answers in answers.{kind}\n"
    found = table_of(out)
    assert [int(row) for row in found["row"]] == list(range(700)) and found["label"] == said.labels.astype(str).tolist()
    if kind == "jsonl":
        assert found["probabilities"][699] == said[699]["probabilities"]
    else:
        shares = np.array([[float(value) for value in found[f"probability_{name}"]] for name in "012"]).T
        np.testing.assert_array_equal(shares, said.probabilities)
    assert not list(animals.glob(".*.part"))


def test_standard_input_is_read(animals: Path) -> None:
    wanted = inside(["predict", "run", "x.npy", "--json"], animals).stdout
    done = subprocess.run(
        command(["predict", "run", "-", "--json"]), cwd=animals, env=environment(), check=True, capture_output=True,
        input=(animals / "x.npy").read_bytes(),
    )  # fmt: skip
    assert done.stdout.decode() == wanted


def test_what_is_wrong_names_the_file_and_the_row(animals: Path) -> None:
    x = rows(5000, 2)[0]
    x[4321, 2] = np.nan
    np.save(animals / "gap.npy", x)
    out = animals / "before.csv"
    out.write_text("as it was\n")
    said = inside(["predict", "run", "gap.npy", "--out", "before.csv"], animals, expect=2).stderr.strip()
    assert said == (
        "[predict] NaN in row 4,321 of gap.npy; expected finite numbers; remove those rows or fill the gaps first"
    )
    assert out.read_text() == "as it was\n" and not list(animals.glob(".*.part"))
    with pytest.raises(DataError, match=r"^\[predict\] NaN in row 1; expected"):
        pt.load(animals / "run").predict(x[4320:4325])
    content = (animals / "x.npy").read_bytes()
    (animals / "cut.npy").write_bytes(content[:-1000])
    assert inside(["predict", "run", "cut.npy"], animals, expect=2).stderr.startswith("[predict] cut.npy: ")
    cut = subprocess.run(
        command(["predict", "run", "-"]), cwd=animals, env=environment(), check=False, capture_output=True,
        input=content[:-1000],
    )  # fmt: skip
    assert cut.returncode == 2 and b"[predict] standard input: it ends in row 637; expected" in cut.stderr


@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("answers.xlsx", "answers.xlsx; expected a name that ends in .csv, .jsonl, .parquet; rename it"),
        ("nowhere/answers.csv", "no folder nowhere; expected one that is there; make it first"),
    ],
)
def test_an_impossible_file_of_answers_is_refused(out: str, words: str, animals: Path) -> None:
    said = inside(["predict", "run", "x.npy", "--out", out], animals, expect=2).stderr.strip()
    assert said == f"[predict --out] {words}"


def test_a_terminal_is_told_how_far_it_is(animals: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []

    class Line:
        def show(self, text: str) -> None:
            shown.append(text)

        def stop(self) -> None:
            shown.append("stopped")

    monkeypatch.chdir(animals)
    monkeypatch.setattr("powertrain.cli.predict.live_line", lambda stream: Line())
    monkeypatch.setattr("powertrain.train.evaluate.predict.PIECE_ROWS", 300)
    assert main(["predict", "run", "x.npy", "--out", "shown.csv"]) == 0
    assert shown == ["300 examples", "600 examples", "700 examples", "stopped"]


def test_ctrl_c_leaves_no_half_file(animals: Path) -> None:
    out = animals / "stopped.csv"
    asked = command(["predict", "run", "-", "--out", out.name])
    child = subprocess.Popen(asked, cwd=animals, env=environment(), stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdin is not None
    content = (animals / "x.npy").read_bytes()
    child.stdin.write(header_of(10_000_000) + content[128:] * 40)
    child.stdin.flush()
    part = animals / ".stopped.csv.part"
    wait_for(lambda: part.exists() and part.stat().st_size > 0)
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=60)
    assert child.returncode == 130 and b"stopped.csv is as it was before" in said
    assert not out.exists() and not part.exists()


def wait_for(true: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


MEASURE = """
import resource, sys
from powertrain.cli import main
code = main(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""


def peak(folder: Path, count: int) -> int:
    """Kilobytes of memory that answers to so many rows of standard input take."""
    x = rows(1000, 3)[0]
    arguments = [sys.executable, "-c", MEASURE, "predict", "run", "-", "--out", f"{count}.csv"]
    child = subprocess.Popen(arguments, cwd=folder, env=environment(), stdin=subprocess.PIPE, stderr=subprocess.PIPE,
                             stdout=subprocess.DEVNULL)  # fmt: skip
    assert child.stdin is not None and child.stderr is not None
    child.stdin.write(header_of(count))
    for _ in range(count // 1000):
        child.stdin.write(x.tobytes())
    child.stdin.close()
    with child.stderr as stream:
        said = stream.read().decode()
    assert child.wait() == 0, said
    return int(said.split()[-1])


def header_of(count: int) -> bytes:
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({count}, 4), }}"
    return b"\x93NUMPY\x01\x00\x76\x00" + text.ljust(117).encode() + b"\n"


def test_memory_does_not_grow_with_the_input(animals: Path) -> None:
    few, many = peak(animals, 20_000), peak(animals, 500_000)
    # The input of the second is 8 MB and its answers are 40 MB, as objects of Python many times more.
    assert many < few + 10_000, (few, many)
    with (animals / "500000.csv").open() as file:
        assert sum(1 for _ in file) == 500_001
    assert os.path.getsize(animals / "500000.csv") > 20_000_000  # noqa: PTH202


def test_a_table_is_read_in_pieces_as_at_once(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is an extra")
    header, lines = customers(tmp_path, 40_000)
    opened = pt.load(tmp_path / "run")
    said = opened.predict(tmp_path / "asked.csv")
    assert len(said) == 40_000 and said.unit == "dollars"
    # Each row as a table of its own gives what it gives among the others, though alone its code is a number.
    for row in (0, 7, 39_999):
        (tmp_path / "one.csv").write_text(f"{header}\n{lines[row]}\n", encoding="utf-8")
        alone = opened.predict(tmp_path / "one.csv")
        assert alone.values[0] == pytest.approx(said.values[row], rel=1e-6)
    with (tmp_path / "asked.csv").open("rb") as file:
        done = subprocess.run(command(["predict", "run", "-", "--out", "piped.csv"]), cwd=tmp_path, env=environment(),
                              check=True, capture_output=True, stdin=file)  # fmt: skip
    assert done.stdout == b"40,000 answers in piped.csv\n"
    found = table_of(tmp_path / "piped.csv")
    assert list(found) == ["row", "value", "unit"]
    np.testing.assert_allclose([float(value) for value in found["value"]], said.values, rtol=1e-9)


def customers(folder: Path, count: int) -> tuple[str, list[str]]:
    """A run `run` on a table of prices, and a file `asked.csv` of so many rows, one of them over two lines."""
    draw = np.random.default_rng(0)
    size, code = draw.uniform(20, 200, count), draw.integers(1, 9, count)
    names = [f'"flat {at}, \n third floor"' if at % 5 == 0 else f"A{at % 7}" for at in code]
    prices = 1000 * size * (1 + code / 10)
    header = "size,code,place"
    lines = [f"{one:.3f},{kind},{place}" for one, kind, place in zip(size, code, names, strict=True)]
    (folder / "asked.csv").write_text("\n".join([header, *lines, ""]), encoding="utf-8")
    known = "\n".join(f"{line},{price:.2f}" for line, price in zip(lines[:600], prices, strict=False))
    (folder / "known.csv").write_text(
        f"{header},price\n9.5,new,A1,20000\n8.5,new,A1,19000\n{known}\n", encoding="utf-8"
    )
    (folder / "homes.toml").write_text(
        'data = { use = "table", path = "known.csv", target = "price", encode = { rare = 1 }, split = { test = 0.2 } }'
        '\ntarget = { scale = "log", unit = "dollars" }\nmodel = "linear"\n'
        'strategy = { use = "least-squares", l2 = 0.01 }\n'
        'run = { until = "1 round" }\n',
        encoding="utf-8",
    )
    inside(["train", "homes.toml", "--run", "run"], folder)
    return header, lines


def test_tables_in_memory(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is an extra")
    pandas = pytest.importorskip("pandas", reason="pandas is an extra")
    customers(tmp_path, 50)
    opened = pt.load(tmp_path / "run")
    wanted = opened.predict(tmp_path / "asked.csv").values
    frame = pandas.read_csv(tmp_path / "asked.csv")
    columns = {name: frame[name].tolist() for name in frame}
    forms: list[Any] = [frame, columns, frame.to_dict("records"), pyarrow.table(columns)]
    try:
        import polars
    except ImportError:
        pass
    else:
        forms.append(polars.DataFrame(columns))
    for form in forms:
        np.testing.assert_allclose(opened.predict(form).values, wanted, rtol=1e-6)
    with pytest.raises(
        DataError, match=r"^\[predict\] no column code; expected it among the columns, which are size, place"
    ):
        opened.predict({"size": [1.0], "place": ["A1"]})


def test_a_wrong_cell_is_named_by_file_and_row(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is an extra")
    header, lines = customers(tmp_path, 40_000)
    lines[33_333] = "huge,3,A1"
    (tmp_path / "wrong.csv").write_text("\n".join([header, *lines]), encoding="utf-8")
    said = inside(["predict", "run", "wrong.csv", "--json"], tmp_path, expect=2).stderr.strip()
    assert said == (
        "[predict wrong.csv] size holds 'huge' in row 33,333; expected numbers, as in the training rows; "
        "correct it, or leave the value empty"
    )
    lines[33_333] = "1,3"
    (tmp_path / "short.csv").write_text("\n".join([header, *lines]), encoding="utf-8")
    line = "\n".join([header, *lines[:33_333]]).count("\n") + 2
    said = inside(["predict", "run", "short.csv", "--json"], tmp_path, expect=2).stderr.strip()
    assert f"short.csv, line {line}: 2 values for 3 columns" in said


def test_each_evaluation_begins_with_the_same_random_numbers() -> None:
    """Eager or in a program; and those of the caller go on as if there had been none."""
    drawn = pt.compile(lambda x: x + pt.random.normal(size=(3,)))
    found = []
    pt.random.seed(5)
    before = np.array(pt.random.default_generator().slot.value)
    for _ in range(2):
        with evaluating({}):
            found.append([np.array(pt.random.normal(size=(3,))), np.array(drawn(np.zeros(3, np.float32)))])
        assert np.array_equal(np.array(pt.random.default_generator().slot.value), before)
    assert np.array_equal(found[0], found[1])  # eager draws, and those of the program behind them
    assert not np.array_equal(found[0][0], found[0][1])
