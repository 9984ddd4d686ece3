"""The processes of a run that several share: recipes of three kinds, and who they are."""

from __future__ import annotations

import contextlib
import subprocess
import time
from pathlib import Path

from powertrain.train.folder.checkpoint import Checkpoints

PATIENCE = 60.0  # seconds; a machine may have much else to do
# So long bad input may take to be refused, beyond what workers take that have nothing to refuse.
WATCHDOG = 10.0

# Without schedules, which depend on the target: then a run to a half of it may go on to the whole.
DIGITS = """\
data      = { use = "digits", split = { valid = 0.1, test = 0.2, stratify = true } }
features  = [{ use = "scale", by = 0.0625 }]
model     = { use = "cnn", channels = [4, 8], dropout = 0.2 }
optimizer = { use = "adamw", lr = 3e-3, clip = 1.0, accumulate = 2 }
run       = { until = "4 epochs", batch_size = 64, shards = 8, seed = 3, save_seconds = 0 }
report    = { baseline = false, worst = 0 }
"""
MNIST1D_GRU = """\
data      = { use = "mnist1d", examples = 400 }
model     = { use = "sequence-gru", width = 4 }
optimizer = { use = "adam", lr = 1e-2 }
run       = { until = "4 epochs", batch_size = 64, shards = 8, seed = 0, save_seconds = 0 }
report    = { baseline = false, worst = 0 }
"""
GPT = """\
data      = { use = "text", path = "book.txt", context = 16, valid = 0.1 }
model     = { use = "gpt", layers = 1, heads = 2, width = 16, dropout = 0.1 }
strategy  = { use = "next_token", sample = 20 }
optimizer = { use = "adamw", lr = 1e-3 }
run       = { until = "40 steps", batch_size = 8, shards = 8, seed = 1, save_seconds = 0, evaluate.every = "10 steps" }
report    = { baseline = false, worst = 0 }
"""
BOOK = "a quick brown fox jumps over seven lazy dogs " * 60
# So long that all kills of a test fall into it, and what is trained beyond them.
ENDLESS = {"digits": "10_000 epochs", "mnist1d-gru": "10_000 epochs", "gpt": "100_000 steps"}
HALF = {"digits": "2 epochs", "mnist1d-gru": "2 epochs", "gpt": "20 steps"}
TEXTS = {"digits": DIGITS, "mnist1d-gru": MNIST1D_GRU, "gpt": GPT}


def said_in_time(process: subprocess.Popen[str], seconds: float) -> tuple[str, str]:
    """What a process said that must end in time."""
    try:
        return process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise


def write_shared(name: str, folder: Path) -> None:
    """A recipe of 8 shards as small.toml, with the file that it reads."""
    (folder / "small.toml").write_text(TEXTS[name])
    (folder / "book.txt").write_text(BOOK)


def until(target: str) -> list[str]:
    return ["--set", f"run.until={target}"]


def beyond(name: str, folder: Path) -> list[str]:
    """The target of a run that goes on a little after its newest checkpoint."""
    progress = Checkpoints(folder).newest_meta()["progress"]
    return until(f"{progress['steps'] + 20} steps" if name == "gpt" else f"{progress['epochs'] + 1} epochs")


def steps_done(folder: Path) -> int:
    """The steps of the newest checkpoint."""
    return int(Checkpoints(folder).newest_meta().get("steps", 0))


def others_of(leader: int) -> list[int]:
    """The processes that a worker has started."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
            if int(parent) == leader and state != "Z":
                found.append(int(path.parent.name))
    return found


def demand_ended(processes: list[int]) -> None:
    until = time.monotonic() + PATIENCE
    while left := [one for one in processes if Path(f"/proc/{one}").exists()]:
        assert time.monotonic() < until, f"still there: {left}"
        time.sleep(0.02)
