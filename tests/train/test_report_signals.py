"""Reports show examples that are numbers in a row, such as those of a sensor, as curves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.train.report.signals import LEAST, MOST, are_signals, signals

TIME = np.linspace(0, 12, 60)


def waves(count: int, channels: int = 0) -> Any:
    """Slow and fast ones with some noise, and which they are."""
    draw, y = np.random.default_rng(0), np.arange(count) % 2
    shape = (count, len(TIME), *(() if not channels else (channels,)))
    phase = draw.uniform(0, 6, count)[:, None]
    x = np.sin(TIME * (1 + y[:, None]) + phase)
    x = x if not channels else np.repeat(x[..., None], channels, axis=2) * np.arange(1, channels + 1)
    return (x + 0.1 * draw.normal(size=shape)).astype(np.float32), y


def page(data: Any, folder: Path, *layers: pt.nn.Module) -> str:
    model = pt.nn.Sequential(*layers, pt.nn.Linear(int(np.prod(data[0].shape[1:])), 2))
    pt.fit(model=model, data=data, validation=0.25, epochs=2, verbose=False, folder=folder)
    return (folder / "report.html").read_text(encoding="utf-8")


def test_curves_of_training_and_of_the_worst_are_shown(tmp_path: Path) -> None:
    text = page(waves(80), tmp_path / "one")
    assert text.count('aria-label="a training example"') == 16 and text.count('aria-label="one of the worst') == 16
    assert text.count("<polyline") == 32
    several = page(waves(80, channels=2), tmp_path / "two", pt.nn.Flatten())
    assert several.count("<polyline") == 64 and several.count('<polyline class="channel1"') == 32


def test_numbers_of_a_table_are_no_curves(tmp_path: Path) -> None:
    draw = np.random.default_rng(1)
    x = draw.normal(size=(80, 40)) * draw.uniform(0.1, 9, 40)
    text = page((x.astype(np.float32), (x[:, 0] > 0).astype(int)), tmp_path / "r")
    assert "<polyline" not in text and "Worst examples" not in text


def test_pictures_that_a_model_sees_as_rows_are_shown_as_pictures(tmp_path: Path) -> None:
    recipe = {
        "data": {"use": "digits", "split": {"test": 0.2}}, "features": ["flatten"], "model": "linear",
        "optimizer": "adamw", "run": {"until": "2 steps", "batch_size": 32}, "report": {"baseline": False},
    }  # fmt: skip
    pt.fit(recipe, folder=tmp_path / "r", verbose=False)
    text = (tmp_path / "r" / "report.html").read_text(encoding="utf-8")
    assert text.count('alt="one of the worst examples"') == 16 and "<polyline" not in text


@pytest.mark.parametrize(
    ("x", "wanted"),
    [
        (np.sin(np.tile(TIME, (3, 1))), True),
        (np.sin(np.tile(TIME, (3, 1)))[..., None], True),
        (np.tile(np.arange(60), (2, 1)), True),
        (np.sin(TIME[: LEAST - 1])[None], False),
        (np.zeros((3, 60)), False),
        (np.full((3, 60), np.nan), False),
        (np.sin(np.ones((3, 60, 8))), False),
        (np.array([["a"] * 60]), False),
        (np.zeros((0, 60)), False),
    ],
)  # fmt: skip
def test_neighbours_that_are_alike_make_a_curve(x: Any, wanted: bool) -> None:
    assert are_signals(x) is wanted


def test_curves_are_short_on_one_scale_and_cannot_break_the_page() -> None:
    x = np.stack([np.linspace(0, 1, 10 * MOST + 3), np.full(10 * MOST + 3, 4.0)])
    x[0, 5] = np.inf
    text = signals(x, ["<b>up</b>", "flat"], "a curve", ["a&b.csv", ""])
    assert "&lt;b&gt;up&lt;/b&gt;" in text and "a&amp;b.csv" in text and "<b>" not in text
    lines = [part.split('"')[0].split() for part in text.split('points="')[1:]]
    assert MOST / 2 < len(lines[0]) == len(lines[1]) <= MOST
    heights = [{float(point.split(",")[1]) for point in line} for line in lines]
    assert len(heights[1]) == 1 and min(heights[0]) > max(heights[1])  # 4 is far above 1 on the scale of both
