"""Run folders that are damaged, or made by a stranger: one for each seed, and every verb tried on them.

`python folders.py TEMPLATE PLACE FIRST LAST` makes the folders of some seeds from a finished run, calls the verbs in
its own process, and prints one line of JSON for each folder. A hang ends it with the stack.
"""

from __future__ import annotations

import contextlib
import faulthandler
import hashlib
import io
import json
import os
import random
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError

SECONDS = 60
FILES = (
    "run.json", "run.lock", "results.json", "recipe.toml", "model.py", "ledger.jsonl", "report.html", ".lock",
    "profile.json",
    "examples.safetensors", "sample.safetensors",
    "checkpoints", ".results.json.part", ".report.html.part", ".run.json.part", "newest.json", "newest.safetensors",
    "older.json", "older.safetensors", "newest.part",
)  # fmt: skip
JSON = ("run.json", "run.lock", "results.json", "profile.json", "newest.json", "older.json", "ledger.jsonl")


class Damage:
    """What is done to one folder; `victim` is a file outside that must stay as it is."""

    def __init__(self, folder: Path, victim: Path, seed: int) -> None:
        self.folder, self.victim = folder, victim
        self.draw = random.Random(seed)
        self.said: list[str] = []

    def make(self) -> None:
        """One to three damages."""
        for _ in range(self.draw.choice((1, 1, 1, 2, 3))):
            how = self.draw.choice(WAYS)
            name = self.draw.choice(JSON if how in OF_JSON else FILES)
            path = self.path(name)
            if how in ANYWHERE or (path.is_file() and not path.is_symlink()):  # an earlier damage may be in the way
                self.said.append(f"{how.__name__} {path.relative_to(self.folder)}")
                with contextlib.suppress(
                    OSError, ValueError, KeyError, RecursionError, SafetensorError
                ):  # what it left cannot be read
                    how(self, path)

    def path(self, name: str) -> Path:
        """A file by its role: of checkpoints there are two."""
        stems = sorted({path.name.partition(".")[0] for path in (self.folder / "checkpoints").glob("round-*.json")})
        stem = stems[0 if name.startswith("older") else -1] if stems else "round-000000000001"
        at = self.folder / "checkpoints"
        made = {"newest": stem, "older": stem}.get(name.partition(".")[0])
        if name == "newest.part":
            return at / f".{stem}.json.part"
        return at / f"{made}.{name.partition('.')[2]}" if made else self.folder / name

    # Ways to damage any file.

    def cut(self, path: Path) -> None:
        raw = path.read_bytes()
        path.write_bytes(raw[: self.draw.randrange(len(raw) + 1)])

    def flip(self, path: Path) -> None:
        raw = bytearray(path.read_bytes())
        for _ in range(self.draw.randint(1, 8)):
            raw[self.draw.randrange(len(raw))] ^= 1 << self.draw.randrange(8)
        path.write_bytes(raw)

    def take_away(self, path: Path) -> None:
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    def replace_by_folder(self, path: Path) -> None:
        self.gone(path)
        (path / "inner").mkdir(parents=True)

    def replace_by_link(self, path: Path) -> None:
        self.gone(path)
        path.symlink_to(self.draw.choice((self.victim, self.victim.parent, Path("nowhere"), path, Path("/dev/zero"))))

    def replace_by_hard_link(self, path: Path) -> None:
        self.gone(path)
        os.link(self.victim, path)

    def replace_by_pipe(self, path: Path) -> None:
        self.gone(path)
        os.mkfifo(path)

    def forbid(self, path: Path) -> None:
        path.chmod(self.draw.choice((0o000, 0o200, 0o444)))

    def replace_by_noise(self, path: Path) -> None:
        path.write_bytes(self.draw.randbytes(self.draw.choice((1, 100, 70_000))))

    def insert(self, path: Path) -> None:
        raw, what = path.read_bytes(), self.draw.choice((b"\xff\xfe", b"\0", b"\x1b[2J", b"\xed\xa0\x80", b"\n"))
        at = self.draw.randrange(len(raw) + 1)
        path.write_bytes(raw[:at] + what + raw[at:])

    def swell(self, path: Path) -> None:
        with path.open("ab") as file:
            file.truncate(self.draw.choice((100_000, 200_000_000)))

    def gone(self, path: Path) -> None:
        path.parent.mkdir(exist_ok=True)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

    # Ways to damage JSON, which stays JSON.

    def spoil_value(self, path: Path) -> None:
        text = path.read_text()
        if path.name.endswith("l"):
            lines = text.splitlines()
            at = self.draw.randrange(len(lines))
            lines[at] = self.spoilt(lines[at])
            path.write_text("\n".join(lines) + "\n")
        else:
            path.write_text(self.spoilt(text))

    def spoilt(self, text: str) -> str:
        """One value, somewhere, replaced by what nobody expects there; a checkpoint's seal made to fit."""
        tables = json.loads(text)
        seal = tables.pop("seal", None) if isinstance(tables, dict) else None
        places: list[tuple[Any, Any]] = []
        _walk(tables, places)
        if not places:
            return text
        holder, key = self.draw.choice(places)
        holder[key] = "@"
        whole = json.dumps(tables)
        raw = self.draw.choice(VALUES)
        made = whole.replace('"@"', raw, 1)
        if seal is None:
            return made
        try:
            header = json.loads(made)
            canonical = json.dumps(header, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            sealed = hashlib.sha256(canonical.encode("utf-8", "backslashreplace")).hexdigest()
        except (ValueError, RecursionError):
            sealed = seal
        return made[:-1] + f', "seal": "{sealed}"}}'

    def nest(self, path: Path) -> None:
        path.write_text("[" * 100_000 if self.draw.random() < 0.5 else '{"a":' * 50_000)

    def spoil_arrays(self, path: Path) -> None:
        """A checkpoint that is whole by its hashes, with arrays that no run has saved."""
        from safetensors.numpy import load, save

        name = self.draw.choice(("newest", "older"))
        arrays_path, header_path = self.path(f"{name}.safetensors"), self.path(f"{name}.json")
        if not (arrays_path.is_file() and header_path.is_file()):
            return
        arrays = load(arrays_path.read_bytes())
        key = self.draw.choice(sorted(arrays))
        value = arrays[key]
        arrays[key] = self.draw.choice((
            lambda: value.astype(np.float16), lambda: value.reshape(-1), lambda: value[None], lambda: -value - 1,
            lambda: np.full_like(value, 127), lambda: np.zeros(0, value.dtype), lambda: np.zeros(3),
            lambda: value.astype(np.float64) * np.nan, lambda: np.zeros((2, 2), np.uint8),
        ))()  # fmt: skip
        if self.draw.random() < 0.2:
            del arrays[key]
        payload = save(arrays) if self.draw.random() < 0.9 else b"\x10\0\0\0\0\0\0\0" + b"{" * 16
        arrays_path.write_bytes(payload)
        header = json.loads(header_path.read_text())
        header.pop("seal")
        header.update(bytes=len(payload), sha256=hashlib.sha256(payload).hexdigest())
        canonical = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
        header_path.write_text(json.dumps({**header, "seal": hashlib.sha256(canonical).hexdigest()}))


VALUES = (
    "null", "true", '"text"', "[]", "{}", "-1", "1.5", "NaN", "-Infinity", "1e999", "9" * 20, "9" * 400, "9" * 5000,
    '"\\ud800"', '"\\u001b[2J"', '"\\u0000"', '"<script>alert(1)</script>"', "[" * 500 + "]" * 500,
    '"' + "x" * 100_000 + '"',
)  # fmt: skip
OF_JSON = (Damage.spoil_value, Damage.nest, Damage.spoil_arrays)
WAYS: tuple[Callable[[Damage, Path], None], ...] = (
    Damage.cut, Damage.flip, Damage.take_away, Damage.replace_by_folder, Damage.replace_by_link,
    Damage.replace_by_hard_link, Damage.replace_by_pipe, Damage.forbid, Damage.replace_by_noise, Damage.insert,
    Damage.swell, Damage.spoil_value, Damage.spoil_value, Damage.spoil_value, Damage.spoil_value, Damage.nest,
    Damage.spoil_arrays, Damage.spoil_arrays,
)  # fmt: skip


ANYWHERE = (
    Damage.take_away, Damage.replace_by_folder, Damage.replace_by_link, Damage.replace_by_hard_link,
    Damage.replace_by_pipe, Damage.spoil_arrays,
)  # fmt: skip


def _walk(value: Any, places: list[tuple[Any, Any]]) -> None:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        places.append((value, key))
        _walk(inner, places)


def calls(run: str) -> dict[str, list[str]]:
    """Every verb that opens a run; those that write come last."""
    return {
        "list": ["runs", "list", "."],
        "hash": ["runs", "hash", run],
        "evaluate": ["evaluate", run],
        "predict": ["predict", run, "x.npy"],
        "profile": ["monitor", run],
        "monitor": ["monitor", run, "x.npy"],
        "report": ["report", run],
        "resume": ["train", "small.toml", "--run", run, "--resume"],
    }


def wrong(code: int, output: str, errors: str) -> str:
    """What is wrong with the answer of a verb; nothing where it did its work, or said clearly why not."""
    if "Traceback" in output + errors:
        return "a traceback"
    if any(sign in output + errors for sign in ("\x1b", "\0")):
        return "control characters on the terminal"
    if code not in (0, 2):
        return f"exit code {code}"
    if code == 2 and not errors.strip().splitlines()[-1].startswith("["):
        return "no clear error"
    return ""


def attack(template: Path, place: Path, seed: int) -> dict[str, Any]:
    """Make one folder and try every verb on it."""
    from powertrain.cli import main

    run, victim = place / f"run-{seed}", place / "elsewhere" / "victim"
    shutil.copytree(template, run)
    victim.parent.mkdir(exist_ok=True)
    victim.write_text("mine\n")
    damage = Damage(run, victim, seed)
    damage.make()
    mine = victim.read_bytes()  # now: a damage may have gone through a link that another had made
    answers: dict[str, Any] = {}
    for verb, arguments in calls(run.name).items():
        faulthandler.dump_traceback_later(SECONDS, exit=True)
        output, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            code = main(arguments)
        faulthandler.cancel_dump_traceback_later()
        if text := wrong(code, output.getvalue(), errors.getvalue()):
            answers[verb] = f"{text}\n{output.getvalue()[-500:]}\n{errors.getvalue()[-3000:]}"
        if victim.read_bytes() != mine or list(victim.parent.iterdir()) != [victim]:
            answers[verb] = "it wrote outside of the folder"
            break
    shutil.rmtree(run, ignore_errors=True)
    victim.unlink()
    return {"seed": seed, "damage": damage.said, "wrong": answers}


if __name__ == "__main__":
    made_from, here, first, last = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    os.chdir(here)
    sys.modules["matplotlib"] = None  # type: ignore[assignment]  # pictures take longer than all the rest
    for number in range(first, last):
        print(f"seed {number}", file=sys.stderr, flush=True)
        print(json.dumps(attack(made_from, here, number)), flush=True)
