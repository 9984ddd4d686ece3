"""Threads decide how launches are cut, never a bit: random calls, whole trainings, and what a program is kept by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

import fuzz_children
import powertrain as pt
import thread_trials
import training_programs

ISAS = ("avx512", "avx2", "neon", "generic")
SAMPLE = range(10 * len(thread_trials.FAMILIES))
FEW_THREADS = (1, 2, 3, 5, 6, 7, 8, 11, 12, 14, 16)
MANY = range(500)


def wrong(family: str, isa: str, seeds: range, threads: Sequence[int]) -> list[str]:
    if not fuzz_children.has_isa(isa):
        pytest.skip(f"this build or this processor lacks {isa}")
    command = thread_trials.child(family, threads)
    answers = list(fuzz_children.Children().answers(command, seeds, POWERTRAIN_ISA=isa))
    assert [answer.seed for answer in answers] == list(seeds)
    return [f"{family} {answer.seed}: {line}" for answer in answers for line in answer.wrong]


@pytest.mark.parametrize("isa", ISAS)
def test_some_calls_of_every_family(isa: str) -> None:
    found = wrong("every", isa, SAMPLE, FEW_THREADS)
    assert not found, "\n".join(found)


@pytest.mark.long
@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("family", thread_trials.FAMILIES)
def test_many_calls(family: str, isa: str) -> None:
    found = wrong(family, isa, MANY, thread_trials.ALL_THREADS)
    assert not found, "\n".join(found)


# What the last rows of a region once left out: its tiles were half as wide as its panels.
TWO_ROWS_LEFT = {7: (64, 8, 8), 14: (32, 4, 4), 8: (8, 16, 16)}


@pytest.mark.parametrize("threads", TWO_ROWS_LEFT)
def test_the_last_two_rows_of_a_gradient_of_weights(threads: int) -> None:
    image = TWO_ROWS_LEFT[threads]
    case = thread_trials.Case(
        thread_trials.normal((*image, 32)), thread_trials.normal((*image, 64)), kernel_size=(3, 3), padding=1
    )
    trial = thread_trials.trial_of("conv2d_grad_weight", case, "float32")
    _, found = thread_trials.problems(trial, (threads, *thread_trials.ALL_THREADS))
    assert not found, "\n".join(found)


def test_a_wrong_result_of_some_threads_is_seen() -> None:
    trial = thread_trials.FAMILIES["epilogues"](np.random.default_rng(0))
    right = trial.function
    flawed = thread_trials.replace(trial, function=lambda *t: [right(*t)[0] + (1e-6 if pt.get_threads() == 3 else 0)])
    _, found = thread_trials.problems(flawed, (1, 2, 3, 4))
    assert found == [f"{trial.told}, result 0, 3 threads: other bits than with 1"]
    always = thread_trials.replace(trial, function=lambda *t: [right(*t)[0] + 1.0])
    assert len(thread_trials.problems(always, (1,))[1]) == 1


@pytest.mark.parametrize("name", training_programs.PROGRAMS)
def test_a_training_is_the_same_on_any_threads(name: str) -> None:
    digests = {}
    for threads in thread_trials.ALL_THREADS:
        pt.set_threads(threads)
        digests[threads] = training_programs.run(name, steps=3)
    assert len(set(digests.values())) == 1, digests


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("rows", [128, 131])
def test_packing_for_others_is_shared_evenly(rows: int, turned: bool, dtype: str) -> None:
    """Three blocks of K for two threads once gave one of them twice the work."""
    rng = np.random.default_rng(0)
    sizes = (700, rows) if turned else (rows, 700)
    a = pt.tensor(rng.standard_normal(sizes).astype("float32")).astype(dtype)
    b = pt.tensor(rng.standard_normal((700, 512)).astype("float32")).astype(dtype)
    product = pt.compile(lambda a, b: (a.T if turned else a) @ b)
    results, seen = [], 0
    for threads in (1, 2, 4, 7):
        pt.set_threads(threads)
        results.append(product(a, b).astype("float64").numpy())
        for instruction in product.programs[0]["instructions"]:
            if instruction["note"].startswith("packs an operand"):
                seen += 1
                assert instruction["chunks"] % threads == 0 or threads == 7  # parts of less than 16 rows
    assert seen or not turned or rows % 2 or dtype == "bfloat16"  # rows far apart, and no tile registers
    assert all(np.array_equal(result, results[0]) for result in results)
    left = a.astype("float64").numpy()
    right = (left.T if turned else left) @ b.astype("float64").numpy()
    bound = 700 * np.abs(left).max() * np.abs(b.astype("float64").numpy()).max()
    assert np.abs(results[0] - right).max() <= {"float64": 1e-15, "float32": 1e-7, "bfloat16": 8e-3}[dtype] * bound


def test_a_step_on_other_threads_is_planned_again_and_not_traced_again() -> None:
    calls = 0

    @pt.compile
    def product(a: pt.Tensor, b: pt.Tensor) -> pt.Tensor:
        nonlocal calls
        calls += 1
        return pt.relu(a @ b)

    rng = np.random.default_rng(0)
    a, b = (pt.tensor(rng.standard_normal((300, 300)).astype("float32")) for _ in range(2))
    results, chunks = [], []
    for threads in (1, 16, 1, 16):
        pt.set_threads(threads)
        results.append(product(a, b).numpy())
        chunks.append([instruction["chunks"] for instruction in product.programs[0]["instructions"]])
    assert (calls, product.traces, len(product.programs)) == (1, 1, 2)
    assert chunks[0] == chunks[2] != chunks[1] == chunks[3]
    assert all(np.array_equal(result, results[0]) for result in results)


def test_a_loop_and_a_branch_on_other_threads_are_planned_again() -> None:
    rng = np.random.default_rng(0)
    w, x = (pt.tensor(rng.standard_normal((300, 300)).astype("float32") * 0.05) for _ in range(2))

    def steps(x: pt.Tensor) -> pt.Tensor:
        (last,), _ = pt.scan(lambda state, _: ((pt.tanh(state[0] @ w),), None), (x,), None, length=3)
        return pt.cond(last.sum() > 0, lambda y: y @ w, lambda y: w @ y, last)

    compiled, results = pt.compile(steps), []
    for threads in (1, 3, 7, 16):
        pt.set_threads(threads)
        results += [compiled(x).numpy(), steps(x).numpy()]
    assert all(np.array_equal(result, results[0]) for result in results)
