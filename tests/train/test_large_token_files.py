"""A token file far larger than the memory: it trains, ends and is looked back at within some hundred megabytes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

GIGABYTES = 20
RECIPE = """\
data      = { use = "tokens", path = "tokens.bin", vocabulary = 5_000, context = 64, valid = 1e-6 }
model     = { use = "gpt", layers = 1, heads = 2, width = 32 }
optimizer = { use = "adamw", lr = 1e-3 }
run       = { until = "6 steps", batch_size = 4, seed = 0, evaluate = { every = "3 steps" } }
"""
# Of getrusage's peak a child inherits that of whoever started it; this one is the process's own.
SCRIPT = """\
import sys
from powertrain.cli import main
code = main(["train", "large.toml", "--run", "run", "--json"])
(peak,) = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(peak)
sys.exit(code)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs files with holes, and /proc")
def test_twenty_gigabytes_train_in_half_a_gigabyte(tmp_path: Path) -> None:
    with (tmp_path / "tokens.bin").open("wb") as file:
        file.truncate(GIGABYTES * 10**9)
    (tmp_path / "large.toml").write_text(RECIPE)
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, cwd=tmp_path, timeout=300)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) < 500_000
    assert "every token by its frequency alone" in (tmp_path / "run" / "report.html").read_text()
