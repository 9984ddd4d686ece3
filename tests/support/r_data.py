"""Writes the files that the reader of R data is tested on: R's XDR serialization in a lazy-load data base."""

from __future__ import annotations

import zlib
from pathlib import Path


class RWriter:
    """Writes R's XDR serialization, version 3, as far as a lazy-load data base of strings needs it."""

    def __init__(self) -> None:
        self.raw = b"X\n" + b"".join(word.to_bytes(4, "big") for word in (3, 0x40500, 0x30500, 5)) + b"UTF-8"

    def word(self, *values: int) -> RWriter:
        self.raw += b"".join(value.to_bytes(4, "big", signed=True) for value in values)
        return self

    def text(self, value: str) -> RWriter:
        encoded = value.encode()
        self.word(0x40009, len(encoded)).raw += encoded
        return self

    def strings(self, values: list[str]) -> RWriter:
        self.word(16, len(values))
        for value in values:
            self.text(value)
        return self

    def names(self, values: list[str]) -> RWriter:
        return self.word(0x402, 1).text("names").strings(values).word(254)


def frame_of(columns: dict[str, bytes]) -> bytes:
    """A data frame: a named list whose columns are written already."""
    body = RWriter().word(0x213, len(columns))
    body.raw += b"".join(columns.values())
    return body.names(list(columns)).raw


def written(kind: int, values: bytes, count: int) -> bytes:
    return RWriter().word(kind, count).raw[len(RWriter().raw) :] + values


def write_index(folder: Path, spans: dict[str, tuple[int, int]], chunks: bytes) -> None:
    index = RWriter().word(0x213, 2).word(0x213, len(spans))
    for offset, length in spans.values():
        index.word(13, 2, offset, length)
    index.names(list(spans)).word(13, 1, 1)
    # The second time, the symbol `names` is a reference to the first.
    index.word(0x402, (1 << 8) | 255).strings(["variables", "compressed"]).word(254)
    (folder / "Rdata.rdb").write_bytes(chunks)
    (folder / "Rdata.rdx").write_bytes(zlib.compress(index.raw))


def write_lazy(folder: Path, objects: dict[str, list[str]]) -> None:
    chunks, spans = b"", {}
    for name, lines in objects.items():
        raw = RWriter().strings(lines).raw
        chunk = len(raw).to_bytes(4, "big") + zlib.compress(raw)
        spans[name] = (len(chunks), len(chunk))
        chunks += chunk
    write_index(folder, spans, chunks)
