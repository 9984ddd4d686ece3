"""What README.md and docs/benchmarks.md say in short about speed is what the table of last runs says."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

import run
from race import last

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGE = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
MACHINE = "AMD EPYC (family 26.2), 2 cores"
# The columns of the README, in the order of the workloads.
WORKLOADS = (
    "mlp_tiny", "mlp_mnist", "mlp_big", "lenet", "gpt_char", "lstm", "gpt2_124m", "gpt2_124m bf16", "resnet18",
    "vit_tiny",
)  # fmt: skip


def rows(state: str) -> dict[str, list[str]]:
    """Of the machine that the summaries are about: each workload in one state of the caches."""
    table = last.read(run.parts(ROOT / "docs" / "benchmarks.md", run.LAST)[1])
    return {row[0]: row for row in table if row[1] == state and row[8] == MACHINE}


def ratios(state: str) -> list[float]:
    return [float(row[5].split()[0]) for row in rows(state).values()]


def shares(state: str) -> str:
    """Of the fastest peer's time, from the best workload to the worst."""
    found = ratios(state)
    return f"{1 / max(found):.2f} to {1 / min(found):.2f}"


def geometric_mean(values: list[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))


def test_the_shares_of_the_summaries() -> None:
    assert f"a step takes {shares('shared')} of the time" in README
    text = " ".join(PAGE.partition("**In short**")[2].partition("\n\n")[0].split())
    assert f"takes {shares('shared')} of the time of the fastest peer where the cores share a last cache" in text
    assert f"and {shares('apart')} where each has its own" in text
    means = [f"{geometric_mean(ratios(state)):.2f}" for state in ("shared", "apart")]
    assert f"takes {' and '.join(means)} times as long" in text
    assert f"with {min(ratios('shared') + ratios('apart')):.2f}." in text
    assert {len(ratios("shared")), len(ratios("apart"))} == {10, 8} and "of ten and of eight workloads" in text


def test_the_words_for_the_picture() -> None:
    found = re.search(r"from ([\d.]+) to ([\d.]+): all bars are longer than 1", PAGE)
    every = ratios("shared") + ratios("apart")
    assert found is not None and [float(value) for value in found.groups()] == [min(every), max(every)]


def cells(name: str) -> list[float]:
    """A row of the README's table."""
    line = next(line for line in README.splitlines() if line.startswith(f"| {name} "))
    return [float(cell.replace(",", "")) for cell in line.strip("|").split("|")[1:]]


def test_the_table_of_the_readme() -> None:
    """Its own times, and that the faster of its peers gives the ratio of the table."""
    known = rows("shared")
    assert list(map(float, (known[name][4] for name in WORKLOADS))) == pytest.approx(cells("Powertrain"), rel=0.02)
    peers = zip(cells("PyTorch 2.13"), cells("JAX 0.10"), strict=True)
    got = [min(pair) / ours for pair, ours in zip(peers, cells("Powertrain"), strict=True)]
    assert got == pytest.approx([float(known[name][5].split()[0]) for name in WORKLOADS], rel=0.02)
