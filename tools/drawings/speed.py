"""How many times as long a training step of the fastest peer takes, by a table of docs/benchmarks.md."""

from __future__ import annotations

import math
from pathlib import Path

from chart import COLOURS, FAINT, GRID, INK, LINE, MARGIN, WIDTH, document, down, heading, number, text

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
PLACE = "benchmarks/run.py, last of each state"
MACHINE = "AMD EPYC (family 26.2), 2 cores"
STATES = {"apart": "caches apart", "shared": "caches shared"}
LEFT, TOP, BAR, GAP = 124, 62, 13, 9  # of the bars; between two workloads


def ratios() -> dict[str, dict[str, float]]:
    """For each workload its ratio in each state of the caches, on one machine."""
    table = PAGE.read_text(encoding="utf-8").partition(f"begin: {PLACE}")[2].partition(f"end: {PLACE}")[0]
    found: dict[str, dict[str, float]] = {}
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[-1] == MACHINE:
            found.setdefault(cells[0], {})[cells[1]] = float(cells[5].split()[0])
    return found


def speed() -> str:
    """Bars from 0; a line over them at 1, where both take as long."""
    found = ratios()
    most = math.ceil(2 * max(ratio for states in found.values() for ratio in states.values())) / 2
    scale = (WIDTH - LEFT - MARGIN - 30) / most
    parts, y = [], float(TOP)
    for workload, states in found.items():
        high = BAR * len(states)
        parts.append(text(LEFT - 8, y + high / 2 + 4, workload, size=12, anchor="end"))
        for at, state in enumerate(sorted(states)):
            top, ratio = y + at * BAR, states[state]
            parts.append(f'<rect x="{LEFT}" y="{number(top)}" width="{number(ratio * scale)}" height="{BAR - 1}" '
                         f'fill="{COLOURS[list(STATES).index(state)]}"/>')  # fmt: skip
            parts.append(text(LEFT + ratio * scale + 5, top + BAR - 2.5, f"{ratio:.2f}", size=12))
        y += high + GAP
    grid = []
    for half in range(int(2 * most) + 1):
        at = number(LEFT + half / 2 * scale)
        grid.append(text(LEFT + half / 2 * scale, y + 14, f"{half / 2:g}", size=12, anchor="middle", colour=FAINT))
        grid.append(f'<path d="M{at} {TOP - 4}V{number(y)}" stroke="{GRID}"/>')
    parts.append(f'<path d="M{number(LEFT + scale)} {TOP - 4}V{number(y)}" stroke="{INK}" stroke-dasharray="3 3"/>')
    parts.append(text((LEFT + WIDTH) / 2, y + 34, "1: both take as long", size=12, anchor="middle", colour=FAINT))
    head, lower = heading("Time of the fastest peer over Powertrain's, on a Zen 5")
    keys, left = [], float(MARGIN)
    for colour, words in zip(COLOURS, STATES.values(), strict=False):
        keys.append(f'<rect x="{number(left)}" y="38" width="14" height="8" fill="{colour}"/>')
        keys.append(text(left + 19, 46, words, size=12, colour=FAINT))
        left += 48 + 6.9 * len(words)
    below = down(lower, [*keys, *grid, *parts])
    return document(WIDTH, y + LINE + 28 + lower, "Speed of training steps", [*head, *below])


DRAWINGS = (speed,)
