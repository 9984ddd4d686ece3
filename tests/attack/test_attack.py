"""A tenth of the attack, and the attack itself: each kind of failure is seen, each good end is none."""

from __future__ import annotations

import sys
from typing import Any

import pytest

import fuzz_children
from attack import judge, lines, run, subjects
from powertrain.errors.methods import lacking

CALLS, PARTS = 3000, 10  # each of one child


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_hostile_calls_end_well(part: int) -> None:
    size = CALLS // PARTS
    found = [answer.wrong[0] for answer in run.attack(range(part * size, (part + 1) * size))]
    assert not found, "\n".join(found)


# They hold what they are given, and are made by the engine.
RECORDS = {
    *(
        "pt.data.ArrowDataset",
        "pt.data.Cached",
        "pt.data.ClassFolders",
        "pt.data.DatasetFolder",
        "pt.data.ImageFolder",
        "pt.data.ParquetDataset",
        "pt.data.TarDataset",
        "pt.data.Url",
        "pt.plugin.Section",
        "pt.recipe.OptimizerUse",
        "pt.recipe.Recipe",
        "pt.recipe.Use",
    ),
    *("pt.plugin.CLibrary", "pt.plugin.Call", "pt.plugin.Cuda", "pt.plugin.Event", "pt.plugin.Graph"),
    *("pt.plugin.Inputs", "pt.plugin.Kernel", "pt.plugin.Node", "pt.plugin.Numba", "pt.plugin.Plugin"),
    *("pt.plugin.Registry", "pt.plugin.SetScalar", "pt.plugin.SlowCopy", "pt.plugin.Stop", "pt.plugin.Value"),
    *("pt.plugin.Baseline", "pt.plugin.Box", "pt.plugin.End", "pt.plugin.PooledAxis", "pt.plugin.Start"),
    *("pt.plugin.Exported", "pt.plugin.Histogram", "pt.plugin.Pause", "pt.plugin.Program", "pt.plugin.Recorded"),
    *("pt.nn.CacheStep", "pt.nn.KVCache", "pt.nn.LayerCache", "pt.nn.Written"),
    *("pt.solvers.Clusters", "pt.solvers.Descent", "pt.solvers.ElasticNetFit"),
    *("pt.fairness.GroupRates", "pt.quality.LabelIssues", "pt.quality.Twins"),
    *("pt.solvers.Minimum", "pt.solvers.PrincipalComponents", "pt.solvers.SquaredHingeFit"),
}


def test_the_methods_of_every_public_class_are_attacked() -> None:
    names = judge.namespace()
    for expression, cls in subjects.public():
        if not isinstance(cls, type) or issubclass(cls, BaseException):
            continue
        made = subjects.instance(expression, cls)
        assert (made is None) == (expression in RECORDS or bool(lacking(cls))), expression
        assert made is None or isinstance(eval(made, names), cls), made
    assert len(subjects.subjects()) > 800


def test_a_seed_is_one_line() -> None:
    drawn = [lines.line(seed) for seed in range(300)]
    assert drawn == [lines.line(seed) for seed in range(300)]
    assert len(set(drawn)) > 290
    for line in drawn:
        compile(line, "<line>", "eval")


GOOD = [
    "pt.zeros(2)",
    "pt.zeros('x')",  # ours
    "pt.grad(H.refuse)(1.0)",  # the attacker's own
    "pt.grad(lambda x: x.nowhere)(1.0)",
    "pt.zeros()",  # Python's
    "pt.zeros(2, surplus=1)",
    "pt.ones(2) + H.Raising()",
    "len(3)",
    "pt.ones((2, 3)).transpose(np.ones(3), (1, 0))",
    "pt.optim.Adam(pt.nn.Linear(3, 4)).update_flat(pt.ones((6,)), pt.ones((6,)), {}, 0.0, range(10**18))",
]
BAD = {
    "operator.getitem({}, 1)": "KeyError in <the call>:1: 1",
    "(_ for _ in ()).throw(pt.ShapeError('no form'))": "an error without form: ShapeError: 'no form'",
    "(_ for _ in ()).throw(MemoryError())": "MemoryError in <the call>:1: ",
    "len(pt.data.epochs.EpochOrder([1], 1, 0, 0, 'pad'))": "ZeroDivisionError in epochs.py:",
}


@pytest.mark.parametrize("line", GOOD)
def test_a_good_end(line: str) -> None:
    assert judge.run(line) is None


@pytest.mark.parametrize("line", BAD)
def test_a_bad_end(line: str) -> None:
    assert str(judge.run(line)).startswith(BAD[line])


def test_a_call_that_takes_long_ends_well_only_in_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "LONG", 1)
    assert judge.run("pt.var(np.broadcast_to(np.ones(()), (2**20, 2**20)), -1)") is None
    assert "not done after 1 s in " in str(judge.run("pt.vstack(np.ones((2**40, 0)))"))


CHILD = """
import ctypes, sys, time, fuzz_children
from attack import run
def examine(seed):
    if seed == 1:
        ctypes.string_at(0)
    if seed == 2:
        time.sleep(600)
    if seed == 3:
        return None, ["TypeError in x.py:1: no"]
    return None, []
first, count = map(int, sys.argv[1:])
fuzz_children.serve(range(first, first + count), examine, 5)
"""


def test_a_crash_and_a_hang_are_told_apart() -> None:
    answers: list[Any] = list(fuzz_children.Children().answers([sys.executable, "-c", CHILD], range(5)))
    assert [run.kind(answer) for answer in answers if answer.wrong] == ["crash", "hang", "raw"]
