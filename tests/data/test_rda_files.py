"""Data frames from .rda files, whole and damaged."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from powertrain.data import DataError, read_r_table
from r_data import RWriter, frame_of, written


def rda_of(name: str, columns: dict[str, bytes], first: bytes = b"RDX2\n") -> bytes:
    """What an .rda file holds, before it is compressed: a list of one data frame."""
    head = len(RWriter().raw)
    return first + RWriter().word(0x402, 1).text(name).raw + frame_of(columns)[head:] + RWriter().word(254).raw[head:]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_data_frame_of_an_rda_file(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    made = rda_of("people", {"a": written(14, np.array([1.5, np.nan]).astype(">f8").tobytes(), 2)})
    (tmp_path / "people.rda").write_bytes(pack(made))
    assert read_r_table(tmp_path, "people") == {"a": [1.5, None]}
    for broken, said in (
        (pack(made)[: len(pack(made)) // 2], ""),
        (b"no such thing", ""),
        (pack(made[:-30]), "the stream ends too early"),
        (pack(b"RDA2\n" + made[5:]), "a file that begins with b'RDA2"),
    ):
        (tmp_path / "people.rda").write_bytes(broken)
        with pytest.raises(DataError) as caught:
            read_r_table(tmp_path, "people")
        assert str(caught.value).startswith(f"[R data] {tmp_path}: {said}")
    (tmp_path / "people.rda").write_bytes(pack(rda_of("others", {"a": written(14, bytes(8), 1)})))
    with pytest.raises(DataError, match=r"no data frame people in .*; expected one of that name"):
        read_r_table(tmp_path, "people")


def test_a_time_series_is_a_table_of_one_column(tmp_path: Path) -> None:
    head = len(RWriter().raw)
    series = written(14, np.array([3.5, np.nan, 2.0]).astype(">f8").tobytes(), 3)
    made = b"RDX2\n" + RWriter().word(0x402, 1).text("load").raw + series + RWriter().word(254).raw[head:]
    (tmp_path / "load.rda").write_bytes(gzip.compress(made))
    assert read_r_table(tmp_path, "load") == {"values": [3.5, None, 2.0]}
