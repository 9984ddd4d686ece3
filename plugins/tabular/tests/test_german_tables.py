"""A table as a German office writes it: dates with points, prices with a point between thousands, an id; read in
training and asked about in every form."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.cli.help import about
from powertrain.data import DataError, DataModule, InputFile, read_csv
from powertrain.plugin.listing import describe
from powertrain_tabular.cleaning import clean_report
from powertrain_tabular.csv_file import Csv
from powertrain_tabular.frame import Frame, frame_pieces, read_frame
from powertrain_tabular.texts import Marks
from running import command, environment, run

pytest.importorskip("pyarrow", reason="pyarrow is an extra")

COUNT = 80


def german(value: float, digits: int = 2) -> str:
    return f"{value:,.{digits}f}".translate(str.maketrans(",.", ".,"))


def houses(folder: Path, date: str = "%d.%m.%Y") -> Path:
    draw = np.random.default_rng(0)
    size = draw.uniform(50, 200, COUNT)
    days = np.datetime64("2022-01-01") + draw.integers(0, 900, COUNT)
    lines = ["nummer;verkauft;fläche;ort;preis"]
    for at, (area, day) in enumerate(zip(size, days, strict=True)):
        sold = day.astype(object)
        text = f"{sold.day}.{sold.month}.{sold.year}" if date == "%d.%m.%Y" else sold.strftime(date)
        lines.append(f"H-{at:04};{text};{german(area, 1)};{('Ulm', 'Bonn')[at % 2]};{german(3000 * area)}")
    path = folder / "häuser.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def data(folder: Path, **settings: Any) -> DataModule:
    return read_csv(houses(folder), target="preis", **settings)


@pytest.mark.parametrize("settings", [{}, {"thousands": "."}, {"decimal": ","}, {"date_format": "%d.%m.%Y"}])
def test_dates_and_grouped_prices_are_read(tmp_path: Path, settings: dict[str, Any]) -> None:
    found = data(tmp_path, **settings)
    assert found.task == "regression" and found.takes == {"verkauft": "date", "fläche": "number", "ort": "category"}
    frame = read_frame(houses(tmp_path), "t", Csv(**settings))
    assert frame["verkauft"].format == "%d.%m.%Y" and frame["preis"].values.min() > 100_000
    assert frame["verkauft"].values.min() >= (np.datetime64("2022-01-01") - np.datetime64(0, "D")).astype(int)


@pytest.mark.parametrize(
    ("text", "marks", "values"),
    [
        ("a;b\n476.457,86;x\n1,5;y\n", Marks(",", "."), [476457.86, 1.5]),
        ("a;b\n1.234.567;x\n2.000;y\n", Marks(",", "."), [1234567, 2000]),
        ("a;b\n3,25;1.000\n4,5;2.500\n", Marks(",", "."), [3.25, 4.5]),
        ('a,b\n"1,234.50",x\n"2,000",y\n', Marks(".", ","), [1234.5, 2000]),
        ('a,b\n"1.234,50",x\n"2.000,00",y\n', Marks(",", "."), [1234.5, 2000]),
        ("a;b\n1,234.5;x\n17.25;y\n", Marks(".", ","), [1234.5, 17.25]),
        ("a;b\n1.234;x\n2.5;y\n", Marks(".", ","), [1.234, 2.5]),
        ("a,b\n1.234,x\n2.345,y\n", Marks(), [1.234, 2.345]),
        ("a;b\n1.234,5;x\n" + "2.345,5;y\n" * 11 + "k.A.;z\n", Marks(",", "."), None),
    ],
)
def test_marks_are_found_out(tmp_path: Path, text: str, marks: Marks, values: list[float] | None) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)
    frame = read_frame(path, "t")
    assert frame.marks == marks
    assert values is None or frame["a"].values.tolist() == pytest.approx(values)


def test_marks_that_contradict_each_other(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a;b\n1,5;2.25\n")
    with pytest.raises(DataError) as caught:
        read_frame(path, "t")
    assert str(caught.value) == (
        f'[t] {path} holds 1,5 and 2.25; expected to know which is the decimal sign; set decimal = "," or decimal = "."'
    )


def test_a_new_file_that_could_be_either_is_read_as_the_training_file(tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    path.write_text("a;b\n1,500;2.000\n")
    (frame,) = frame_pieces(InputFile(path), Csv(), (), 10, Marks(",", "."))
    assert [frame[name].values.tolist() for name in "ab"] == [[1.5], [2000.0]]
    with pytest.raises(DataError, match="expected to know what the comma is"):
        list(frame_pieces(InputFile(path), Csv(), (), 10))


def test_a_date_format_wins_or_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b,c\n2024-05-12,20240531,34\n2024-06-01,20240601,35\n")
    day = lambda text: float((np.datetime64(text) - np.datetime64(0, "D")).astype(int))  # noqa: E731
    assert read_frame(path, "t", Csv(date_format="%Y-%d-%m"))["a"].values.tolist() == [
        day("2024-12-05"),
        day("2024-01-06"),
    ]
    found = read_frame(path, "t", Csv(date_format="%Y%m%d"))
    assert found["b"].values[0] == day("2024-05-31") and found["a"].kind == "date" and found["c"].kind == "number"
    with pytest.raises(DataError) as caught:
        read_frame(path, "t", Csv(date_format="%d.%m.%Y"))
    assert str(caught.value) == (
        f'[t] date_format = "%d.%m.%Y", which fits no column of {path}; expected a column whose values are all dates '
        "of it; correct it, or leave it out"
    )


def test_a_target_of_numbers_that_were_not_read(tmp_path: Path) -> None:
    lines = [f'{at},"{german(1000.5 * (at + 1))}"' for at in range(30)]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["a,y", *lines]))
    with pytest.raises(DataError) as caught:
        read_csv(path, "y", decimal=".")
    assert str(caught.value) == (
        f"[table {path}] y holds '1.000,50' and 29 more texts, which look like numbers; expected numbers, or few "
        'classes; set thousands = "."; or set task = "classification"'
    )
    assert read_csv(path, "y", decimal=".", task="classification").outputs == 30
    path.write_text("\n".join(["a,y", *(f"{at},{at}.5" for at in range(30)), "5,auf Anfrage"]))
    with pytest.raises(DataError, match="name 'auf Anfrage' in na_values if it is a gap; or set task"):
        read_csv(path, "y")


def test_what_the_model_does_not_read_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = data(tmp_path)
    assert found.notes == ("not used: nummer (80 values in 80 rows; drop it)",)
    pt.fit(model="linear", data=found, epochs=1)
    assert "\nnote   not used: nummer (80 values in 80 rows; drop it)\n" in capsys.readouterr().out
    path = tmp_path / "ids.csv"
    path.write_text("\n".join(["id,x,y", *(f"{100 + at},{at % 7},{at * 0.5}" for at in range(30))]))
    assert read_csv(path, "y").notes == (
        'whole numbers, each in one row: id; if they number the rows, drop = ["id"]',
    )  # fmt: skip
    assert read_csv(path, "y", drop=["id"]).notes == ()


@pytest.mark.parametrize(
    ("values", "kind", "text"),
    [
        ([f"{at}/2024-1" for at in range(30)], "identifier", "30 values in 30 rows; drop it"),
        ([f"{1 + at % 28}-5-{1990 + at}" for at in range(30)], "dates",
         "texts that look like dates, such as '1-5-1990'; set date_format"),
        ([f"{at + 1}'000" for at in range(30)], "numbers",
         "texts that look like numbers, such as '1'000'; set decimal and thousands"),
        (["k.A.", *(f"{1 + at % 28}.5.{1990 + at}" for at in range(30))], "mixed",
         "1 of 31 values are no dates, first 'k.A.' in row 1; name it in na_values if it is a gap"),
    ],
)  # fmt: skip
def test_dates_and_numbers_are_no_identifiers(tmp_path: Path, values: list[str], kind: str, text: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["a;y", *(f"{value};{at % 2}" for at, value in enumerate(values))]))
    (finding,) = [one for one in clean_report(read_frame(path, "t"), "y") if one.column == "a"]
    assert (finding.kind, finding.text.replace('"', "'")) == (kind, text)


@pytest.mark.parametrize("form", ["%d.%m.%Y", "%d/%m/%Y", "%Y-%m-%d", "%d %b %y"])
def test_texts_of_dates_are_read_in_memory(tmp_path: Path, form: str) -> None:
    """As pandas.read_csv and JSON give them."""
    path = houses(tmp_path, form)
    more = {"date_format": form} if "%b" in form else {}
    found = read_csv(path, "preis", **more)
    assert found.encode is not None and found.read is not None
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    day = [line.split(";")[1] for line in lines]
    area = [float(line.split(";")[2].replace(",", ".")) for line in lines]
    columns = {"verkauft": day, "fläche": area, "ort": ["Ulm", "Bonn"] * (COUNT // 2)}
    (_, want), *_ = found.read(InputFile(path), COUNT)
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    iso = {
        **columns,
        "verkauft": [
            str(np.datetime64("1970-01-01") + np.timedelta64(int(one), "D")) for one in frame_days(path, more)
        ],
    }
    for given in (columns, rows, iso, {**columns, "fläche": [f"{one}" for one in area]}):
        np.testing.assert_array_equal(found.encode(given), want)
    assert found.raw is not None
    typed = found.raw.typed({name: np.array(values, dtype=object) for name, values in columns.items()})
    np.testing.assert_array_equal(found.raw.encode(typed), want)


def frame_days(path: Path, settings: dict[str, Any]) -> list[float]:
    frame: Frame = read_frame(path, "t", Csv(**settings))
    days: list[float] = frame["verkauft"].values.tolist()
    return days


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("verkauft", "bald", "[predict] verkauft holds 'bald' in row 2; expected dates, as in the training rows; write "
         "dates %d.%m.%Y or such as 2024-05-31, or leave the value empty"),
        ("verkauft", "2024-02-30", "[predict] verkauft holds '2024-02-30' in row 2; expected dates, as in the training "
         "rows; write dates %d.%m.%Y or such as 2024-05-31, or leave the value empty"),
        ("fläche", "groß", "[predict] fläche holds 'groß' in row 2; expected numbers, as in the training rows; correct "
         "it, or leave the value empty"),
    ],
)  # fmt: skip
def test_one_bad_value_is_named(tmp_path: Path, column: str, value: str, message: str) -> None:
    found = data(tmp_path)
    assert found.encode is not None and found.read is not None
    row = {"verkauft": "31.5.2024", "fläche": "100.5", "ort": "Ulm"}
    with pytest.raises(DataError) as caught:
        found.encode([row, row, {**row, column: value}])
    assert str(caught.value) == message
    path = tmp_path / "new.csv"
    lines = [f"31.5.2024;{at},5;Ulm" for at in range(5)]
    lines[2] = f"{value};3,5;Ulm" if column == "verkauft" else f"31.5.2024;{value};Ulm"
    path.write_text("\n".join(["verkauft;fläche;ort", *lines]), encoding="utf-8")
    with pytest.raises(DataError) as in_file:
        list(found.read(InputFile(path), 10))
    assert str(in_file.value) == message.replace("[predict]", f"[predict {path}]")


@pytest.mark.parametrize("form", ["read_csv", "table"])
def test_a_run_from_python_predicts_for_files_when_it_was_moved(tmp_path: Path, form: str) -> None:
    here = tmp_path / "here"
    here.mkdir()
    path = houses(here)
    given: Any = read_csv(path, "preis", drop=["nummer"], encode={"rare": 5}) if form == "read_csv" else {
        "use": "table", "path": str(path), "target": "preis", "drop": ["nummer"], "encode": {"rare": 5}
    }  # fmt: skip
    columns = len(read_csv(path, "preis", drop=["nummer"], encode={"rare": 5}).columns)
    first = pt.fit(
        model=pt.nn.Linear(columns, 1), data=given, epochs=2, folder=here / "run", verbose=False,
        target={"scale": "log", "unit": "euros"},
    )  # fmt: skip
    asked = path.rename(tmp_path / "asked.csv")
    before = first.predict(asked)
    (here / "run").rename(tmp_path / "moved")
    opened = pt.load(tmp_path / "moved", model=pt.nn.Linear(columns, 1))
    np.testing.assert_array_equal(opened.predict(asked), before)
    row = {"verkauft": "31.5.2024", "fläche": 100.5, "ort": "Ulm"}
    np.testing.assert_array_equal(opened.predict([row]), first.predict([row]))
    assert opened.predict([row]).unit == "euros"


@pytest.fixture(scope="module")
def sold(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run on prices, `run`, one on towns, `town`, and the file that they were trained on."""
    folder = tmp_path_factory.mktemp("sold")
    path = houses(folder)
    for target, name in (("preis", "run"), ("ort", "town")):
        pt.fit(
            model="linear", data={"use": "table", "path": str(path), "target": target, "split": {"test": 0.2}},
            epochs=2, folder=folder / name, verbose=False,
        )  # fmt: skip
    return folder


@pytest.mark.parametrize("name", ["run", "town"])
def test_a_file_with_targets_is_measured(sold: Path, name: str) -> None:
    trained, path = pt.load(sold / name), sold / "häuser.csv"
    frame = read_frame(path, "t")
    target = "preis" if name == "run" else "ort"
    columns: dict[str, Any] = {
        "verkauft": [line.split(";")[1] for line in path.read_text(encoding="utf-8").splitlines()[1:]],
        "fläche": frame["fläche"].values.tolist(), "ort": frame["ort"].values.tolist(),
        "preis": frame["preis"].values.tolist(),
    }  # fmt: skip
    scores = trained.evaluate(str(path))
    assert trained.evaluate(path) == scores and trained.evaluate(columns) == scores
    said = trained.predict(path)
    if name == "run":
        off = np.abs(said.values - np.array(columns["preis"]))
        assert scores["mae"] == pytest.approx(off.mean(), rel=1e-5)
    else:
        assert scores["accuracy"] == pytest.approx((said.labels == np.array(columns["ort"])).mean())
    partly = {**columns, target: [None, *columns[target][1:]]}
    assert trained.evaluate(partly) == trained.evaluate({key: values[1:] for key, values in columns.items()})
    for given, message in (
        ({key: values for key, values in columns.items() if key != target}, f"no column {target}"),
        ({**columns, target: ["?!", *columns[target][1:]] if name == "town" else ["?!"] + ["1"] * (COUNT - 1)},
         f"{target} is '?!' in row 0; expected {'numbers' if name == 'run' else 'one of Bonn, Ulm'}"),
        (sold / "none.csv", "none.csv"),
    ):  # fmt: skip
        with pytest.raises(pt.Error, match=message.replace("?", r"\?")):
            trained.evaluate(given)
    with pytest.raises(pt.Error, match=r"^\[evaluate\] received tset; expected one of"):
        trained.evaluate("tset")
    assert trained.evaluate("test")


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
@pytest.mark.parametrize("piped", [False, True])
def test_columns_stand_beside_the_answers(sold: Path, tmp_path: Path, ending: str, piped: bool) -> None:
    out, path = tmp_path / f"answers{ending}", sold / "häuser.csv"
    words = [
        "predict",
        str(sold / "run"),
        "-" if piped else str(path),
        "--id",
        "nummer",
        "--id",
        "ort",
        "--out",
        str(out),
    ]
    subprocess.run(command(words), env=environment(), input=path.read_bytes() if piped else None, check=True)
    if ending == ".csv":
        lines = out.read_text(encoding="utf-8").splitlines()
        assert lines[0].startswith("row,nummer,ort,value") and lines[4].startswith("3,H-0003,Bonn,")
        found = [line.split(",")[1] for line in lines[1:]]
    elif ending == ".jsonl":
        found = [json.loads(line)["nummer"] for line in out.read_text(encoding="utf-8").splitlines()]
    else:
        import pyarrow.parquet as parquet

        found = parquet.read_table(out).column("nummer").to_pylist()
    assert found == [f"H-{at:04}" for at in range(COUNT)]


def test_columns_on_the_terminal_and_those_that_cannot_be(sold: Path, tmp_path: Path) -> None:
    path = sold / "häuser.csv"
    first = run(["predict", str(sold / "town"), str(path), "--id", "nummer"], tmp_path).stdout.splitlines()[0]
    assert first.split()[:2] == ["0", "H-0000"]
    said = run(["predict", str(sold / "run"), str(path), "--id", "kunde"], tmp_path, expect=2).stderr
    assert (
        said == f"[predict {path}] no column kunde; expected it among the columns, which are "
        "nummer, verkauft, fläche, ort, preis; check the name\n"
    )
    new = tmp_path / "new.csv"
    new.write_text(path.read_text(encoding="utf-8").replace("nummer", "value", 1), encoding="utf-8")
    said = run(["predict", str(sold / "run"), str(new), "--id", "value"], tmp_path, expect=2).stderr
    assert said == (
        "[predict] the column value, which the predictions have too; expected another name; rename it in the file\n"
    )  # fmt: skip
    np.save(tmp_path / "x.npy", pt.load(sold / "run").examples(path))
    said = run(["predict", str(sold / "run"), "x.npy", "--id", "nummer"], tmp_path, expect=2).stderr
    assert said.startswith("[predict] the column nummer of x.npy; expected a table, whose rows have columns; leave id")


def test_keys_of_tables_in_a_table_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    shown = describe("table")
    assert "\n  encode = a table  its keys are encode.categories and so on\n" in shown
    assert '\n  split.by = one of "random", "stratify", "group", "time"; default "random"  how rows are dealt' in shown
    assert "Split(" not in shown and "Encode(" not in shown
    assert "\n  encode.rare = a whole number >= 1; default 10  categories of fewer" in about("data.encode")
    whole = about("data.split")
    assert "  data.split.stratify: keep the share" in whole and "\n  split.column = a text in quotes;" in whole
    assert about("data.split.by").startswith("data.split.by of adult, ames, churn,")
