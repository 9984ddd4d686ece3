"""New data, cut once into what a challenger learns from and what both models are tested on."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.data import DataError, permutation
from powertrain.data.formats import opened, read_arrays
from powertrain.io.files import Files
from powertrain.io.inputs import max_input_bytes, read_at_most

TRAIN, TEST = "train", "test"


def cut(given: Path, folder: Path, share: float, seed: int, *, ordered: bool) -> tuple[Path, Path]:
    """Write the examples of a file into two files of a folder: the first to learn from, `share` of them to test on,
    drawn at random or the last ones."""
    where = f"retrain {given}"
    if given.suffix in (".csv", ".tsv"):
        head, rows, end = _csv_rows(given, where)
        chosen = _chosen(len(rows), share, seed, ordered, where)
        for part, places in zip((TRAIN, TEST), chosen, strict=True):
            Files(folder).replace(f"data/{part}{given.suffix}", _written(head, [rows[at] for at in places], end))
    elif given.suffix == ".npz":
        arrays = read_arrays(given, where)
        lengths = {len(array) for array in arrays.values()}
        if len(lengths) != 1:
            raise DataError(where, f"arrays of {sorted(lengths)} examples", "expected one length", "save x and y alone")
        chosen = _chosen(lengths.pop(), share, seed, ordered, where)
        for part, places in zip((TRAIN, TEST), chosen, strict=True):
            buffer = io.BytesIO()
            np.savez(buffer, **dict[str, Any]((name, array[places]) for name, array in arrays.items()))
            Files(folder).replace(f"data/{part}.npz", buffer.getvalue())
    else:
        raise DataError(
            where, f"a file {given.suffix or 'without an ending'} to be cut", "expected .csv, .tsv or .npz",
            "give the examples to test on as a file of their own: --test FILE",
        )  # fmt: skip
    return folder / f"data/{TRAIN}{given.suffix}", folder / f"data/{TEST}{given.suffix}"


def _chosen(
    count: int, share: float, seed: int, ordered: bool, where: str
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    tested = round(count * share)
    if tested < 1 or tested >= count:
        raise DataError(
            where, f"{count} examples, of which {share:g} are to be tested on", "expected some of both",
            "give more examples, or another share",
        )  # fmt: skip
    order = np.arange(count) if ordered else permutation(count, seed)
    return np.sort(order[:-tested]), np.sort(order[-tested:])


def _csv_rows(path: Path, where: str) -> tuple[list[str], list[list[str]], str]:
    with opened(path, where) as file:
        content = read_at_most(file, max_input_bytes() + 1)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(where, "bytes that are not UTF-8", "expected a table of texts", "save it as UTF-8") from None
    sep = max(",;\t", key=text.partition("\n")[0].count)
    try:
        rows: list[list[str]] = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=sep) if row]
    except csv.Error as error:
        raise DataError(where, str(error), "expected CSV", "check the file") from None
    if len(rows) < 2:
        raise DataError(where, "no rows", "expected a line of names and some of values", "check the file")
    return rows[0], rows[1:], sep


def _written(head: list[str], rows: list[list[str]], sep: str) -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=sep, lineterminator="\n")
    writer.writerows([head, *rows])
    return buffer.getvalue().encode()
