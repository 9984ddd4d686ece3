"""Tables: reading, what is fitted on the training rows, splits, the cleaning report, leaks."""

from __future__ import annotations

import gzip
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from table_files import draw, write

from powertrain.data import DataError
from powertrain_tabular.cleaning import clean_report, suspicious
from powertrain_tabular.encoding import Encode, Encoder
from powertrain_tabular.frame import Column, Frame, column_of, read_frame
from powertrain_tabular.splits import Split, split_rows
from powertrain_tabular.table import Table

pytest.importorskip("pyarrow", reason="pyarrow is an extra")
PEOPLE = Path(Table.examples_folder) / "people.csv"


def load(path: Path = PEOPLE, target: str = "bought", **more: Any) -> Any:
    return Table.build(Table.Params(path=path, target=target, **more), Path())


def test_csv_gz_tsv_and_parquet_are_one_table(tmp_path: Path) -> None:
    import pyarrow.csv
    import pyarrow.parquet

    packed = tmp_path / "people.csv.gz"
    packed.write_bytes(gzip.compress(PEOPLE.read_bytes()))
    tabs = write(tmp_path, PEOPLE.read_text().replace(",", "\t"), "people.tsv")
    pyarrow.parquet.write_table(pyarrow.csv.read_csv(PEOPLE), tmp_path / "people.parquet")
    first = read_frame(PEOPLE, "t")
    assert {name: column.kind for name, column in first.columns.items()} == {
        "joined": "date", "city": "category", "age": "number", "income": "number", "visits": "number",
        "bought": "category",
    }  # fmt: skip
    assert first["income"].missing.sum() == 22 and first["city"].missing.sum() == 15
    for other in (packed, tabs, tmp_path / "people.parquet"):
        found = read_frame(other, "t")
        for name, column in first.columns.items():
            # Parquet made without our words for gaps has "" where they are.
            same = np.where(column.missing, None, column.values) if column.kind == "category" else column.values
            given = found[name].values
            given = np.where(given == "", None, given) if column.kind == "category" else given
            assert np.array_equal(same, given) if column.kind == "category" else np.array_equal(same, given, True)


def test_what_is_fitted_knows_the_training_rows_alone(tmp_path: Path) -> None:
    """Changing every held-out row changes nothing that was learned, nor the training rows."""
    lines = PEOPLE.read_text().splitlines()
    split = Split(by="random", valid=0.2, test=0.2, seed=4)
    first = load(split=split)
    rows = split_rows(split, read_frame(PEOPLE, "t")["bought"], None, "t")
    changed = list(lines)
    for part in ("valid", "test"):
        for row in rows[part]:
            changed[row + 1] = f"2031-01-01,Nowhere,{row},1e9,-7,{lines[row + 1].rpartition(',')[2]}"
    second = load(write(tmp_path, "\n".join(changed)), split=split)
    for name, value in first.state.items():
        assert np.array_equal(value, second.state[name]), name
    every = np.arange(len(first.train))
    assert np.array_equal(first.train.fetch(every)["x"], second.train.fetch(every)["x"])


def test_numbers_are_logged_filled_scaled_and_clipped() -> None:
    values = np.concatenate([draw().lognormal(0, 2, 199), [np.nan]])
    frame = Frame({"money": Column("number", values)})
    encoder = Encoder.fit(frame, Encode(), "t")
    made = encoder(frame)
    assert encoder.features == ["money", "money missing"]
    assert made[:, 0].mean() == pytest.approx(0, abs=1e-6) and made[:, 0].std() == pytest.approx(1, abs=1e-6)
    assert made[:, 1].sum() == 1 and made[-1, 1] == 1
    shown = np.log1p(values[:-1])
    assert np.corrcoef(shown, made[:-1, 0])[0, 1] == pytest.approx(1)
    clipped = Encoder.fit(frame, Encode(clip=True, log=False, scale=False), "t")(frame)
    assert clipped[:, 0].max() < np.nanmax(values)


def test_categories_rare_ones_and_new_ones() -> None:
    frame = Frame({"c": column_of(["a"] * 6 + ["b"] * 4 + ["x", None])})
    encoder = Encoder.fit(frame, Encode(rare=3), "t")
    assert encoder.features == ["c=a", "c=b", "c=other"]
    new = Frame({"c": column_of(["b", "never seen", None])})
    assert encoder(new).tolist() == [[0, 1, 0], [0, 0, 1], [0, 0, 1]]
    assert Encoder.fit(frame, Encode(rare=3, categories="ordinal"), "t")(new).tolist() == [[1], [2], [2]]
    shares = Encoder.fit(frame, Encode(rare=3, categories="frequency"), "t")(new)
    assert shares.ravel() == pytest.approx([4 / 12, 2 / 12, 2 / 12])


def test_a_date_that_is_missing_is_the_middle_one_and_is_told(tmp_path: Path) -> None:
    text = "day,x\n2024-01-01,1\n,2\n2024-01-11,3\n2024-01-31,4\n"
    frame = read_frame(write(tmp_path, text), "t").without(["x"])
    encoder = Encoder.fit(frame, Encode(), "t")
    assert encoder.features[-1] == "day missing"
    made = encoder(frame)
    assert made[:, -1].tolist() == [0, 1, 0, 0]
    assert np.array_equal(made[1, :-1], made[2, :-1])  # the median of the others
    assert "day missing" not in Encoder.fit(frame, Encode(gaps=False), "t").features
    # A run of version 0.1: gaps are the first day.
    (learned,) = encoder.learned
    old = Encoder([{name: value for name, value in learned.items() if name not in ("fill", "gaps")}])(frame)
    assert old.shape == (4, 5) and np.array_equal(old[1], old[0])


def test_combined_columns_and_state_that_json_holds() -> None:
    frame = Frame({"a": column_of([1, 2, 3, 4]), "b": column_of([2, 0, 4, 8])})
    encoder = Encoder.fit(frame, Encode(combine=("a*b", "a/b"), scale=False, log=False), "t")
    made = dict(zip(encoder.features, encoder(frame).T.tolist(), strict=True))
    assert made["a*b"] == [2, 0, 12, 32]
    assert made["a/b"] == [0.5, 0.5, 0.75, 0.5] and made["a/b missing"] == [0, 1, 0, 0]
    again = Encoder(json.loads(encoder.state()["encoder"].tobytes()))
    assert np.array_equal(again(frame), encoder(frame))
    with pytest.raises(
        DataError, match=r'^\[t\] combine = "a-b"; expected "a\*b" or "a/b"; name two columns of numbers$'
    ):
        Encoder.fit(frame, Encode(combine=("a-b",)), "t")


@pytest.mark.parametrize("by", ["random", "stratify", "group", "time"])
@pytest.mark.parametrize("folds", [None, 4])
def test_every_row_is_in_one_part(by: str, folds: int | None) -> None:
    count = 203
    target = column_of([["no", "yes"][int(one)] for one in draw().random(count) < 0.2])
    order = column_of(draw(1).integers(0, 40, count).tolist())
    tested = []
    for fold in range(folds or 1):
        shares: dict[str, Any] = {"folds": folds, "fold": fold} if folds else {"test": 0.25}
        rows = split_rows(Split(by=by, valid=0.1, column="order", seed=2, **shares), target, order, "t")
        assert set(rows) == {"train", "valid", "test"}
        every = np.concatenate(list(rows.values()))
        assert len(np.unique(every)) == len(every)
        assert len(every) == count if not (folds and by == "time") else len(every) <= count
        tested += rows["test"].tolist()
        values = order.values
        if by == "group":
            groups = [set(values[found]) for found in rows.values()]
            assert sum(map(len, groups)) == len(set().union(*groups))
        if by == "time":
            assert values[rows["train"]].max() <= values[rows["valid"]].min() <= values[rows["test"]].min() + 1e-9
        if by == "stratify":
            share = (target.values == "yes").mean()
            assert all(abs((target.values[found] == "yes").mean() - share) < 0.05 for found in rows.values())
    if folds and by != "time":
        assert sorted(tested) == list(range(count))


def test_a_stratified_number_has_equal_shares_of_its_tenths() -> None:
    values = draw().normal(size=500)
    rows = split_rows(Split(by="stratify", test=0.2), column_of(values.tolist()), None, "t")
    edges = np.quantile(values, np.linspace(0, 1, 11))
    assert np.histogram(values[rows["test"]], edges)[0] == pytest.approx(np.full(10, 10), abs=1)


def test_the_report_finds_what_was_planted(tmp_path: Path) -> None:
    rows = [f"{at},{at % 7},{'same'},{1 + at % 5},{'ab'[at % 2]}" for at in range(100)]
    rows[10] = "10,,same,900,b"
    rows += [rows[3], rows[4], rows[5].rpartition(",")[0] + ",a"]
    frame = read_frame(write(tmp_path, "\n".join(["id,gap,fixed,far,y", *rows])), "t")
    found = {(one.kind, one.column): one.count for one in clean_report(frame, "y")}
    assert found == {
        ("missing", "gap"): 1, ("constant", "fixed"): 103, ("outliers", "far"): 1, ("duplicates", ""): 2,
        ("contradictions", ""): 1,
    }  # fmt: skip


def test_of_columns_that_are_left_out_the_report_asks_nothing(tmp_path: Path) -> None:
    lines = [f"K{at},{at % 7},{at % 2}" for at in range(60)]
    path = write(tmp_path, "\n".join(["customer,x,y", *lines]))
    told, quiet = load(path, "y", split=Split(test=0.2)), load(path, "y", split=Split(test=0.2), drop=("customer",))
    asked = [row[:2] for section in told.sections for row in section.rows]
    assert ("identifier", "customer") in asked
    assert not [row for section in quiet.sections for row in section.rows if "customer" in row]


def test_turned_labels_are_suspicious() -> None:
    x = draw().normal(size=(600, 4)).astype(np.float32)
    y = (x @ np.array([3.0, -2, 1, 0]) > 0).astype(np.int64)
    clear = np.argsort(-np.abs(x @ np.array([3.0, -2, 1, 0])))
    wrong = clear[5:15]
    y[wrong] = 1 - y[wrong]
    found = suspicious(x, y, 2, np.arange(600) + 1000)
    assert set(wrong + 1000) <= set(found) and len(found) <= 20
    values = (x @ np.array([3.0, -2, 1, 0])).astype(np.float32) + draw(1).normal(0, 0.1, 600).astype(np.float32)
    values[[7, 70]] += np.float32(9)
    assert sorted(suspicious(x, values, None, np.arange(600))) == [7, 70]


def leaky(folder: Path) -> Path:
    age = draw(5).integers(0, 90, 300)
    noise = draw(6).normal(0, 20, 300)
    shoe = draw(7).normal(42, 3, 300)
    rows = [f"{one},{two},{int(one + at > 45)},{(one + at) * 2}" for one, two, at in zip(age, shoe, noise, strict=True)]
    return write(folder, "\n".join(["age,shoe,retired,pension", *rows, *rows[:40]]))


def test_leaks_are_said_or_stop_the_run(tmp_path: Path) -> None:
    path = leaky(tmp_path)
    split = Split(test=0.3)
    page = load(path, "retired", split=split).sections[2]
    assert page.title == "Leakage check" and [row[0] for row in page.rows] == ["what", "shared-rows", "telling"]
    assert page.rows[2][1] == "pension"
    with pytest.raises(
        DataError, match=r"rows of test have a twin in train \(2 leaks\); expected none; drop the column"
    ):
        load(path, "retired", split=split, leakage="error")
    clean = load(path, "retired", split=split, drop=("pension",), duplicates="drop", leakage="error")
    assert clean.sections[2].lines == ("No leak was found: rows, time and single columns were looked at.",)
    assert len(clean.train) + len(clean.splits["test"]) <= 300


@pytest.mark.parametrize(
    ("text", "settings", "says"),
    [
        (
            "a,y\n1,2\n",
            {"target": "z"},
            "[table {}] no column z; expected it among the columns, which are a, y; check the name",
        ),
        (
            "a,Klasse\n1,2\n",
            {"target": "klase"},
            "[table {}] no column klase; expected it among the columns, which are a, Klasse; did you mean Klasse?",
        ),
        ("a,y\n1,x\n2,x\n", {}, "[table {}] the target is always x in train; expected two classes; stratify"),
        ("a,y\n1,x\n1,z\n", {}, "[table {}] no column that varies; expected something to learn from; check the file"),
        (
            "a,y\n1,x\n2,z\n",
            {"drop": ("a",)},
            "[table {}] no column but those left out; expected something to learn from; shorten drop",
        ),
        (
            "a,a\n1,x\n",
            {"target": "a"},
            "[table {}] {} has a twice; expected a name for each column; rename one, "
            "or set header = false if the first line names nothing",
        ),
        ("a,y\n", {}, "[table {}] {} has no rows; expected a table; check the file"),
        (
            "a,y\n1,\n2,NA\n",
            {},
            "[table {}] no row with a value of y; expected rows to learn from; check the column",
        ),
        (
            "a,y\n1e300,x\n2,z\n-1e308,x\n",
            {},
            "[table {}] a holds numbers too large for float32; expected numbers below 3e38; drop the column, or scale "
            "it first",
        ),
        (
            "a,y\n1,1e300\n2,0\n",
            {"task": "regression"},
            "[table {}] a target too large for float32; expected numbers below 3e38; scale it first",
        ),
        (
            "a,t,y\n1,10:00:00,x\n2,11:00:00,z\n",
            {},
            "[table {}] the column t holds time32[s]; expected numbers, UTF-8 texts or dates; leave it out (drop)",
        ),
    ],
)
def test_what_a_wrong_table_says(tmp_path: Path, text: str, settings: dict[str, Any], says: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(DataError) as raised:
        load(path, **{"target": "y", **settings})
    assert str(raised.value) == says.replace("{}", str(path))


def test_a_column_of_another_kind_can_be_dropped(tmp_path: Path) -> None:
    path = write(tmp_path, "a,t,y\n1,10:00:00,x\n2,11:00:00,z\n")
    assert load(path, "y", drop=("t",)).columns == ("a",)


def test_whole_numbers_that_no_float_holds_are_read_as_the_nearest(tmp_path: Path) -> None:
    frame = read_frame(write(tmp_path, f"a\n{2**53 + 1}\n{2**63 + 1}\n"), "t")
    assert frame["a"].values.tolist() == [2.0**53, 2.0**63]
    assert read_frame(write(tmp_path, f"a\n{2**53 + 1}\n"), "t")["a"].values.tolist() == [2.0**53]


def test_one_row_and_few_rows_are_learned_from(tmp_path: Path) -> None:
    for count in (2, 3, 7):
        text = "a,y\n" + "".join(f"{at},{at * 1.5}\n" for at in range(count))
        assert len(load(write(tmp_path, text), "y", task="regression").train) == count
    with pytest.raises(DataError, match="no column that varies"):
        load(write(tmp_path, "a,y\n1,1.5\n"), "y", task="regression")


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.parquet"])
def test_a_pipe_is_no_table(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(DataError) as raised:
        load(tmp_path / name, "y")
    assert str(raised.value) == (
        f"[table {tmp_path / name}] {tmp_path / name}: it is a pipe, not a regular file; expected a readable file; "
        "check the path"
    )


def test_a_table_that_unpacks_to_more_than_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow as pa
    import pyarrow.parquet

    pyarrow.parquet.write_table(pa.table({"a": np.zeros(1_000_000), "y": np.zeros(1_000_000)}), tmp_path / "t.parquet")
    assert (tmp_path / "t.parquet").stat().st_size < 100_000
    monkeypatch.setattr("powertrain_tabular.frame.max_input_bytes", lambda: 5_000_000)
    with pytest.raises(DataError, match=r"it unpacks to 16,000,\d+ bytes; at most 5,000,000 are read; expected a CSV"):
        load(tmp_path / "t.parquet", "y")


def test_a_binary_file_is_no_table(tmp_path: Path) -> None:
    path = tmp_path / "picture.csv"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" * 50)
    with pytest.raises(DataError) as raised:
        load(path, target="y")
    assert str(raised.value) == (
        f'[table {path}] {path}, line 1: byte 0x89 is not UTF-8; expected a table of texts; set encoding = "latin-1", '
        'or "cp1252" for a file of Excel, if it is a text'
    )


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        (["1000000", "1000001"], ("1000000", "1000001")),
        (["9007199254740990", "9007199254740991"], ("9007199254740990", "9007199254740991")),
        (["0.1234567", "0.1234568"], ("0.1234567", "0.1234568")),
        (["-0.0", "0", "1"], ("0", "1")),
        (["3", "20", "100"], ("3", "20", "100")),
    ],
)
def test_numbers_stay_the_classes_that_they_are(tmp_path: Path, values: list[str], labels: tuple[str, ...]) -> None:
    rows = [values[at % len(values)] for at in range(60)]
    text = "a,y\n" + "".join(f"{at},{value}\n" for at, value in enumerate(rows))
    made = load(write(tmp_path, text), "y", task="classification", split=Split(by="random", test=0.2))
    assert made.labels == labels
    found = np.concatenate([made.splits[part].fetch(np.arange(len(made.splits[part])))["y"] for part in made.splits])
    counts = Counter(str(float(value) + 0.0) for value in rows)
    assert sorted(np.bincount(found).tolist()) == sorted(counts.values())


def test_classes_that_float64_merges(tmp_path: Path) -> None:
    text = "a,y\n" + "".join(f"{at},{9007199254740992 + at % 2}\n" for at in range(60))
    with pytest.raises(DataError) as caught:
        load(write(tmp_path, text), "y", task="classification", split=Split(by="random", test=0.2))
    assert str(caught.value).endswith(
        "the class 9007199254740992, which is beyond 2^53; expected classes that float64 tells apart; write them as "
        "texts, such as id-1"
    )
