"""CSV files as people have them: separators, encodings, decimal commas, grouped digits, quotes, dates, gaps, headers;
and errors that name the line or the column."""

from __future__ import annotations

import codecs
import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.data import DataError, DataLoader, read_csv
from powertrain_tabular.csv_file import Csv
from powertrain_tabular.frame import Frame, read_frame

pytest.importorskip("pyarrow", reason="pyarrow is an extra")


def frame(folder: Path, text: str | bytes, name: str = "t.csv", **settings: Any) -> Frame:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_frame(path, "t", Csv(**settings))


def shown(found: Frame) -> dict[str, Any]:
    return {name: [column.kind, *column.values.tolist()] for name, column in found.columns.items()}


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_no_thread_of_arrow_reads_what_python_owns(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such a thread may be the last to let go of it, and aborts the process where Python is at its end."""
    import pyarrow as pa
    import pyarrow.parquet

    given: list[Any] = []
    reader = pa.BufferReader
    monkeypatch.setattr(pa, "BufferReader", lambda content: given.append(content) or reader(content))
    if name == "t.parquet":
        pyarrow.parquet.write_table(pa.table({"a": [1, 2], "b": [3, 4]}), tmp_path / name)
    else:
        (tmp_path / name).write_text("a,b\n1,3\n2,4\n")
    allocated = pa.total_allocated_bytes()
    assert shown(read_frame(tmp_path / name, "t", Csv()))["b"] == ["number", 3, 4]
    assert given and all(isinstance(one, pa.Buffer) for one in given)
    assert pa.total_allocated_bytes() > allocated  # so they are Arrow's


@pytest.mark.parametrize("sep", [",", ";", "\t", "|"])
@pytest.mark.parametrize("said", [False, True])
def test_separators(tmp_path: Path, sep: str, said: bool) -> None:
    text = 'a;b;c\n1;"x; y, z|\t";2.5\n2;"say ""so""";3\n'.replace(";", sep).replace(f"x{sep} y", "x y")
    found = frame(tmp_path, text, **({"sep": sep} if said else {}))
    assert shown(found)["a"] == ["number", 1, 2] and shown(found)["c"] == ["number", 2.5, 3]
    assert found["b"].values[1] == 'say "so"'


def test_separators_by_name_and_a_single_column(tmp_path: Path) -> None:
    assert shown(frame(tmp_path, "a b\n1 2\n", sep="space")) == {"a": ["number", 1], "b": ["number", 2]}
    assert shown(frame(tmp_path, "a\tb\n1\t2\n", sep="\\t")) == {"a": ["number", 1], "b": ["number", 2]}
    assert shown(frame(tmp_path, "a\n1\n2\n")) == {"a": ["number", 1, 2]}
    assert shown(frame(tmp_path, 'a,b\n"x\ny",2\n\nz,3\n')) == {"a": ["category", "x\ny", "z"], "b": ["number", 2, 3]}
    assert shown(frame(tmp_path, "a,b\n'x,y',2\n", quotechar="'"))["a"] == ["category", "x,y"]
    with pytest.raises(DataError) as caught:
        frame(tmp_path, "a\n", sep="ab")
    assert str(caught.value) == "[t] sep = 'ab'; expected one character; for example sep = \";\""


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("encoding", "mark", "settings"),
    [
        ("utf-8", b"", {}),
        ("utf-8", codecs.BOM_UTF8, {}),
        ("utf-16-le", codecs.BOM_UTF16_LE, {}),
        ("utf-16-be", codecs.BOM_UTF16_BE, {}),
        ("latin-1", b"", {"encoding": "latin-1"}),
        ("cp1252", b"", {"encoding": "cp1252"}),
    ],
)
def test_encodings(
    tmp_path: Path, encoding: str, mark: bytes, settings: dict[str, Any], packed: bool, ends: str
) -> None:
    content = mark + "straße,köln\nä,1\nö,2\n".replace("\n", ends).encode(encoding)
    name = "t.csv.gz" if packed else "t.csv"
    found = frame(tmp_path, gzip.compress(content) if packed else content, name, **settings)
    assert shown(found) == {"straße": ["category", "ä", "ö"], "köln": ["number", 1, 2]}


def test_decimal_commas(tmp_path: Path) -> None:
    """As Excel writes in half of Europe."""
    text = "Preis;Ort\n1,5;Ulm\n-2,25;Bonn\n1.000;x\n"
    assert shown(frame(tmp_path, "Preis;Ort\n1,5;Ulm\n-2,25;Bonn\n;x\n"))["Preis"][:3] == ["number", 1.5, -2.25]
    assert shown(frame(tmp_path, text, decimal=",", thousands="."))["Preis"] == ["number", 1.5, -2.25, 1000]
    assert shown(frame(tmp_path, text, thousands="."))["Preis"] == ["number", 1.5, -2.25, 1000]
    assert shown(frame(tmp_path, "a;b\n1.5;x, y\n"))["a"] == ["number", 1.5]
    with pytest.raises(DataError) as caught:
        frame(tmp_path, "a;b\n1,500;x\n2,000;y\n")
    assert str(caught.value) == (
        f"[t] {tmp_path / 't.csv'} holds 1,500; expected to know what the comma is; "
        'set decimal = "," or thousands = ","'
    )
    with pytest.raises(DataError, match=r'^\[t\] decimal = "," and thousands = ","; expected two signs; '):
        frame(tmp_path, "a;b\n1,500;x\n", decimal=",", thousands=",")


@pytest.mark.parametrize("sign", [",", " ", "'", "_"])
def test_grouped_digits(tmp_path: Path, sign: str) -> None:
    text = f"a;b;c\n1{sign}234{sign}567.5;1;x1{sign}234\n-12{sign}345;22;y\n;1e3;z\n"
    found = shown(frame(tmp_path, text, thousands=sign))
    assert found["a"][:3] == ["number", 1234567.5, -12345] and np.isnan(found["a"][3])
    assert found["b"] == ["number", 1, 22, 1000] and found["c"][0] == "category"
    wrong = shown(frame(tmp_path, f"a;b\n1{sign}23;1\n2;2\n", thousands=sign))
    assert wrong["a"][0] == "category", "1,23 is no number of grouped digits"


def test_dates(tmp_path: Path) -> None:
    day = (np.datetime64("2024-12-31") - np.datetime64("1970-01-01")).astype(int)
    for text, settings in (
        ("2024-12-31", {}), ("31.12.2024", {}), ("31/12/2024", {}), ("12/31/2024", {}),
        ("31 Dec 24", {"date_format": "%d %b %y"}), ("12-31-2024", {"date_format": "%m-%d-%Y"}),
    ):  # fmt: skip
        assert shown(frame(tmp_path, f"a,b\n{text},1\n,2\n", **settings))["a"][:2] == ["date", day], text
    both = "a,b\n01/02/2024,1\n"
    assert (
        shown(frame(tmp_path, both, date_format="%d/%m/%Y"))["a"][1] - 31
        == shown(frame(tmp_path, both.replace("01/02", "01/01"), date_format="%d/%m/%Y"))["a"][1]
    )
    with pytest.raises(DataError) as caught:
        frame(tmp_path, both)
    assert str(caught.value) == (
        "[t] the column a holds dates such as 01/02/2024; expected to know which is the day; "
        'set date_format = "%d/%m/%Y" or "%m/%d/%Y"'
    )
    assert shown(frame(tmp_path, "a,b\n99/99/2024,1\n"))["a"][0] == "category"


def test_gaps(tmp_path: Path) -> None:
    text = "a,b\n1,x\n,NA\nNaN,\nn.a.,-\n"
    assert shown(frame(tmp_path, text))["a"][0] == "category"
    found = frame(tmp_path, text, na_values=("n.a.", "-"))
    assert found["a"].kind == "number" and found["a"].missing.tolist() == [False, True, True, True]
    assert found["b"].missing.tolist() == [False, True, True, True]


def test_headers(tmp_path: Path) -> None:
    text = "1,2\n3,4\n"
    assert shown(frame(tmp_path, text, header=False)) == {"c0": ["number", 1, 3], "c1": ["number", 2, 4]}
    named = frame(tmp_path, text, header=False, names=("a", "b"))
    assert shown(named) == {"a": ["number", 1, 3], "b": ["number", 2, 4]}
    assert shown(frame(tmp_path, text, names=("a", "b"))) == {"a": ["number", 3], "b": ["number", 4]}
    assert list(frame(tmp_path, '\n"a\nb", c\n1,2\n').columns) == ["a\nb", "c"]
    with pytest.raises(DataError) as caught:
        frame(tmp_path, text, names=("a",))
    assert str(caught.value) == f"[t] 1 names for 2 columns of {tmp_path / 't.csv'}; expected one for each; count them"
    with pytest.raises(DataError) as caught:
        frame(tmp_path, "1,1\n3,4\n")
    assert str(caught.value) == (
        f"[t] {tmp_path / 't.csv'} has 1 twice; expected a name for each column; rename one, or set header = "
        "false if the first line names nothing"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"a,b\n1,2\n\n3,4,5\n",
            "{}, line 4: 3 values for 2 columns; expected as many in each line; correct the line, or set sep (it is "
            '"," now)',
        ),
        (
            b'a,b\n"x\ny",2\n3\n',
            "{}, line 4: 1 values for 2 columns; expected as many in each line; correct the line, or set sep (it is "
            '"," now)',
        ),
        (
            "a,b\n1,x\n2,ä\n".encode("latin-1"),
            '{}, line 3: byte 0xe4 is not UTF-8; expected a table of texts; set encoding = "latin-1", or "cp1252" '
            "for a file of Excel, if it is a text",
        ),
        (b"", "{} has no rows; expected a table; check the file"),
        (b"a,b\n", "{} has no rows; expected a table; check the file"),
    ],
)
def test_what_is_wrong_and_where(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(DataError) as caught:
        frame(tmp_path, content)
    assert str(caught.value) == "[t] " + message.format(tmp_path / "t.csv")


def test_quotes_and_values_that_cannot_be(tmp_path: Path) -> None:
    for quote in ("", "ab", "\n"):
        with pytest.raises(DataError) as caught:
            frame(tmp_path, "a\n1\n", quotechar=quote)
        assert str(caught.value) == f'[t] quotechar = {quote!r}; expected one character; for example quotechar = "\'"'
    with pytest.raises(DataError) as caught:
        frame(tmp_path, f"a,b\n{'x' * 200_000},1\n")
    assert str(caught.value) == (
        f"[t] {tmp_path / 't.csv'}: field larger than field limit (131072); expected a CSV or Parquet file; check the "
        "file"
    )


def test_an_encoding_that_nobody_knows(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        frame(tmp_path, "a\n1\n", encoding="latin-99")
    assert str(caught.value) == "[t] encoding = 'latin-99'; expected one that Python knows; try \"latin-1\""


# ---------------------------------------------------------------- the door


def test_a_table_from_python(tmp_path: Path) -> None:
    path = tmp_path / "houses.csv"
    draw = np.random.default_rng(0)
    size, town = draw.uniform(50, 200, 60), draw.choice(["Köln", "Ulm"], 60)
    lines = [
        f"{price:.2f};{where};{area:.1f}".replace(".", ",") + f";{day:02d}.05.1999"
        for price, where, area, day in zip(size * (2 + (town == "Ulm")), town, size, range(60), strict=True)
        for day in [day % 28 + 1]
    ]
    path.write_bytes(codecs.BOM_UTF8 + "\r\n".join(["Preis;Ort;Fläche;gebaut", *lines]).encode())
    data = read_csv(path, target="Preis", split={"valid": 0.2, "test": 0.1})
    assert data.task == "regression" and {part: len(source) for part, source in data.splits.items()} == {
        "train": 42, "valid": 12, "test": 6
    }  # fmt: skip
    assert {"Fläche", "Ort=Köln", "Ort=Ulm", "gebaut time"} <= set(data.columns)
    x, y = next(iter(DataLoader(data.train, batch_size=8)))
    assert x.shape == (8, len(data.columns)) and x.dtype == np.float32 and y.shape == (8,)
    run = pt.fit(model="linear", data=data, epochs=1, batch_size=8, verbose=False, report={"baseline": False})
    assert "valid.mse" in run.history[0]
    classes = read_csv(str(path), "Ort", drop=["gebaut"])
    assert classes.task == "classification" and classes.labels == ("Köln", "Ulm")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"target": "c"},
            "[table {path}] no column c; expected it among the columns, which are a, b; check the name",
        ),
        (
            {"target": "a", "task": "regression"},
            "[table {path}] a is 'x' in row 2; expected numbers, since task is regression; correct it, name it in "
            "na_values, or set decimal and thousands",
        ),
        (
            {"target": "b", "separator": ";"},
            "[read_csv separator] no such parameter of read_csv; expected ",
        ),
        (
            {"target": "b", "decimal": ";"},
            "[read_csv decimal] ",
        ),
    ],
)
def test_what_the_door_refuses(tmp_path: Path, settings: dict[str, Any], message: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\nx,3\n2,4\n")
    with pytest.raises(DataError) as caught:
        read_csv(path, **settings)
    assert str(caught.value).startswith(message.format(path=path))


def test_a_text_among_numbers_is_shown_in_the_report(tmp_path: Path) -> None:
    from powertrain_tabular.cleaning import clean_report

    rows = [f"{at},{at % 3}" for at in range(30)]
    found = clean_report(frame(tmp_path, "\n".join(["a,y", *rows[:7], "n.a.,1", *rows[7:]])), "y")
    (mixed,) = [one for one in found if one.kind == "mixed"]
    assert mixed.text == "1 of 31 values are no numbers, first 'n.a.' in row 8; name it in na_values if it is a gap"
