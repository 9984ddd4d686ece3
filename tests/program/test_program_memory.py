"""`step.programs` says where operands lie: what drawings of a plan are made from."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from powertrain.cli.bench.steps import compiled_step


@pytest.fixture(scope="module")
def program() -> dict[str, Any]:
    step, batches = compiled_step("mlp_tiny")
    step(*batches[0])
    made: dict[str, Any] = step.programs[0]
    return made


def lives(program: dict[str, Any]) -> dict[int, tuple[int, int]]:
    """The first and the last instruction that use each piece of memory, or a part of it."""
    found: dict[int, tuple[int, int]] = {}
    for at, instruction in enumerate(program["instructions"]):
        for operand in instruction["operands"]:
            while operand >= 0:
                found[operand] = (found.get(operand, (at, at))[0], at)
                operand = program["memory"][operand]["inside"]
    return found


def test_values_in_the_arena_that_are_in_use_together_lie_apart(program: dict[str, Any]) -> None:
    whole = [
        (program["memory"][place], life)
        for place, life in lives(program).items()
        if program["memory"][place]["home"] == "arena" and program["memory"][place]["inside"] < 0
    ]
    assert all(0 <= one["offset"] <= one["offset"] + one["bytes"] <= program["arena_bytes"] for one, _ in whole)
    together = [
        sorted((one, other), key=lambda memory: memory["offset"])
        for (one, (first, last)), (other, (begin, end)) in itertools.combinations(whole, 2)
        if first <= end and begin <= last
    ]
    assert together
    assert all(lower["offset"] + lower["bytes"] <= upper["offset"] for lower, upper in together)


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
