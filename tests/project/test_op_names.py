"""The graph, the programs and the bindings of the engine know ops by their traits, not by their names."""

from pathlib import Path

import pytest

import check_op_names
from powertrain import _core


def test_the_engine_names_no_op() -> None:
    assert list(check_op_names.complaints()) == []


def test_every_op_is_looked_for() -> None:
    assert check_op_names.registered() == {spec["name"] for spec in _core.ops()}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('  if (node.op->name == "matmul") return;', ['1] "matmul"']),
        ('int x;\nreturn fn::call("concat", {a, find_op("slice")});', ['2] "concat"', '2] "slice"']),
        ('return array.attr("astype")(x);  // "sum"', []),
        ('py::arg("copy") = py::none(), find_op("copy")', ['1] "copy"']),
        ('std::string name;  // "matmul", for people', []),
        ('text("[matmul] a is ", "matmul of")', []),
    ],
)
@pytest.mark.parametrize("folder", ["graph/passes", "program", "bindings"])
def test_a_named_op_is_found(tmp_path: Path, folder: str, text: str, found: list[str]) -> None:
    place = tmp_path / folder / "x.cpp"
    place.parent.mkdir(parents=True)
    place.write_text(text)
    said = list(check_op_names.complaints(tmp_path, {"matmul", "concat", "slice", "astype", "sum", "copy"}))
    assert [line.partition("; ")[0] for line in said] == [f"[op name cpp/{folder}/x.cpp:{end}" for end in found]


def test_a_word_is_an_op_elsewhere(tmp_path: Path) -> None:
    for name in ("compiled_views", "convert"):
        (tmp_path / "bindings").mkdir(exist_ok=True)
        (tmp_path / f"bindings/{name}.cpp").write_text('events.emplace_back("guard", -1);')
    (said,) = check_op_names.complaints(tmp_path, {"guard"})
    assert said.startswith('[op name cpp/bindings/convert.cpp:1] "guard"; cpp/bindings/ may name no op;')
