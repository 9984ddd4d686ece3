"""Threads, forks, signals and late optimizers see whole values, and never memory that belongs to somebody else."""

import ctypes
import os
import platform
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import powertrain as pt
from c_library import build, needs_compiler
from interrupted import is_interrupted_beside_a_thread


def in_child(program, timeout=60):
    """Runs a program in a process of its own; its output."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
    return done.stdout.strip()


def test_an_optimizer_made_after_a_trace_moves_the_parameters_under_it():
    model = pt.nn.Linear(4, 3)
    predict = pt.compile(lambda x: model(x))
    x = np.ones((2, 4), np.float32)
    before = np.array(predict(x))
    optimizer = pt.optim.SGD(model, lr=0.5)
    assert model.weight.base is not None
    np.testing.assert_array_equal(np.array(predict(x)), before)

    @pt.compile
    def step(x):
        loss, grads = pt.nn.value_and_grad(model, lambda: model(x).sum())()
        optimizer.update(grads)
        return loss

    step(x)
    np.testing.assert_array_equal(np.array(predict(x)), np.array(model(pt.asarray(x))))
    assert not np.array_equal(np.array(predict(x)), before)


def test_slots_of_a_step_that_share_memory_later_are_written_once():
    a, b = pt.Slot(pt.zeros((3,)), "a"), pt.Slot(pt.ones((3,)), "b")

    @pt.compile
    def step():
        old = a.value
        a.value = b.value + 1
        b.value = old + 10
        return old

    step()
    kept = a.value
    pt.flatten_slots([a, b], "both")
    step()
    np.testing.assert_array_equal(np.array(a.value), np.full(3, 11 + 0.0))
    np.testing.assert_array_equal(np.array(b.value), np.full(3, 12.0))
    np.testing.assert_array_equal(np.array(kept), np.full(3, 2.0))


def test_what_another_thread_reads_while_a_step_trains_never_changes():
    # Every step adds one to each element: a value that is read has one number, and keeps it.
    weights = pt.Slot(pt.zeros((1 << 18,)), "weights")

    @pt.compile
    def step():
        weights.value = weights.value + 1.0
        return weights.value[0]

    step()
    stop = threading.Event()
    wrong = []

    def read():
        while not stop.is_set():
            value = weights.value
            first, again = np.array(value), np.array(value)
            if first.min() != first.max() or not np.array_equal(first, again):
                wrong.append((first.min(), first.max(), again.min(), again.max()))

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for _ in range(300):
        step()
    stop.set()
    for reader in readers:
        reader.join()
    assert not wrong
    assert float(weights.value[0].item()) == 301.0


def test_threads_share_a_compiled_function_of_more_shapes_than_it_keeps():
    model = pt.nn.Sequential(pt.nn.Linear(16, 32), pt.nn.ReLU(), pt.nn.Linear(32, 4))
    predict = pt.compile(lambda x: model(x), limit=2)
    inputs = [np.full((n, 16), 0.25, np.float32) for n in (1, 2, 3, 5, 8, 13)]
    want = [np.array(model(pt.asarray(x))) for x in inputs]

    def call(seed):
        for i in range(60):
            k = (i * 7 + seed) % len(inputs)
            np.testing.assert_array_equal(np.array(predict(inputs[k])), want[k])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(call, range(4)))


def test_two_threads_write_one_model_one_after_the_other():
    count = pt.Slot(pt.zeros((1 << 16,)), "count")
    steps = []
    for _ in range(2):

        @pt.compile
        def step():
            count.value = count.value + 1.0
            return count.value[0]

        steps.append(step)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda step: [step() for _ in range(200)], steps))
    np.testing.assert_array_equal(np.array(count.value), np.full(1 << 16, 400.0))


def test_a_flat_slot_is_not_laid_out_again_under_its_pieces():
    slot = pt.Slot(pt.ones((3,)), "piece")
    flat = pt.flatten_slots([slot], "flat")
    with pytest.raises(pt.Error) as raised:
        pt.flatten_slots([flat], "flatter")
    assert str(raised.value) == (
        "[flatten_slots] flat holds other slots, which are pieces of it; expected slots of their own; make new slots "
        "of the values of its pieces"
    )
    np.testing.assert_array_equal(slot.numpy(), np.ones(3))


FORK = """
import os, threading, time
import numpy as np
import powertrain as pt
pt.set_threads({threads})
w = pt.Slot(pt.zeros((1 << 20,)), "w")
m = pt.Slot(pt.full((256, 256), 0.001), "m")
@pt.compile
def step():
    w.value = w.value + 1.0
    m.value = (m.value @ m.value) @ m.value
    return w.value[0]
step()
stop = False
def train():
    while not stop:
        step()
thread = threading.Thread(target=train)
thread.start()
for i in range(15):
    time.sleep(0.003)
    child = os.fork()
    if child == 0:
        value = np.array(w.value)
        assert value.min() == value.max(), (value.min(), value.max())
        step(); step()
        assert float(w.value[5].item()) == value[0] + 2
        os._exit(0)
    end = time.time() + 20
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            assert status == 0, status
            break
        assert time.time() < end, "the child hangs"
        time.sleep(0.001)
stop = True
thread.join()
print("whole")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
@pytest.mark.parametrize("threads", [1, 2])
def test_a_child_of_a_fork_while_another_thread_trains_has_whole_values_and_goes_on(threads):
    assert in_child(FORK.format(threads=threads)) == "whole"


ENDLESS = """
import os, threading, time
import powertrain as pt
w = pt.Slot(pt.zeros((4,)), "w")
@pt.compile
def step():
    w.value = pt.while_loop(lambda x: (x >= 0).all(), lambda x: x * 1.0, w.value)
threading.Thread(target=step, daemon=True).start()
time.sleep(0.5)
child = os.fork()
if child == 0:
    for read in (lambda: w.value, step, step):
        try:
            read()
        except pt.Error as error:
            print(error, flush=True)
    w.value = -pt.ones((4,))
    step()
    print(w.value.numpy().tolist(), flush=True)
    os._exit(0)
os.waitpid(child, 0)
os._exit(0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_a_slot_that_a_fork_cut_off_is_refused_until_it_is_assigned():
    refusal = (
        "[slot w] was being written by another thread when this process was forked; expected a fork between steps; "
        "fork earlier, or load the state from a checkpoint"
    )
    assert in_child(ENDLESS).splitlines() == [refusal, refusal, refusal, "[-1.0, -1.0, -1.0, -1.0]"]


FORK_AMONG_WAITING = """
import os, threading, time
import powertrain as pt
pt.set_threads(1)
w = pt.Slot(pt.full((384, 384), 0.001), "w")
@pt.compile
def step():
    w.value = (w.value @ w.value) @ w.value
    return w.value[0]
@pt.compile
def guarded():
    w.value = pt.guard((w.value @ w.value) / 0.0)
step()
stop = False
def train():
    while not stop:
        step()
        try:
            guarded()
        except pt.NonFiniteError:
            pass
threads = [threading.Thread(target=train) for _ in range(4)]
for thread in threads:
    thread.start()
longest = 0
for i in range(12):
    time.sleep(0.02)
    start = time.monotonic()
    child = os.fork()
    if child == 0:
        w.value
        step()
        os._exit(0)
    longest = max(longest, time.monotonic() - start)
    assert os.waitpid(child, 0)[1] == 0
stop = True
for thread in threads:
    thread.join()
print("prompt" if longest < 4 else longest)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_a_fork_waits_for_no_thread_that_waits_itself_and_refuses_no_slot_that_it_holds():
    assert in_child(FORK_AMONG_WAITING) == "prompt"


AT_EXIT = """
import threading, time
import powertrain as pt
w = pt.Slot(pt.full((256, 256), 0.001), "w")
@pt.compile
def step():
    w.value = (w.value @ w.value) @ w.value
@pt.compile
def forever():
    return pt.while_loop(lambda x: x >= 0, lambda x: x * 1.0, pt.ones(()))
step()
def train():
    while True:
        step()
threads = [threading.Thread(target=train, daemon=True) for _ in range(2)]
threads.append(threading.Thread(target=forever, daemon=True))
for thread in threads:
    thread.start()
time.sleep(0.3)
print("done")
"""


def test_daemon_threads_in_a_step_do_not_crash_the_end_of_the_process():
    assert in_child(AT_EXIT) == "done"


LOADING_AT_EXIT = """
import threading
import numpy as np
from powertrain import _core
table, rows = np.zeros((1 << 16, 64), np.uint8), np.arange(1 << 16)
numbers, out = np.ones((3, 64), np.float32), np.empty((1 << 16, 64), np.float32)
calls = [
    lambda: _core.permutation(1 << 18, 1, 2, 3), lambda: _core.take_rows([table], rows),
    lambda: _core.scaled_rows(table, rows, numbers, out, False), lambda: _core.measure_roofline(0.01),
]
ready = threading.Semaphore(0)
def work(call):
    call()
    ready.release()
    while True:
        call()
for call in calls:
    threading.Thread(target=work, args=(call,), daemon=True).start()
for call in calls:
    ready.acquire()
print("done")
"""


def test_daemon_threads_that_make_batches_do_not_crash_the_end_of_the_process():
    """They are without the interpreter's lock, and ask for it when there is none any more."""
    for _ in range(4):
        assert in_child(LOADING_AT_EXIT) == "done"


@pytest.mark.skipif(os.name == "nt", reason="a C library under another name")
def test_daemon_threads_in_the_engine_outlive_the_interpreter():
    """They ask for the interpreter's lock now and then, here when there is neither a lock nor an interpreter: between
    Python's end and that of the process, getchar waits for the end of its input."""
    code = AT_EXIT.replace("import threading, time\n", "import ctypes, threading, time\n").replace(
        'print("done")',
        "libc, kept = ctypes.CDLL(None), ctypes.c_void_p\n"
        "libc.__cxa_atexit(ctypes.cast(libc.getchar, kept), None, None)\nprint('done', flush=True)",
    )
    children = [
        subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)  # since some end their loops before, as they should
    ]
    for child in children:
        assert child.stdout is not None and child.stdout.readline() == "done\n"
    time.sleep(0.5)  # ten times as long as a loop computes without asking
    for child in children:
        child.communicate(timeout=60)
    assert [child.returncode for child in children] == [0] * 4


@pytest.mark.parametrize("compiled", [False, True])
def test_a_loop_without_end_can_be_interrupted_and_blocks_no_thread(compiled):
    def forever(x):
        return pt.while_loop(lambda x: x >= 0, lambda x: x * 1.0, x)

    is_interrupted_beside_a_thread(lambda: (pt.compile(forever) if compiled else forever)(pt.ones(())))


@pytest.mark.parametrize("op", [pt.sum, lambda x: pt.var(x, -1)])
def test_a_long_call_can_be_interrupted_and_blocks_no_thread(op):
    endless = np.broadcast_to(np.ones(()), (2**20, 2**20))  # a quarter of an hour on two cores
    is_interrupted_beside_a_thread(lambda: op(endless))


def test_an_exception_of_a_signal_handler_in_a_long_scan_commits_nothing():
    total = pt.Slot(pt.zeros(()), "total")

    @pt.compile
    def step(x):
        last, _ = pt.scan(lambda s, row: (s + row.sum() * 0.0, None), total.value + 1.0, x)
        total.value = last
        return last

    class StopError(Exception):
        pass

    def handle(signum, frame):
        raise StopError("enough")

    before = signal.signal(signal.SIGALRM, handle)
    try:
        step(np.zeros((3, 64), np.float32))
        x = np.zeros((3_000_000, 64), np.float32)
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with pytest.raises(StopError, match="enough"):
            step(x)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert total.value.item() == 1.0


HANDLER = """
import signal
import numpy as np
import powertrain as pt
total = pt.Slot(pt.zeros(()), "total")
@pt.compile
def step(x):
    last, _ = pt.scan(lambda s, row: (s + row.sum() * 0.0, None), total.value + 1.0, x)
    total.value = last
def scan():
    return pt.scan(lambda s, row: (s + row.sum() * 0.0, None), pt.ones(()), np.zeros((2, 64), np.float32))
x = np.zeros((3_000_000, 64), np.float32)
for ask in (lambda: total.value, lambda: step(x), scan):
    signal.signal(signal.SIGALRM, lambda number, frame: ask())
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        step(x)
    except pt.Error as error:
        print(error)
    print(total.value.item())
"""


def test_a_signal_handler_in_a_loop_is_refused_what_the_step_holds():
    refusal = (
        "[interrupt] a signal handler or a finalizer that ran within a step or a long call asked for a slot, a loop or "
        "a compiled function that this step may be using; expected one that uses none of them; set a flag in it, and "
        "look at the flag after the step"
    )
    assert in_child(HANDLER).splitlines() == [refusal, "0.0"] * 3


def test_an_interrupt_is_not_taken_for_the_bad_index_that_follows_it():
    table = pt.ones((4,))

    def body(state, row):
        index = pt.while_loop(lambda i: i >= 0, lambda i: i * 1, row)
        return state + table[index], None

    class StopError(Exception):
        pass

    def handle(signum, frame):
        raise StopError("enough")

    before = signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(StopError, match="enough"):
            pt.scan(body, pt.zeros(()), np.full(2, 1000))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


OUT_OF_MEMORY = """
import resource
import numpy as np
import powertrain as pt
pt.set_threads(2)
def body(s, row):
    big = pt.ones((1 << 12, 1 << 12)) * s
    return (big @ big).sum() * 0.0 + s, None
x = np.ones((2,), np.float32)
pt.matmul(pt.ones((512, 512)), pt.ones((512, 512)))
limit = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize() + (40 << 20)
soft, hard = resource.getrlimit(resource.RLIMIT_AS)
resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
for run in (pt.scan, pt.compile(lambda f, s, x: pt.scan(body, s, x))):
    try:
        run(body, pt.ones(()), x) if run is pt.scan else run(None, pt.ones(()), x)
    except pt.OutOfMemoryError as error:
        assert isinstance(error, MemoryError) and str(error).startswith("[memory]"), error
        print("refused")
resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
last, _ = pt.scan(body, pt.ones(()), x)
print(last.item())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limit of a process's memory is Linux's")
def test_a_scan_that_is_out_of_memory_is_an_error_and_the_next_one_runs():
    assert in_child(OUT_OF_MEMORY).split() == ["refused", "refused", "1.0"]


@needs_compiler
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="the library sets the mode of x86")
def test_results_do_not_depend_on_the_callers_floating_point_mode(tmp_path):
    # What a library that was built with -ffast-math does to the thread that loads it.
    source = """
        #include <xmmintrin.h>
        unsigned set_mode(unsigned mode) { unsigned old = _mm_getcsr(); _mm_setcsr(mode); return old; }
        """
    library = ctypes.CDLL(str(build(source, tmp_path / "mode.so")))
    x = np.full(1000, 1e-39, np.float32)
    step = pt.compile(lambda x: (x * 0.5).sum() + x[3])
    want = np.array(step(x)), np.array(pt.asarray(x) * 0.5)
    assert want[1].min() > 0
    flush_to_zero = 0x8040
    before = library.set_mode(0x1F80 | flush_to_zero)
    try:
        got = np.array(step(x)), np.array(pt.asarray(x) * 0.5)
        mode = library.set_mode(0x1F80 | flush_to_zero)
    finally:
        library.set_mode(before)
    assert mode & 0xFFC0 == 0x1F80 | flush_to_zero
    for a, b in zip(want, got, strict=True):
        np.testing.assert_array_equal(a.view(np.uint32), b.view(np.uint32))
