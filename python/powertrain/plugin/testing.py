"""For the tests of a distribution: the command in a process of its own, and a run that is killed on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from powertrain.errors.modules import answer_calls

if TYPE_CHECKING:
    from powertrain.typing import State


def powertrain(*arguments: str, folder: Path, expect: int = 0, **environment: str) -> str:
    """What `powertrain ARGUMENTS` prints, called in that folder; its exit code must be `expect`.

    Example
        >>> from powertrain.plugin.testing import powertrain
        >>> powertrain("--version", folder=Path())  # doctest: +ELLIPSIS
        'powertrain ...'
    """
    done = subprocess.run(
        _command(*arguments), capture_output=True, text=True, check=False, cwd=folder, env={**os.environ, **environment}
    )
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout


def trained(recipe: str, run: str, *arguments: str, folder: Path) -> State:
    """The results of `powertrain train`.

    Example
        >>> from powertrain.plugin.testing import trained
        >>> results = trained("mine.toml", "runs/mine", folder=Path("examples"))  # doctest: +SKIP
        >>> results["test"]["accuracy"] > 0.9  # doctest: +SKIP
        True
    """
    said = powertrain("train", recipe, "--run", run, "--json", *arguments, folder=folder)
    found: State = json.loads(said.splitlines()[-1])
    return found


def killed_and_resumed(text: str, folder: Path, after: str = "epoch  5/") -> State:
    """Train a recipe twice, the second time killed after a line that begins with `after` and resumed: both end with the
    same bits. The recipe should say save_seconds = 0. The results of the first run, whose folder is `whole`.

    Example
        >>> from powertrain.plugin.testing import killed_and_resumed
        >>> recipe = Path("mine.toml").read_text()  # doctest: +SKIP
        >>> killed_and_resumed(recipe, Path("build"))["valid"]["loss"] < 0.5  # doctest: +SKIP
        True
    """
    (folder / "killed.toml").write_text(text, encoding="utf-8")
    whole = trained("killed.toml", "whole", folder=folder)
    process = subprocess.Popen(
        _command("train", "killed.toml", "--run", "parts"), cwd=folder, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    reached = any(line.startswith(after) for line in process.stdout)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert reached, f"no line begins with {after}"
    parts = trained("killed.toml", "parts", "--resume", folder=folder)
    assert parts["hash"] == whole["hash"]
    return whole


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "powertrain", *arguments]


answer_calls(__name__)
