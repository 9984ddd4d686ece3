"""Processes as the system sees them: how much memory this one holds and held, how old it is, what another one waits
for."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import time
from pathlib import Path

SELF = Path("/proc/self")


def resident_bytes() -> int:
    """What it holds now; 0 where the system does not say."""
    return _status("VmRSS")


def peak_bytes() -> int:
    """The most that it held since it began."""
    # Of what Linux says twice, this alone leaves out what the process was before it became this program.
    return _status("VmHWM") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def age() -> float:
    """Seconds since it began; 0 where the system does not say."""
    try:
        began = int(_read("stat").rpartition(")")[2].split()[19])
    except (ValueError, IndexError):
        return 0.0
    return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - began / os.sysconf("SC_CLK_TCK"))


def _status(name: str) -> int:
    found = re.search(rf"^{name}:\s+([0-9]+) kB$", _read("status"), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def _read(name: str) -> str:
    try:
        return (SELF / name).read_text()
    except OSError:
        return ""


def wants_to_run(process: int) -> bool:
    """Whether a process waits for nothing but a processor, as on a machine that has much else to do; known on Linux."""
    with contextlib.suppress(OSError):  # a thread has ended meanwhile
        stats = [path.read_text() for path in Path(f"/proc/{process}/task").glob("*/stat")]
        return any(stat.rpartition(")")[2].split()[0] == "R" for stat in stats)
    return False
