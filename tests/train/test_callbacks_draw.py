"""A callback may make models, draw numbers and train runs: none of it changes a number of the run that it watches."""

import numpy as np
import pytest

import powertrain as pt
from powertrain.plugin import Callback, Pause

X = np.random.default_rng(0).normal(size=(200, 4)).astype("float32")
Y = np.arange(200) % 3


def net():
    return pt.nn.Sequential(pt.nn.Linear(4, 8), pt.nn.Dropout(0.5), pt.nn.Linear(8, 3))


def trained(callback=None, **settings):
    pt.random.seed(0)
    model, callbacks = net(), [] if callback is None else [callback]
    run = pt.fit(
        model=model,
        data=(X, Y),
        epochs=3,
        batch_size=8,
        verbose=False,
        steps_per_epoch=9,
        callbacks=callbacks,
        **settings,
    )
    return [value.numpy().tolist() for value in run.model.parameters()]


class Does(Callback):
    def __init__(self, act):
        self.act = act

    def on_start(self, start):
        self.act()

    def after_commit(self, event):
        self.act()


ACTS = {
    "draws": lambda: pt.random.normal(size=3),
    "seeds": lambda: pt.random.seed(5),
    "makes a model": net,
    "trains": lambda: pt.fit(model=net(), data=(X, Y), steps=2, verbose=False),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_what_a_callback_draws_changes_no_number_of_the_run(act):
    assert trained(Does(act)) == trained()


def test_a_callback_leaves_its_caller_s_random_numbers_as_they_were():
    trained(Does(lambda: pt.random.seed(5)))
    found = pt.random.normal(size=3).tolist()
    trained()
    assert found == pt.random.normal(size=3).tolist()


def test_a_callback_draws_other_numbers_each_time_and_the_same_after_a_resume(tmp_path):
    class Draws(Callback):
        def __init__(self, pause):
            self.pause, self.seen = pause, []

        def after_commit(self, event):
            self.seen.append(pt.random.uniform(size=2).tolist())
            return Pause("for once") if self.pause and len(self.seen) == 3 else None

    whole, first, second = Draws(False), Draws(True), Draws(False)
    trained(whole)
    trained(first, folder=str(tmp_path / "run"))
    trained(second, folder=str(tmp_path / "run"), resume=True)
    assert first.seen + second.seen == whole.seen
    assert len({tuple(one) for one in whole.seen}) == len(whole.seen) > 3
