"""Rows that are there twice, exactly or nearly, within a data set or in two: what is in train and in test is a leak."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powertrain.data.errors import DataError
from powertrain.errors.arguments import shown
from powertrain.quality.checks import Array, Floats, Rows, flat_rows
from powertrain.quality.products import tiles, unit
from powertrain.quality.texts import similar_texts

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

EXACT = 2**53  # up to which float64 holds every whole number
AT_ONCE = 4096  # rows


@dataclass(frozen=True, eq=False)
class Twins:
    """Rows that repeat another one: `rows[i]` is like `twins[i]`, as far as `similarity[i]` says (1: the same).

    Without `among`, the twin is an earlier row of the same data: the data without `rows` have no twins any more.

    Example
        >>> found = pt.quality.exact_duplicates([[1, 2], [3, 4], [1, 2]])
        >>> found.rows.tolist(), found.twins.tolist()
        ([2], [0])
    """

    rows: Rows
    twins: Rows
    similarity: Floats

    def __len__(self) -> int:
        return len(self.rows)


def exact_duplicates(x: TensorLike | Sequence[str], among: TensorLike | Sequence[str] | None = None) -> Twins:
    """Find rows that repeat an earlier row, or, with `among`, a row of other data: the same numbers, or the same text.

    x, among  numbers [rows, ...], or texts. NaN is equal to NaN here, and -0 to 0
    Example
        >>> train, test = ["a cat", "a dog"], ["a cow", "a cat"]
        >>> found = pt.quality.exact_duplicates(test, among=train)
        >>> found.rows.tolist(), found.twins.tolist()
        ([1], [0])
    """
    where = "exact_duplicates"
    known = np.empty((0, 2), np.uint64) if among is None else _keys(where, among)
    own = _keys(where, x)
    first = _first_of_its_kind(np.concatenate([known, own]))[len(known) :]
    rows = np.flatnonzero(first < (np.arange(len(own)) if among is None else len(known)))
    return Twins(rows, first[rows], np.ones(len(rows)))


def _first_of_its_kind(keys: NDArray[np.uint64]) -> Rows:
    """For each row the first one that has its key."""
    order = np.lexsort(keys.T)  # stable: rows of one key stay in order
    ordered = keys[order]
    begins = np.ones(len(keys), bool)
    begins[1:] = np.any(ordered[1:] != ordered[:-1], axis=1)
    first = np.empty(len(keys), np.int64)
    first[order] = order[begins][np.cumsum(begins) - 1]
    return first


def _keys(where: str, x: Any) -> NDArray[np.uint64]:
    """A hash of each row: 16 bytes, as two whole numbers [rows, 2]."""
    values = np.asarray(x)
    if values.ndim == 0 or values.dtype.kind not in "fiubU":
        raise DataError(
            where, f"{values.dtype}{list(values.shape)}", "expected numbers [rows, ...], or texts", "convert them"
        )
    texts = values.dtype.kind == "U"
    if texts and values.ndim != 1:
        raise DataError(where, f"texts {list(values.shape)}", "expected one for each row", "join the columns")
    keys = np.empty((len(values), 2), np.uint64)
    rows = (str(one).encode("utf-8", "surrogatepass") for one in x) if texts else _bytes_of_rows(values)
    digests = (hashlib.blake2b(row, digest_size=16).digest() for row in rows)
    for start in range(0, len(keys), AT_ONCE):
        some = keys[start : start + AT_ONCE]
        some.data.cast("B")[:] = b"".join(itertools.islice(digests, len(some)))
    return keys


def _bytes_of_rows(values: Array) -> Iterator[bytes]:
    """As float64, in which 1 and 1.0 are the same number, but for whole numbers that it cannot hold."""
    exact = values.dtype.kind in "iu" and values.size and max(int(values.max()), -int(values.min())) > EXACT
    for start in range(0, len(values), AT_ONCE):
        piece = values[start : start + AT_ONCE]
        if not exact:
            piece = piece.astype(np.float64)
            piece = np.ascontiguousarray(np.where(np.isnan(piece), np.nan, piece + 0.0))
        for one in piece:
            yield one.tobytes()


def near_duplicates(
    x: TensorLike | Sequence[str], among: TensorLike | Sequence[str] | None = None, *, threshold: float | None = None
) -> Twins:
    """Find rows that are nearly an earlier row, or, with `among`, nearly a row of other data, the most similar first.

    Of numbers the similarity is the cosine of both rows about the mean of all of `among` or x, computed for every pair
    on the engine: twice the rows take four times as long. Of texts it is the share of the pieces of five letters that
    both have (Jaccard); candidates come from MinHash.

    x, among   numbers [rows, ...], such as pixels or embeddings; or texts
    threshold  the least similarity, by default 0.99 of numbers and 0.8 of texts. Look at the pairs near it, and move
               it. Rows of few numbers are similar without being copies
    Source     Broder 1997 (MinHash); Leskovec, Rajaraman and Ullman 2014, chapter 3 (bands)
    Example
        >>> x = np.random.default_rng(0).normal(size=(6, 8))
        >>> x[4] = x[1] + 0.01
        >>> found = pt.quality.near_duplicates(x)
        >>> found.rows.tolist(), found.twins.tolist()
        ([4], [1])
        >>> texts = ["The weather will be fine tomorrow.", "the weather will be fine  tomorrow", "It rains."]
        >>> pt.quality.near_duplicates(texts).rows.tolist()
        [1]
    """
    where = "near_duplicates"
    texts = _are_texts(where, x, among)
    least = threshold if threshold is not None else 0.8 if texts else 0.99
    if not isinstance(least, (int, float)) or not 0 < least <= 1:
        raise DataError(where, f"threshold = {shown(least)}", "expected a number above 0 and up to 1", "0.9 is usual")
    if texts:
        rows, twins, similarity = similar_texts(list(x), None if among is None else list(among), least)  # type: ignore[arg-type]
    else:
        rows, twins, similarity = _similar_rows(where, x, among, float(least))
    best = np.argsort(-similarity, kind="stable")
    return Twins(rows[best], twins[best], similarity[best])


def _are_texts(where: str, x: Any, among: Any) -> bool:
    kinds = {
        np.asarray(one[:1] if isinstance(one, (list, tuple)) else one).dtype.kind
        for one in (x, among)
        if one is not None
    }
    if len(kinds & {"U"}) and kinds != {"U"}:
        raise DataError(where, "texts and numbers", "expected both of one kind", "pass embeddings of both, or texts")
    return "U" in kinds


def _similar_rows(where: str, x: Any, among: Any, threshold: float) -> tuple[Rows, Rows, Floats]:
    rows = flat_rows(where, x)
    others = rows if among is None else flat_rows(where, among, "among")
    if rows.shape[1] != others.shape[1]:
        raise DataError(
            where, f"rows of {rows.shape[1]} and of {others.shape[1]} numbers", "expected as many of both",
            "give both the same number of columns",
        )  # fmt: skip
    # About the mean: pictures are all like each other as long as their common part counts.
    centre = others.mean(axis=0, dtype=np.float64).astype(others.dtype)
    directions = unit(others - centre)[0]
    asked = directions if among is None else unit((rows - centre).astype(others.dtype))[0]
    best, twin = np.full(len(rows), -np.inf), np.zeros(len(rows), np.int64)
    for here, there, cosines in tiles(asked, directions):
        if among is None:
            if there.start >= here.stop:
                continue
            earlier = np.arange(there.start, there.stop) < np.arange(here.start, here.stop)[:, None]
            cosines = np.where(earlier, cosines, -np.inf)
        at = cosines.argmax(axis=1)
        found = cosines[np.arange(len(at)), at]
        better = found > best[here]
        best[here] = np.where(better, found, best[here])
        twin[here] = np.where(better, at + there.start, twin[here])
    # Rows of zeros have no direction: they lie on the mean, and are like each other.
    near = np.flatnonzero(best >= threshold - 1e-6)
    return near, twin[near], np.minimum(best[near], 1.0)
