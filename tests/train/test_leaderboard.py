"""`powertrain report --all`, and what a report says of other runs of its recipe."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
from pathlib import Path

import pytest

from powertrain.train.folder.summaries import day_and_time, differing, ended, summaries
from powertrain.train.report.leaderboard import write_leaderboard
from running import SMALL, inside, run

HOSTILE = "a<b>&'\"#%"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose runs/ has two finished runs of a recipe, and one each that is unfinished and damaged."""
    folder = tmp_path_factory.mktemp("board")
    (folder / "small.toml").write_text(SMALL)
    for epochs in (2, 3):
        run(["train", "small.toml", "--set", f"run.until={epochs} epochs"], folder)
    first = folder / "runs" / "small-1"
    shutil.copytree(first, folder / "runs" / HOSTILE)
    shutil.copytree(first, folder / "runs" / "broken")
    (folder / "runs" / "broken" / "results.json").write_text("{")
    (folder / "runs" / HOSTILE / "results.json").unlink()
    return folder


def cells(row: str) -> list[str]:
    return [html.unescape(re.sub(r"<[^>]+>", "", cell)) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)]


def test_finished_runs_are_in_one_table_and_others_are_told_of(folder: Path) -> None:
    said = inside(["report", "--all"], folder).stdout
    assert said == "runs/leaderboard.html\n"
    page = (folder / "runs" / "leaderboard.html").read_text(encoding="utf-8")
    head = re.findall(r'<th scope="col">(.*?)</th>', page)
    assert head == ["run", "recipe", "judged on", "accuracy", "loss", "loss by step", "parameters", "steps",
                    "seconds", "Wh", "ended (UTC)"]  # fmt: skip
    rows = [cells(row) for row in re.findall(r"<tr>(<td data-value.*?)</tr>", page)]
    assert sorted(row[0] for row in rows) == ["small-1", "small-2"]
    for row in rows:
        results = json.loads((folder / "runs" / row[0] / "results.json").read_text())
        assert row[1:3] == ["small", "test"] and row[3] == f"{results['test']['accuracy']:.4g}"
        assert row[6:8] == ["2,410", f"{results['steps']:,}"]
        assert re.fullmatch(r"20\d\d-\d\d-\d\d \d\d:\d\d", row[10])
    assert 'href="./small-2/report.html"' in page and page.count("<polyline") == 2
    assert re.search(r"<h3>small</h3>.*<th>run.until</th>.*2 epochs.*3 epochs", page)
    assert "<td>unfinished</td>" in page and "<td>damaged</td>" in page and "not a complete JSON text" in page
    assert html.escape(HOSTILE) in page and "<b>" not in page


def test_names_of_folders_are_links_to_them(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "runs" / "small-1", tmp_path / HOSTILE)
    page = write_leaderboard(tmp_path).read_text(encoding="utf-8")
    assert 'href="./a%3Cb%3E%26%27%22%23%25/report.html"' in page
    not_utf8 = os.fsdecode(b"caf\xe9")  # as old archives have names
    (tmp_path / HOSTILE).rename(tmp_path / not_utf8)
    assert 'href="./caf%E9/report.html"' in write_leaderboard(tmp_path).read_text(encoding="utf-8")
    (tmp_path / not_utf8 / "report.html").unlink()
    assert "href" not in write_leaderboard(tmp_path).read_text(encoding="utf-8")


def test_a_ledger_that_cannot_be_read_costs_its_curve_alone(folder: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        shutil.copytree(folder / "runs" / "small-1", tmp_path / name)
    (tmp_path / "a" / "ledger.jsonl").unlink()
    (tmp_path / "a" / "ledger.jsonl").mkdir()
    assert write_leaderboard(tmp_path).read_text(encoding="utf-8").count("<polyline") == 1
    inside(["report", "b"], tmp_path)
    assert "<td>a</td>" in (tmp_path / "b" / "report.html").read_text(encoding="utf-8")


def test_numbers_of_a_strangers_run_need_be_neither_finite_nor_recent(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "runs" / "small-1", tmp_path / "a")
    path = tmp_path / "a" / "results.json"
    results = json.loads(path.read_text())
    path.write_text(json.dumps({**results, "test": {"loss": "nan", "accuracy": "inf"}, "seconds": "-inf"}))
    event = {"event": "metrics", "step": 1 << 62, "round": 1, "time": 1e300, "values": {"valid.loss": 1e308}}
    with (tmp_path / "a" / "ledger.jsonl").open("a") as file:
        file.write(json.dumps(event) + "\n")
    page = write_leaderboard(tmp_path).read_text(encoding="utf-8")
    assert '<td data-value="">nan</td>' in page and '<td data-value="">inf</td>' in page
    path.write_text(json.dumps({**results, "parameters": "many"}))
    assert "parameters is not a whole number" in write_leaderboard(tmp_path).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--all", "nowhere"], "[report --all] received nowhere; expected a folder with runs; powertrain train makes"),
        (["--all", "--card"], "[report] received --all and --card; expected one of them; leave one out"),
        (["--all", "--group=a"], "[report] received --all and --group; expected one of them; leave one out"),
        ([], "[report] received no folder; expected that of a run, or --all; powertrain runs lists them"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, arguments: list[str], words: str) -> None:
    assert words in inside(["report", *arguments], tmp_path, expect=2).stderr


def test_a_report_has_other_runs_of_its_recipe_and_what_differs(folder: Path) -> None:
    inside(["report", "runs/small-2"], folder)
    page = (folder / "runs" / "small-2" / "report.html").read_text(encoding="utf-8")
    table = page.partition("<h2>Other runs of this recipe</h2>")[2].partition("</table>")[0]
    rows = [cells(row) for row in re.findall(r"<tr>(.*?)</tr>", table)][1:]
    assert [row[0] for row in rows] == ["this run", "small-1"]
    assert rows[0][-1] == "" and rows[1][-1] == 'run.until = "2 epochs"'


def test_a_run_that_is_alone_has_no_such_section(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "runs" / "small-1", tmp_path / "a")
    inside(["report", "a"], tmp_path)
    assert "Other runs" not in (tmp_path / "a" / "report.html").read_text(encoding="utf-8")


def test_the_runs_of_a_folder_are_summed_up_without_opening_them(folder: Path) -> None:
    states = {one.path.name: one.state for one in summaries(folder / "runs")}
    assert states == {HOSTILE: "unfinished", "broken": "damaged", "small-1": "finished", "small-2": "finished"}
    assert summaries(folder / "nowhere") == []
    assert differing([{"a": "1", "b": "2"}, {"a": "1", "b": "3", "c": "4"}]) == ["b", "c"]
    assert day_and_time(ended([{"time": 0.0}])) == "1970-01-01 00:00"
    for odd in ([], [{}], [{"time": "now"}], [{"time": float("nan")}, {"time": float("inf")}], [{"time": 1e300}]):
        assert ended(odd) is None
