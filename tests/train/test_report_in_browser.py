"""Reports and leaderboards as people see them: wide and narrow, light and dark, with hostile names, offline."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from browser import DESKTOP, PHONE, Browser, hard_to_use, headless, wider_than_the_window
from running import run

HOSTILE = "<img src=x onerror=\"document.title='owned'\">"
DATA = f"""
import numpy as np
from powertrain.data import ArrayDataset, DataModule
from powertrain.plugin import Data

HOSTILE = {HOSTILE!r}

class Squares(ArrayDataset):
    def example_names(self, indices):
        return [f"{{HOSTILE}}/{{at}}.png" for at in indices]

class Named(Data):
    @classmethod
    def build(cls, params, base):
        draw = np.random.Generator(np.random.Philox(key=1))
        x = draw.normal(size=(300, 6, 6)).astype(np.float32)
        y = (x.mean(axis=(1, 2)) + draw.normal(size=300) / 9 > 0).astype(np.int64)
        parts = {{"train": Squares(x=x[:200], y=y[:200]), "valid": Squares(x=x[200:], y=y[200:])}}
        return DataModule("squares", "classification", parts, 2, ("plain", HOSTILE))
"""
RECIPE = """\
data      = "./data.py:Named"
model     = { use = "mlp", hidden = [8] }
optimizer = { use = "adamw", lr = 1e-2 }
run       = { until = "10 epochs", batch_size = 50 }
evaluate  = { samples = 12 }
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with headless() as found:
        yield found


@pytest.fixture(scope="module")
def runs(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two finished runs of a recipe, one that is not finished, and their leaderboard."""
    folder = tmp_path_factory.mktemp("reports")
    (folder / "data.py").write_text(DATA)
    (folder / "squares.toml").write_text(RECIPE)
    for name, rate in (("first", "1e-3"), ("second", "1e-2"), ("third", "2e-2")):
        run(["train", "squares.toml", "--run", f"runs/{name}", "--set", f"optimizer.lr={rate}"], folder)
    (folder / "runs" / "third" / "results.json").unlink()
    run(["report", "--all"], folder)
    return folder / "runs"


PAGES = ["second/report.html", "leaderboard.html"]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("width", [DESKTOP, PHONE])
@pytest.mark.parametrize("dark", [False, True])
def test_everybody_can_use_a_page(browser: Browser, runs: Path, page: str, width: int, dark: bool) -> None:
    with browser.page(runs / page, width=width, dark=dark) as shown:
        assert hard_to_use(shown) == [] and not wider_than_the_window(shown)


def test_names_of_classes_and_files_are_shown_as_text(browser: Browser, runs: Path) -> None:
    with browser.page(runs / "second" / "report.html") as page:
        assert page.title() == "second: squares"
        assert page.locator("img:not([src^='data:'])").count() == 0
        files = page.get_by_role("heading", name="Worst examples").locator("~ .pictures figcaption").all_inner_texts()
        assert len(files) == 16 and all(f"\n{HOSTILE}/" in one for one in files)
        assert page.get_by_role("cell", name=HOSTILE).count() >= 1
        film = page.locator(".film small").all_inner_texts()
        assert len(film) == 8 * 8 and any(HOSTILE in one for one in film)  # evaluations, and pictures of each


def test_the_curves_of_a_report_can_be_used(browser: Browser, runs: Path) -> None:
    with browser.page(runs / "second" / "report.html") as page:
        assert page.locator(".curve-chart h3").all_inner_texts() == ["loss", "accuracy"]
        assert not page.get_by_alt_text("curves of loss, accuracy").is_visible()
    with browser.page(runs / "second" / "report.html", scripts=False) as page:
        assert page.get_by_alt_text("curves of loss, accuracy").is_visible()


def names(page: Any) -> list[str]:
    return [row.split("\t")[0] for row in page.locator(".sortable tbody tr").all_inner_texts()]


def test_a_leaderboard_is_sorted_by_the_column_that_is_pressed(browser: Browser, runs: Path) -> None:
    with browser.page(runs / "leaderboard.html") as page:
        assert names(page) == ["second", "first"]  # the newest first
        head = page.get_by_role("columnheader", name="loss", exact=True)
        values = [float(row.split("\t")[4]) for row in page.locator(".sortable tbody tr").all_inner_texts()]
        head.get_by_role("button").click()
        assert head.get_attribute("aria-sort") == "descending"
        worst = ["second", "first"][values.index(max(values))]
        assert names(page)[0] == worst
        page.keyboard.press("Enter")
        assert head.get_attribute("aria-sort") == "ascending" and names(page)[-1] == worst
        page.get_by_role("columnheader", name="run").get_by_role("button").click()
        assert head.get_attribute("aria-sort") is None and names(page) == ["second", "first"]


def test_a_leaderboard_leads_to_the_reports(browser: Browser, runs: Path) -> None:
    with browser.page(runs / "leaderboard.html") as page:
        link = page.get_by_role("link", name="first")
        assert link.evaluate("one => one.href") == (runs / "first" / "report.html").as_uri()
