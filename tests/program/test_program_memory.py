"""`step.programs` says where operands lie: what drawings of a plan are made from."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

import powertrain as pt
from powertrain.cli.bench.steps import compiled_step


@pytest.fixture(scope="module")
def program() -> dict[str, Any]:
    step, batches = compiled_step("mlp_tiny")
    step(*batches[0])
    made: dict[str, Any] = step.programs[0]
    return made


def parts(program: dict[str, Any]) -> list[tuple[int, dict[str, Any], int, int]]:
    """Of each piece of the arena that an instruction names: the whole that it is in, itself, and when it is in use.

    It is from the first instruction that names it on, as long as one names the whole or anything in it.
    """
    memory = program["memory"]
    first, last, whole = {}, {}, {}
    for at, instruction in enumerate(program["instructions"]):
        for place in instruction["operands"]:
            if place < 0 or memory[place]["home"] != "arena":
                continue
            whole[place] = place
            while memory[whole[place]]["inside"] >= 0:
                whole[place] = memory[whole[place]]["inside"]
            first.setdefault(place, at)
            last[whole[place]] = at
    return [(whole[place], memory[place], first[place], last[whole[place]]) for place in first]


def check_arena(program: dict[str, Any]) -> None:
    used = parts(program)
    assert all(0 <= one["offset"] <= one["offset"] + one["bytes"] <= program["arena_bytes"] for _, one, _, _ in used)
    together = [
        sorted((one, other), key=lambda memory: memory["offset"])
        for (inside, one, first, last), (beside, other, begin, end) in itertools.combinations(used, 2)
        if inside != beside and first <= end and begin <= last
    ]
    assert together
    assert all(lower["offset"] + lower["bytes"] <= upper["offset"] for lower, upper in together)


@pytest.mark.parametrize("name", ["mlp_tiny", "lenet", "gpt_char"])
def test_values_in_the_arena_that_are_in_use_together_lie_apart(name: str) -> None:
    step, batches = compiled_step(name)
    step.plan(*batches[0])
    check_arena(step.programs[0])


@pytest.mark.parametrize("layers", [4, 12])
def test_activations_lie_where_gradients_are_not_yet_written(layers: int) -> None:
    """Those of all layers but the first fit into the gradients of the layers before them."""
    model = pt.nn.Sequential(*[part for _ in range(layers) for part in (pt.nn.Linear(64, 64), pt.nn.GELU())])
    optimizer = pt.optim.AdamW(model, lr=1e-3)
    loss_and_grads = pt.nn.value_and_grad(model, lambda x: (model(x) ** 2).mean())

    def step(x: pt.Tensor) -> None:
        optimizer.update(loss_and_grads(x)[1])

    compiled = pt.compile(step)
    compiled.plan(pt.zeros((32, 64)))
    program = compiled.programs[0]
    check_arena(program)
    gradient, activation = layers * (64 * 64 + 64) * 4, 32 * 64 * 4
    assert program["arena_bytes"] <= gradient + 6 * activation


def test_a_piece_lies_inside_of_the_whole(program: dict[str, Any]) -> None:
    pieces = [one for one in program["memory"] if one["inside"] >= 0]
    assert pieces, "gradients are written into the flat gradient"
    for one in pieces:
        whole = program["memory"][one["inside"]]
        assert whole["offset"] <= one["offset"]
        assert one["offset"] + one["bytes"] <= whole["offset"] + whole["bytes"]


def test_slots_have_their_names(program: dict[str, Any]) -> None:
    names = {one["name"] for one in program["memory"] if one["home"] == "slot"}
    assert "optimizer.parameters.0" in names
