"""The live page as a person sees it, in a browser."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from live_pages import TOKEN, live

from browser import DESKTOP, PHONE, Browser, hard_to_use, headless, wider_than_the_window
from powertrain.live.page import LivePage
from powertrain.train.folder.ledger import FILE
from run_folders import begun, metrics, shown, write

HOSTILE = "<img src=x onerror=document.title='owned'>"
WEIGHTS = {"first": 60, "counts": [1, 2, 3], "not_finite": 0}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with headless() as found:
        yield found


def rows(page: Any) -> list[str]:
    return [" ".join(one.split()) for one in page.locator("#runs tbody tr").all_inner_texts()]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_everything_is_shown_and_names_are_text(tmp_path: Path, browser: Browser, width: int, dark: bool) -> None:
    folder = begun(tmp_path / HOSTILE, recipe=f"<script>document.title='owned'</script>{HOSTILE}", steps=40)
    write(
        folder,
        metrics(41, {f"train.{HOSTILE}": 1.0, "valid.accuracy": 0.75}),
        {"event": "histograms", "step": 41, "round": 41, "at": 41, "found": {f"weight {HOSTILE}": WEIGHTS}},
        {"event": "sample", "step": 41, "round": 41, "text": f"Once {HOSTILE}\nupon a time"},
        {"event": f"odd{HOSTILE}"[:30], "step": 41, "round": 41, "words": HOSTILE},
    )
    for round in (42, 43):
        shown(folder, round, (HOSTILE, "plain"))
    with live(tmp_path) as address, browser.page(f"{address}/{TOKEN}/", width=width, dark=dark) as page:
        page.locator("#curves .curve-chart").nth(2).wait_for()
        page.locator(".pictures canvas").nth(1).wait_for()
        assert page.locator(".pictures figcaption").all_inner_texts() == [HOSTILE, "plain"]
        assert [title.split()[0] for title in page.locator("#curves h3").all_inner_texts()] == [
            "loss",
            "<img",
            "accuracy",
        ]
        (row,) = rows(page)
        assert row.startswith(HOSTILE) and "stopped 430" in row and "valid.accuracy 0.75" in row
        assert page.locator("#samples pre").inner_text() == f"Once {HOSTILE}\nupon a time"
        assert HOSTILE in page.locator("#log").inner_text()
        assert page.locator("#layers h3").all_inner_texts() == ["weights"]
        assert page.locator("#layers .band").all_inner_texts() == [HOSTILE]
        page.locator("#load .curve-chart").first.wait_for()
        assert page.title() == "powertrain watch"
        assert not wider_than_the_window(page)
        assert hard_to_use(page) == []


def test_a_run_that_begins_appears_and_its_curves_grow(tmp_path: Path, browser: Browser) -> None:
    with live(tmp_path) as address, browser.page(f"{address}/{TOKEN}/") as page:
        page.get_by_text("A run that begins there appears here.").wait_for()
        folder = begun(tmp_path / "a", steps=5)
        page.get_by_text("step 5", exact=True).wait_for()
        write(folder, metrics(6, {"train.loss": 0.125}))
        page.get_by_text("step 6", exact=True).wait_for()
        assert "train 0.125" in " ".join(page.locator("#curves .readings").first.inner_text().split())
        assert not page.locator("#no-runs").is_visible()


def test_runs_are_seen_side_by_side(tmp_path: Path, browser: Browser) -> None:
    for name in ("a", "b"):
        begun(tmp_path / name, steps=3)
    with live(tmp_path) as address, browser.page(f"{address}/{TOKEN}/") as page:
        chart = page.locator("#curves .readings").first
        chart.wait_for()
        assert "train 0.333" in " ".join(chart.inner_text().split())
        for box in page.get_by_role("checkbox").all():
            box.check()
        page.get_by_role("button", name="a train").wait_for()
        said = " ".join(chart.inner_text().split())
        assert "a train 0.333" in said and "b valid 0.6667" in said
        page.get_by_role("checkbox", name="show a").uncheck()
        page.get_by_role("button", name="a train").wait_for(state="detached")
        page.get_by_role("checkbox", name="show b").uncheck()
        page.locator("#curves .curve-chart").wait_for(state="detached")


class Held(LivePage):
    """A page whose answers about runs, but for the first, wait for the test."""

    def __init__(self, places: Sequence[Path]) -> None:
        super().__init__(places)
        self.answers = iter((True,))
        self.asked, self.go = threading.Event(), threading.Event()
        Held.made = self

    made: ClassVar[Held]

    def run(self, id: str) -> str | None:
        if not next(self.answers, False):
            self.asked.set()
            assert self.go.wait(60)
        return super().run(id)


def test_a_run_that_is_chosen_while_another_is_fetched_is_shown(tmp_path: Path, browser: Browser) -> None:
    for name in ("a", "b", "c"):
        begun(tmp_path / name, steps=3)
    with live(tmp_path, kind=Held) as address, browser.page(f"{address}/{TOKEN}/") as page:
        page.locator("#curves .readings").first.wait_for()
        shown = page.locator("#runs input:checked").get_attribute("aria-label")
        first, second = {f"show {name}" for name in ("a", "b", "c")} - {shown}
        page.get_by_role("checkbox", name=first).check()
        assert Held.made.asked.wait(60)
        page.get_by_role("checkbox", name=second).check()
        Held.made.go.set()
        for name in ("a", "b", "c"):
            page.get_by_role("button", name=f"{name} train").wait_for()


def test_a_page_that_is_refused_says_what_to_open(tmp_path: Path, browser: Browser) -> None:
    with live(tmp_path) as address, browser.page(f"{address}/{TOKEN}/") as page:
        page.get_by_text("live", exact=True).wait_for()
        page.evaluate("() => events.dispatchEvent(new Event('error'))")
        assert page.locator("#connection").inner_text() == "no connection; trying again"
        page.evaluate("() => { events.close(); events.dispatchEvent(new Event('error')); }")  # as after a status of 403
        said = page.locator("#connection").inner_text()
        assert said == "no connection; open the address that powertrain watch printed last"


def test_counts_are_shown_whole_and_what_is_wrong_with_a_ledger_is_said(tmp_path: Path, browser: Browser) -> None:
    write(begun(tmp_path / "a"), {**metrics(1_234_567, {"valid.loss": 0.123456}), "epoch": 12_345})
    damaged = begun(tmp_path / "b")
    (damaged / FILE).unlink()
    (damaged / FILE).mkdir()
    with live(tmp_path) as address, browser.page(f"{address}/{TOKEN}/") as page:
        page.get_by_text("valid.loss 0.1235").wait_for()
        (row,) = (one for one in rows(page) if one.startswith("a "))
        assert row == "a digits stopped 1,234,567 12,345 valid.loss 0.1235"
        page.get_by_role("checkbox", name="show b").check()
        page.get_by_text("b: [").wait_for()
        assert f"{damaged / FILE}] it is a folder; expected an ordinary file" in page.locator("#problems").inner_text()
        page.get_by_role("checkbox", name="show b").uncheck()
        page.locator("#problems").wait_for(state="hidden")


def test_layers_are_shown_once_they_are_looked_at(tmp_path: Path, browser: Browser) -> None:
    def look(step: int) -> dict[str, Any]:
        return {"event": "histograms", "step": step, "round": step, "at": step, "found": {"gradient 0": WEIGHTS}}

    folders = [begun(tmp_path / name, steps=1) for name in ("a", "b")]
    with live(tmp_path) as address, browser.page(f"{address}/{TOKEN}/") as page:
        page.get_by_role("checkbox", name="show a").check()
        page.get_by_role("checkbox", name="show b").check()
        page.locator("#curves .readings button").nth(3).wait_for()
        assert not page.locator("#inside").is_visible()
        for folder in folders:
            write(folder, look(2))
        page.get_by_role("heading", name="b gradients").wait_for()
        page.get_by_role("heading", name="a gradients").wait_for()
        write(folders[0], look(3))
        page.locator("#layers .readings", has_text="step 2 to 3").wait_for()
        page.get_by_role("checkbox", name="show a").uncheck()
        page.get_by_role("heading", name="gradients", exact=True).wait_for()


def test_many_runs_are_listed_and_eight_can_be_shown(tmp_path: Path, browser: Browser) -> None:
    for at in range(50):
        begun(tmp_path / f"run-{at}", steps=2)
    with live(tmp_path) as address, browser.page(f"{address}/{TOKEN}/") as page:
        boxes = page.get_by_role("checkbox")
        boxes.nth(49).wait_for()
        for at in range(1, 8):
            boxes.nth(at).check()
        assert page.locator("#runs input:checked").count() == 8 and boxes.nth(8).is_disabled()
        page.locator("#curves .readings button").nth(15).wait_for()


PIXEL = "one => [...one.getContext('2d').getImageData(0, 0, 1, 1).data].slice(0, 3)"


def test_samples_follow_the_run_until_somebody_goes_back(tmp_path: Path, browser: Browser) -> None:
    folder = begun(tmp_path / "a")
    for round in (1, 2):
        shown(folder, round, (f"first {round}", "second"))
    with live(tmp_path) as address, browser.page(f"{address}/{TOKEN}/") as page:
        page.get_by_text("first 2", exact=True).wait_for()
        first = page.locator(".pictures canvas").first
        grey = np.random.default_rng(2).integers(0, 256, (4, 8), np.uint8)[0, 0]
        assert first.get_attribute("aria-label") == "first 2" and first.evaluate(PIXEL) == 3 * [grey]
        shown(folder, 3, ("first 3", "second"))
        page.get_by_text("first 3", exact=True).wait_for()
        when = page.get_by_role("slider", name="evaluations of pictures")
        when.press("ArrowLeft")
        page.get_by_text("first 2", exact=True).wait_for()
        assert when.get_attribute("aria-valuetext") == "after 20 steps"
        shown(folder, 4, ("first 4", "second"))
        page.locator(".sheet input[max='3']").wait_for()
        assert page.get_by_text("first 2", exact=True).is_visible()
        page.get_by_role("button", name="Newest").click()
        page.get_by_text("first 4", exact=True).wait_for()
        assert not page.get_by_role("button", name="Newest").is_visible()


def test_samples_that_are_gone_are_said_to_be(tmp_path: Path, browser: Browser) -> None:
    """The console says that a file was not found, for which `page` raises at its end."""
    folder = begun(tmp_path / "a")
    shown(folder, 1, ("a",)).write_bytes(b"no picture")
    said = []
    with (
        pytest.raises(AssertionError),
        live(tmp_path) as address,
        browser.page(f"{address}/{TOKEN}/") as page,
    ):
        page.get_by_text("The run does not keep these any more.").wait_for()
        said.append(page.locator(".sheet").inner_text())
    assert said
