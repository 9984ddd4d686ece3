"""docs/names.md: each public name of the peers has its answer, each answer is true, and the errors give it.

The examples of docs/from-pytorch.md run.
"""

from __future__ import annotations

import ast
import copy
import doctest
import importlib
import json
import pickle
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


def places(name: str) -> str:
    """The files and lines of the rows of a name."""
    files = sorted((make_names.ROOT / "python" / "powertrain" / "errors").glob("*counterparts.py"))
    return ", ".join(
        f"{file.relative_to(make_names.ROOT)}:{number}"
        for file in files
        for number, text in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if text.lstrip().startswith(f'"{name}": ')
    )


def test_the_place_of_a_row_is_told() -> None:
    assert re.fullmatch(r"python/powertrain/errors/counterparts\.py:\d+", places("swish"))
    assert re.fullmatch(r"python/powertrain/errors/array_counterparts\.py:\d+", places("arccos"))


@pytest.mark.parametrize(("where", "name", "line"), rows(), ids=[f"{where}.{name}" for where, name, _ in rows()])
def test_a_row_names_what_there_is(where: str, name: str, line: str) -> None:
    # A slot has some of the names that its rows share with those of tensors.
    assert where == "Slot" or not make_names.has(where, name), (
        f"{where} has {name} now: take its row out ({places(name)}), and run python tools/make_names.py"
    )
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


class Calls(pt.nn.Module):
    def __init__(self, size: int = 3) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Any, how: str) -> Any:
        if how == "axis":
            return x.size(0)
        if how == "keyword":
            return x.T.size(dim=-1)
        if how == "all":
            batch, width = x.size()
            return batch, width
        return self.size(0)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("how", "call", "line"),
    [("axis", "size(0)", "x.shape[0]"), ("keyword", "size(dim=-1)", "x.shape[-1]"), ("all", "size()", "x.shape")],
)
def test_the_call_of_a_size_shows_the_line(how: str, call: str, line: str) -> None:
    model, x = Calls(), pt.ones((2, 4))
    for run in (model, model.forward, pt.grad(lambda x: model(x, how)), pt.compile(lambda x: model(x, how))):
        with pytest.raises(pt.DTypeError) as caught:
            run(x, how) if run in (model, model.forward) else run(x)
        assert str(caught.value) == (
            f"[Tensor] received {call}; expected no call: x.size is the number of elements, as NumPy's; write {line}"
        )
    with pytest.raises(pt.DTypeError, match=r"write x\.shape\[0\]$"):
        pt.Slot(x).size(0)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("view", "slot.value.reshape(shape)"), ("float", "slot.value.astype('float32')"),
        ("reshape", "slot.value.reshape(...)"), ("item", "slot.value.item(...)"), ("sum", "slot.value.sum(...)"),
        ("expand", "pt.broadcast_to(slot, shape)"), ("unsqueeze", "pt.expand_dims(slot, axis)"),
        ("detach", "pt.stop_gradient(slot)"), ("numel", "slot.value.size"), ("T", "slot.value.T"),
        ("masked_fill_", "x = slot.value.copy(), then x[mask] = value, then slot.value = x"),
        ("clamp_", "slot.value = slot.value.clip(min, max)"), ("div_", "slot.value /= y"),
    ],
)  # fmt: skip
def test_what_a_hint_says_of_a_slot_works_on_one(name: str, line: str) -> None:
    slot = pt.Slot(pt.ones((2, 3)), name="w", trainable=True)
    with pytest.raises(AttributeError) as caught:
        getattr(slot, name)
    assert str(caught.value) == f"[Slot] {name}; expected a name of Slot; write {line}"
    names = {"slot": slot, "pt": pt, "shape": (3, 2), "axis": 0, "y": 2.0, "value": 0.0, "min": 0.0, "max": 1.0}
    names.update(mask=pt.ones((2, 3)) > 2)
    if name == "expand":
        names["shape"] = (4, 2, 3)
    code = line.replace("reshape(...)", "reshape((3, 2))").replace("(...)", "()").replace(", then ", "; ")
    exec(code.replace(".item()", ".sum().item()"), names)


OF_TENSORS = {*counterparts.TABLES["Tensor"], *(name for name in dir(pt.Tensor) if name[0] != "_")}


@pytest.mark.parametrize("name", sorted(OF_TENSORS))
def test_no_hint_on_a_slot_is_of_a_tensor(name: str) -> None:
    slot = pt.Slot(pt.ones((2, 3)), name="w")
    if not hasattr(slot, name):
        with pytest.raises(AttributeError) as caught:
            getattr(slot, name)
        line = str(caught.value).rpartition("; ")[2].replace("slot.value.", "")
        if "x = copy()" not in line and "grad" not in line:
            assert not re.search(r"(?<!\w)x[.\[]|pt\.\w+\(x\b", line), line


def test_a_size_is_an_int_everywhere_else() -> None:
    x = pt.ones((2, 4))
    assert isinstance(x.size, int) and x.size == 8 and hash(x.size) == hash(8) and f"{x.size:>3}" == "  8"
    assert repr(x.size) == "8" and json.dumps({"n": x.size}) == '{"n": 8}'
    for copied in (pickle.loads(pickle.dumps(x.size)), copy.copy(x.size), copy.deepcopy([x.size])[0], x.size + 0):
        assert type(copied) is int and copied == 8
    assert np.zeros(x.size).shape == (8,) and np.asarray(x.size).dtype == np.int64
    assert pt.arange(x.size).shape == (8,) and pt.zeros(x.size).shape == (8,) and pt.arange(9)[x.size].item() == 8
    assert (x * x.size).dtype == pt.float32 and (pt.ones((2,), "int8") * x.size).dtype == pt.int8
    step = pt.compile(lambda x, n: x / n)
    assert step(x, x.size).tolist() == step(x, 8).tolist() == (x / 8).tolist()


def test_the_call_of_another_number_stays_the_caller_s_error() -> None:
    with pytest.raises(TypeError, match="'int' object is not callable") as caught:
        Calls()(pt.ones((2, 4)), "own")
    assert type(caught.value) is TypeError


def test_what_pytorch_writes_and_numpy_would_not() -> None:
    x = pt.ones((2, 4))
    for axes in ((0, 1), (-2, -1)):
        with pytest.raises(pt.ShapeError) as caught:
            x.transpose(*axes)
        first, second = axes
        assert str(caught.value) == (
            f"[transpose] received {first}, {second} of float32[2, 4]; expected another order than the one it has; "
            f"write x.swapaxes({first}, {second}) to exchange two, x.transpose(({first}, {second})) to keep both"
        )
        assert x.transpose(axes).shape == (2, 4)
    assert x.transpose(1, 0).shape == x.transpose(-1, -2).shape == x.transpose().shape == (4, 2)
    with pytest.raises(pt.DTypeError) as refused:
        x.repeat(1, 2, 3)
    assert str(refused.value) == (
        "[repeat] received 4 positional arguments; expected at most 3; write x.tile((1, 2, 3)) to repeat the whole "
        "along each axis, as PyTorch's x.repeat(1, 2, 3)"
    )


def test_a_function_of_optax_shows_the_class() -> None:
    for name, line in (("adam", "pt.optim.Adam(model)"), ("sgd", "pt.optim.SGD(model, lr=0.1)")):
        with pytest.raises(AttributeError) as caught:
            getattr(pt.optim, name)
        assert isinstance(caught.value, pt.Error)
        assert str(caught.value) == f"[powertrain.optim] {name}; expected a name of powertrain.optim; write {line}"
