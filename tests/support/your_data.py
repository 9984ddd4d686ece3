"""Small data as newcomers have them, written into a folder: pictures, a table, a text, sounds. Each maker gives the
score of guessing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import powertrain as pt

DOCS = Path(__file__).parents[2] / "docs"


def pictures(folder: Path) -> float:
    """The digits as PNG files; no class has more than 0.11 of them."""
    image = pytest.importorskip("PIL.Image", reason="Pillow reads pictures")
    pytest.importorskip("powertrain_vision", reason="image-folder is powertrain-vision's")
    data = pt.plugin.registry().load("data", "digits")
    train = data.build(data.Params(), Path()).train
    fields = train.fetch(np.arange(len(train)))
    for number, (x, label) in enumerate(zip(fields["x"], fields["y"], strict=True)):
        (folder / "pictures" / str(label)).mkdir(parents=True, exist_ok=True)
        gray = (x.reshape(8, 8).astype(np.float32) * (255 / 16)).astype(np.uint8)
        image.fromarray(gray).save(folder / "pictures" / str(label) / f"{number}.png")
    return 0.11


def customers(folder: Path) -> float:
    """Who leaves is decided by age and plan, for nine of ten; cells of all inputs are missing."""
    pytest.importorskip("pyarrow", reason="powertrain-tabular reads CSV files by it")
    pytest.importorskip("powertrain_tabular", reason="read_csv is powertrain-tabular's")
    draw, lines, leave = np.random.default_rng(0), ["age,city,plan,income,left"], 0
    for _ in range(1500):
        age, plan = draw.integers(18, 80), draw.choice(["basic", "plus"])
        left = bool((age > 50) != (plan == "plus")) and bool(draw.random() < 0.9)
        leave += left
        cells = [age, draw.choice(["Bern", "Oslo", "Rome"]), plan, round(draw.normal(50, 15), 1)]
        given = ["" if at != 2 and draw.random() < 0.1 else str(cell) for at, cell in enumerate(cells)]
        lines.append(",".join([*given, "yes" if left else "no"]))
    (folder / "customers.csv").write_text("\n".join(lines), encoding="utf-8")
    return max(leave, 1500 - leave) / 1500


def houses(folder: Path) -> float:
    """Prices as a German office writes them, which rise with time and with the area, in one town twice as fast; always
    the mean has an r2 of 0."""
    pytest.importorskip("pyarrow", reason="powertrain-tabular reads CSV files by it")
    pytest.importorskip("powertrain_tabular", reason="read_csv is powertrain-tabular's")
    draw, lines = np.random.default_rng(0), ["number;sold;area;town;price"]
    signs = str.maketrans(",.", ".,")
    for at in range(1200):
        area, town, day = draw.uniform(40, 250), draw.choice(["Bonn", "Kiel", "Ulm"]), int(draw.integers(0, 1500))
        sold = (np.datetime64("2020-01-01") + np.timedelta64(day, "D")).astype(object)
        price = 150_000 * 2 ** (area / 150 * (1 + (town == "Ulm"))) * 1.0002**day * np.exp(draw.normal(0, 0.1))
        cells = [f"H-{at:04}", f"{sold.day}.{sold.month}.{sold.year}", f"{area:.1f}".translate(signs), str(town)]
        lines.append(";".join([*cells, f"{price:,.2f}".translate(signs)]))
    (folder / "houses.csv").write_text("\n".join(lines), encoding="utf-8")
    return 0.0


def book(folder: Path) -> float:
    """This project's documentation; the baseline is the entropy of its characters, one by one."""
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(DOCS.glob("*.md")))[:200_000]
    (folder / "book.txt").write_text(text, encoding="utf-8")
    _, counts = np.unique(list(text), return_counts=True)
    share = counts / counts.sum()
    return float(-(share * np.log(share)).sum())


def sounds(folder: Path) -> float:
    """Tones of three heights in noise, twenty seconds of each."""
    soundfile = pytest.importorskip("soundfile", reason="powertrain-audio reads sounds by it")
    pytest.importorskip("powertrain_audio", reason="audio-folder is powertrain-audio's")
    draw, moments = np.random.default_rng(0), np.arange(8000) / 8000
    for name, hertz in (("low", 220), ("middle", 440), ("high", 880)):
        (folder / "sounds" / name).mkdir(parents=True)
        for number in range(60):
            tone = 0.3 * np.sin(2 * np.pi * hertz * draw.uniform(0.9, 1.1) * moments)
            soundfile.write(folder / "sounds" / name / f"{number}.wav", tone + draw.normal(0, 0.1, 8000), 8000)
    return 1 / 3


KINDS: dict[str, Callable[[Path], float]] = {
    "pictures": pictures, "customers": customers, "houses": houses, "book": book, "sounds": sounds
}  # fmt: skip
