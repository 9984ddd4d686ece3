"""What `make` shows of a build that takes minutes: tools/show_progress.py."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

import show_progress

TOOL = Path(show_progress.__file__)
STEPS = "print('[1/2] Building a.o'); print('a warning'); print('[2/2] Building b.o')"


class Log(io.StringIO):
    """A stream that lets a command go on as soon as a text was written to it."""

    def __init__(self, awaited: str, gate: Path, *, terminal: bool) -> None:
        super().__init__()
        self._awaited, self._gate, self._terminal = awaited, gate, terminal
        os.mkfifo(gate)

    def isatty(self) -> bool:
        return self._terminal

    def write(self, text: str) -> int:
        written = super().write(text)
        if self._gate.exists() and self._awaited in self.getvalue():
            self._gate.write_text("")  # waits until the command reads
            self._gate.unlink()
        return written


def shown(monkeypatch: pytest.MonkeyPatch, folder: Path, *, terminal: bool) -> str:
    """What is shown of a command that ends after its first step was shown."""
    log = Log("[1/2]", folder / "gate", terminal=terminal)
    monkeypatch.setattr(sys, "stderr", log)
    monkeypatch.setattr(show_progress, "SECONDS_IN_A_LOG", 0.01)
    monkeypatch.setattr(show_progress, "SECONDS_ON_A_TERMINAL", 0.01)
    code = f"print('  [1/2] Building a.o', flush=True); open({str(folder / 'gate')!r}).read()"
    assert show_progress.run("building", [sys.executable, "-c", code]) == 0
    return log.getvalue()


def test_a_log_has_a_line_for_each_look(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lines = shown(monkeypatch, tmp_path, terminal=False).splitlines()
    assert lines[0] == "[make] building"
    assert any(line.startswith("[make] building [1/2], ") for line in lines)
    assert lines[-1].startswith("[make] building: done in ")
    assert all(line.startswith("[make] building") for line in lines)


def test_a_terminal_has_one_line_that_is_rewritten(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = shown(monkeypatch, tmp_path, terminal=True)
    assert text.count("\n") == 1 and text.endswith("\n")
    assert text.split(show_progress.ERASE_LINE)[-1].startswith("[make] building: done in ")


def called(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(TOOL), *words], capture_output=True, text=True, check=False, timeout=60)


def test_output_is_printed_if_the_command_fails() -> None:
    done = called("building", sys.executable, "-c", f"{STEPS}; raise SystemExit(3)")
    assert done.returncode == 3 and done.stdout == ""
    first, failed, *rest = done.stderr.splitlines()
    assert first == "[make] building" and failed.startswith("[make] building: failed after ")
    assert rest == ["a warning"], "finished steps say nothing about a failure"


@pytest.mark.parametrize(("code", "kept"), [(0, ""), (1, "a warning\n")])
def test_quiet_is_silent_unless_the_command_fails(code: int, kept: str) -> None:
    done = called("--quiet", "building", sys.executable, "-c", f"{STEPS}; raise SystemExit({code})")
    assert (done.returncode, done.stdout, done.stderr) == (code, "", kept)


def test_a_command_that_a_signal_ended_gives_the_code_of_a_shell() -> None:
    assert called("building", "sh", "-c", "kill -9 $$").returncode == 137


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59, "59 s"), (61.2, "1 min 01 s"), (3599.6, "60 min 00 s")]
)
def test_durations(seconds: float, text: str) -> None:
    assert show_progress.duration(seconds) == text
