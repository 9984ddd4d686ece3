"""Tables that may be given to others: pseudonyms in place of names, and groups of people who look the same.

Columns that could tell who somebody is when they are put together (age, postcode, job) are called quasi-identifiers.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from powertrain_privacy.errors import PrivacyError

LEAST_KEY = 16  # bytes: 128 bits, which nobody tries out
DIGITS = 16  # of a pseudonym in base 16: two of a million values agree with a chance below 1 in 10 million

Rows = NDArray[np.int64]


def pseudonyms(values: ArrayLike, key: bytes) -> NDArray[np.str_]:
    """A text for each value, the same for the same value, which nobody without the key can compute: HMAC-SHA-256.

    Two tables with one key can still be joined. Keep the key secret, or throw it away: who has it can try out names.

    Errors    a key of less than 16 bytes
    Example
        >>> found = pseudonyms(["Ada", "Bob", "Ada"], key=bytes(range(16)))
        >>> found[0] == found[2] != found[1]
        True
    """
    if len(key) < LEAST_KEY:
        raise PrivacyError(
            f"[pseudonyms] a key of {len(key)} bytes; expected {LEAST_KEY} or more, which nobody can guess; write "
            "secrets.token_bytes(32)"
        )
    texts, places = np.unique(np.asarray(values).astype(str), return_inverse=True)
    made = [hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:DIGITS] for text in texts.tolist()]
    return np.array(made, dtype=f"<U{DIGITS}")[places]


def anonymity(columns: Mapping[str, Any], quasi: Sequence[str]) -> int:
    """The k of k-anonymity: the fewest rows that agree in all quasi-identifiers (Samarati & Sweeney 1998).

    Example
        >>> anonymity({"age": ["30 to 39", "30 to 39", "40 to 49"], "sick": ["no", "yes", "no"]}, quasi=["age"])
        1
    """
    return min(map(len, _groups(_taken(columns, quasi))), default=0)


def diversity(columns: Mapping[str, Any], quasi: Sequence[str], sensitive: str) -> int:
    """The l of l-diversity: the fewest different sensitive values among rows that agree in all quasi-identifiers
    (Machanavajjhala et al. 2007). With 1, all who look like somebody have the same secret, and so it is known.

    Example
        >>> table = {"age": ["30 to 39", "30 to 39", "40 to 49", "40 to 49"], "sick": ["no", "yes", "no", "no"]}
        >>> diversity(table, quasi=["age"], sensitive="sick")
        1
    """
    secrets = _codes(_taken(columns, [sensitive])[sensitive])
    return min((len(np.unique(secrets[rows])) for rows in _groups(_taken(columns, quasi))), default=0)


@dataclass(frozen=True)
class Anonymous:
    """A table in which people look alike.

    columns      every column; quasi-identifiers as texts: `30 to 39` for numbers, `cook|nurse` for others
    anonymity    its k
    groups       how many groups of rows look different
    """

    columns: Mapping[str, NDArray[Any]]
    anonymity: int
    groups: int


def anonymized(
    columns: Mapping[str, Any], quasi: Sequence[str], k: int, *, sensitive: str = "", diversity: int = 1
) -> Anonymous:
    """Make quasi-identifiers coarser until at least `k` rows agree in all of them, by the Mondrian algorithm.

    It divides the rows in two at the median of the column whose range is widest, as long as both halves have k rows,
    and `diversity` different values of the column `sensitive`. What is left are groups, whose values become ranges.

    Columns that are neither are given as they are; leave names out, or replace them by `pseudonyms`.

    Source    LeFevre, DeWitt & Ramakrishnan 2006
    Errors    fewer rows or sensitive values than asked for; a column that is not there; a gap among numbers
    Example
        >>> table = {"age": [31, 35, 42, 47], "job": ["cook", "nurse", "cook", "cook"]}
        >>> made = anonymized(table, quasi=["age", "job"], k=2)
        >>> made.columns["age"].tolist(), made.columns["job"].tolist()
        (['31 to 35', '31 to 35', '42 to 47', '42 to 47'], ['cook|nurse', 'cook|nurse', 'cook', 'cook'])
    """
    table = _taken(columns, list(columns))
    known = _taken(columns, [*quasi, *([sensitive] if sensitive else [])])
    secrets = _codes(known[sensitive]) if sensitive else None
    count = len(next(iter(table.values()), ()))
    rule = _Rule(k, diversity, secrets)
    if not rule.allows(np.arange(count)):
        asked = f" with {diversity} values of {sensitive}" if sensitive else ""
        raise PrivacyError(
            f"[anonymized] {count:,} rows cannot form a group of {k:,}{asked}; expected as many; lower k or diversity"
        )
    places = {name: _ranked(name, known[name]) for name in quasi}
    groups = list(_divided(np.arange(count), places, rule))
    made = dict(table)
    for name in quasi:
        texts = np.empty(count, dtype=object)
        for rows in groups:
            texts[rows] = _covering(known[name][rows])
        made[name] = texts.astype(str)
    return Anonymous(made, min(map(len, groups)), len(groups))


@dataclass(frozen=True)
class _Rule:
    """What every group has to have."""

    rows: int
    secrets: int
    codes: NDArray[np.int64] | None

    def allows(self, rows: Rows) -> bool:
        if len(rows) < self.rows:
            return False
        return self.codes is None or len(np.unique(self.codes[rows])) >= self.secrets


def _divided(rows: Rows, places: Mapping[str, NDArray[np.float64]], rule: _Rule) -> Iterator[Rows]:
    """The groups that cannot be divided any more."""
    waiting = [rows]
    while waiting:
        rows = waiting.pop()
        halves = next((two for two in _cuts(rows, places) if all(map(rule.allows, two))), None)
        if halves is None:
            yield rows
        else:
            waiting += halves


def _cuts(rows: Rows, places: Mapping[str, NDArray[np.float64]]) -> Iterator[tuple[Rows, Rows]]:
    """The rows on both sides of the median of each column, the widest first. Rows with the median are on one side, and
    then on the other: if any cut of a column leaves k rows on both, one of these does."""
    for name in sorted(places, key=lambda name: -float(np.ptp(places[name][rows]))):
        own = places[name][rows]
        middle = np.quantile(own, 0.5, method="lower")
        for below in (own <= middle, own < middle):
            if below.any() and not below.all():
                yield rows[below], rows[~below]


def _ranked(name: str, values: NDArray[Any]) -> NDArray[np.float64]:
    """Where values lie from 0 to 1: numbers by their size, others by the order of their texts."""
    numbers = values.astype(np.float64) if values.dtype.kind in "fiub" else _codes(values).astype(np.float64)
    if not np.isfinite(numbers).all():
        raise PrivacyError(
            f"[anonymized] {name} has a number that is missing or infinite; expected finite ones, which have a range; "
            "leave these rows out, or give the column as texts"
        )
    return (numbers - numbers.min()) / max(float(np.ptp(numbers)), np.finfo(np.float64).tiny)


def _covering(values: NDArray[Any]) -> str:
    """One text for all values."""
    distinct = np.unique(values if values.dtype.kind in "fiub" else values.astype(str))
    if values.dtype.kind not in "fiub":
        return "|".join(distinct.tolist())
    low, high = (f"{value:.15g}" if values.dtype.kind == "f" else str(value) for value in (distinct[0], distinct[-1]))
    return low if low == high else f"{low} to {high}"


def _taken(columns: Mapping[str, Any], names: Sequence[str]) -> dict[str, NDArray[Any]]:
    for name in names:
        if name not in columns:
            known = ", ".join(map(str, columns))
            raise PrivacyError(f"[anonymized] there is no column {name}; expected some of {known}; check the name")
    found = {name: np.asarray(columns[name]) for name in names}
    if len({values.shape for values in found.values()}) > 1 or any(values.ndim != 1 for values in found.values()):
        forms = ", ".join(f"{name} {list(values.shape)}" for name, values in found.items())
        raise PrivacyError(f"[anonymized] columns {forms}; expected one value for each row; give columns of one length")
    return found


def _codes(values: NDArray[Any]) -> NDArray[np.int64]:
    return np.unique(values.astype(str), return_inverse=True)[1].astype(np.int64)


def _groups(columns: Mapping[str, NDArray[Any]]) -> list[Rows]:
    """The rows that agree in all columns."""
    codes = np.stack([_codes(values) for values in columns.values()], axis=1)
    places = np.unique(codes, axis=0, return_inverse=True)[1].reshape(-1)
    return np.split(np.argsort(places, kind="stable"), np.cumsum(np.bincount(places))[:-1])
