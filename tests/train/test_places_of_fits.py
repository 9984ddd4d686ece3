"""pt.fit where nothing can be trained, or where others train or fork."""

import os
import threading

import numpy as np
import pytest

import powertrain as pt
from powertrain.plugin import Callback
from powertrain.train.folder.run_folder import RunError

X = np.random.default_rng(0).normal(size=(64, 3)).astype(np.float32)
Y = np.arange(64) % 2


def made():
    pt.random.seed(0)
    return pt.nn.Sequential(pt.nn.Linear(3, 4), pt.nn.ReLU(), pt.nn.Linear(4, 2))


def fitted(model, **settings):
    return pt.fit(model=model, data=(X, Y), **{"epochs": 2, "batch_size": 16, "verbose": False, **settings})


class Once(Callback):
    """Does something after the first commit."""

    WORK = None

    def __init__(self, params=None):
        super().__init__(params)
        self._done = False

    def after_commit(self, event):
        if not self._done:
            self._done = True
            type(self).WORK()


def doing(work):
    class Doing(Once):
        WORK = staticmethod(work)

    return Doing()


@pytest.mark.parametrize(
    "call",
    [
        lambda train: pt.compile(lambda x: x * train())(X),
        lambda train: pt.grad(lambda x: x.sum() * train())(X),
        lambda train: pt.vmap(lambda x: x * train())(X),
        lambda train: pt.scan(lambda state, x: (state * train(), x), X[0], X),
    ],
    ids=["compile", "grad", "vmap", "scan"],
)
def test_a_function_that_is_recorded_trains_nothing(call):
    model = made()
    before = model[0].weight.value.numpy().copy()
    with pytest.raises(RunError) as caught:
        call(lambda: fitted(model).results["train"]["loss"])
    assert str(caught.value) == (
        "[fit] was called inside of a traced function or of a gradient, which records ops; expected a call of its own; "
        "call pt.fit outside of the functions that pt.compile, pt.grad, pt.vmap and the like are given"
    )
    np.testing.assert_array_equal(model[0].weight.value.numpy(), before)
    assert fitted(model).finished


def test_one_run_at_a_time_trains_a_model():
    alone = fitted(made()).results["hash"]
    model, said = made(), []

    def second(other):
        try:
            fitted(other)
        except RunError as error:
            said.append(str(error))

    def begin():
        for other in (model, model[0]):
            thread = threading.Thread(target=second, args=(other,))
            thread.start()
            thread.join()

    assert fitted(model, callbacks=[doing(begin)]).results["hash"] == alone_with_callback(alone)
    assert said == [
        f"[fit] another run trains this {name}, or a part of it, and has not ended; expected a model that no other run "
        "trains now; wait for that run, or pass model.clone()"
        for name in ("Sequential", "Linear")
    ]
    assert fitted(model).finished  # nobody trains it any more


def alone_with_callback(expected):
    found = fitted(made(), callbacks=[doing(lambda: None)]).results["hash"]
    assert found == expected
    return found


def test_another_model_may_be_trained_meanwhile():
    expected = fitted(made()).results["hash"]
    found = []
    run = fitted(made(), callbacks=[doing(lambda: found.append(fitted(made(), seed=0).results["hash"]))])
    assert run.results["hash"] == expected and found == [expected]


def test_a_process_forked_by_a_callback_leaves_the_folder_of_the_run():
    parent = os.getpid()

    def fork():
        child = os.fork()
        if child == 0:
            raise SystemExit(0)  # on its way it passes all that the run would tidy up
        os.waitpid(child, 0)

    try:
        run = fitted(made(), callbacks=[doing(fork)])
    finally:
        if os.getpid() != parent:
            os._exit(0)
    assert run.finished and (run.folder / "results.json").is_file()


def test_each_model_of_a_run_is_trained_in_training_mode():
    model = made().eval()
    assert fitted({"model": model}).finished and model.training
    model.eval()
    with pytest.raises(pt.Error):
        fitted({"model": model}, batch_size=-1)
    assert not model.training
