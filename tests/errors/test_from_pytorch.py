"""docs/names.md: each public name of the peers has its answer, each answer is true, and the errors give it.

The examples of docs/from-pytorch.md run.
"""

from __future__ import annotations

import ast
import doctest
import importlib
import re
from typing import Any

import numpy as np
import pytest

import make_names
import powertrain as pt
import powertrain.nn.functional as F
from powertrain.errors import counterparts, hints

GUIDE = make_names.ROOT / "docs" / "from-pytorch.md"
ALL = [(library, name) for library, names in make_names.PEERS.items() for name in names]


def holder(where: str) -> Any:
    return pt.ones((2, 2)) if where == "Tensor" else importlib.import_module(where)


def test_the_tables_say_what_there_is() -> None:
    """Made again they are the same: python tools/make_names.py writes them."""
    same = make_names.PAGE.read_text(encoding="utf-8") == make_names.page()
    assert same, "the tables are not those of this build; write them: python tools/make_names.py"


@pytest.mark.parametrize("library", make_names.PEERS)
def test_each_name_is_there_or_its_error_says_what_is(library: str) -> None:
    where = make_names.HERE[library]
    for name in make_names.PEERS[library]:
        kind, said = make_names.answer(library, name)
        if kind == "same":
            assert hasattr(holder(where), name), name
            continue
        told = hints.hint(where, name)
        assert told.startswith(f"[{where}] {name}; expected a name of {where}; "), told
        assert told.endswith(hints.FAMILIES[said][1] if kind == "family" else said), told
        if where != "Tensor" and not hasattr(holder(where), name):
            with pytest.raises(hints.UnknownNameError) as error:
                getattr(holder(where), name)
            assert str(error.value) == told


def code_of(line: str) -> ast.AST | None:
    """The code of a row: all of it, or what stands before words."""
    for text in (line, *re.split(r"[:,;]? (?:of|or|over|which|since|by|while|in) |: ", line)[:1]):
        try:
            return ast.parse(text.strip(" ,:;"))
        except SyntaxError:
            continue
    return None


def rows() -> list[tuple[str, str, str]]:
    return [(where, name, line) for where, table in counterparts.TABLES.items() for name, line in table.items()]


@pytest.mark.parametrize(("where", "name", "line"), rows(), ids=[f"{where}.{name}" for where, name, _ in rows()])
def test_a_row_names_what_there_is(where: str, name: str, line: str) -> None:
    # A slot has some of the names that its rows share with those of tensors.
    assert where == "Slot" or not make_names.has(where, name), "the name is there: the row is stale"
    for chain in re.findall(r"\bpt(?:\.\w+)+", line):
        value: Any = pt
        for part in chain.split(".")[1:]:
            value = getattr(value, part)
    for method in re.findall(r"\b[xy]\.(\w+)", line):
        assert hasattr(pt.ones((2, 2)), method), method


def test_rows_are_sorted_and_each_is_on_one_line() -> None:
    for name, table in counterparts.TABLES.items():
        assert name == "Slot" or list(table) == sorted(table), name  # a slot's begin with those of tensors


@pytest.mark.peers
@pytest.mark.parametrize("name", make_names.PEERS["torch.nn.functional"])
def test_keywords_of_functions_are_those_of_torch(name: str) -> None:
    """The required arguments, and those that both have, have PyTorch's names; `dim` is `axis`."""
    import inspect

    torch = pytest.importorskip("torch", reason="the keywords are torch's")
    if name not in dir(F):
        return
    ours = list(inspect.signature(getattr(F, name)).parameters)
    try:
        theirs = list(inspect.signature(getattr(torch.nn.functional, name)).parameters)
    except ValueError:  # a function in C
        return
    renamed = ["axis" if one == "dim" else "keepdims" if one == "keepdim" else one for one in theirs]
    if theirs in (["args", "kwargs"], ["input", "args", "kwargs"]):
        return  # of boolean_dispatch
    own = {"one_hot": ["tensor"], "tanh": ["input"], "softplus": [], "rotary_embedding": []}
    extra = [one for one in ours if one not in renamed]
    assert extra in ([], ["axis"]) or name in own, f"{name}: {extra} are not of {renamed}"


def test_examples_of_the_page_run() -> None:
    found = doctest.testfile(str(GUIDE), module_relative=False, optionflags=doctest.IGNORE_EXCEPTION_DETAIL)
    assert found.failed == 0 and found.attempted > 0


def test_the_loop_of_the_page_runs() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    ours = next(code for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "pt.compile" in code)
    rng = np.random.default_rng(0)
    loader = [(rng.standard_normal((8, 784)).astype("float32"), rng.integers(0, 10, 8)) for _ in range(3)]
    found: dict[str, Any] = {"loader": [(pt.asarray(x), pt.asarray(y)) for x, y in loader]}
    exec(ours, found)
    assert np.isfinite(found["loss"].item())


@pytest.mark.peers
def test_the_lists_are_those_of_the_libraries() -> None:
    """What the installed torch and numpy have beside the lists are names without documentation, or newer ones."""
    torch = pytest.importorskip("torch", reason="the lists are torch's")
    assert {name for name in np.__all__ if not name.startswith("_")} - set(make_names.PEERS["numpy"]) == set()
    assert set(torch.nn.modules.__all__) - set(make_names.PEERS["torch.nn"]) == set()
    assert {name for name in torch.optim.__all__ if name[0] != "_"} - set(make_names.PEERS["torch.optim"]) == set()
