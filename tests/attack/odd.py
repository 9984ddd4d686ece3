"""Files that are whole, and odd in what they hold: no row, one row, texts for labels, columns of nothing. Each trains
two steps by the command, if it can, and then another of its kind is predicted."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from attack.commands import examine_command

ROWS = (0, 1, 2, 3, 5, 30, 30, 30, 30)
Values = Callable[[random.Random], str]

COLUMNS: dict[str, Values] = {
    "number": lambda draw: f"{draw.gauss(0, 1):.3f}",
    "count": lambda draw: str(draw.randrange(50)),
    "constant": lambda draw: "3",
    "nothing": lambda draw: "",
    "gaps": lambda draw: draw.choice(["", "NA", "1.5", "2.5"]),
    "huge": lambda draw: draw.choice(["1e308", "-1e308", "1e300", "0"]),
    "tiny": lambda draw: draw.choice(["1e-320", "0", "-1e-320"]),
    "long": lambda draw: str(2**53 + 1 + draw.randrange(4)),
    "longer": lambda draw: str(2**63 + draw.randrange(4)),
    "digits": lambda draw: "9" * draw.choice([30, 400]),
    "infinite": lambda draw: draw.choice(["inf", "-inf", "nan", "1"]),
    "letter": lambda draw: draw.choice("abc"),
    "name": lambda draw: f"n{draw.randrange(1 << 30)}",
    "mixed": lambda draw: draw.choice(["1", "x", "2024-01-01", ""]),
    "day": lambda draw: f"2024-0{draw.randint(1, 9)}-1{draw.randint(0, 9)}",
    "far": lambda draw: draw.choice(["0001-01-01", "9999-12-31", "1970-01-01"]),
    "moment": lambda draw: f"2024-01-01 0{draw.randrange(9)}:00:00",
    "hour": lambda draw: f"0{draw.randrange(9)}:00:00",
    "truth": lambda draw: draw.choice(["true", "false"]),
    "control": lambda draw: draw.choice(["\x1b[31m", "\u202e", "a\x07b"]),
    "quoted": lambda draw: draw.choice(['"a,b"', '"a""b"', '"line\nbreak"']),
    "unicode": lambda draw: draw.choice(["é", "\U0001f600", "日本"]),
}
NAMES = ("", "a b", "é", "\x1b[2J", "x" * 300, "number", "=", "a*b", "a/b")


def table(draw: random.Random, chosen: Sequence[str]) -> str:
    """A CSV of such columns, or nearly."""
    odd = draw.random() < 0.15
    names = [draw.choice(NAMES) if odd and draw.random() < 0.3 else name for name in chosen]
    lines = [[COLUMNS[name](draw) for name in chosen] for _ in range(draw.choice(ROWS))]
    return "\n".join(",".join(line) for line in [names, *lines]) + draw.choice(["\n", ""])


def settings(draw: random.Random, columns: Sequence[str]) -> str:
    made = [f'task = "{draw.choice(["auto", "auto", "classification", "regression"])}"']
    if draw.random() < 0.3:
        made.append('duplicates = "drop"')
    if draw.random() < 0.2:
        made.append(f'drop = ["{draw.choice(columns)}"]')
    if draw.random() < 0.5:
        how, rare = draw.choice(["one-hot", "ordinal", "frequency"]), draw.choice([1, 2, 10])
        flags = ", ".join(f"{name} = {draw.choice(['true', 'false'])}" for name in ("scale", "log", "gaps", "clip"))
        made.append(f'encode = {{ categories = "{how}", rare = {rare}, {flags} }}')
    if draw.random() < 0.6:
        column = f', column = "{draw.choice(columns)}"'
        by = draw.choice(["random", "stratify", "group", "time"])
        shares = draw.choice(["test = 0.2", "valid = 0.3, test = 0.3", "folds = 3, fold = 1", "valid = 0.01"])
        named = column if by in ("group", "time") or draw.random() < 0.1 else ""
        made.append(f'split = {{ by = "{by}", {shares}{named} }}')
    return ", ".join(made)


TARGETS: tuple[Callable[[int], Any], ...] = (
    lambda count: np.arange(count) % 2,
    lambda count: np.arange(count),
    lambda count: np.array(["yes", "no", "é"] * count)[:count],
    lambda count: np.zeros(count, dtype=np.int64),
    lambda count: np.arange(count) - 1,
    lambda count: np.arange(count) * 10**12,
    lambda count: np.linspace(0, 1, count),
    lambda count: np.full(count, np.nan),
    lambda count: np.linspace(0, 1e300, count),
    lambda count: np.ones((count, 3)),
    lambda count: np.ones((count, 0)),
    lambda count: np.ones((count, 1), dtype=np.int64),
    lambda count: np.ones(count, dtype=np.complex64),
    lambda count: np.ones(count, dtype=bool),
    lambda count: np.ones(count, dtype=np.float16),
    lambda count: np.array(1.0),
    lambda count: np.arange(count + 1),
    lambda count: np.array(["2024-01-01"] * count, dtype="datetime64[D]"),
    lambda count: np.array([None] * count, dtype=object),
    lambda count: np.full(count, 2**64 - 1, dtype=np.uint64),
)
INPUTS: tuple[Callable[[int], Any], ...] = (
    lambda count: np.random.default_rng(0).normal(size=(count, 4)),
    lambda count: np.random.default_rng(0).normal(size=(count, 4)).astype(np.float32),
    lambda count: np.ones((count, 8, 8), dtype=np.uint8),
    lambda count: np.ones((count, 0)),
    lambda count: np.ones(count),
    lambda count: np.array(2.0),
    lambda count: np.full((count, 2), np.inf),
    lambda count: np.full((count, 2), 1e300),
    lambda count: np.ones((count, 2), dtype=np.float16),
    lambda count: np.ones((count, 2), dtype=np.complex128),
    lambda count: np.array([["a", "b"]] * count).reshape(count, 2),
    lambda count: np.ones((count, 1, 1, 1, 1, 1)),
    lambda count: np.ones((count, 2), dtype=np.int64) * 2**62,
    lambda count: np.zeros((count, 2), dtype=[("a", "i4")]),
    lambda count: np.asfortranarray(np.arange(3.0 * count).reshape(count, 3)),
    lambda count: np.arange(3.0 * count).reshape(count, 3).astype(">f8"),
)


def arrays(path: Path, draw: random.Random) -> None:
    count = draw.choice(ROWS)
    x = draw.choice(INPUTS[:3] if draw.random() < 0.5 else INPUTS)(count)
    y = draw.choice(TARGETS[:3] if draw.random() < 0.3 else TARGETS)(count)
    np.savez(path, **{"x": x, "y": y, **({"": x} if draw.random() < 0.05 else {})})


def texts(draw: random.Random) -> str:
    words = draw.choice([["a"], ["", " "], ["it was naïve", "she went"], ["\x00\x1b[31m"], ["yes, he said", "no"]])
    return draw.choice(["", "\n", " "]).join(draw.choice(words) for _ in range(draw.choice([0, 1, 40, 300, 300])))


def labelled(draw: random.Random) -> str:
    labels = draw.choice([["a"], ["a", "b"], ["", "a"], ["0", "1", "2"], ["\x1b[31m", "b"]])
    rows = [f'"{texts(draw)[:50]}",{draw.choice(labels)}' for _ in range(draw.choice(ROWS))]
    return "\n".join([draw.choice([*["text,label"] * 5, "label,text,text", "text", ""]), *rows])


LANGUAGE = 'model = { use = "lstm", width = 8 }\noptimizer = "sgd"\n'
CLASSES = 'model = "linear"\noptimizer = "sgd"\n'
RUN = 'run = { until = "2 steps", batch_size = 4 }\nreport = { baseline = false }\n'


def recipe(folder: Path, draw: random.Random) -> tuple[str, str]:
    """A recipe and its file, and the name of a file to predict."""
    kind = draw.choice(["table", "table", "table", "arrays", "arrays", "text", "text-files", "text-table"])
    context = draw.choice([2, 4, 64])
    if kind == "table":
        target = draw.choice(["number", "count", "letter", "truth", *COLUMNS])
        rare = "" if draw.random() < 0.1 else "hour"  # which a table must leave out
        others = [name for name in COLUMNS if name not in (target, rare)]
        chosen = [target, *draw.sample(others, draw.choice([1, 3, 6]))]
        (folder / "a.csv").write_text(table(draw, chosen), encoding="utf-8", newline="")
        again = draw.choice([chosen, chosen, chosen[1:], chosen[:2], [*chosen, "name"]])
        (folder / "b.csv").write_text(table(draw, again), encoding="utf-8", newline="")
        model = draw.choice([CLASSES, 'model = "decision-tree"\n', 'model = "linear"\nstrategy = "full-batch"\n'])
        more = settings(draw, chosen)
        return f'data = {{ use = "table", path = "a.csv", target = "{target}", {more} }}\n{model}', "b.csv"
    if kind == "arrays":
        for name in ("a.npz", "b.npz"):
            arrays(folder / name, draw)
        split = draw.choice(["", ", split = { valid = 0.3 }", ", split = { test = 0.5, stratify = true }"])
        model = draw.choice([CLASSES, CLASSES, 'model = "nearest-mean"\n', 'model = "mlp"\noptimizer = "adamw"\n'])
        return f'data = {{ use = "arrays", path = "a.npz"{split} }}\n{model}', "b.npz"
    make = labelled if kind == "text-table" else texts
    for name in ("a.txt", "b.txt"):
        (folder / name).write_text(make(draw), encoding="utf-8", newline="")
    if kind == "text-table":
        model = 'model = { use = "bag-of-tokens", width = 4 }\noptimizer = "sgd"\n'
        return f'data = {{ use = "text-table", path = "a.txt", context = {context}, size = 300 }}\n{model}', "b.txt"
    size = ", size = 300" if kind == "text-files" else ""
    return f'data = {{ use = "{kind}", path = "a.txt", context = {context}{size} }}\n{LANGUAGE}', "b.txt"


def examine_odd(number: int, folder: Path) -> tuple[str | None, Sequence[str]]:
    draw = random.Random(number)
    text, other = recipe(folder, draw)
    steps = RUN if "optimizer" in text else RUN.replace("2 steps", "1 round")
    (folder / "recipe.toml").write_text(text + steps, encoding="utf-8")
    trained = examine_command(["train", "recipe.toml", "--json", "--run", "run"])
    wrong = [f"train: {one}" for one in trained.wrong]
    told = f"odd {trained.code} {trained.told}"
    if trained.code == 0:
        asked = examine_command(["predict", "run", other])
        wrong += [f"predict: {one}" for one in asked.wrong]
        told += f" predict {asked.code} {asked.told}"
    return told, wrong
