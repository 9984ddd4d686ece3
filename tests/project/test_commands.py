"""The commands of README.md on a fresh machine: what they install, with which interpreter, and that CI calls them."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import requirements

ROOT = Path(__file__).parents[2]
PROJECT = requirements.read(ROOT / "pyproject.toml")
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
# What `make` has installed before anything is built.
TOOLS = {one.name: one for one in map(Requirement, [*PROJECT["build-system"]["requires"], *EXTRAS["dev"]])}
TESTERS = {one.name: one for one in map(Requirement, EXTRAS["test"]) if one.name.startswith(("pytest", "hypothesis"))}
BUILT = [*ROOT.glob("plugins/*/pyproject.toml"), *ROOT.glob("tests/plugin_*/pyproject.toml")]
needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not here")


def bound(requirement: Requirement, operator: str) -> Version | None:
    return next((Version(one.version) for one in requirement.specifier if one.operator == operator), None)


def make(*words: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
    """A call of make that knows nothing of one that runs these tests."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    environment |= {"LC_ALL": "C"}
    command = ["make", "--no-print-directory", "-C", str(ROOT), *words]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=60)
    assert done.returncode == expect, done.stdout + done.stderr
    return done


# ---------------------------------------------------------------- versions


@pytest.mark.parametrize("path", BUILT, ids=lambda path: path.parent.name)
def test_what_a_distribution_needs_to_build_is_installed_in_that_version(path: Path) -> None:
    """--no-build-isolation takes what is there, and pip does not compare it with the requirement."""
    read = requirements.read(path)
    for needed in map(Requirement, read["build-system"]["requires"]):
        if needed.name == "powertrain":
            continue
        least, installed = bound(needed, ">="), bound(TOOLS[needed.name], ">=")
        assert least is not None and installed is not None and installed >= least
        # Below 70.1 a wheel needs the package wheel; below 77 a license is a table.
        if needed.name == "setuptools":
            assert least >= Version("77" if isinstance(read["project"].get("license"), str) else "70.1")


@pytest.mark.parametrize(
    "path", [path for path in BUILT if path.parent.name != "template"], ids=lambda path: path.parent.name
)
def test_a_first_party_distribution_is_bounded_to_the_versions_that_it_fits(path: Path) -> None:
    """Before 1.0 names may change in any minor version. The template, which others copy, states no version."""
    project, version = requirements.read(path)["project"], PROJECT["project"]["version"]
    lists = [project["dependencies"], *project.get("optional-dependencies", {}).values()]
    ours = [one for found in lists for one in map(Requirement, found) if "powertrain" in one.name]
    assert "powertrain" in {one.name for one in ours}
    major, minor, _ = map(int, version.split("."))
    for one in ours:
        assert one.specifier.contains(version) and not one.specifier.contains(f"{major}.{minor + 1}.0"), str(one)


@pytest.mark.parametrize("name", [name for name in (*TOOLS, *TESTERS) if name != "pip"])
def test_tools_that_build_and_test_are_bounded_on_both_sides(name: str) -> None:
    tool = (TOOLS | TESTERS)[name]
    assert bound(tool, ">=") is not None and bound(tool, "<") is not None


@pytest.mark.parametrize("tool", EXTRAS["lint"])
def test_tools_that_judge_are_held_at_one_version(tool: str) -> None:
    requirement = Requirement(tool)
    assert [one.operator for one in requirement.specifier] == ["=="] and requirement.marker is None


def test_what_tests_install_does_not_contradict_what_builds() -> None:
    for one in map(Requirement, EXTRAS["test"]):
        if one.name in TOOLS:
            assert bound(one, ">=") == bound(TOOLS[one.name], ">=")


@pytest.mark.parametrize("name", [*TOOLS, *TESTERS, *(Requirement(one).name for one in EXTRAS["lint"])])
def test_the_documentation_says_why_a_tool_is_bounded(name: str) -> None:
    text = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    rows = text.partition("## Versions of the tools")[2]
    assert re.search(rf"^\| [^|]*\b{re.escape(name)}\b", rows, re.MULTILINE), f"no row of {name}"


# ---------------------------------------------------------------- make


@needs_make
def test_tools_are_installed_before_anything_is_built(tmp_path: Path) -> None:
    lines = make("--dry-run", "test", f"VENV={tmp_path}/venv", f"BUILD={tmp_path}/build").stdout.splitlines()
    tools = next(at for at, line in enumerate(lines) if "tools/requirements.py build dev |" in line)
    built = [at for at, line in enumerate(lines) if "--no-build-isolation" in line]
    assert len(built) == 2 and min(built) > tools
    assert not [line for line in lines if "lint" in line], "the two commands need no tool that judges"


@needs_make
def test_what_takes_minutes_shows_progress(tmp_path: Path) -> None:
    fresh = ("--dry-run", "test", f"VENV={tmp_path}/venv", f"BUILD={tmp_path}/build")
    lines = make(*fresh).stdout.replace("\\\n", " ").splitlines()
    slow = [line for line in lines if re.search(r"pip (install|wheel)|cmake --build", line) and "dist/*" not in line]
    assert len(slow) == 6 and all("tools/show_progress.py  " in line for line in slow)
    assert make("-s", *fresh).stdout.count("tools/show_progress.py --quiet ") == 6


@needs_make
def test_tests_of_the_engine_need_no_plugin(tmp_path: Path) -> None:
    lines = make("--dry-run", "setup-tests", f"VENV={tmp_path}/venv", f"BUILD={tmp_path}/build").stdout
    assert "requirements.py run cli test" in lines and "plugins" not in lines


@needs_make
@pytest.mark.parametrize(
    ("built", "wanted", "again"),
    [("", "", False), ("avx2", "avx2", False), ("", "avx2", True), ("avx2", "", True), ("avx2", "avx512;avx2", True)],
)
def test_an_engine_for_other_instruction_sets_is_built_again(
    built: str, wanted: str, again: bool, tmp_path: Path
) -> None:
    for name in ("pyvenv.cfg", ".tools", ".extras-run+cli", ".wheel"):
        (tmp_path / name).touch()
    (tmp_path / ".isas").write_text(f"{built}\n", encoding="utf-8")
    lines = make("--dry-run", "setup", f"VENV={tmp_path}", f"ISAS={wanted}").stdout
    assert (f'-C "cmake.define.POWERTRAIN_ISAS={wanted}"' in lines) is again


@needs_make
def test_lint_takes_its_own_tools(tmp_path: Path) -> None:
    lines = make("--dry-run", "lint", f"VENV={tmp_path}/venv", f"BUILD={tmp_path}/build").stdout
    for call in ("ruff check .", "mypy", f"python tools/check_stub.py {tmp_path}/build/__init__.pyi", "clang-format"):
        assert f"{tmp_path}/venv/lint/bin/{call}" in lines
    assert f"{tmp_path}/venv/bin/mypy" not in lines


@needs_make
def test_pythons_are_told_from_the_oldest_on() -> None:
    found = make("-s", "pythons").stdout.split()
    code = "import sys; print(sys.version.split()[0])"
    versions = [
        Version(subprocess.run([path, "-c", code], capture_output=True, text=True, check=True).stdout) for path in found
    ]
    assert versions and versions == sorted(versions) and versions[0] >= Version("3.10")
    assert len(set(found)) == len(found)


@needs_make
def test_a_python_that_cannot_build_is_refused(tmp_path: Path) -> None:
    """Another one must not take its place."""
    done = make("run", "PYTHON=/no/such/python3", f"VENV={tmp_path}/venv", expect=2)
    assert done.stderr.splitlines()[0] == (
        "[make] found no Python with venv, pip and headers in PYTHON=/no/such/python3; expected 3.10 or later; install "
        "it (Debian: python3-dev python3-venv) or name one: make PYTHON=/path/to/python3"
    )
    assert not (tmp_path / "venv").exists()


# ---------------------------------------------------------------- CI

# Stands in for make: writes down where it was called, with which interpreter and words, and fails at one of them.
CALLED = """#!/bin/sh
[ "$*" = "-s pythons" ] && { printf '/old\\n/middle\\n/new\\n'; exit 0; }
echo "$(basename "$PWD") ${PYTHON-} make $*" >>"$CALLS"
[ -z "${VENV-}${BUILD-}${PYTHONPATH-}${VIRTUAL_ENV-}" ] && [ ! -e .venv ] && [ "$*" != "${FAILS-}" ]
"""


def run_ci(folder: Path, expect: int, **more: str) -> list[str]:
    """What .ci/run has make do, from an environment that somebody has set up before."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a clone: .ci/run makes clones of it")
    tool = folder / "bin" / "make"
    tool.parent.mkdir()
    tool.write_text(CALLED, encoding="utf-8")
    tool.chmod(0o755)
    calls = folder / "calls"
    environment = {**os.environ, "PATH": f"{tool.parent}:{os.environ['PATH']}", "CALLS": str(calls), "VENV": "/else"}
    environment |= {"PYTHONPATH": "/else", "TMPDIR": str(folder), **more}
    done = subprocess.run([ROOT / ".ci" / "run"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == expect, done.stdout + done.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["bin", "calls"], "the clones are removed"
    return calls.read_text(encoding="utf-8").splitlines()


def test_ci_calls_the_commands_of_the_readme_in_fresh_clones(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^(make \w+) +#", readme, re.MULTILINE)
    assert commands == ["make run", "make test"]
    oldest = [f"oldest /old {command}" for command in (*commands, "make test-peers")]
    assert run_ci(tmp_path, 0) == ["newest /new make run", "newest /new make -j 2 -O lint docs", *oldest]


@pytest.mark.parametrize(("words", "calls"), [("run", 1), ("-j 2 -O lint docs", 2), ("test", 4), ("test-peers", 5)])
def test_ci_fails_with_what_it_calls(words: str, calls: int, tmp_path: Path) -> None:
    assert len(run_ci(tmp_path, 1, FAILS=words)) == calls


# ---------------------------------------------------------------- tests that need PyTorch


def imports_torch(node: ast.AST) -> bool:
    return any(
        isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.importorskip" and call.args
        and ast.unparse(call.args[0]) == "'torch'"
        for call in ast.walk(node)
    )  # fmt: skip


def calls_one_of(node: ast.AST, names: set[str]) -> bool:
    return any(isinstance(call, ast.Call) and ast.unparse(call.func) in names for call in ast.walk(node))


def unmarked(text: str) -> Iterator[str]:
    """The tests of a file that need PyTorch, by themselves or by what they call, and are not marked as such."""
    tree = ast.parse(text)
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    needing = {node.name for node in functions if imports_torch(node)}
    for _ in functions:
        needing |= {node.name for node in functions if calls_one_of(node, needing)}
    rest: list[Any] = [node for node in tree.body if not isinstance(node, ast.FunctionDef)]
    marks = [ast.unparse(node.value) for node in rest if ast.unparse(node).startswith("pytestmark =")]
    if any("mark.peers" in mark or "mark.conformance" in mark for mark in marks):
        return
    if any(map(imports_torch, rest)):
        yield "the file"
    for node in functions:
        marked = "pytest.mark.peers" in map(ast.unparse, node.decorator_list)
        if node.name in needing and node.name.startswith("test_") and not marked:
            yield node.name


@pytest.mark.parametrize("pattern", ["tests/**/test_*.py", "plugins/*/tests/test_*.py"])
def test_what_needs_pytorch_is_marked(pattern: str) -> None:
    """make test-peers runs what is marked, and nothing else with PyTorch there."""
    files = list(ROOT.glob(pattern))
    found = {path.name: list(unmarked(path.read_text(encoding="utf-8"))) for path in files}
    assert files and {name: tests for name, tests in found.items() if tests} == {}


def test_a_test_without_the_mark_is_found() -> None:
    text = """
def torch_module(): return pytest.importorskip("torch", reason="no reason")
def test_helped(): torch_module()
@pytest.mark.peers
def test_marked(): torch_module()
def test_other(): pytest.importorskip("jax")
"""
    assert list(unmarked(text)) == ["test_helped"]
    module = 'torch = pytest.importorskip("torch")\n'
    assert list(unmarked(module)) == ["the file"]
    assert list(unmarked(module + "pytestmark = pytest.mark.peers\n")) == []
