"""`powertrain profile --without PASS`: what a pass changes in a step, and its time in pairs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import powertrain as pt
from numpy_backend import NumPyBackend
from page_files import DOCS
from powertrain import _core
from powertrain.cli.bench.steps import compiled_step
from powertrain.cli.profile import without
from powertrain.train.folder.run_folder import RunError
from running import SMALL, results, run

PASSES = ("simplify", "cast_together", "fuse", "attach_epilogues", "attach_consumers")


@pytest.fixture(scope="module")
def change() -> Any:
    step, batches = compiled_step("mlp_tiny")
    pairs = without.Pairs(step, "attach_epilogues", warm_up=1)
    for at in range(8):
        pairs.run(batches[at])
    return pairs.change("mlp_tiny")


def test_every_step_trains_and_keeps_the_bits() -> None:
    step, batches = compiled_step("mlp_tiny")
    alone, _ = compiled_step("mlp_tiny")
    pairs = without.Pairs(step, "fuse", warm_up=1)
    for at in range(5):
        assert pairs.run(batches[at]).item() == alone(*batches[at]).item()


def test_a_pass_is_left_out_and_the_others_are_not(change: Any) -> None:
    with_it, without_it = change.instructions()
    assert any(name.startswith("matmul -> ") for name in with_it)
    assert "matmul" in without_it and any(name.startswith("fused ") for name in without_it)
    one, other = change.counts()["instructions"]
    assert one - other == len(with_it) - len(without_it) < 0
    assert change.counts()["bytes moved"][0] < change.counts()["bytes moved"][1]


def test_pairs_have_as_many_steps_of_each(change: Any) -> None:
    assert [len(seconds) for seconds in change.seconds] == [3, 3]
    low, high = change.interval()
    assert 0 < low <= change.ratio <= high


def test_other_shapes_begin_anew() -> None:
    double = pt.compile(lambda x: pt.exp(x + x))
    pairs = without.Pairs(double, "fuse", warm_up=0)
    for rows in (2, 2, 2, 2, 3, 3, 3, 3):
        pairs.run([pt.ones((rows, 4))])
    assert [len(seconds) for seconds in pairs.seconds] == [2, 2]
    assert pairs.change("double").instructions() == (["fused add+exp"], ["add", "exp"])


def test_a_rewrite_rule_is_left_out_by_its_name() -> None:
    step = pt.compile(lambda a, b: pt.permute_dims(a @ b, (1, 0)) * 2.0)
    left_out = _core.compiled_without(step, "transpose of matmul")
    a, b = pt.ones((3, 4)), pt.ones((4, 5))
    assert step(a, b).numpy().tobytes() == left_out(a, b).numpy().tobytes()
    graphs = [one.programs[0]["graph"] for one in (step, left_out)]
    assert [graph.index("matmul") < graph.index("permute_dims") for graph in graphs] == [False, True]


def test_passes_come_before_rules() -> None:
    names = _core.pass_names()
    assert names[: len(PASSES)] == list(PASSES) and "transpose of matmul" in names


def test_a_function_that_is_not_compiled_has_no_pass() -> None:
    wrong: Any = len
    with pytest.raises(
        pt.DTypeError, match=r"^\[compile\] received builtin_function_or_method; expected a compiled func"
    ):
        _core.compiled_without(wrong, "fuse")


def test_a_step_of_a_backend_has_no_passes() -> None:
    pairs = without.Pairs(pt.compile(lambda x: pt.exp(x), backend=NumPyBackend()), "fuse", warm_up=0)
    for _ in range(2):
        pairs.run([pt.ones((2, 4))])
    with pytest.raises(RunError) as caught:
        pairs.change("step")
    assert str(caught.value) == (
        "[profile] a backend runs step; expected the engine, whose passes make its programs; leave run.backend out"
    )


def test_an_unknown_pass_is_named() -> None:
    with pytest.raises(RunError) as caught:
        without.demand_pass("fuze")
    known = ", ".join(_core.pass_names())
    assert str(caught.value) == (
        f"[profile] --without fuze; expected a pass or a rewrite rule: {known}; did you mean fuse?"
    )


def test_the_command_shows_both_programs(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    words = ["profile", "small.toml", "--without", "fuse", "--steps", "3"]
    said = run(words, tmp_path).stdout.splitlines()
    assert said[0] == "small step, with and without fuse"
    heads = [re.split(r"\s{2,}", line)[0] for line in said[2:7]]
    assert heads == ["instructions", "copies", "bytes moved", "bytes of arena", "ms a step"]
    assert "With it a step takes " in said[7] and said[7].endswith("interval of 3 pairs.")
    assert not (tmp_path / "trace.json").exists()
    [step] = results(run([*words, "--json"], tmp_path))["steps"]
    assert step["without"] == "fuse" and step["instructions"][0] < step["instructions"][1]
    assert step["only_with"] and step["only_without"] and len(step["ms"][0]) == len(step["ms"][1]) == 3


def test_the_command_measures_a_workload(tmp_path: Path) -> None:
    [step] = results(run(["profile", "mlp_tiny", "--without", "simplify", "--steps", "2", "--json"], tmp_path))["steps"]
    assert step["name"] == "mlp_tiny" and len(step["ms"][0]) == 2


def test_the_page_shows_what_the_command_counts() -> None:
    step, batches = compiled_step("mlp_mnist")
    pairs = without.Pairs(step, "attach_epilogues", warm_up=0)
    for at in range(2):
        pairs.run(batches[at])
    change = pairs.change("mlp_mnist")
    page = (DOCS / "adding-a-pass.md").read_text(encoding="utf-8")
    for name, (with_it, without_it) in change.counts().items():
        assert re.search(rf"^{name} +{with_it:,.0f} +{without_it:,.0f} +\S+$", page, re.MULTILINE), (
            name,
            with_it,
            without_it,
        )
    only = [
        f"only with{out} it:\n" + "".join(f"  {name}\n" for name in names)
        for out, names in zip(("", "out"), change.instructions(), strict=True)
    ]
    assert "".join(only) in page
