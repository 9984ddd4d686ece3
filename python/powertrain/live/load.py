"""How busy the machine and the processes of runs are, as /proc says. A system without it gives empty answers."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

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


def lock_holders() -> dict[tuple[int, int, int], int]:
    """The process that holds a lock on a file, by the file's device and number. Nobody's lock is touched for that."""
    found: dict[tuple[int, int, int], int] = {}
    try:
        lines = (PROC / "locks").read_text().splitlines()
    except OSError:
        return {}
    for line in lines:
        words = line.split()
        if words[1:2] == ["FLOCK"] and len(words) >= 6:
            major, minor, inode = words[5].split(":")
            found[int(major, 16), int(minor, 16), int(inode)] = int(words[4])
    return found
