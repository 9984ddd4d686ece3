"""Batches: what is joined, what waits, and that an answer does not depend on the others."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from powertrain_serve.batching import Job, Worker
from powertrain_serve.errors import RefusedError
from powertrain_serve.model import Model
from powertrain_serve.waiting import Deadlines, Outbox

SOON = 1e9


class Slow:
    """A model that writes down its batches, and computes when it is let."""

    def __init__(self) -> None:
        self.batches: list[list[float]] = []
        self.gate = threading.Event()
        self.entered = threading.Event()

    def answers(self, rows: Any) -> Any:
        self.entered.set()
        assert self.gate.wait(10)
        self.batches.append(rows[:, 0].tolist())
        if (rows < 0).any():
            raise ValueError("a negative one")
        return rows * 2


def rows(*values: float) -> Any:
    return np.array(values, dtype=np.float32)[:, None]


def got(job: Future[Any]) -> Any:
    """The answers to a job, put together."""
    return np.concatenate(job.result(10))


@pytest.fixture
def model() -> Any:
    return Slow()


def begun(worker: Worker, model: Any) -> Future[Any]:
    """A first job, which is in the engine."""
    first = worker.submit(model, rows(0), SOON)
    assert model.entered.wait(10)
    return first


def test_what_waits_is_computed_together(model: Any) -> None:
    worker = Worker(batch=8, wait=0, queue=10)
    first = begun(worker, model)
    others = [worker.submit(model, rows(number), SOON) for number in (1, 2, 3)]
    model.gate.set()
    assert [got(one).tolist() for one in [first, *others]] == [[[0]], [[2]], [[4]], [[6]]]
    worker.close()
    assert model.batches == [[0], [1, 2, 3]]


def test_a_large_request_is_cut_and_lets_others_in_between(model: Any) -> None:
    worker = Worker(batch=4, wait=0, queue=10)
    begun(worker, model)
    large = worker.submit(model, rows(*range(10, 20)), SOON)
    small = worker.submit(model, rows(1), SOON)
    model.gate.set()
    assert got(large)[:, 0].tolist() == [2 * value for value in range(10, 20)]
    assert got(small).tolist() == [[2]]
    worker.close()
    assert model.batches == [[0], [10, 11, 12, 13], [1, 14, 15, 16], [17, 18, 19]]


def test_models_are_not_mixed(model: Any) -> None:
    other = Slow()
    other.gate.set()
    worker = Worker(batch=4, wait=0, queue=10)
    begun(worker, model)
    jobs = [worker.submit(one, rows(number), SOON) for number, one in enumerate([other, model, other])]
    model.gate.set()
    assert [got(job)[0, 0] for job in jobs] == [0, 2, 4]
    worker.close()
    assert other.batches == [[0, 2]] and model.batches == [[0], [1]]


def test_one_that_fails_does_not_fail_the_others(model: Any) -> None:
    worker = Worker(batch=8, wait=0, queue=10)
    begun(worker, model)
    good, bad, last = (worker.submit(model, rows(number), SOON) for number in (1, -1, 2))
    model.gate.set()
    assert got(good).tolist() == [[2]] and got(last).tolist() == [[4]]
    with pytest.raises(ValueError, match="a negative one"):
        bad.result(10)
    worker.close()


def test_a_fault_of_what_watches_fails_no_request(model: Any) -> None:
    """Nor does it end the thread that runs the engine."""
    told = []

    def batched(model: Any, examples: int, seconds: float) -> None:
        told.append(examples)
        raise RuntimeError("a fault of the metrics")

    model.gate.set()
    worker = Worker(batch=8, wait=0, queue=10, batched=batched)
    assert [got(worker.submit(model, rows(number), SOON)).tolist() for number in (1, 2)] == [[[2]], [[4]]]
    worker.close()
    assert told == [1, 1]


def test_outputs_that_are_none_fail_their_request_alone(model: Any) -> None:
    class Odd(Slow):
        def answers(self, rows: Any) -> Any:
            return None

    model.gate.set()
    worker = Worker(batch=8, wait=0, queue=10)
    odd: Any = Odd()
    with pytest.raises(TypeError):
        worker.submit(odd, rows(1), SOON).result(10)
    assert got(worker.submit(model, rows(2), SOON)).tolist() == [[4]]
    worker.close()


def test_a_full_queue_and_an_ended_server_refuse(model: Any) -> None:
    worker = Worker(batch=8, wait=0, queue=2)
    begun(worker, model)
    kept = [worker.submit(model, rows(1), SOON) for _ in range(2)]
    with pytest.raises(RefusedError) as refused:
        worker.submit(model, rows(1), SOON)
    assert (refused.value.status, refused.value.retry_after) == (429, 1)
    with pytest.raises(RefusedError):  # a copy may fill only a share of the queue
        worker.submit(model, rows(1), SOON, share=0.5)
    model.gate.set()
    worker.close()  # what waits is answered
    assert [got(one).tolist() for one in kept] == [[[2]], [[2]]]
    with pytest.raises(RefusedError) as refused:
        worker.submit(model, rows(1), SOON)
    assert refused.value.status == 503


def test_what_is_late_or_cancelled_is_not_computed(model: Any) -> None:
    worker = Worker(batch=8, wait=0, queue=10)
    begun(worker, model)
    late = worker.submit(model, rows(1), time.monotonic() - 1)
    cancelled = worker.submit(model, rows(2), SOON)
    assert cancelled.cancel()
    good = worker.submit(model, rows(3), SOON)
    model.gate.set()
    assert got(good).tolist() == [[6]]
    with pytest.raises(RefusedError) as refused:
        late.result(10)
    assert refused.value.status == 503
    worker.close()
    assert model.batches == [[0], [3]]


def test_it_waits_only_while_requests_are_being_read(model: Any) -> None:
    model.gate.set()
    reading = [0]
    worker = Worker(batch=8, wait=5, queue=10, reading=lambda: reading[0])
    began = time.monotonic()
    worker.submit(model, rows(1), SOON).result(10)
    assert time.monotonic() - began < 2  # nobody else is there
    reading[0] = 1
    one = worker.submit(model, rows(1), SOON)
    time.sleep(0.1)
    assert not one.done()
    reading[0] = 0
    two = worker.submit(model, rows(2), SOON)
    assert got(one).tolist() == [[2]] and got(two).tolist() == [[4]]
    worker.close()
    assert model.batches == [[1], [1, 2]]


@pytest.fixture(scope="module")
def whole(digits: Path) -> Model:
    made = Model.of_folder("digits", "1", digits, False, None)
    made.warm(64)
    return made


def test_an_answer_has_the_same_bits_in_every_batch(whole: Model, images: Any) -> None:
    """Alone, in a batch of any size, at any place in it, and beside any others."""
    alone = np.concatenate([whole.answers(image[None]).outputs for image in images])
    noise = np.random.default_rng(0)
    for size in (2, 3, 4, 5, 8, 13, 16, 31, 32, 40):
        chosen = noise.permutation(len(images))[:size]
        assert whole.answers(images[chosen]).outputs.tobytes() == alone[chosen].tobytes(), size


def test_programs_are_made_before_requests_come(digits: Path, images: Any) -> None:
    made = Model.of_folder("digits", "1", digits, False, None)
    made.warm(8)
    programs = made.run.run.evaluations._computer.programs
    traces = {size: program.traces for (_, _, size), program in programs.items()}
    assert traces == {1: 1, 2: 1, 4: 1, 8: 1} and made.output_shape == (10,)
    for count in range(1, 9):
        made.answers(images[:count])
    assert {size: program.traces for (_, _, size), program in programs.items()} == traces


class Pieces:
    """A text of some pieces, which notes when each is written."""

    def __init__(self, name: str, count: int, told: list[str]) -> None:
        self.name, self.left, self.told = name, count, told

    def step(self) -> bool:
        self.told.append(self.name)
        self.left -= 1
        if self.left < 0:
            raise AssertionError("a step behind the end")
        return self.left > 0


def test_the_thread_keeps_no_model_that_it_has_asked(model: Any) -> None:
    worker = Worker(batch=8, wait=0, queue=10)
    model.gate.set()
    asked: Any = Slow()
    asked.gate.set()
    assert got(worker.submit(asked, rows(1), SOON)).tolist() == [[2]]
    gone = weakref.ref(asked)
    del asked
    until = time.monotonic() + 10
    while gone() is not None and time.monotonic() < until:
        gc.collect()
        time.sleep(0.01)
    assert gone() is None
    worker.close()


def test_texts_take_turns_and_wait_where_too_many_are_written(model: Any) -> None:
    told: list[str] = []
    worker = Worker(batch=8, wait=0, queue=10, texts=2)
    first = begun(worker, model)
    for name, count in (("a", 3), ("b", 1), ("c", 2)):
        worker.write(Pieces(name, count, told))  # type: ignore[arg-type]
    later = worker.submit(model, rows(1), SOON)
    assert len(worker) == 4
    model.gate.set()
    assert got(first).tolist() == [[0]] and got(later).tolist() == [[2]]
    worker.close()  # what is being written is written
    assert told == ["a", "b", "a", "c", "a", "c"] and model.batches == [[0], [1]] and worker.writing == 0


def test_texts_count_in_the_queue(model: Any) -> None:
    worker = Worker(batch=8, wait=0, queue=1)
    begun(worker, model)
    worker.write(Pieces("a", 1, []))  # type: ignore[arg-type]
    with pytest.raises(RefusedError) as refused:
        worker.write(Pieces("b", 1, []))  # type: ignore[arg-type]
    assert refused.value.status == 429
    model.gate.set()
    worker.close()
    with pytest.raises(RefusedError) as refused:
        worker.write(Pieces("c", 1, []))  # type: ignore[arg-type]
    assert refused.value.status == 503


def test_what_the_caller_computes_is_cut_into_batches_and_a_fault_fails_alone(model: Any) -> None:
    worker = Worker(batch=4, wait=0, queue=10)
    model.gate.set()
    jobs = [Job(model, rows(number), SOON, Future()) for number in (1, 2, 3, 4, -1, 5)]
    worker.run_here(jobs)
    worker.close()
    assert model.batches[0] == [1, 2, 3, 4]
    for job, number in zip(jobs, (1, 2, 3, 4, -1, 5), strict=True):
        if number < 0:
            assert isinstance(job.done.exception(0), ValueError)  # type: ignore[union-attr]
        else:
            assert got(job.done).tolist() == [[2 * number]]  # type: ignore[arg-type]


def test_a_block_that_is_late_ends_and_one_that_is_in_time_does_not() -> None:
    async def waited(deadline: float, seconds: float, deadlines: Deadlines | None = None) -> str:
        with (deadlines or Deadlines()).until(time.monotonic() + deadline):
            await asyncio.sleep(seconds)
        return "done"

    assert asyncio.run(waited(5.0, 0.01)) == "done"
    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(waited(0.05, 5.0))

    async def cancelled() -> None:
        task = asyncio.ensure_future(waited(5.0, 5.0))
        await asyncio.sleep(0.01)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())

    async def several() -> list[Any]:
        """Of the same timer: those that are late, whenever they began, and no other."""
        deadlines = Deadlines()
        given = [(5.0, 0.3), (0.2, 5.0), (0.1, 5.0), (5.0, 0.01), (0.15, 5.0)]
        return await asyncio.gather(*(waited(*one, deadlines) for one in given), return_exceptions=True)

    began = time.monotonic()
    found = asyncio.run(several())
    assert time.monotonic() - began < 3
    assert [one if one == "done" else type(one) for one in found] == [
        "done", asyncio.TimeoutError, asyncio.TimeoutError, "done", asyncio.TimeoutError,
    ]  # fmt: skip


def test_answers_of_a_batch_come_to_the_loop_together() -> None:
    async def asked() -> tuple[list[Any], int]:
        outbox, crossings = Outbox(), []
        loop = asyncio.get_running_loop()
        waiting = [outbox.awaited() for _ in range(4)]
        waiting[1].future.cancel()
        for number, one in enumerate(waiting[:3]):
            if one.set_running_or_notify_cancel():
                one.set_result(number)
        waiting[3].set_exception(ValueError("mine"))
        call = loop.call_soon_threadsafe
        loop.call_soon_threadsafe = lambda *given: (crossings.append(given), call(*given))[1]  # type: ignore
        await loop.run_in_executor(None, outbox.flush)
        found = await asyncio.gather(*(one.future for one in waiting), return_exceptions=True)
        return found, sum(given[0] == outbox.deliver for given in crossings)

    found, crossings = asyncio.run(asked())
    assert found[0] == 0 and found[2] == 2 and isinstance(found[1], asyncio.CancelledError)
    assert str(found[3]) == "mine" and crossings == 1
