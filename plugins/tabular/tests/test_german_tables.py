"""A table as a German office writes it: dates with points, prices with a point between thousands, an id; read in
training and asked about in every form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.data import DataError, DataModule, InputFile, read_csv
from powertrain_tabular.cleaning import clean_report
from powertrain_tabular.csv_file import Csv
from powertrain_tabular.frame import Frame, frame_pieces, read_frame
from powertrain_tabular.texts import Marks

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
    iso = {**columns, "verkauft": [str(np.datetime64("1970-01-01") + int(one)) for one in frame_days(path, more)]}
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
    run = pt.fit(
        model=pt.nn.Linear(columns, 1), data=given, epochs=2, folder=here / "run", verbose=False,
        target={"scale": "log", "unit": "euros"},
    )  # fmt: skip
    asked = path.rename(tmp_path / "asked.csv")
    before = run.predict(asked)
    (here / "run").rename(tmp_path / "moved")
    opened = pt.load(tmp_path / "moved", model=pt.nn.Linear(columns, 1))
    np.testing.assert_array_equal(opened.predict(asked), before)
    row = {"verkauft": "31.5.2024", "fläche": 100.5, "ort": "Ulm"}
    np.testing.assert_array_equal(opened.predict([row]), run.predict([row]))
    assert opened.predict([row]).unit == "euros"
