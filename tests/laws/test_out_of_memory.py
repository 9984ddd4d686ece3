"""A slot that finds no memory for what it is to hold keeps what it held."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="the limit of a process's memory is Linux's"
)

BEGIN = """
import contextlib, resource
import numpy as np
import powertrain as pt
pt.set_threads(1)

@contextlib.contextmanager
def little_memory():
    "Room for small things, and not for a copy of a slot."
    limit = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize() + (4 << 20)
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    try:
        yield
    except pt.OutOfMemoryError:
        print("refused")
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
"""

# Its values lie in another order than its elements, so the step needs a copy before it writes.
TURNED = """
numbers = np.arange(2500 * 2000, dtype=np.float32).reshape(2500, 2000)
slot = pt.Slot(pt.zeros((2000, 2500)), "turned")
@pt.compile
def step():
    slot.value = slot.value + 1.0
step()
kept = slot.value  # whose memory the copy would take, if it were free
slot.value = pt.tensor(numbers).T
with little_memory():
    step()
print(np.array_equal(slot.numpy(), numbers.T))
step()
print(np.array_equal(slot.numpy(), numbers.T + 1))
"""

# Pieces of a flat slot are read where they lie, so it holds no value with gaps.
WITH_GAPS = """
piece, other = pt.Slot(pt.ones((4_000_000,)), "piece"), pt.Slot(pt.ones((3,)), "other")
flat = pt.flatten_slots([piece, other], "flat")
twice = pt.tensor(np.repeat(np.arange(flat.size, dtype=np.float32), 2))
with little_memory():
    flat.value = twice[::2]
print(set(piece.numpy()) == {1.0}, set(flat.numpy()[:4_000_000]) == {1.0})
flat.value = twice[::2]
print(np.array_equal(piece.numpy(), np.arange(4_000_000)), np.array_equal(flat.numpy(), twice.numpy()[::2]))
"""


@pytest.mark.parametrize(
    ("program", "said"),
    [(TURNED, ["refused", "True", "True"]), (WITH_GAPS, ["refused", "True", "True", "True", "True"])],
    ids=["written by a step", "assigned"],
)
def test_a_slot_without_memory_for_a_copy_keeps_its_value(program: str, said: list[str]) -> None:
    child = [sys.executable, "-c", BEGIN + program]
    done = subprocess.run(child, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split() == said, done.stderr
