"""What the package index says of each distribution: the same versions of Python, and a range of powertrain."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
MINORS = [f"3.{minor}" for minor in range(10, 15)]


def project(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    return found


ENGINE = project(ROOT / "pyproject.toml")
PLUGINS = [path for path in sorted(ROOT.glob("plugins/*/pyproject.toml")) if path.parent.name != "template"]


@pytest.mark.parametrize("path", [ROOT / "pyproject.toml", *PLUGINS], ids=lambda path: path.parent.name)
def test_a_distribution_says_which_versions_of_python_it_is_for(path: Path) -> None:
    found = project(path)
    classifiers = found["classifiers"]
    python = "Programming Language :: Python :: 3"
    named = [one.removeprefix(python[:-1]) for one in classifiers if one.startswith(python)]
    assert named == ["3", "3 :: Only", *MINORS]
    assert found["requires-python"] == f">={MINORS[0]}" and found["license"] == ENGINE["license"]
    shared = [one for one in ENGINE["classifiers"] if one.startswith(("Development", "Intended", "Topic"))]
    assert set(shared) <= set(classifiers) and len(set(classifiers)) == len(classifiers)
    assert ("Typing :: Typed" in classifiers) == any(path.parent.rglob("py.typed"))


@pytest.mark.parametrize("path", PLUGINS, ids=lambda path: path.parent.name)
def test_a_plugin_names_the_versions_of_powertrain_that_it_works_with(path: Path) -> None:
    (engine,) = [one for one in project(path)["dependencies"] if re.match(r"powertrain\b(?!-)", one)]
    major, minor, patch = ENGINE["version"].split(".")
    exact, bounded = f"powertrain=={major}.{minor}.{patch}", f"powertrain>={major}.{minor},<{major}.{int(minor) + 1}"
    assert engine == (exact if path.parent.name == "cuda" else bounded)
