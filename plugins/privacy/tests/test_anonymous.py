"""Anonymous tables: groups against counts one by one, and every error."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter, defaultdict
from typing import Any

import numpy as np
import pytest

from powertrain_privacy.anonymous import anonymity, anonymized, diversity, pseudonyms
from powertrain_privacy.errors import PrivacyError

QUASI = ["age", "height", "job"]
KEY = bytes(range(32))


def people(count: int, seed: int) -> dict[str, Any]:
    draw = np.random.default_rng(seed)
    return {
        "age": draw.integers(18, 30, count),  # few values, so that many are equal
        "height": draw.normal(170, 10, count).round(1),
        "job": draw.choice(["cook", "nurse", "pilot", "smith"], count),
        "sick": draw.choice(["no", "flu", "cold"], count, p=[0.6, 0.2, 0.2]),
    }


def groups(columns: Any, quasi: list[str]) -> dict[tuple[str, ...], list[int]]:
    found = defaultdict(list)
    for row in range(len(columns[quasi[0]])):
        found[tuple(str(columns[name][row]) for name in quasi)].append(row)
    return found


@pytest.mark.parametrize("k", [1, 2, 5, 40])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_each_group_has_k_rows_and_no_cut_would_leave_k_on_both_sides(k: int, seed: int) -> None:
    table = people(97, seed)
    made = anonymized(table, QUASI, k)
    sizes = Counter(tuple(made.columns[name][row] for name in QUASI) for row in range(97))
    assert min(sizes.values()) >= k and made.anonymity == anonymity(made.columns, QUASI) == min(sizes.values())
    assert made.groups == len(sizes) and sum(sizes.values()) == 97
    for rows in groups(made.columns, QUASI).values():
        for name in QUASI:
            own = table[name][rows]
            for border in np.unique(own):
                below = int((own < border).sum())
                assert min(below, len(rows) - below) < k, (name, border)


def test_values_lie_in_what_their_group_says() -> None:
    table = people(200, 3)
    made = anonymized(table, QUASI, 4)
    for row in range(200):
        for name in ("age", "height"):
            low, _, high = made.columns[name][row].partition(" to ")
            assert float(low) <= table[name][row] <= float(high or low)
        assert table["job"][row] in made.columns["job"][row].split("|")
    assert made.columns["sick"] is not None and np.array_equal(made.columns["sick"], table["sick"])


def test_each_group_has_different_secrets_where_asked_for() -> None:
    table = people(150, 4)
    plain = anonymized(table, QUASI, 3)
    made = anonymized(table, QUASI, 3, sensitive="sick", diversity=2)
    assert diversity(plain.columns, QUASI, "sick") == 1  # else this test would show nothing
    for columns in (plain.columns, made.columns):
        counted = min(len({table["sick"][row] for row in rows}) for rows in groups(columns, QUASI).values())
        assert diversity(columns, QUASI, "sick") == counted
    assert diversity(made.columns, QUASI, "sick") >= 2 and made.anonymity >= 3


def test_a_table_in_which_everybody_differs_is_1_anonymous() -> None:
    assert anonymity({"name": ["a", "b", "b"]}, ["name"]) == 1
    assert anonymity({"name": ["b", "b"], "x": [1.0, 1.0]}, ["name", "x"]) == 2


def test_pseudonyms_are_those_of_the_standard_library() -> None:
    found = pseudonyms(["Ada", "Bob", "Ada"], KEY)
    for name, value in zip(["Ada", "Bob", "Ada"], found, strict=True):
        assert value == hmac.digest(KEY, name.encode(), hashlib.sha256).hex()[:16]
    assert not set(found) & set(pseudonyms(["Ada", "Bob"], KEY[::-1]))
    assert pseudonyms([7, 8, 7], KEY)[0] == pseudonyms(["7"], KEY)[0]


ERRORS = [
    (lambda: pseudonyms(["Ada"], b"short"), "[pseudonyms] a key of 5 bytes; expected 16 or more, which nobody can "
     "guess; write secrets.token_bytes(32)"),
    (lambda: anonymized(people(3, 0), QUASI, 5), "[anonymized] 3 rows cannot form a group of 5; expected as many; "
     "lower k or diversity"),
    (lambda: anonymized(people(9, 0), QUASI, 5, sensitive="sick", diversity=4), "[anonymized] 9 rows cannot form a "
     "group of 5 with 4 values of sick; expected as many; lower k or diversity"),
    (lambda: anonymized({"age": [1.0, np.nan]}, ["age"], 2), "[anonymized] age has a number that is missing or "
     "infinite; expected finite ones, which have a range; leave these rows out, or give the column as texts"),
    (lambda: anonymity({"age": [1]}, ["size"]), "[anonymized] there is no column size; expected some of age; check the "
     "name"),
    (lambda: anonymized({"age": [1, 2], "job": ["cook"]}, ["age"], 1), "[anonymized] columns age [2], job [1]; "
     "expected one value for each row; give columns of one length"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "text"), ERRORS)
def test_what_cannot_be_done_is_said(call: Any, text: str) -> None:
    with pytest.raises(PrivacyError) as caught:
        call()
    assert str(caught.value) == text
