"""What a run of the array API's own tests says, read failure by failure."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from conformance import array_tests

GROUP = """
  + Exception Group Traceback (most recent call last):
  |   File "test_linalg.py", line 581, in test_qr
  | ExceptionGroup: Hypothesis found 3 distinct failures. (3 sub-exceptions)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "test_linalg.py", line 587, in test_qr
    | powertrain.DTypeError: [qr] x is c64[2, 3]; expected real numbers
    +---------------- 2 ----------------
    | powertrain.DTypeError: [qr] x is c64[1, 1]; expected real numbers
    +---------------- 3 ----------------
    | AssertionError: shape is (3,)
    +------------------------------------
"""


@pytest.mark.parametrize(
    ("inside", "kinds"),
    [
        ("", ["passed"]),
        ('<skipped message="no"/>', ["not offered: skipped"]),
        ('<failure message="E: a&#10;b">text</failure>', ["error: t: E: a"]),
        (f'<failure message="ExceptionGroup: Hypothesis found 3 distinct failures.">{GROUP}</failure>',
         ["error: t: DTypeError: [qr] x is c64[1, 1]; expected real numbers",
          "error: t: AssertionError: shape is (3,)"]),
    ],
)  # fmt: skip
def test_every_kind_of_failure_of_a_test_is_an_outcome(inside: str, kinds: list[str]) -> None:
    """A group would hide one that no row explains behind another that a row does."""
    found = array_tests.outcomes_of(ElementTree.fromstring(f'<testcase name="t">{inside}</testcase>'))
    assert [f"{one.kind}: {one.detail}".removesuffix(": ") for one in found] == kinds
