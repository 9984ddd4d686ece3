"""Which versions of the engine a distribution asks for, compared as pip compares them."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from test_discovery import distribution

from powertrain.plugin.versions import asked_of, fits, from_to

CLAUSES = (
    ">=0.1,<0.2", ">=0.1", "<0.2", "<=0.1.0", ">0.1", "==0.1.*", "!=0.1.*", "==0.1", "!=0.1.0", "~=0.1.0", "~=0.1",
    "~=1.2", ">= 0.1 , < 1", "===0.1.0", "",
)  # fmt: skip


@pytest.mark.parametrize("clause", CLAUSES)
@pytest.mark.parametrize("version", ["0.1.0", "0.1.1", "0.1.10", "0.2.0", "0.2.3", "1.0.0", "1.2.0", "2.0.0", "0.1"])
def test_versions_are_compared_as_pip_does(clause: str, version: str) -> None:
    assert fits(version, [clause]) == (version in SpecifierSet(clause)), (version, clause)


def test_what_a_distribution_asks_for_is_without_conditions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    distribution(tmp_path, "acme", "[powertrain.v1.loss]\nold = good:it\n")
    with (tmp_path / "acme-1.0.dist-info" / "METADATA").open("a") as file:
        file.write(
            "Requires-Dist: numpy>=1\nRequires-Dist: Powertrain[numba] (>=0.1,<0.2)\nRequires-Dist: powertrain\n"
        )
        file.write("Requires-Dist: powertrain-vision>=3\nRequires-Dist: powertrain>=9; extra == 'late'\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert asked_of("acme", "powertrain") == [">=0.1,<0.2"]
    assert asked_of("no-such-distribution", "powertrain") == []


@pytest.mark.parametrize(
    ("version", "asked"), [("0.1.0", ">=0.1,<0.2"), ("0.12.3.dev1", ">=0.12,<0.13"), ("2.3.1", ">=2.3,<3")]
)
def test_a_new_distribution_asks_for_versions_that_break_nothing(version: str, asked: str) -> None:
    assert from_to(version) == asked and fits(version, [asked])
