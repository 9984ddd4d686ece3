"""Running the command in a process of its own, with folders of plugins beside the installed ones."""

from __future__ import annotations

import atexit
import contextlib
import functools
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

SECONDS = 300
# What the tests' own user trained with is noted there, and not in that of who runs the tests.
os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="powertrain-state-")
atexit.register(shutil.rmtree, os.environ["XDG_STATE_HOME"], ignore_errors=True)

# A recipe that trains in a second or two: digits, shrunk.
SMALL = """\
data      = { use = "digits", split = { valid = 0.1, test = 0.2, stratify = true } }
features  = [{ use = "scale", by = 0.0625 }]
model     = { use = "mlp", hidden = [32], dropout = 0.1 }
optimizer = { use = "adamw", lr = 3e-3, clip = 1.0, schedule = "cosine" }
run       = { until = "6 epochs", batch_size = 64, seed = 3, save_seconds = 0, stop = { watch = "valid.accuracy" } }
strategy  = { use = "supervised", round_steps = 5 }
report    = { baseline = false }
"""
# Ends by a signal or a clock alone: with early stopping it ends within some hundredths of a second.
ENDLESS = SMALL.replace("6 epochs", "100000 epochs").replace(', stop = { watch = "valid.accuracy" }', "")


def command(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "powertrain", *arguments]


def environment(plugins: Sequence[Path] = (), **more: str) -> dict[str, str]:
    """This process's environment, with folders of plugins that imports find."""
    paths = [*(str(folder) for folder in plugins), os.environ.get("PYTHONPATH", "")]
    joined = os.pathsep.join(path for path in paths if path)
    return {**os.environ, "PYTHONPATH": joined, "POWERTRAIN_THREADS": "1", **more}


@functools.cache
def without_pictures() -> Path:
    """A folder for `plugins` with which reports have no pictures: these take longer than a short training."""
    folder = Path(tempfile.mkdtemp(prefix="powertrain-plain-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "matplotlib.py").write_text('raise ImportError("this process makes no pictures")\n')
    return folder


def run(
    arguments: Sequence[str], folder: Path, plugins: Sequence[Path] = (), expect: int = 0, **more: str
) -> subprocess.CompletedProcess[str]:
    """One call of the command, whose exit code must be `expect`."""
    done = subprocess.run(
        command(arguments),
        cwd=folder,
        env=environment(plugins, **more),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == expect, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def started(folder: Path, recipe: str, *arguments: str, until: str = "epoch", **how: Any) -> subprocess.Popen[str]:
    """A training in `folder`/a by a process of its own, once it has printed a line that begins with `until`."""
    (folder / "small.toml").write_text(recipe)
    process = subprocess.Popen(
        command(["train", "small.toml", "--run", "a", *arguments]),
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **how,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(until):
            break
    return process


class Said(NamedTuple):
    """What a call said."""

    stdout: str
    stderr: str


def inside(arguments: Sequence[str], folder: Path, expect: int = 0, pictures: bool = False) -> Said:
    """One call of the command in this process, which takes a tenth of the time; nothing that local files left behind
    is taken for granted. Reports have pictures only where they are asked for."""
    from powertrain.cli import main
    from powertrain.plugin.local import MODULE_PREFIX

    for name in [name for name in sys.modules if name.startswith(MODULE_PREFIX)]:
        del sys.modules[name]
    before, output, errors = Path.cwd(), io.StringIO(), io.StringIO()
    os.chdir(folder)
    try:
        with (
            contextlib.redirect_stdout(output),
            contextlib.redirect_stderr(errors),
            contextlib.ExitStack() as stack,
        ):
            if not pictures:
                stack.enter_context(mock.patch("powertrain.train.report.elements.charts_module", lambda: None))
            code = main(arguments)
    finally:
        os.chdir(before)
    assert code == expect, f"exit code {code}\n{output.getvalue()}\n{errors.getvalue()}"
    return Said(output.getvalue(), errors.getvalue())


def results(done: subprocess.CompletedProcess[str] | Said) -> dict[str, Any]:
    """The line that --json ends with."""
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found
