"""Every graph that a pass makes is verified in tests, each draws the same numbers alone as among others, on as many
threads, reports do not render their pictures, and what tests start hears signals."""

import gc
import os
import signal
import threading
from collections.abc import Generator

import pytest

os.environ.setdefault("POWERTRAIN_VERIFY", "1")

# Folders of short tests, which come last: while one of pytest's workers is at a test of half a minute, the others have
# something to do.
SHORT = {"autodiff", "errors", "metrics", "nn", "optim", "recipe", "solvers"}

THREADS = pytest.StashKey[int]()  # that the process began with

# A shell starts what runs in the background deaf to Ctrl-C, and nohup to a hangup; processes that tests start inherit
# it, and then train on where a test expects them to end.
if threading.current_thread() is threading.main_thread():
    for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, usual)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """A million objects are made to be kept: a quarter of the time went into looking for others among them."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """An address in a test's name is another one in each process, and then no process knows what the others run."""
    unclear = [item.nodeid for item in items if " at 0x" in item.nodeid]
    if unclear:
        raise pytest.UsageError(f"names with addresses: {unclear[:3]}; expected words; give parametrize its ids")
    items.sort(key=lambda item: item.path.parent.name in SHORT)


def pytest_collection_finish() -> None:
    """A million objects are there once all tests are known. Who looks for leaks looks at those that come after them."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before the fixtures: a model made without a seed would depend on the tests that its process ran before; so would
    what is written, where one of them only looked at a gradient, and how a step is fused, by the number of threads."""
    import powertrain as pt  # after the environment is set, which the import reads
    import unrendered  # once tests/support is on the path

    pt.random.seed(0)
    pt.set_threads(item.config.stash.setdefault(THREADS, pt.get_threads()))
    pt.end_phase()
    unrendered.choose(item)
