"""What the package index says of each distribution: the same versions of Python, a range of powertrain, addresses."""

from __future__ import annotations

import re
import shutil
import subprocess
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


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """The tool, and every pyproject.toml, at the places that they have in the tree."""
    for path in [ROOT / "tools/project_urls.py", ROOT / "pyproject.toml", *PLUGINS]:
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    return tmp_path


def write_urls(release: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    tool = [sys.executable, str(release / "tools/project_urls.py"), *arguments]
    return subprocess.run(tool, capture_output=True, text=True, check=False)


def test_a_release_names_the_repository_that_it_is_built_in(release: Path) -> None:
    address = "https://example.org/some-body/powertrain"
    assert write_urls(release, address, "v0.1.0").returncode == 0
    for path in [ROOT / "pyproject.toml", *PLUGINS]:
        whole = tomllib.loads((release / path.relative_to(ROOT)).read_text(encoding="utf-8"))
        urls = whole["project"].pop("urls")
        assert urls["Source"] == address and urls["Issues"] == f"{address}/issues"
        for name, place in (("Documentation", "docs/index.md"), ("Changelog", "CHANGELOG.md")):
            assert urls[name] == f"{address}/blob/v0.1.0/{place}" and (ROOT / place).is_file()
        assert whole == tomllib.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "arguments", [("example.org/powertrain", "v1"), ('https://example.org/a"b', "v1"), ("https://e.org/a",)]
)
def test_what_is_no_address_is_refused_and_nothing_is_written(release: Path, arguments: tuple[str, ...]) -> None:
    assert write_urls(release, *arguments).returncode != 0
    assert (release / "pyproject.toml").read_bytes() == (ROOT / "pyproject.toml").read_bytes()


def test_addresses_are_written_once(release: Path) -> None:
    assert write_urls(release, "https://example.org/powertrain", "v1").returncode == 0
    again = write_urls(release, "https://example.org/powertrain", "v1")
    assert again.returncode != 0 and "already" in again.stderr


def test_each_job_that_builds_a_release_writes_addresses_first() -> None:
    jobs = re.split(r"^  (?=\w+:$)", (ROOT / ".github/workflows/wheels.yml").read_text(encoding="utf-8"), flags=re.M)
    builds = re.compile(r"cibuildwheel@|make cuda|python -m build")
    building = [job for job in jobs if builds.search(job)]
    assert len(building) == 3
    for job in building:
        assert job.index("tools/project_urls.py") < builds.search(job).start()  # type: ignore[union-attr]
