"""Drawings of how the engine works: the way of a step, phases and commits, the memory of a plan."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence

from chart import CARD, COLOURS, FAINT, document, number, text

ARROW = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
    f'orient="auto-start-reverse"><path d="M0 0L8 4L0 8z" fill="{FAINT}"/></marker></defs>'
)


def box(x: float, y: float, width: float, height: float, lines: Sequence[str], *, colour: str = COLOURS[0],
        filled: bool = False) -> str:  # fmt: skip
    """A box with lines of words in its middle, the first one in bold."""
    parts = [
        f'<rect x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}" rx="6" '
        f'fill="{colour if filled else CARD}" fill-opacity="{0.12 if filled else 1:g}" stroke="{colour}" '
        'stroke-width="1.5"/>'
    ]
    first = y + height / 2 - 8 * (len(lines) - 1) + 4.5
    for place, line in enumerate(lines):
        style = {"weight": "600"} if place == 0 else {"colour": FAINT}
        parts.append(text(x + width / 2, first + 16 * place, line, size=13 if place == 0 else 12, anchor="middle",
                          **style))  # fmt: skip
    return "\n".join(parts)


def arrow(x1: float, y1: float, x2: float, y2: float, words: str = "", *, dashed: bool = False) -> str:
    dash = ' stroke-dasharray="4 4"' if dashed else ""
    line = (
        f'<path d="M{number(x1)} {number(y1)}L{number(x2)} {number(y2)}" stroke="{FAINT}" stroke-width="1.5"{dash} '
        'marker-end="url(#tip)"/>'
    )
    if not words:
        return line
    return f"{line}\n{text((x1 + x2) / 2, min(y1, y2) - 6, words, size=11, anchor='middle', colour=FAINT)}"


def way_of_a_step() -> str:
    """From the Python call to the kernels: once on the left, in every call on the right."""
    parts = [ARROW, text(24, 30, "The way of a step", size=16, weight="600")]
    parts.append(text(170, 58, "the first call with these shapes", anchor="middle", colour=FAINT))
    parts.append(text(570, 58, "every call", anchor="middle", colour=FAINT))
    stages = (
        (("step(x, y)", "your Python function"), COLOURS[1]),
        (("trace", "each op call is recorded: a graph"), COLOURS[0]),
        (("gradients", "rules of the ops: more graph"), COLOURS[0]),
        (("passes", "simplify, fuse, epilogues"), COLOURS[0]),
        (("plan: placement", "where each value lives"), COLOURS[0]),
        (("plan: emission", "a list of launches"), COLOURS[0]),
    )
    for place, (lines, colour) in enumerate(stages):
        y = 72 + 72 * place
        parts.append(box(40, y, 260, 52, lines, colour=colour, filled=place == 0))
        if place:
            parts.append(arrow(170, y - 20, 170, y - 2))
    program = ("program", "instructions of 64 bytes, an arena")
    parts.append(box(40, 72 + 72 * 6, 260, 52, program, colour=COLOURS[2], filled=True))
    parts.append(arrow(170, 72 + 72 * 6 - 20, 170, 72 + 72 * 6 - 2))
    run = (
        (("step(x, y)", "shapes and Python values: the signature"), COLOURS[1]),
        (("find the program", "are its facts still true?"), COLOURS[2]),
        (("resolve addresses", "inputs, slots, arena, results"), COLOURS[2]),
        (("walk the phases", "launch, check, commit"), COLOURS[2]),
        (("thread pool", "chunks with fixed boundaries"), COLOURS[2]),
        (("kernels", "AVX2, AVX-512, NEON; or a GPU"), COLOURS[3]),
    )
    for place, (lines, colour) in enumerate(run):
        y = 72 + 72 * place
        parts.append(box(440, y, 260, 52, lines, colour=colour, filled=place == 0))
        if place:
            parts.append(arrow(570, y - 20, 570, y - 2))
    parts.append(arrow(300, 530, 436, 182, dashed=True))
    parts.append(text(330, 330, "replayed", size=12, colour=FAINT, turn=-68))
    parts.append(arrow(440, 160, 304, 170, "no program fits", dashed=True))
    return document(740, 580, "The way of a step, from the Python call to the kernels", parts)


def phases_and_commits() -> str:
    """A step of two phases: each is committed whole, or not at all."""
    parts = [ARROW, text(24, 30, "Phases: a step changes its slots at commits, and only there", size=16, weight="600")]
    parts.append(box(24, 60, 150, 60, ("forward", "loss")))
    parts.append(box(204, 60, 150, 60, ("backward", "gradients")))
    parts.append(box(384, 60, 150, 60, ("guard", "all finite?"), colour=COLOURS[1], filled=True))
    parts.append(box(564, 60, 170, 60, ("commit", "parameters, moments"), colour=COLOURS[2], filled=True))
    for x in (174, 354, 534):
        parts.append(arrow(x, 90, x + 28, 90, "yes" if x == 534 else ""))
    parts.append(box(384, 170, 150, 60, ("nothing happens", "slots as before"), colour=COLOURS[1]))
    parts.append(arrow(459, 120, 459, 166))
    parts.append(text(468, 148, "no", size=11, colour=FAINT))
    parts.append(box(564, 170, 170, 60, ("next phase", "for example, an average"), colour=COLOURS[0]))
    parts.append(arrow(649, 120, 649, 166))
    parts.append(
        box(24, 170, 330, 60, ("the error names the op", "the graph is replayed, op by op, on the same inputs"))
    )
    parts.append(arrow(384, 200, 358, 200))
    parts.append(text(24, 262, "Phases before the one that failed stay committed. The error says how many there were.",
                      size=12, colour=FAINT))  # fmt: skip
    return document(760, 282, "Phases and commits of a step", parts)


# A plan is a function of the shapes, the instruction set and the number of threads: these are everywhere the same.
SAME_PLAN = {"POWERTRAIN_ISA": "generic", "POWERTRAIN_THREADS": "1"}
PROGRAM = """
import powertrain as pt
model = pt.nn.Sequential(pt.nn.Linear(64, 32), pt.nn.ReLU(), pt.nn.Linear(32, 10))
opt = pt.optim.SGD(model, lr=0.1, momentum=0.9)
loss_and_grads = pt.nn.value_and_grad(model, lambda x, y: ((model(x) - y) ** 2).mean())

@pt.compile
def step(x, y):
    loss, grads = loss_and_grads(x, y)
    opt.update(grads)
    return loss

step(pt.ones((32, 64)), pt.ones((32, 10)))
print(step.describe())
"""


def _planned() -> list[tuple[str, list[str], bool]]:
    """Name, operands and commit of each instruction, as `describe()` prints them."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], env={**os.environ, **SAME_PLAN}, capture_output=True,
                          text=True, check=True)  # fmt: skip
    found = []
    for line in done.stdout.splitlines():
        match = re.match(r" +\d+  (.*?)  +(?:\| *)?\d+ chunks .*?B (commit )? +(.*)", line)
        if match:
            first, _, rest = match[1].rpartition(" -> ")
            calls = f"{rest.count('+') + 1} calls"
            name = match[1] if len(match[1]) < 30 else f"{first} -> {calls}" if first else f"fused: {calls}"
            found.append((name, match[3].split(), bool(match[2])))
    return found


def memory_of_a_plan() -> str:
    """A line for each instruction, a column for each piece of memory; a bar is how long a piece is in use."""
    plan = _planned()
    used: dict[str, list[int]] = {}
    for at, (_, operands, _) in enumerate(plan):
        for operand in operands:
            if operand != "-":
                used.setdefault(operand, []).append(at)
    arena = sorted((one for one in used if one.startswith("@")), key=lambda one: int(one[1:]))
    columns = [*(one for one in used if one.startswith("in")), *arena, *(one for one in used if one.startswith("out")),
               *(one for one in used if not re.match(r"@|in\d|out\d|const", one))]  # fmt: skip
    left, top, row, wide = 200, 150, 24, 46
    parts = [text(24, 30, "The plan of a small step: which instruction uses which memory", size=16, weight="600")]
    for place, column in enumerate(columns):
        x = left + (place + 0.5) * wide
        colour = COLOURS[0] if column.startswith("@") else COLOURS[1] if re.match(r"in|out", column) else COLOURS[2]
        words = f"arena {column[1:]}" if column.startswith("@") else column.replace("optimizer.", "")
        parts.append(text(x + 4, top - 10, words, size=11, colour=colour, turn=-50))
        first, last = used[column][0], used[column][-1]
        parts.append(
            f'<rect x="{number(x - 9)}" y="{number(top + first * row + 3)}" width="18" '
            f'height="{number((last - first + 1) * row - 6)}" rx="4" fill="{colour}" fill-opacity="0.16"/>'
        )
        parts += [f'<circle cx="{number(x)}" cy="{number(top + (at + 0.5) * row)}" r="4.5" fill="{colour}"/>'
                  for at in sorted(set(used[column]))]  # fmt: skip
    for at, (name, _, commits) in enumerate(plan):
        parts.append(text(left - 10, top + (at + 0.5) * row + 4, name, size=12, anchor="end",
                          weight="600" if commits else ""))  # fmt: skip
    bottom = top + len(plan) * row
    words = (
        "Blue: places in the arena, by their first byte. A place serves several values in turn.",
        "Orange: inputs and results. Green: slots; instructions in bold write them, after the guard.",
    )
    parts += [text(24, bottom + 24 + 18 * at, line, size=12, colour=FAINT) for at, line in enumerate(words)]
    return document(max(left + len(columns) * wide + 90, 660), bottom + 60, "Instructions and memory of a plan", parts)


DRAWINGS = (way_of_a_step, phases_and_commits, memory_of_a_plan)
