"""Pages in a headless Chromium, for tests: what they show, what goes wrong in them, and what they ask for."""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

SECONDS = 120
NAMES = ("chromium", "chromium-browser", "google-chrome")
NEEDED = "POWERTRAIN_BROWSER"  # set where a test that is skipped would be a mistake, as in CI
DESKTOP, PHONE = 1280, 390  # pixels across


@contextlib.contextmanager
def headless() -> Iterator[Browser]:
    """A browser for the tests of a module, which are skipped where there is none."""
    try:
        driver = importlib.import_module("playwright.sync_api")
    except ImportError:
        _left_out("Playwright is not installed")
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        _left_out("Chromium is not installed")
    with driver.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--disable-gpu"])
        try:
            yield Browser(browser)
        finally:
            browser.close()


def _left_out(why: str) -> NoReturn:
    if os.environ.get(NEEDED):
        pytest.fail(f"{why}, and {NEEDED} is set")
    pytest.skip(why)


class Browser:
    def __init__(self, browser: Any) -> None:
        self._browser = browser

    @contextlib.contextmanager
    def page(
        self, where: Path | str, *, width: int = DESKTOP, dark: bool = False, scripts: bool = True
    ) -> Iterator[Any]:
        """A file, or a page of a server, opened; nothing may go wrong, and nothing from elsewhere may be asked for."""
        address = where if isinstance(where, str) else where.resolve().as_uri()
        context = self._browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
            has_touch=width == PHONE,
        )
        wrong: list[str] = []
        try:
            page = context.new_page()
            page.set_default_timeout(1000 * SECONDS)
            page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
            page.on("console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None)
            own = (address, "data:")
            page.on("request", lambda asked: wrong.append(asked.url) if not asked.url.startswith(own) else None)
            page.goto(address)
            assert wrong == []
            yield page
            assert wrong == []
        finally:
            context.close()


def settled(page: Any) -> Any:
    """A page once it has drawn what was done to it."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page


def wider_than_the_window(page: Any) -> bool:
    """Whether a page has to be moved sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def hard_to_use(page: Any) -> list[str]:
    """What axe finds: contrast, headings, names of what can be used, and the like."""
    found = _axe().run(page).response["violations"]
    return [f"{one['id']}: {node['html'][:200]}: {node['failureSummary']}" for one in found for node in one["nodes"]]


@functools.cache
def _axe() -> Any:
    module = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
    )
    return module.Axe()
