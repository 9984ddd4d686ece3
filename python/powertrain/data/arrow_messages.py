"""The record batches of an Arrow file, found by what each says of itself and without reading the rows.

Both forms are a row of messages: the file format, and the stream format, which some programs give the same ending. Of a
message we read the flatbuffer alone: rows, size and compression. So the bounds are known before anything is unpacked.

Source    https://arrow.apache.org/docs/format/Columnar.html, Message.fbs and Schema.fbs
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

_FILE = b"ARROW1\0\0"  # what the file format begins with, and without the zeros ends with
_GOES_ON = 0xFFFFFFFF  # what each message begins with
_MOST_HEAD = 1 << 24  # bytes of what a message says of itself
_SCHEMA, _DICTIONARY, _BATCH = 1, 2, 3
# Places of fields in the tables Message and RecordBatch.
_KIND, _HEADER, _BODY = 1, 2, 3
_ROWS, _BUFFERS, _COMPRESSION = 0, 2, 3

ReadAt = Callable[[int, int], bytes]


class MessageError(ValueError):
    """Bytes that are no Arrow file; the text says why."""


class Message(NamedTuple):
    """A message: where it begins, the bytes of what it says of itself and of its body; of a batch, its rows, and where
    its buffers lie in the body if they are compressed."""

    kind: int
    start: int
    head: int
    body: int
    rows: int = 0
    compressed: tuple[tuple[int, int], ...] = ()

    @property
    def size(self) -> int:
        return self.head + self.body


def messages(read_at: ReadAt, size: int) -> Iterator[Message]:
    """The schema and the record batches of a file of `size` bytes, in order."""
    at = len(_FILE) if size >= len(_FILE) and read_at(0, len(_FILE)) == _FILE else 0
    if at and read_at(size - 6, 6) != _FILE[:6]:
        raise MessageError(f"it is cut off after {size:,} bytes")
    first = True
    while at + 8 <= size:
        begins, length = struct.unpack("<II", read_at(at, 8))
        if begins != _GOES_ON or length > min(_MOST_HEAD, size - at):
            raise MessageError(f"byte {at:,} begins no message of Arrow")
        if length == 0:  # the end; of the file format, a list of the messages follows
            if first:
                raise MessageError(f"it has {size:,} bytes, and no schema")
            return
        message = _message(read_at(at + 8, length), at, 8 + length)
        if message.body < 0 or message.start + message.size > size or message.rows < 0:
            raise MessageError(f"the message at byte {at:,} has {message.body:,} bytes, and the file {size:,}")
        if message.kind == _DICTIONARY:
            raise MessageError("it has columns of the type dictionary, which are read from Parquet files alone")
        if (message.kind == _SCHEMA) is not first:
            raise MessageError(f"the message at byte {at:,} is {'no' if first else 'a second'} schema")
        if message.kind not in (_SCHEMA, _BATCH):
            raise MessageError(f"the message at byte {at:,} holds no rows")
        yield message
        at, first = message.start + message.size, False
    raise MessageError(f"it is cut off after {size:,} bytes")


def _message(raw: bytes, start: int, head: int) -> Message:
    try:
        table = _reference(raw, 0)
        kind = raw[_place(raw, table, _KIND)]
        at = _place(raw, table, _BODY)
        body = struct.unpack_from("<q", raw, at)[0] if at else 0
        if kind != _BATCH:
            return Message(kind, start, head, body)
        batch = _reference(raw, _place(raw, table, _HEADER))
        rows = struct.unpack_from("<q", raw, _place(raw, batch, _ROWS))[0] if _place(raw, batch, _ROWS) else 0
        buffers = _buffers(raw, batch) if _place(raw, batch, _COMPRESSION) else ()
        return Message(kind, start, head, body, rows, buffers)
    except (struct.error, IndexError):
        raise MessageError(f"the message at byte {start:,} is damaged") from None


def _buffers(raw: bytes, batch: int) -> tuple[tuple[int, int], ...]:
    at = _reference(raw, _place(raw, batch, _BUFFERS))
    count = struct.unpack_from("<I", raw, at)[0]
    if 16 * count > len(raw) - at:
        raise IndexError(count)
    return tuple(struct.iter_unpack("<qq", raw[at + 4 : at + 4 + 16 * count]))


def _reference(raw: bytes, at: int) -> int:
    """Where the table or the list begins that a place refers to."""
    return at + int(struct.unpack_from("<I", raw, at)[0])


def _place(raw: bytes, table: int, field: int) -> int:
    """Where a field of a flatbuffer's table lies; 0 where it is not there."""
    fields = table - struct.unpack_from("<i", raw, table)[0]
    if not 0 <= fields < len(raw) or 6 + 2 * field > struct.unpack_from("<H", raw, fields)[0]:
        return 0
    offset = struct.unpack_from("<H", raw, fields + 4 + 2 * field)[0]
    return table + int(offset) if offset else 0


def unpacked_bytes(message: Message, body: bytes) -> int:
    """The bytes of a batch in memory: of a compressed buffer, what it says in its first eight."""
    if not message.compressed:
        return len(body)
    total = 0
    for start, length in message.compressed:
        if start < 0 or length < 0 or start + length > len(body):
            raise MessageError(f"a buffer of {length:,} bytes from byte {start:,} on, in {len(body):,} bytes")
        says = struct.unpack_from("<q", body, start)[0] if length >= 8 else 0
        total += length if says < 0 else says  # -1: a buffer that is not compressed
    return total
