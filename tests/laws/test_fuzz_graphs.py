"""A few random graphs, every way of running them, and the fuzzer sees what is wrong. `make fuzz` runs thousands."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

import fuzz_children
import fuzz_graphs
import fuzz_numpy
import powertrain as pt
from calls import outputs, to_array

SEEDS = range(12)


def plain(graph: fuzz_graphs.Graph, call: fuzz_graphs.Call) -> bool:
    """A call that is compared with NumPy, and gives float32."""
    result = graph.values[call.made[0]]
    given = [to_array(graph.values[at]) for at in call.places]
    return (
        result.dtype.name == "float32"
        and result.size > 0
        and call.op in fuzz_numpy.FILES
        and all(map(fuzz_numpy.moderate, given))
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_graph_is_the_same_whichever_way_it_is_run(seed: int) -> None:
    found = list(fuzz_graphs.problems(seed))
    assert not found, "\n".join([fuzz_graphs.grow(seed).listing(), *found])


def test_a_random_graph_is_the_same_with_plain_instructions() -> None:
    here = [fuzz_graphs.digest(fuzz_graphs.grow(seed)) for seed in SEEDS]
    answers = fuzz_children.Children().answers(fuzz_graphs.child("digest"), SEEDS, POWERTRAIN_ISA="generic")
    assert [answer.digest for answer in answers] == here


# Seed 2 raises, seed 3 ends the process, seed 5 ends it without a word.
BAD_CHILD = """
import ctypes, os, sys, fuzz_children
def examine(seed):
    if seed == 2:
        raise ValueError("two\\nlines")
    if seed == 3:
        ctypes.string_at(0)
    if seed == 5:
        os._exit(7)
    return f"digest {seed}", ["odd"] if seed % 2 else []
first, count = map(int, sys.argv[1:])
fuzz_children.serve(range(first, first + count), examine)
"""


def test_a_seed_that_ends_its_process_is_named_and_the_others_are_examined() -> None:
    answers = list(fuzz_children.Children().answers([sys.executable, "-c", BAD_CHILD], range(1, 8)))
    assert [answer.seed for answer in answers] == list(range(1, 8))
    found = {answer.seed: answer for answer in answers}
    for seed in (1, 4, 6, 7):
        assert found[seed] == fuzz_children.Answer(seed, f"digest {seed}", ("odd",) if seed % 2 else ())
    assert found[2] == fuzz_children.Answer(2, None, ("ValueError in <string>:5: two lines",))
    assert found[3].digest is None
    assert found[3].wrong[0].startswith("the process ended with SIGSEGV: Fatal Python error: Segmentation fault | ")
    assert found[5].wrong == ("the process ended with status 7: it said nothing",)


def test_work_that_is_given_up_starts_no_child() -> None:
    children = fuzz_children.Children()
    answers = children.answers([sys.executable, "-c", BAD_CHILD], range(1, 8))
    assert next(answers).seed == 1
    children.stop()
    assert len(list(answers)) < 6
    assert not list(children.answers([sys.executable, "-c", BAD_CHILD], range(1, 8)))


def test_a_wrong_op_and_a_wrong_program_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = fuzz_graphs.grow(3)
    checked = [call for call in graph.calls if plain(graph, call)]
    call = checked[0]
    graph.values[call.made[0]] = graph.values[call.made[0]] + 0.5
    assert any(f"v{call.made[0]} = " in line for line in fuzz_numpy.against_numpy(graph.calls, graph.values))
    calls = 0

    def drifting(*inputs: Any) -> Any:
        nonlocal calls
        calls += 1
        return [y + (1.0 if calls > 1 else 0.0) for y in outputs(pt.exp(inputs[0] * 0.0))]

    assert list(fuzz_graphs.differences(graph, drifting, "drift"))


def test_what_tells_signaling_nans_from_quiet_ones_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    seed = next(filter(fuzz_graphs.with_signaling_nans, SEEDS))
    graph = fuzz_graphs.grow(seed)
    assert not list(fuzz_graphs.quiet_nans(graph))

    def telling(*inputs: Any) -> Any:
        total = sum(int(x.numpy().view(np.uint32).sum()) for x in inputs if x.dtype.name == "float32")
        return [pt.asarray(total) for _ in graph.results]

    monkeypatch.setattr(graph, "run", telling)
    assert list(fuzz_graphs.quiet_nans(graph))


HARD = {
    "a product that overflows on its way": ("prod", [[1e4] * 20 + [1e-4] * 20]),
    "a product of many": ("prod", [[1.0001] * 600]),
    "equal numbers far from zero": ("std", [[8301.3] * 33]),
    "integers that float32 does not hold": ("cos", [[2**40 + 1, 12345678]]),
    "integers whose squares overflow": ("var", [[2**62, -(2**62), 5]]),
}


@pytest.mark.parametrize("hard", HARD)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_a_dtype_cannot_hold_is_no_difference(hard: str, dtype: str) -> None:
    op, numbers = HARD[hard]
    x = pt.asarray(numbers) if isinstance(numbers[0][0], int) else pt.asarray(numbers, dtype=dtype)
    call = fuzz_graphs.Call(op, [0], {} if op == "cos" else {"axis": 1}, made=[1])
    assert not list(fuzz_numpy.against_numpy([call], [x, call.apply([x])]))


@pytest.mark.parametrize("op", ["prod", "std", "var", "vector_norm", "sum"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_result_that_is_wrong_by_a_thousandth_is_found(op: str, dtype: str) -> None:
    x = pt.asarray(np.random.default_rng(0).uniform(0.5, 1.5, (4, 33)), dtype=dtype)
    call = fuzz_graphs.Call(op, [0], {"axis": 1}, made=[1])
    right = call.apply([x])
    assert not list(fuzz_numpy.against_numpy([call], [x, right]))
    assert len(list(fuzz_numpy.against_numpy([call], [x, right * 1.001]))) == 1
