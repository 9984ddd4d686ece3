"""How much processor time the processes of a session have used, and whether one of them hangs."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from powertrain.plugin.importing import FAR

PROCESSES = Path("/proc")  # of Linux


class Watched:
    """A session of processes with a limit of so many seconds.

    One hangs that has used more processor time than the limit, asked for none for as long, or slept far longer in all.
    A busy machine slows others down without making them hang: seconds by the clock alone say little.
    """

    def __init__(self, session: int, seconds: float) -> None:
        self.session, self.seconds = session, seconds
        self.began = self.looked = self.moved = time.monotonic()
        self.used = self.asleep = 0.0

    @property
    def pause(self) -> float:
        """How long to wait between two looks."""
        return min(1.0, self.seconds / 20)

    def hangs(self) -> str:
        """Why it hangs, in words; empty where it does not."""
        now = time.monotonic()
        found = look(self.session)
        if found is None:  # on other systems the clock has to do
            return f"it took more than {self.seconds:g} s" if now - self.began > self.seconds else ""
        used, waits = found
        if used > self.used or waits:
            self.moved = now
        if not waits:
            self.asleep += now - self.looked
        self.looked = now
        self.used = max(self.used, used)  # what ends takes the time of its children with it, so the sum may fall
        # Several threads use more of it than the clock shows.
        if self.used > self.seconds and now - self.began > self.seconds:
            return f"it used more than {self.seconds:g} s of processor time"
        if now - self.moved > self.seconds:
            return f"it used no processor time for {self.seconds:g} s"
        if self.asleep > FAR * self.seconds:
            return f"it slept for more than {FAR * self.seconds:g} s in all"
        return ""


def look(session: int) -> tuple[float, bool] | None:
    """The processor time of all processes of a session and of their children that ended, and whether a thread of theirs
    runs, or waits for a processor or a disk; None where nobody knows."""
    if not PROCESSES.is_dir():
        return None
    ticks, waits = 0, False
    for process in PROCESSES.iterdir():
        if not process.name.isdigit():
            continue
        with suppress(OSError):  # it ended meanwhile
            fields = _fields(process)
            if int(fields[3]) == session:
                ticks += sum(map(int, fields[11:15]))
                waits = waits or any(_fields(thread)[0] in "RD" for thread in (process / "task").iterdir())
    return ticks / os.sysconf("SC_CLK_TCK"), waits


def _fields(process: Path) -> list[str]:
    """What the system says of a process or a thread, behind its name, which may hold anything: state, parent, group,
    session, and from the twelfth on its times and those of its children."""
    return (process / "stat").read_text(errors="replace").rpartition(")")[2].split()
