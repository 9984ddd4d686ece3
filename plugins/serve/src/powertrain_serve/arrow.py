"""Bodies in Arrow's stream format, with the columns of a table, texts, or arrays as lists.

https://arrow.apache.org/docs/format/Columnar.html

What a stranger sends is looked at message by message before anything is made of it. Buffers that are compressed are
refused, since a few bytes may unpack to gigabytes, and so are types whose values may share bytes. All that is left has
at most as many bytes as the body, apart from dictionaries, whose texts are counted.
"""

from __future__ import annotations

import importlib.util
import json
import struct
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

import numpy as np

import powertrain as pt
from powertrain_serve.answers import Answers
from powertrain_serve.errors import RefusedError
from powertrain_serve.model import Array, Model
from powertrain_serve.rows import TEXT, columns_of
from powertrain_serve.settings import Limits

ARROW = "application/vnd.apache.arrow.stream"
_MOST_MESSAGES = 1024
_MOST_HEAD = 1 << 20  # bytes of what a message says of itself
_MOST_DEPTH = 8  # lists in lists
_KINDS = {"schema", "record batch", "dictionary"}
# Places of fields in the tables of Arrow's Message.fbs.
_HEADER, _OF_DICTIONARY, _COMPRESSION = 2, 1, 3


def library() -> Any:
    if importlib.util.find_spec("pyarrow") is None:
        raise RefusedError(
            415, f"{ARROW}, and pyarrow is not installed here; expected pyarrow; pip install 'powertrain-serve[arrow]'"
        )
    import pyarrow.ipc

    return pyarrow


def columns_in(body: bytes, limits: Limits) -> dict[str, Any]:
    """The columns of a stream by name, each as one array, checked."""
    arrow = library()
    try:
        _check(arrow, body)
        table = arrow.ipc.open_stream(body).read_all()
        table.validate(full=True)
        if table.num_rows > limits.rows:
            raise RefusedError(
                413, f"{table.num_rows:,} examples; expected at most {limits.rows:,}; send them in several requests"
            )
        names = table.column_names
        if not table.num_rows or len(set(names)) != len(names):
            raise RefusedError(
                400, "no rows, or two columns of one name; expected rows of distinct columns; rename one"
            )
        return {name: _whole(arrow, table.column(name)) for name in names}
    except RefusedError:
        raise
    except (arrow.ArrowException, OSError, ValueError, OverflowError, struct.error) as error:
        said = str(error).split("\n")[0][:120]
        raise RefusedError(
            400, f"a body that is not an Arrow stream: {said}; expected one; write it with pyarrow.ipc"
        ) from None


def _check(arrow: Any, body: bytes) -> None:
    """Refuse what must not be opened."""
    reader = arrow.ipc.MessageReader.open_stream(body)
    for count, message in enumerate(_messages(reader)):
        if count >= _MOST_MESSAGES or len(message.metadata) > _MOST_HEAD or message.type not in _KINDS:
            raise RefusedError(
                400, f"more than {_MOST_MESSAGES:,} messages, or one of another kind ({message.type[:40]}) or with a "
                "large head; expected a schema and record batches; send fewer and larger ones"
            )  # fmt: skip
        if message.type == "schema":
            if count:
                raise RefusedError(400, "a second schema; expected one stream in a request; send two requests")
            for field in arrow.ipc.read_schema(message):
                _check_type(arrow, field.type, field.name)
        elif _compressed(message):
            raise RefusedError(
                415, "compressed buffers; expected uncompressed ones; write the stream without compression"
            )


def _messages(reader: Any) -> Iterator[Any]:
    while True:
        try:
            message = reader.read_next_message()
        except StopIteration:
            return
        if message is None:
            return
        yield message


def _compressed(message: Any) -> bool:
    """Whether a record batch, or that of a dictionary, names a compression. Arrow has verified the flatbuffer."""
    raw = bytes(message.metadata)
    table = _reference(raw, _place(raw, struct.unpack_from("<I", raw)[0], _HEADER))
    if message.type == "dictionary":
        table = _reference(raw, _place(raw, table, _OF_DICTIONARY))
    return _place(raw, table, _COMPRESSION) != 0


def _reference(raw: bytes, at: int) -> int:
    """Where the table begins that a field refers to."""
    if at <= 0:
        raise RefusedError(400, "a message without a header; expected a record batch; write the stream again")
    return at + int(struct.unpack_from("<I", raw, at)[0])


def _place(raw: bytes, table: int, field: int) -> int:
    """Where a field of a flatbuffer's table lies; 0 where it is not there."""
    known = table - struct.unpack_from("<i", raw, table)[0]
    if not 0 <= known < len(raw) or 6 + 2 * field > struct.unpack_from("<H", raw, known)[0]:
        return 0
    offset = struct.unpack_from("<H", raw, known + 4 + 2 * field)[0]
    return table + int(offset) if offset else 0


def _check_type(arrow: Any, kind: Any, name: str) -> None:
    types, depth = arrow.types, 0
    while (inner := _inner(arrow, kind)) is not None and depth <= _MOST_DEPTH:
        kind, depth = inner, depth + 1
    plain = types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind) or types.is_null(kind)
    text = types.is_string(kind) or types.is_large_string(kind)
    named = types.is_dictionary(kind) and (types.is_string(kind.value_type) or types.is_large_string(kind.value_type))
    column = text or named or types.is_date(kind) or types.is_timestamp(kind)
    if depth > _MOST_DEPTH or not (plain or (column and not depth)):
        raise RefusedError(
            400,
            f"the column {name[:80]!r} of {str(kind)[:60]}; expected numbers, lists of them, texts or dates; cast it",
        )


def _inner(arrow: Any, kind: Any) -> Any:
    """The type of the elements of a list; None of what is none."""
    types = arrow.types
    if isinstance(kind, arrow.FixedShapeTensorType):
        return kind.storage_type
    lists = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    return kind.value_type if lists else None


def _whole(arrow: Any, column: Any) -> Any:
    """A column in one piece."""
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


# ------------------------------------------------------------ what a model takes


def examples_of(model: Model, body: bytes, limits: Limits) -> tuple[Any, dict[str, list[Any]] | None]:
    """The examples of a request, checked; of a table with its columns; of a model that writes, the text to continue."""
    columns = columns_in(body, limits)
    wanted = list(model.takes) if model.takes and not model.writes else ["text" if model.writes else "x"]
    lacking = [name for name in wanted if name not in columns]
    if lacking:
        shown = ", ".join(wanted[:20])
        raise RefusedError(400, f"columns {', '.join(columns)[:200]}; expected {shown}; add {lacking[0]}")
    try:
        if model.writes:
            return _one_text(_texts(columns["text"], "text", limits)), None
        if not model.takes:
            return model.examples(_numbers(columns["x"])), None
        if model.takes == TEXT:
            return model.examples(_texts(columns["text"], "text", limits)), None
        given = {name: _values(columns[name], name, limits) for name in wanted}
        rows = [dict(zip(given, row, strict=True)) for row in zip(*given.values(), strict=True)]
        checked = columns_of(rows, model.takes)
        return model.examples(checked), checked
    except RefusedError:
        raise
    except pt.Error as error:
        raise RefusedError(400, str(error)) from None


def _one_text(texts: list[Any]) -> str:
    if len(texts) != 1:
        raise RefusedError(400, f"{len(texts)} texts; expected one; send one at a time")
    return str(texts[0])


def _numbers(array: Any) -> Array:
    """An array [rows, ...] of lists of one length."""
    arrow = library()
    shape = [len(array)]
    while _inner(arrow, array.type) is not None:
        if isinstance(array.type, arrow.FixedShapeTensorType):
            if list(array.type.permutation or ()) != sorted(array.type.permutation or ()):
                raise RefusedError(
                    400, "a tensor whose axes are permuted; expected row-major order; send a contiguous copy"
                )
            shape += array.type.shape
            array = array.storage.flatten()
            continue
        if array.null_count:
            raise RefusedError(400, "missing values in place of lists; expected numbers; fill the gaps")
        fixed = arrow.types.is_fixed_size_list(array.type)
        flat = array.flatten()
        size = array.type.list_size if fixed else len(flat) // max(len(array), 1)
        if not fixed and (array.value_lengths().to_numpy(zero_copy_only=False) != size).any():
            raise RefusedError(400, "lists of different lengths; expected one length; pad the shorter ones")
        shape.append(size)
        array = flat
    if array.null_count or not _is_number(arrow, array.type):
        said = f"the column 'x' of {str(array.type)[:60]} with {array.null_count} gaps"
        raise RefusedError(400, f"{said}; expected numbers; fill the gaps, or cast it")
    found: Array = array.to_numpy(zero_copy_only=False)
    return found.reshape(shape)


def _is_number(arrow: Any, kind: Any) -> bool:
    return bool(arrow.types.is_boolean(kind) or arrow.types.is_integer(kind) or arrow.types.is_floating(kind))


def _texts(array: Any, name: str, limits: Limits) -> list[Any]:
    """Texts, with None for gaps. Rows of a dictionary share theirs; joined they must stay within the limit."""
    arrow = library()
    if arrow.types.is_dictionary(array.type):
        known = array.dictionary.to_pylist()
        found = [None if at is None else known[at] for at in array.indices.to_pylist()]
        if sum(len(one) for one in found if one is not None) > limits.body:
            raise RefusedError(
                413, f"more than {limits.body:,} characters in {name[:80]!r}; expected fewer; shorten the texts"
            )
        return found
    if not (arrow.types.is_string(array.type) or arrow.types.is_large_string(array.type)):
        raise RefusedError(400, f"the column {name[:80]!r} of {str(array.type)[:60]}; expected texts; cast it")
    texts: list[Any] = array.to_pylist()
    return texts


def _values(array: Any, name: str, limits: Limits) -> list[Any]:
    """The values of a column of a table, as JSON would have them; NaN is a gap."""
    arrow = library()
    if arrow.types.is_null(array.type):
        return [None] * len(array)
    if _is_number(arrow, array.type):
        return [None if one is None or one != one else one for one in array.to_pylist()]
    if arrow.types.is_timestamp(array.type):
        array = array.cast(arrow.timestamp("us", tz=array.type.tz), safe=False)
    if arrow.types.is_date(array.type) or arrow.types.is_timestamp(array.type):
        return [one.isoformat() if isinstance(one, (date, datetime)) else None for one in array.to_pylist()]
    return _texts(array, name, limits)


# ------------------------------------------------------------ what it says


def written(model: Model, answers: Answers) -> bytes:
    """A stream with a row for each example: `output`, and of classes `probabilities` and `label`."""
    arrow = library()
    named: dict[str, Any] = {"output": _lists(arrow, answers.outputs.astype(np.float32, copy=False))}
    about = {"model": model.name, "version": model.version}
    if model.labels:
        named |= {"probabilities": _lists(arrow, answers.probabilities), "label": arrow.array(answers.labels)}
        about["labels"] = json.dumps(list(model.labels), allow_nan=False)
    table = arrow.table(named).replace_schema_metadata(about)
    sink = arrow.BufferOutputStream()
    with arrow.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    found: bytes = sink.getvalue().to_pybytes()
    return found


def _lists(arrow: Any, values: Array) -> Any:
    """An array [rows, ...] as lists of fixed sizes."""
    made = arrow.array(np.ascontiguousarray(values).ravel())
    sizes: Sequence[int] = values.shape[1:]
    for size in reversed(sizes):
        made = arrow.FixedSizeListArray.from_arrays(made, size)
    return made
