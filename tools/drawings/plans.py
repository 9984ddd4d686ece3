"""Drawings of one small step: its way from the Python call to the kernels, and the memory of its plan."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from html import escape
from typing import Any

from chart import CARD, COLOURS, FAINT, GRID, INK, document, number, text
from design import ARROW, arrow, box

# A plan is a function of the shapes, the instruction set and the number of threads: these are everywhere the same.
SAME_PLAN = {"POWERTRAIN_ISA": "generic", "POWERTRAIN_THREADS": "1"}
MODEL = "pt.nn.Sequential(pt.nn.Linear(64, 32), pt.nn.ReLU(), pt.nn.Linear(32, 10))"
STEP = """\
@pt.compile
def step(x, y):
    loss, grads = loss_and_grads(x, y)
    opt.update(grads)
    return loss
"""
PROGRAM = f"""
import json
import powertrain as pt
model = {MODEL}
opt = pt.optim.SGD(model, lr=0.1, momentum=0.9)
loss_and_grads = pt.nn.value_and_grad(model, lambda x, y: ((model(x) - y) ** 2).mean())

{STEP}
step(pt.ones((32, 64)), pt.ones((32, 10)))
print(json.dumps(step.programs[0]))
"""
MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace"


@cache
def planned() -> dict[str, Any]:
    """The program of the step: what `step.programs` holds."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], env={**os.environ, **SAME_PLAN}, capture_output=True,
                          text=True, check=True)  # fmt: skip
    program: dict[str, Any] = json.loads(done.stdout)
    return program


# ---------------------------------------------------------------- the way of a step


def code(x: float, y: float, line: str, colour: str) -> str:
    return (
        f'<text x="{number(x)}" y="{number(y)}" font-size="11.5" fill="{colour}" font-family="{MONO}" '
        f'xml:space="preserve">{escape(line)}</text>'
    )


def panel(y: float, title: str, about: str, lines: Sequence[tuple[str, bool]], colour: str) -> tuple[str, float]:
    """A stage with lines of what it made, those to follow in colour; and where it ends."""
    left, wide, row = 24, 450, 16
    bottom = y + 34 + row * len(lines)
    parts = [
        f'<rect x="{left}" y="{number(y)}" width="{wide}" height="{number(bottom - y)}" rx="6" fill="{CARD}" '
        f'stroke="{colour}" stroke-width="1.5"/>',
        text(left + 12, y + 18, title, weight="600"),
        text(left + wide - 12, y + 18, about, size=12, anchor="end", colour=FAINT),
    ]
    parts += [code(left + 12, y + 38 + row * at, line, COLOURS[1] if followed else INK)
              for at, (line, followed) in enumerate(lines)]  # fmt: skip
    return "\n".join(parts), bottom


def calls_of(graph: str) -> list[tuple[str, str, str]]:
    """Result, its type, and op with operands of each line of a graph."""
    found = re.findall(r"^%(\d+):(\S+\[[^]]*\]).* = (\S+(?: %\d+)*)", graph, re.MULTILINE)
    return [(f"%{name}", kind, call) for name, kind, call in found]


def first_layer() -> Iterator[tuple[str, str, list[tuple[str, bool]]]]:
    """What each stage makes of `relu(x @ w + b)`: title, what there is in all, lines."""
    program = planned()
    yield "the Python call", "your function", [(line, line.startswith("    loss")) for line in STEP.splitlines()[1:]]
    traced = calls_of(program["source"])
    followed = [
        f"{name} = {call}    {kind}" for name, kind, call in traced if call.split()[0] in ("matmul", "add", "relu")
    ]
    lines = [(line, True) for line in followed[:3]]
    yield "trace, with gradients", f"{len(traced)} calls", [*lines, (f"... {len(traced) - 3} more", False)]
    passed = calls_of(program["graph"])
    name, kind, call = next(one for one in passed if one[2].startswith("matmul+add+relu"))
    yield (
        "passes",
        f"{len(passed)} calls",
        [(f"{name} = {call}    {kind}", True), (f"... {len(passed) - 1} more", False)],
    )
    instruction = program["instructions"][0]
    result = program["memory"][instruction["operands"][-1]]
    place = f"{name}: bytes {result['offset']} to {result['offset'] + result['bytes']} of the arena"
    yield "plan: memory", f"arena of {program['arena_bytes']:,} bytes", [(place, True)]
    count = len(program["instructions"])
    yield (
        "plan: instructions",
        f"{count} instructions",
        [(f"0  {instruction['name']}", True), (f"... {count - 1} more", False)],
    )


def way_of_a_step() -> str:
    """From the Python call to the kernels: once on the left, in every call on the right."""
    parts = [ARROW, text(24, 30, "The way of a step", size=16, weight="600"),
             text(730, 30, "in orange: the first layer, relu(x @ w + b)", anchor="end", colour=COLOURS[1]),
             text(250, 56, "the first call with these shapes", anchor="middle", colour=FAINT),
             text(630, 56, "every call", anchor="middle", colour=FAINT)]  # fmt: skip
    y, tops = 70.0, []
    for title, about, lines in first_layer():
        if tops:
            parts.append(arrow(250, y - 18, 250, y - 2))
        drawn, bottom = panel(y, title, about, lines, COLOURS[0] if tops else COLOURS[1])
        parts.append(drawn)
        tops.append(y)
        y = bottom + 20
    kernel = planned()["instructions"][0]["kernel"]
    run = (
        ("step(x, y)", "shapes and Python values"),
        ("find the program", "do its facts still hold?"),
        ("resolve addresses", "inputs, slots, arena, results"),
        ("walk the phases", "launch, guard, commit"),
        ("thread pool", "chunks with fixed boundaries"),
        ("kernels", f"of instruction 0: {kernel}"),
    )
    step = (y - 20 - 52 - 70) / (len(run) - 1)
    for place, lines in enumerate(run):
        top = 70 + step * place
        parts.append(box(530, top, 200, 52, lines, colour=COLOURS[(1, 2, 2, 2, 2, 3)[place]], filled=place == 0))
        if place:
            parts.append(arrow(630, top - step + 52, 630, top - 2))
    parts.append(arrow(530, 70 + step + 14, 478, tops[1] + 20, dashed=True))
    parts.append(text(480, 70 + step - 8, "none fits", size=11, colour=FAINT))
    parts.append(arrow(474, tops[-1] + 30, 526, 70 + 3 * step + 30, dashed=True))
    parts.append(text(480, tops[-1] + 50, "replayed", size=11, colour=FAINT))
    return document(754, y, "The way of a step, from the Python call to the kernels", parts)


# ---------------------------------------------------------------- memory


def short(name: str) -> str:
    """The name of an instruction, with the number of calls where their names are many."""
    first, arrowed, rest = name.rpartition(" -> ")
    if len(name) < 26:
        return name
    calls = f"{rest.count('+') + 1} calls"
    return f"{first} -> {calls}" if arrowed else f"fused: {calls}"


def uses() -> list[list[int]]:
    """For each piece of memory the instructions that use it, parts of it too."""
    program = planned()
    found: list[list[int]] = [[] for _ in program["memory"]]
    for at, instruction in enumerate(program["instructions"]):
        for operand in instruction["operands"]:
            while operand >= 0:
                found[operand].append(at)
                operand = program["memory"][operand]["inside"]
    return found


def memory_of_a_plan() -> str:
    """A line for each instruction; a value in the arena is a block, as wide as its bytes and as high as its life."""
    program = planned()
    left, top, row, wide, column = 176, 150, 25, 330, 26
    scale = wide / program["arena_bytes"]
    parts = [text(24, 30, "The plan of a small step: which instruction uses which memory", size=16, weight="600")]
    parts.append(text(left, 56, f"the arena, {program['arena_bytes']:,} bytes", colour=COLOURS[0], weight="600"))
    used = uses()
    others = []
    for place, memory in enumerate(program["memory"]):
        if memory["home"] != "arena":
            if memory["home"] != "constant" and memory["inside"] < 0 and used[place]:
                others.append(place)
            continue
        if used[place]:
            parts.append(block(memory, used[place], left, top, row, scale))
    for at, instruction in enumerate(program["instructions"]):
        parts.append(text(left - 10, top + (at + 0.5) * row + 4, short(instruction["name"]), size=12, anchor="end",
                          weight="600" if instruction["commits"] else ""))  # fmt: skip
    for at, place in enumerate(others):
        parts += column_of(program["memory"][place], used[place], left + wide + 30 + at * column, top, row)
    bottom = top + len(program["instructions"]) * row
    parts.append(f'<rect x="{left}" y="{top}" width="{wide}" height="{bottom - top}" fill="none" stroke="{GRID}"/>')
    words = (
        "Blue: values in the arena. Width: bytes. Height: from the first to the last use. A value below another",
        "reuses its place. The widest is the gradient of all parameters, whose pieces are written where they belong.",
        "Orange: inputs and results. Green: slots; the instructions in bold write them, after the guard.",
    )
    parts += [text(24, bottom + 26 + 18 * at, line, size=12, colour=FAINT) for at, line in enumerate(words)]
    return document(754, bottom + 76, "Instructions and memory of a plan", parts)


def block(memory: dict[str, Any], used: Sequence[int], left: float, top: float, row: float, scale: float) -> str:
    """A value in the arena, or a piece of one, with dots where it is used."""
    x, across = left + memory["offset"] * scale, max(memory["bytes"] * scale, 3)
    y, down = top + used[0] * row + 2, (used[-1] - used[0] + 1) * row - 4
    piece = memory["inside"] >= 0
    parts = [
        f'<rect x="{number(x)}" y="{number(y)}" width="{number(across)}" height="{number(down)}" rx="3" '
        f'fill="{COLOURS[0]}" fill-opacity="{0.28 if piece else 0.14:g}" stroke="{COLOURS[0]}"/>'
    ]
    if across > 40 and not piece:
        parts.append(text(x + across / 2, y + 15, f"{memory['bytes']:,}", size=11, anchor="middle"))
    parts += [f'<circle cx="{number(x + across / 2)}" cy="{number(top + (at + 0.5) * row)}" r="3" fill="{COLOURS[0]}"/>'
              for at in sorted(set(used))[1:] if not piece]  # fmt: skip
    return "\n".join(parts)


def column_of(memory: dict[str, Any], used: Sequence[int], x: float, top: float, row: float) -> Iterator[str]:
    """An input, a result or a slot: a dot for each instruction that uses it."""
    colour = COLOURS[2] if memory["home"] == "slot" else COLOURS[1]
    name = memory["name"].removeprefix("optimizer.") or memory["home"]
    yield text(x + 4, top - 10, name, size=11, colour=colour, turn=-50)
    yield (
        f'<rect x="{number(x - 7)}" y="{number(top + used[0] * row + 2)}" width="14" '
        f'height="{number((used[-1] - used[0] + 1) * row - 4)}" rx="4" fill="{colour}" fill-opacity="0.16"/>'
    )
    for at in sorted(set(used)):
        yield f'<circle cx="{number(x)}" cy="{number(top + (at + 0.5) * row)}" r="4" fill="{colour}"/>'


DRAWINGS = (way_of_a_step, memory_of_a_plan)
