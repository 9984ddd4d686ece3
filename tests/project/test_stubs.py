"""The stub that a build makes says what the package has."""

from __future__ import annotations

import ast

import pytest

import check_stub
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


@pytest.mark.parametrize("name", pt.ops.functional.op_names())
def test_the_stub_has_the_parameters_of_the_op(name: str) -> None:
    node = ast.parse(make_stubs.op_stub(SPECS[name])).body[0]
    assert isinstance(node, ast.FunctionDef)
    given = [argument.arg for argument in [*node.args.args, *node.args.kwonlyargs]]
    assert given == list(pt.ops.functional.signature(name).parameters)


@pytest.mark.parametrize("given", [[], ["no/such.pyi"], ["a", "b"]], ids=len)
def test_types_are_not_checked_without_a_stub(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert check_stub.main(given) == 2
    said = " ".join(given) or "nothing"
    assert capsys.readouterr().err == f"[check_stub] {said}; expected the stub of a build; build one: make wheel\n"
