"""Every op's case file on a simulated GPU, beside the CPU: a sample of its calls, and with `-m long` all of them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator

import pytest

import powertrain as pt
from calls import call, first_dtype, float_elements, to_array
from device_cases import FILES, NAMES, Trial, extremes, trials, trials_of
from extremes import CHANGES, STRUCTURED
from oracles import same_bits
from simulated_gpu import simulated_gpus

GPU = simulated_gpus()[0]

# Ops that add in another order there, by kernels of matrix products. All others have the CPU's bits.
IN_ANOTHER_ORDER = (
    "attention", "conv1d", "conv2d", "conv2d_grad_input", "conv2d_grad_weight", "linear", "matmul", "quantized_linear",
    "quantized_matmul", "scaled_dot_product_attention",
)  # fmt: skip

# And single calls of another op: the CPU computes them by tiles, the device directly (docs/numerics.md).
BY_TILES = {"conv2d_kernel": "normal((3, 3, 33, 34)"}

# Ops that the device refuses in every way: they, or what they are defined by, have neither plan nor definition.
REFUSED: tuple[str, ...] = ()

SAMPLED = 3000  # float elements of a call in the sample, at most


def outcome(trial: Trial) -> str:
    """ "same", "close" or "refused"; raises where the device is wrong."""
    want = [to_array(y) for y in trial.run()]
    with pt.device(GPU):
        try:
            made = trial.run()
        except pt.KernelError as error:
            assert " has no plan for it" in str(error), f"{trial.where}: {error}"
            return "refused"
        assert {str(y.device) for y in made} <= {GPU}, trial.where
        if all(map(same_bits, map(to_array, made), want)):
            return "same"
        trial.check(made)
    return "close"


def in_another_order(name: str, trial: Trial) -> bool:
    return name in IN_ANOTHER_ORDER or (name in BY_TILES and BY_TILES[name] in trial.where)


def examined(name: str, tried: Iterable[Trial]) -> list[tuple[str, str]]:
    """The ways that were tried, and their outcomes."""
    found = []
    for trial in tried:
        found.append((trial.way, outcome(trial)))
        assert found[-1][1] != "close" or in_another_order(name, trial), f"{trial.where}: not the CPU's bits"
    refused = {way for way, how in found if how == "refused"}
    expected = {way for way, _ in found} if name in REFUSED else set()
    assert refused == expected, f"{name}: refused are {refused}, expected {expected}"
    return found


def sample(name: str) -> Iterator[Trial]:
    """A few calls in each way, and with some extremes; other ones for each op."""
    rng = random.Random(name)
    cases = [case for case in FILES[name].CASES if float_elements(case) <= SAMPLED]
    smooth = [case for case in cases if case.differentiable and float_elements(case)] or cases
    for case in rng.sample(smooth, min(len(smooth), 3)):
        ways: dict[str, list[Trial]] = {}
        for trial in trials_of(name, case):
            ways.setdefault(trial.way, []).append(trial)
        yield from (rng.choice(tried) for tried in ways.values())
    if name in STRUCTURED:
        found = list(extremes(name, rng.choice(list(CHANGES)), first_dtype(FILES[name])))
        yield from rng.sample(found, min(len(found), 2))


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_of_calls(name: str) -> None:
    examined(name, sample(name))


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_every_call(name: str) -> None:
    outcomes = {how for _, how in examined(name, trials(name))}
    assert ("close" in outcomes) == (name in (*IN_ANOTHER_ORDER, *BY_TILES)), f"{name} has the CPU's bits"


@pytest.mark.parametrize("name", [name for name in NAMES if hasattr(FILES[name], "ERRORS")])
def test_errors_are_the_same_there(name: str) -> None:
    for case, exception, text in FILES[name].ERRORS:
        with pt.device(GPU), pytest.raises(exception) as caught:
            [to_array(y) for y in call(name, case, "float32")]
        assert str(caught.value) == text


def test_the_tables_name_ops() -> None:
    assert {*IN_ANOTHER_ORDER, *BY_TILES} <= set(NAMES) and set(REFUSED) <= set(NAMES)
