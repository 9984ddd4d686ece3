"""For the tests of a distribution: the command in a process of its own, and a run that is killed on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from powertrain.errors.modules import answer_calls
from powertrain.io.files import Files

if TYPE_CHECKING:
    from powertrain.typing import State

__all__ = ["killed_and_resumed", "powertrain", "trained"]


def __dir__() -> list[str]:
    return __all__


def powertrain(*arguments: str, folder: Path, expect: int = 0, **environment: str) -> str:
    """What `powertrain ARGUMENTS` prints, called in that folder; its exit code must be `expect`.

    Exit codes are 0 fine, 1 an expectation missed or a plugin that the check finds wrong, 2 a mistake of who called,
    3 a bug of the engine. With another `expect` than 0, what is written to stderr, such as the refusal, comes too.

    Example
        >>> from powertrain.plugin.testing import powertrain
        >>> powertrain("--version", folder=Path())  # doctest: +ELLIPSIS
        'powertrain ...'
    """
    return _said(_command(*arguments), folder, expect, **environment)


def trained(recipe: str, run: str, *arguments: str, folder: Path) -> State:
    """The results of `powertrain train`.

    Example
        >>> from powertrain.plugin.testing import trained
        >>> results = trained("mine.toml", "runs/mine", folder=Path("examples"))  # doctest: +SKIP
        >>> results["test"]["accuracy"] > 0.9  # doctest: +SKIP
        True
    """
    return _results(powertrain("train", recipe, "--run", run, "--json", *arguments, folder=folder))


def killed_and_resumed(text: str, folder: Path, after: str = "epoch  5/") -> State:
    """Train a recipe twice, the second time killed after a line that begins with `after` and resumed: both end with the
    same bits. The results of the first run, whose folder is `whole`.

    It is killed at that line, or at the next of its kind at which there is a checkpoint.

    text    a recipe, which should say save_seconds = 0. It becomes a file of `folder`: a `./file.py` that it names, and
            relative paths of its data, begin there
    folder  an empty folder, but for these files

    Errors    other bits: an AssertionError that names the first slot which differs

    Example
        >>> from powertrain.plugin.testing import killed_and_resumed
        >>> recipe = Path("mine.toml").read_text()  # doctest: +SKIP
        >>> killed_and_resumed(recipe, Path("build"))["valid"]["loss"] < 0.5  # doctest: +SKIP
        True
    """
    (folder / "killed.toml").write_text(text, encoding="utf-8")
    whole = trained("killed.toml", "whole", folder=folder)
    command = [sys.executable, "-m", "powertrain.cli.killed_run", "parts"]
    train = ["train", "killed.toml", "--run", "parts"]
    done = subprocess.run([*command, after, *train], cwd=folder, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != -signal.SIGKILL:
        raise AssertionError(_not_killed(done.stdout.splitlines() or [""], after))
    parts = _results(_said([*command, "", *train, "--json", "--resume"], folder))
    if parts["hash"] != whole["hash"]:
        wrong = _first_difference(folder / "whole", folder / "parts")
        raise AssertionError(
            f"[killed_and_resumed] after a kill and a resume {wrong} is another one; expected the same bits; keep "
            "what changes in slots (run.slot, run.ring, run.blob), since a resumed run knows nothing else, and draw "
            "random numbers from t.rng"
        )
    return whole


def _not_killed(lines: list[str], after: str) -> str:
    if any(line.startswith(after) for line in lines):
        return (
            f"[killed_and_resumed] the run had no checkpoint at {after!r} or later; expected one to resume from; "
            "write save_seconds = 0, or train longer"
        )
    return (
        f"[killed_and_resumed] no line begins with {after!r}; expected one, at which the run is killed; the last one "
        f"is {lines[-1]!r}"
    )


def _first_difference(whole: Path, parts: Path) -> str:
    """The first slot of the last checkpoints that differs: one of the model, from which others follow, if there is
    one."""
    a, b = _newest_arrays(whole), _newest_arrays(parts)
    wrong = [name for name in {**a, **b} if name not in a or name not in b or a[name].tobytes() != b[name].tobytes()]
    return min(wrong, key=lambda name: (not name.startswith("model."), name), default="an array that is saved apart")


def _newest_arrays(run: Path) -> Mapping[str, Any]:
    from safetensors.numpy import load

    files = Files(run)
    name = max(one for one in files.names("checkpoints") if one.startswith("round-") and one.endswith(".safetensors"))
    with files.reading(f"checkpoints/{name}") as file:
        return load(file.read())


def _said(command: list[str], folder: Path, expect: int = 0, **environment: str) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=folder, env={**os.environ, **environment}
    )
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout if expect == 0 else done.stdout + done.stderr


def _results(said: str) -> State:
    found: State = json.loads(said.splitlines()[-1])
    return found


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "powertrain", *arguments]


answer_calls(__name__)
