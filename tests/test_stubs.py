"""The stub that a build makes says what the package has."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import make_stubs
import powertrain as pt

SPECS = {spec["name"]: spec for spec in pt._core.ops()}


def test_every_export_is_in_the_stub() -> None:
    names: set[str] = set()
    for node in ast.parse(make_stubs.stub(pt._core)).body:
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname for alias in node.names if alias.asname}
        elif isinstance(node, ast.AnnAssign):
            names.add(ast.unparse(node.target))
    assert names >= set(pt.__all__)
    assert [name for name in sorted(names) if not hasattr(pt, name)] == []


@pytest.mark.parametrize("name", pt.functional.op_names())
def test_the_stub_has_the_parameters_of_the_op(name: str) -> None:
    node = ast.parse(make_stubs.op_stub(SPECS[name])).body[0]
    assert isinstance(node, ast.FunctionDef)
    given = [argument.arg for argument in [*node.args.args, *node.args.kwonlyargs]]
    assert given == list(pt.functional.signature(name).parameters)


@pytest.mark.slow
def test_the_package_is_right_by_its_own_stub(tmp_path: Path) -> None:
    """In the source tree ops are Any, so that `make lint` does not see a call that the stub refuses."""
    pytest.importorskip("mypy", reason="mypy is not installed; make lint installs it")
    root = Path(__file__).parent.parent
    package = tmp_path / "powertrain"
    shutil.copytree(root / "python" / "powertrain", package, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    (package / "__init__.pyi").write_text(make_stubs.stub(pt._core), encoding="utf-8")
    options = ["--config-file", str(root / "pyproject.toml"), "--cache-dir", "cache"]
    command = [sys.executable, "-m", "mypy", *options, "powertrain"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
