"""How busy the machine and the processes of runs are, as /proc says. A system without it gives empty answers."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import Any, NamedTuple

PROC = Path("/proc")


class Load:
    """Shares of time since the reading before, so the first one says nothing of processors."""

    def __init__(self) -> None:
        self._total: tuple[float, float] | None = None  # busy and all ticks of the machine
        self._processes: dict[int, tuple[float, float]] = {}  # seconds of processors, and when

    def machine(self) -> dict[str, Any]:
        """The share of the processors that is busy, bytes of memory, processors."""
        try:
            ticks = [int(one) for one in (PROC / "stat").read_text().split("\n", 1)[0].split()[1:9]]
            sizes = dict(line.split(":", 1) for line in (PROC / "meminfo").read_text().splitlines())
            total, free = (int(sizes[name].split()[0]) << 10 for name in ("MemTotal", "MemAvailable"))
        except (OSError, ValueError, KeyError, IndexError):
            return {}
        now = (float(sum(ticks) - ticks[3] - ticks[4]), float(sum(ticks)))  # idle, and waiting for disks
        before, self._total = self._total, now
        found: dict[str, Any] = {"memory": total - free, "memory_total": total, "processors": os.cpu_count()}
        if before is not None and now[1] > before[1]:
            found["busy"] = (now[0] - before[0]) / (now[1] - before[1])
        return found

    def process(self, pid: int) -> dict[str, Any]:
        """How many processors a process keeps busy, and bytes of its memory."""
        try:
            fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
            pages = int((PROC / str(pid) / "statm").read_text().split()[1])
            used = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        except (OSError, ValueError, IndexError):
            self._processes.pop(pid, None)
            return {}
        now = time.monotonic()
        before = self._processes.get(pid)
        self._processes[pid] = (used, now)
        found: dict[str, Any] = {"memory": pages * os.sysconf("SC_PAGE_SIZE")}
        if before is not None and now > before[1]:
            found["processors"] = (used - before[0]) / (now - before[1])
        return found

    def keep(self, pids: set[int]) -> None:
        """Forget all other processes."""
        self._processes = {pid: seen for pid, seen in self._processes.items() if pid in pids}


class Held(NamedTuple):
    """A lock on a file: by which process, and on which device."""

    device: int
    pid: int


def locks() -> dict[int, list[Held]]:
    """The locks on files, by the number of the file. Nobody's lock is touched for that."""
    found: dict[int, list[Held]] = {}
    try:
        lines = (PROC / "locks").read_text().splitlines()
    except OSError:
        return {}
    for line in lines:
        words = line.split()
        if words[1:2] == ["FLOCK"] and len(words) >= 6:
            major, minor, inode = words[5].split(":")
            held = Held(os.makedev(int(major, 16), int(minor, 16)), int(words[4]))
            found.setdefault(int(inode), []).append(held)
    return found


def has_open(pid: int, file: os.stat_result) -> bool:
    """Whether a process has a file open, as far as it may be asked."""
    try:
        for descriptor in (PROC / str(pid) / "fd").iterdir():
            with contextlib.suppress(OSError):  # closed meanwhile
                if os.path.samestat(descriptor.stat(), file):
                    return True
    except OSError:
        return False
    return False
