"""Whole runs of the recipes, kept in a folder: each is trained again only where what it is made of has changed.

What a run is made of stands beside its folder, in NAME.made-of.json: hashes of the recipe with its settings, of the
data, of the plugins with the libraries that they need, and of the engine.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import powertrain
from powertrain.data import kept
from powertrain.recipe import Recipe, load_recipe
from powertrain.train.folder.lock import CODE, versions

ROOT = Path(__file__).parent.parent
RUNS = ROOT / "build" / "results"
sys.path.append(str(ROOT / "benchmarks"))
from race.figures import QUIET_CORES  # noqa: E402
from race.machine import busy_seconds  # noqa: E402

MADE_OF = ".made-of.json"
LOAD = "load.json"  # in a run's folder: how long this tool waited for it, and what others used meanwhile
SEED = ".seed-"  # in the name of a run of another seed than the recipe's
# What errors say where data or a package is not here.
LACKING = ("expected the data set in one of them", "expected the package", "is not installed")


def made_of(recipe: Recipe) -> dict[str, str]:
    """What the numbers of a run come from, each as a hash."""
    of_lock = {name: value for name, value in versions(recipe).items() if name != "command"}
    dists = sorted({use["distribution"] for use in of_lock["uses"] if "distribution" in use})
    base = recipe.path.resolve().parent
    data = {role: use.plugin.build(use.params, base) for role, use in recipe.data.items() if use.group == "data"}
    return {
        "recipe": _hash(recipe.tables),
        "data": _hash({role: kept.record(one) for role, one in data.items()}),
        "plugins": _hash([of_lock, [libraries(name) for name in dists]]),
        "engine": engine(),
    }


def libraries(distribution: str) -> dict[str, str]:
    """The versions of what a distribution needs, extras too, as far as it is installed."""
    found = {}
    for requirement in metadata.requires(distribution) or []:
        name = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


@functools.cache
def engine() -> str:
    """A hash of the engine: its library and the sources of its package."""
    digest = hashlib.sha256()
    root = Path(powertrain.__file__).parent
    for path in sorted(root.rglob("*")):
        if path.suffix in CODE and path.is_file():
            digest.update(f"{path.relative_to(root).as_posix()}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def changed(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Of what a run is made of, what is not as it was."""
    return [name for name in now if before.get(name) != now[name]]


def train(recipe: str, folder: Path, *settings: str) -> str:
    """Train a recipe whole into a folder; how that went: `kept` where the run is there and made of the same, `trained`,
    or `stopped` where it has not come to its end.

    A run that was stopped is gone on with. One that is made of anything else is removed, and trained anew.
    """
    now = made_of(load_recipe(recipe, overrides=settings))
    note = folder.with_name(folder.name + MADE_OF)
    before = json.loads(note.read_text(encoding="utf-8")) if note.exists() else {}
    results = folder / "results.json"
    if folder.exists() and changed(before, now):
        why = f"{', '.join(changed(before, now))} changed" if before else "nothing says what it was made of"
        print(f"[recipes] {folder.name} is trained again: {why}", flush=True)
        shutil.rmtree(folder)
    if results.exists():
        return "kept"
    folder.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(json.dumps(now), encoding="utf-8")
    wanted = [word for setting in settings for word in ("--set", setting)]
    command = [sys.executable, "-m", "powertrain", "train", recipe, "--run", str(folder), *wanted]
    busy, own, start = busy_seconds(), child_seconds(), time.monotonic()
    try:
        wait_for([*command, *(["--resume"] if folder.exists() else [])])
    finally:
        after, wall = busy_seconds(), time.monotonic() - start
        if busy is not None and after is not None and folder.is_dir():
            note_load(folder, wall, max(0.0, after - busy - (child_seconds() - own)))
    return "trained" if results.exists() else "stopped"


def wait_for(command: list[str]) -> int:
    """Run a command to its end. Ctrl-C reaches it too: it saves what it has, and then this raises KeyboardInterrupt."""
    interrupted = False
    with subprocess.Popen(command) as process:
        while True:
            try:
                code = process.wait()
                break
            except KeyboardInterrupt:
                interrupted = True
    if interrupted:
        raise KeyboardInterrupt
    return code


def child_seconds() -> float:
    """Processor time of the processes that this one has waited for."""
    times = os.times()
    return times.children_user + times.children_system


def note_load(folder: Path, wall: float, others: float) -> None:
    """Note what others used while a run was trained, beside what they used before it was gone on with."""
    path = folder / LOAD
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"wall": 0.0, "others": 0.0}
    noted = {"wall": before["wall"] + wall, "others": before["others"] + others}
    path.write_text(json.dumps(noted), encoding="utf-8")


def load(folder: Path) -> str:
    """The cores that other programs used while a run was trained, and whether that is too much to believe its time."""
    path = folder / LOAD
    if not path.exists():
        return ""
    noted = json.loads(path.read_text(encoding="utf-8"))
    cores = noted["others"] / noted["wall"]
    return f"{cores:.2f}, loaded" if cores > QUIET_CORES else f"{cores:.2f}"


def lacking(error: BaseException) -> bool:
    """Whether an error says that data or a package is not on this machine."""
    return any(words in str(error) for words in LACKING)


def shared_out(seconds: Mapping[str, float], parts: int) -> list[list[str]]:
    """The recipes in so many parts that take about equally long: the longest first, each to the part that has least."""
    shares: list[list[str]] = [[] for _ in range(parts)]
    filled = [0.0] * parts
    for name in sorted(seconds, key=lambda name: (-seconds[name], name)):
        least = filled.index(min(filled))
        shares[least].append(name)
        filled[least] += seconds[name]
    return shares


def listed(cells: Iterable[tuple[str, ...]]) -> str:
    """Rows with their columns below one another."""
    rows = list(cells)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)
