"""The ledger and the one way to write: what a full disk, a torn line or a stranger's text leaves in them."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from powertrain.io.files import Files, NoSpaceError
from powertrain.train.folder.ledger import FILE, Ledger, read_history, read_lines


@pytest.mark.parametrize("written", [0, 7])
def test_a_ledger_on_a_full_disk_loses_the_line_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    ledger = Ledger(tmp_path)
    ledger.write("metrics", 10, 1, values={"loss": 3.0})
    real = os.write

    def full(descriptor: int, raw: bytes) -> int:
        if not written:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, raw[:written])

    monkeypatch.setattr(os, "write", full)
    ledger.write("metrics", 20, 2, values={"loss": 2.0})
    monkeypatch.undo()
    ledger.write("metrics", 30, 3, values={"loss": 1.0})  # there is space again, before anybody looks
    assert ledger.lost_events() and not ledger.lost_events()
    ledger.close()
    assert [line["step"] for line in read_lines(tmp_path)] == [10, 30]


def test_no_space_is_said_with_the_file_and_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NoSpaceError) as caught:
        Files(tmp_path).replace("results.json", b"12345")
    assert str(caught.value) == (
        f"[{tmp_path / 'results.json'}] Disk quota exceeded; expected room for 5 bytes; free some space"
    )
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------- the ledger


def test_events_without_steps_are_counted_by_rounds(tmp_path: Path) -> None:
    """What is solved at once makes rounds and no steps: a resume drops what came after its checkpoint all the same."""
    ledger = Ledger(tmp_path)
    for number in (1, 2, 3):
        ledger.write("metrics", 0, number, values={"loss": 1.0 / number})
    ledger.write("resume", 0, 1)
    ledger.write("metrics", 0, 2, values={"loss": 0.5})
    ledger.close()
    assert [line["round"] for line in read_history(tmp_path)] == [1, 2]


@pytest.mark.parametrize(
    "line",
    [b"{}", b'{"event": "metrics", "step": 1, "round": 1}', b'{"event": 3, "step": 1, "round": 1}', b"[" * 100_000,
     b'{"event": "sample", "step": -1, "round": 1, "text": ""}', b"\xff\xfe", b'{"event": "a", "step": ' + b"9" * 5000],
)  # fmt: skip
def test_a_line_that_is_no_event_is_passed_over(tmp_path: Path, line: bytes) -> None:
    ledger = Ledger(tmp_path)
    ledger.write("commit", 1, 1)
    ledger.close()
    with (tmp_path / FILE).open("ab") as file:
        file.write(line + b"\n")
    assert [event["event"] for event in read_history(tmp_path)] == ["commit"]


def test_texts_that_are_no_utf8_survive(tmp_path: Path) -> None:
    """Half of a surrogate pair comes with file names and arguments that are no UTF-8."""
    ledger = Ledger(tmp_path)
    ledger.write("sample", 1, 1, text="a\udcffb")
    ledger.close()
    assert next(read_lines(tmp_path))["text"] == "a\udcffb"
    (tmp_path / FILE).read_bytes().decode("utf-8")
