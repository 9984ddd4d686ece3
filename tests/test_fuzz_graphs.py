"""A few random graphs, every way of running them, and the fuzzer sees what is wrong. `make fuzz` runs thousands."""

from __future__ import annotations

from typing import Any

import pytest

import fuzz_graphs
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
        and call.op in fuzz_graphs.FILES
        and all(map(fuzz_graphs.moderate, given))
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_graph_is_the_same_whichever_way_it_is_run(seed: int) -> None:
    found = list(fuzz_graphs.problems(seed))
    assert not found, "\n".join([fuzz_graphs.grow(seed).listing(), *found])


def test_a_random_graph_is_the_same_with_plain_instructions() -> None:
    here = [fuzz_graphs.digest(seed) for seed in SEEDS]
    assert fuzz_graphs.digests_elsewhere(SEEDS.start, len(SEEDS), "generic") == here


def test_a_wrong_op_and_a_wrong_program_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = fuzz_graphs.grow(3)
    checked = [call for call in graph.calls if plain(graph, call)]
    call = checked[0]
    graph.values[call.made[0]] = graph.values[call.made[0]] + 0.5
    assert any(f"v{call.made[0]} = " in line for line in fuzz_graphs.against_numpy(graph))
    calls = 0

    def drifting(*inputs: Any) -> Any:
        nonlocal calls
        calls += 1
        return [y + (1.0 if calls > 1 else 0.0) for y in outputs(pt.exp(inputs[0] * 0.0))]

    assert list(fuzz_graphs.differences(graph, drifting, "drift"))
