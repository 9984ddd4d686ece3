"""Recipes that hold what none can: numbers without end, depths, control characters, names that are no paths."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from test_recipe import GOOD, PLUGINS, complaint, read

from powertrain.recipe import Limit, RecipeError, load_recipe

NO_SECTION = (
    "no such section; expected data, target, features, model, loss, strategy, optimizer, callbacks, run, evaluate, "
    "expect, report"
)
DEEP = "nested too deeply; expected key = value; see toml.io"
UNREADABLE = [
    ("x = " + "9" * 5000, "[digits.toml:8] not valid TOML: a number of too many digits; integers go to "
     "9,223,372,036,854,775,807; expected key = value; see toml.io"),
    ("x = 9223372036854775808",
     "[digits.toml:8 x] received an integer of 64 bits; expected one from -2^63 to 2^63 - 1"),
    ("x = 0x" + "f" * 5000,
     "[digits.toml:8 x] received an integer of 20,000 bits; expected one from -2^63 to 2^63 - 1"),
    ("[report]\nworst = 1979-05-27",
     '[digits.toml:9 report.worst] received the time 1979-05-27; expected a number or a text; write "1979-05-27"'),
    ("x = " + "[" * 100_000 + "]" * 100_000, f"[digits.toml:8] not valid TOML: {DEEP}"),
    ("x = " + "[" * 40 + "]" * 40, f"[digits.toml:8] not valid TOML: {DEEP}"),
    ("x = " + "{a=" * 40 + "1" + "}" * 40, f"[digits.toml:8] not valid TOML: {DEEP}"),
    (".".join("a" * 100_000) + " = 1", f"[digits.toml:8] not valid TOML: {DEEP}"),
    (".".join(['"a"'] * 100_000) + " = 1", f"[digits.toml:8] not valid TOML: {DEEP}"),
    ("[" + " . ".join("a" * 100_000) + "]", f"[digits.toml:8] not valid TOML: {DEEP}"),
    ('x = "' + '\\"' * 200_000,
     "[digits.toml:8] not valid TOML: Unterminated string at the end of the file; expected key = value; see toml.io"),
    ('"\\u001b[2J\\u202e" = 1', f"[digits.toml \\x1b[2J\\u202e] {NO_SECTION}"),
    ("x" * 500 + " = 1", f"[digits.toml:8 {'x' * 57}...] {NO_SECTION}"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "text"), UNREADABLE, ids=[line[:20] for line, _ in UNREADABLE])
def test_what_a_recipe_cannot_hold_is_said_at_once(tmp_path: Path, line: str, text: str) -> None:
    """At once: the parser of TOML takes minutes for a key of 100,000 parts."""
    assert complaint(tmp_path, GOOD + line) == [text]


def test_comments_without_end_and_texts_of_a_megabyte(tmp_path: Path) -> None:
    recipe = read(tmp_path, "# a comment\n" * 20_000 + GOOD + "# ...\n" * 20_000)
    assert recipe.run.batch_size == 64
    said = complaint(tmp_path, GOOD.replace('"digits"', f'"{"d" * 900_000}"'))
    assert len(said[0]) < 300 and "ddd..." in said[0]


FEW = "expected a value of TOML, of few digits and few levels"


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ("run.batch_size=" + "9" * 5000, "[--set run.batch_size] received \"" + "9" * 56 + f"...; {FEW}"),
        ("run.batch_size=9223372036854775808",
         "[--set run.batch_size] received an integer of 64 bits; expected one from -2^63 to 2^63 - 1"),
        ("features=" + "[" * 40 + "]" * 40,
         "[--set features] received a value nested too deeply; expected at most 32 levels"),
        ("features=" + "[" * 5000 + "]" * 5000, '[--set features] received "' + "[" * 56 + f"...; {FEW}"),
        ("features.\u00b2=1", "[--set features.\u00b2] received \u00b2; expected an index from 0 to 0"),
        (".".join("a" * 100) + "=1", f"[--set {'.'.join('a' * 100)[:60]}] expected KEY=VALUE, for example --set "
         "optimizer.lr=1e-3"),
        ("\x1b[2J=1", "[--set \\x1b[2J=1] expected KEY=VALUE, for example --set optimizer.lr=1e-3"),
    ],
)  # fmt: skip
def test_settings_that_a_recipe_cannot_hold(tmp_path: Path, setting: str, text: str) -> None:
    assert complaint(tmp_path, GOOD, setting) == [text]


@pytest.mark.parametrize("name", ["a\0b.toml", "x" * 5000, "x" * 5000 + ".toml"])
def test_names_that_can_be_no_path(name: str) -> None:
    with pytest.raises(RecipeError, match=r"^\[.{4,60}\] (it cannot be a path|there is no such|no such)"):
        load_recipe(name, (), PLUGINS)


def test_a_path_with_a_nul_is_refused(tmp_path: Path) -> None:
    line = 'data = { use = "csv", path = "a\\u0000b" }'
    assert complaint(tmp_path, "\n".join([line, *GOOD.splitlines()[2:]]))[0] == (
        '[digits.toml:1 data.path] received "a\\x00b"; expected a path in quotes'
    )


@pytest.mark.parametrize("text", [float("inf"), float("nan"), 10**400, ">= 1e999", "> " + "9" * 5000, ""])
def test_limits_that_nothing_could_miss_or_meet(text: Any) -> None:
    assert Limit.parse(text) is None
