"""The charts as a person uses them: by mouse, by keyboard, by touch, in the dark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from browser import DESKTOP, PHONE, Browser, hard_to_use, headless, settled, wider_than_the_window
from powertrain import charts
from powertrain.io.plain_json import dumps
from powertrain.train.report.markup import html
from powertrain.train.report.page import page_of

HOSTILE = "\"'><img src=x onerror=\"document.title='owned'\"></script><script>document.title='owned'</script>"
TRAIN = [(step, 100 / step) for step in range(10, 210, 10)]
VALID = [(step, 120 / step) for step in range(50, 250, 50)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with headless() as found:
        yield found


def page_with(folder: Path, title: str, lines: Mapping[str, Sequence[tuple[int, float]]]) -> Path:
    data = dumps(charts.curve_chart(title, "step", lines))
    body = html(
        '<h2>Curves</h2><div class=curve-charts><div data-curves="{}"></div></div><p class=still>A picture</p>', data
    )
    path = folder / "page.html"
    path.write_text(page_of("A page", [body], script=charts.script(), style=charts.style()))
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return page_with(tmp_path, "loss", {"train": TRAIN, "valid": VALID})


def readings(page: Any) -> str:
    return " ".join(settled(page).locator(".readings").first.inner_text().split())


def zoomed(page: Any) -> bool:
    """Whether there is the button that leads back from a part of the chart."""
    return bool(settled(page).get_by_role("button", name="Show all").is_visible())


def test_the_pointer_reads_the_nearest_value_of_each_line(browser: Browser, path: Path) -> None:
    with browser.page(path) as page:
        assert readings(page) == "step 200 train 0.5 valid 0.6"
        page.locator(".u-over").hover(position={"x": 1, "y": 60})
        assert readings(page) == "step 10 train 10 valid 2.4"  # of a step that has it: 50
        page.get_by_role("heading", name="A page").hover()
        assert readings(page) == "step 200 train 0.5 valid 0.6"


def test_keys_do_what_the_pointer_does(browser: Browser, path: Path) -> None:
    with browser.page(path) as page:
        page.keyboard.press("Tab")
        chart = page.get_by_role("application", name="loss by step: train, valid")
        assert chart.evaluate("one => one === document.activeElement")
        for key, step in (
            ("Home", 10),
            ("ArrowRight", 20),
            ("Shift+ArrowRight", 120),
            ("ArrowLeft", 110),
            ("End", 200),
        ):
            page.keyboard.press(key)
            assert readings(page).startswith(f"step {step} "), key
        assert page.locator(".spoken").inner_text().startswith("step 200train 0.5")
        assert not zoomed(page)
        page.keyboard.press("+")
        assert zoomed(page)
        page.keyboard.press("Home")
        assert readings(page).startswith("step 110 ")  # the first that is shown
        page.keyboard.press("Escape")
        assert not zoomed(page)


def test_what_the_pointer_drags_over_fills_the_chart(browser: Browser, path: Path) -> None:
    with browser.page(path) as page:
        box = page.locator(".u-over").bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 50)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] - 2, box["y"] + 50, steps=4)
        page.mouse.up()
        page.mouse.move(box["x"] + 1, box["y"] + 50)
        assert readings(page).startswith("step 110 ")
        page.get_by_role("button", name="Show all").click()
        page.mouse.move(box["x"] + 1, box["y"] + 50)
        assert readings(page).startswith("step 10 ") and not zoomed(page)


def test_fingers_read_and_zoom(browser: Browser, path: Path) -> None:
    with browser.page(path, width=PHONE) as page:
        box = page.locator(".u-over").bounding_box()
        left, right, height = box["x"], box["x"] + box["width"], box["y"] + 80
        send = page.context.new_cdp_session(page).send

        def touch(kind: str, *places: float) -> None:
            points = [{"x": x, "y": height, "id": at} for at, x in enumerate(places)]
            send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        touch("touchStart", right - 20)
        touch("touchMove", left + 60)
        touch("touchMove", left + 1)
        assert readings(page).startswith("step 10 ")
        touch("touchEnd")
        assert not zoomed(page)
        middle = (left + right) / 2
        touch("touchStart", middle - 20, middle + 20)
        touch("touchMove", middle - 60, middle + 60)
        touch("touchMove", middle - 90, middle + 90)
        touch("touchEnd")
        assert zoomed(page)


def test_a_line_can_be_hidden_and_the_scale_be_logarithmic(browser: Browser, path: Path, tmp_path: Path) -> None:
    with browser.page(path) as page:
        for name in ("train", "Logarithmic"):
            button = page.get_by_role("button", name=name)
            before = button.get_attribute("aria-pressed")
            button.click()
            assert {before, button.get_attribute("aria-pressed")} == {"true", "false"}
    with browser.page(page_with(tmp_path, "accuracy", {"train": [(1, 0.5), (2, 0.9)]})) as page:
        assert not page.get_by_role("button", name="Logarithmic").is_visible()


def made(page: Any, data: object) -> None:
    """Make a chart in a page, which is `chart` there."""
    page.evaluate("data => { window.chart = new CurveChart(document.querySelector('[data-curves]'), data) }", data)


def test_a_page_that_is_kept_up_to_date_draws_new_points_and_lines(browser: Browser, path: Path) -> None:
    with browser.page(path) as page:
        first, longer = ({"train": TRAIN[:count]} for count in (10, 20))
        data = [charts.curve_chart("loss", "step", lines) for lines in (first, longer, {**longer, "valid": VALID})]
        made(page, data[0])
        shown = page.locator(".readings").nth(1)
        said = []
        for one in data:
            page.evaluate("data => chart.update(data)", one)
            said.append(" ".join(shown.inner_text().split()))
        assert said == ["step 100 train 1", "step 200 train 0.5", "step 200 train 0.5 valid 0.6"]


def test_a_line_that_grows_loses_its_marks(browser: Browser, path: Path) -> None:
    few, many = (charts.curve_chart("loss", "step", {"train": [(x, 1.0) for x in range(count)]}) for count in (9, 90))
    with browser.page(path) as page:
        made(page, few)
        marked = "() => chart.plot.series[1].points.show(chart.plot, 1, 0, 1)"
        assert settled(page).evaluate(marked)
        page.evaluate("data => chart.update(data)", many)
        assert not settled(page).evaluate(marked)


@pytest.mark.parametrize("base", [10.0, 25_000.0, 1e7, 1e-7])
def test_marks_of_an_axis_that_lie_close_have_texts_of_their_own(browser: Browser, path: Path, base: float) -> None:
    with browser.page(path) as page:
        data = {"title": "loss", "across": "step", "lines": [{"name": "a", "x": [1, 2], "y": [base, base * 1.0004]}]}
        made(page, data)
        texts = settled(page).evaluate("() => chart.plot.axes[1]._values")
        assert len(set(texts)) == len(texts) > 2
        assert all(base <= float(text) <= base * 1.0005 for text in texts[1:-1])


def test_a_logarithmic_scale_can_be_left_when_values_have_become_zero(browser: Browser, path: Path) -> None:
    zero = charts.curve_chart("loss", "step", {"train": [*TRAIN, (210, 0.0)]})
    with browser.page(path) as page:
        made(page, charts.curve_chart("loss", "step", {"train": TRAIN}))
        button = page.get_by_role("button", name="Logarithmic").last
        button.click()
        page.evaluate("data => chart.update(data)", zero)
        button.click()
        assert button.get_attribute("aria-pressed") == "false"
        page.evaluate("data => chart.update(data)", zero)
        assert page.get_by_role("button", name="Logarithmic").count() == 1  # that of the page's own chart


def test_names_are_shown_as_text(browser: Browser, tmp_path: Path) -> None:
    with browser.page(page_with(tmp_path, HOSTILE, {HOSTILE: TRAIN})) as page:
        assert page.title() == "A page" and page.locator(".curve-chart img").count() == 0
        assert page.locator("h3").inner_text() == HOSTILE and HOSTILE in page.locator(".readings").first.inner_text()


@pytest.mark.parametrize(
    "points",
    [
        [(0, 0.0)],
        [(1, 2.0), (2, 2.0)],
        [(1, 1e308), (2, -1e308)],
        [(1, 5e-324), (2, 1e308)],
        [(0, 1.0), ((1 << 63) - 1, 2.0)],
        [(3, 1.0), (2, 2.0), (2, 3.0)],
    ],
)
def test_numbers_of_any_size_are_drawn(browser: Browser, tmp_path: Path, points: list[tuple[int, float]]) -> None:
    with browser.page(page_with(tmp_path, "loss", {"train": points})) as page:
        assert page.locator(".curve-chart canvas").is_visible()
        for button in page.get_by_role("button").all():
            if button.is_visible():
                button.click()


def test_other_lines_bring_their_names(browser: Browser, path: Path) -> None:
    one, other = (charts.curve_chart("loss", "step", {name: TRAIN}) for name in ("one", "other"))
    with browser.page(path) as page:
        drawn = """([one, other]) => {
            const chart = new CurveChart(document.body.appendChild(document.createElement("div")), one);
            chart.update(other);
        }"""
        page.evaluate(drawn, [one, other])
        assert " ".join(page.locator(".readings").last.inner_text().split()) == "step 200 other 0.5"


def test_where_no_script_runs_and_on_paper_there_is_a_picture(browser: Browser, path: Path) -> None:
    with browser.page(path, scripts=False) as page:
        assert page.locator(".still").is_visible() and not page.locator("[data-curves]").is_visible()
    with browser.page(path) as page:
        assert not page.locator(".still").is_visible() and page.locator("[data-curves]").is_visible()
        page.emulate_media(media="print")
        assert page.locator(".still").is_visible() and not page.locator("[data-curves]").is_visible()


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
@pytest.mark.parametrize("dark", [False, True])
def test_everybody_can_use_them(browser: Browser, path: Path, width: int, dark: bool) -> None:
    with browser.page(path, width=width, dark=dark) as page:
        assert hard_to_use(page) == [] and not wider_than_the_window(page)
