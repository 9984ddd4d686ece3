"""The charts of distributions as a person uses them: by mouse, by keyboard, by touch, in the dark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from browser import DESKTOP, PHONE, Browser, hard_to_use, headless, settled, wider_than_the_window
from powertrain import charts
from powertrain.io.plain_json import dumps
from powertrain.train.report.markup import html
from powertrain.train.report.page import page_of

HOSTILE = "<img src=x onerror=\"document.title='owned'\">"
# Shares of zeros, and of sizes from 1/2 to 1, from 1 to 2, from 2 to 4.
BANDS = {
    "first": [(10, [0.5, 0, 0.5, 0]), (20, [0, 0, 0.5, 0.5]), (30, [0, 0, 0, 0.25])],
    HOSTILE: [(10, [1.0, 0, 0, 0]), (20, [0, 1, 0, 0])],
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with headless() as found:
        yield found


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    bands = {name: [(step, np.array(shares)) for step, shares in columns] for name, columns in BANDS.items()}
    data = dumps(charts.heat_chart("weights", "step", bands, -1))
    body = html('<h2>Layers</h2><div data-heat="{}"></div><p class=still>A picture</p>', data)
    made = tmp_path_factory.mktemp("heat") / "page.html"
    made.write_text(page_of("A page", [body], script=charts.script(), style=charts.style()))
    return made


def readings(page: Any) -> str:
    return str(settled(page).locator(".readings").inner_text())


def test_the_pointer_reads_a_column(browser: Browser, path: Path) -> None:
    with browser.page(path) as page:
        assert readings(page) == "step 10 to 30"
        first, second = page.locator("canvas").all()
        first.hover(position={"x": 5, "y": 5})
        assert readings(page) == "step 10, first: median size 1.4, nine tenths from 1.4 to 1.4, zeros 50 %"
        first.hover(position={"x": first.bounding_box()["width"] / 2, "y": 5})
        assert readings(page).startswith("step 20, first: median size 1.4, nine tenths from 1.4 to 2.8")
        first.hover(position={"x": first.bounding_box()["width"] - 2, "y": 5})
        assert readings(page).endswith("not finite 75 %")
        second.hover(position={"x": 5, "y": 5})
        assert readings(page) == f"step 10, {HOSTILE}: zeros 100 %"
        page.get_by_role("heading", name="A page").hover()
        assert readings(page) == "step 10 to 30"


def test_keys_do_what_the_pointer_does(browser: Browser, path: Path) -> None:
    with browser.page(path) as page:
        page.keyboard.press("Tab")
        chart = page.get_by_role("application", name="weights by step and layer")
        assert chart.evaluate("one => one === document.activeElement")
        for key, begins in (
            ("ArrowLeft", "step 30, first"),
            ("ArrowLeft", "step 20, first"),
            ("ArrowDown", f"step 20, {HOSTILE}"),
            ("ArrowRight", f"step 20, {HOSTILE}"),
            ("ArrowUp", "step 20, first"),
        ):
            page.keyboard.press(key)
            assert readings(page).startswith(begins), key


QUARTERS = """canvas => {
  const {width, height} = canvas;
  const {data} = canvas.getContext("2d").getImageData(0, 0, width, height);
  const found = [false, false, false, false];
  for (let at = 0; at < width * height; at++) if (data[4 * at + 3]) found[Math.floor(4 * (at % width) / width)] = true;
  return found;
}"""


def drawn(page: Any, band: int) -> list[bool]:
    """Whether there is something in each quarter of the width of a band."""
    return list(settled(page).locator("canvas").nth(band).evaluate(QUARTERS))


def test_a_band_that_ends_early_is_drawn_over_its_own_steps(browser: Browser, path: Path) -> None:
    with browser.page(path) as page:
        first, second = drawn(page, 0), drawn(page, 1)
        assert all(first) and second == [True, True, True, False]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_everybody_can_use_it(browser: Browser, path: Path, width: int, dark: bool) -> None:
    with browser.page(path, width=width, dark=dark) as page:
        assert page.locator(".heat-chart .band").all_inner_texts() == ["first", HOSTILE]
        assert hard_to_use(page) == [] and not wider_than_the_window(page)
        assert not page.get_by_text("A picture").is_visible() and page.title() == "A page"
    with browser.page(path, scripts=False) as page:
        assert page.get_by_text("A picture").is_visible()
