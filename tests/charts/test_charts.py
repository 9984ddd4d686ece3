"""The data of charts, and the library that draws them."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import numpy as np

import powertrain.charts as charts

NOTED = Path(__file__).parents[2] / "python/powertrain/charts/uplot/README.md"


def test_the_vendored_files_are_those_that_are_noted() -> None:
    text, folder = NOTED.read_text(encoding="utf-8"), Path(charts.__file__).with_name("uplot")
    noted = re.findall(r"^\| `([\w.]+)` \| `([0-9a-f]{64})` \|$", text, re.MULTILINE)
    assert len(noted) == 2
    for name, digest in noted:
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name
    (version,) = re.findall(r"npm pack uplot@([0-9.]+)", text)
    assert f"uPlot (v{version})" in (folder / "uPlot.iife.min.js").read_text(encoding="utf-8")


def test_the_script_has_its_licence_and_ends_where_its_element_does() -> None:
    text = charts.script()
    assert "The MIT License" in text[:100] and "Copyright (c) 2022 Leon Sorokin" in text
    assert not re.search(r"</script|<script|<!--", text, re.IGNORECASE)
    digest = base64.b64encode(hashlib.sha256(b"let a").digest()).decode()
    assert charts.script_source("let a") == f"'sha256-{digest}'"


def test_a_long_line_keeps_its_ends_and_its_peaks() -> None:
    points = [(step, 1 / (step + 1)) for step in range(100_000)]
    points[54_321] = (54_321, 9.0)
    points[54_322] = (54_322, -9.0)
    (line,) = charts.curve_chart("loss", "step", {"train": points})["lines"]
    assert len(line["x"]) == len(line["y"]) <= charts.MOST_POINTS
    assert line["x"] == sorted(line["x"]) and (line["x"][0], line["x"][-1]) == (0, 99_999)
    assert dict(zip(line["x"], line["y"], strict=True))[54_321] == 9.0 and min(line["y"]) == -9.0


def test_a_short_line_is_whole_with_fewer_digits() -> None:
    made = charts.curve_chart("a", "b", {"c": [(1, 1 / 3), (2, 1e-30), (2, 123456789.0)]})
    assert made["lines"] == [{"name": "c", "x": [1, 2, 2], "y": [0.333333, 1e-30, 123457000.0]}]


def test_names_cannot_turn_the_direction_of_text() -> None:
    made = charts.curve_chart("a\u202eb", "c\n", {"d\x1b": [(1, 1.0)]})
    assert (made["title"], made["across"], made["lines"][0]["name"]) == (r"a\u202eb", r"c\n", r"d\x1b")


def shares(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def test_a_band_keeps_columns_that_are_about_as_far_apart() -> None:
    steps = [*range(1, 64), *range(64, 128, 2), *range(128, 1024, 16)]
    (band,) = charts.heat_chart("a", "step", {"b": [(step, shares(0, 1)) for step in steps]}, 0)["bands"]
    assert len(band["x"]) == len(band["columns"]) <= charts.MOST_COLUMNS
    assert band["x"][-1] == steps[-1] and min(np.diff(band["x"])) >= 16


def test_powers_that_hardly_any_number_has_are_those_at_the_ends() -> None:
    made = charts.heat_chart("a", "step", {"b": [(1, shares(0.1, 0.01, 0, 0.5, 0.3, 0.01))]}, -7)
    assert (made["lowest"], made["bands"][0]["columns"]) == (-5, ["1a824f"])
    nothing = charts.heat_chart("a", "step", {"b": [(1, shares(1, 0, 0)), (2, shares(0.999, 0.001, 0))]}, -7)
    assert (nothing["lowest"], nothing["bands"][0]["columns"]) == (-7, ["ff00", "ff01"])


def test_one_column_is_a_band() -> None:
    assert charts.heat_chart("a\u202e", "b", {"c\n": [(3, shares(0, 1))]}, 0) == {
        "title": r"a\u202e", "across": "b", "lowest": 0, "bands": [{"name": r"c\n", "x": [3], "columns": ["00ff"]}],
    }  # fmt: skip
