"""Use, not only ops: what users do to a model, its optimizer, its compiled steps and its data, two and three at a time.

Each verb acts on a little world. After each sequence the world whose functions are compiled equals the world whose
functions are not, bit for bit: every result, every kind of error, every slot, and the random numbers to come.
"""

from __future__ import annotations

import copy
import itertools
import os
import threading
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt
import powertrain.nn.functional as F
from oracles import same_bits
from powertrain import nn

ROWS, WIDE, CLASSES = 9, 6, 3


class Net(nn.Module):
    """A module with a mode, a number, statistics, random numbers and a table."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(5, WIDE)
        self.first = nn.Linear(WIDE, 8)
        self.norm = nn.BatchNorm1d(8)
        self.drop = nn.Dropout(0.4)
        self.last = nn.Linear(8, CLASSES)
        self.scale = 1.5

    def forward(self, x: Any, words: Any) -> Any:
        hidden = self.norm(self.first(x + self.table(words)))
        return self.last(self.drop(pt.relu(hidden))) * self.scale


class World:
    def __init__(self, compiled: bool) -> None:
        pt.random.seed(11)
        rng = np.random.default_rng(5)
        self.model = Net()
        for slot in self.model.parameters():
            slot.value = pt.tensor(rng.standard_normal(slot.shape).astype("float32") * 0.5)
        self.opt: Any = None
        self.temperature = 1.0
        self.rng = rng
        self.results: list[Any] = []
        self.change_data(ROWS)
        wrap: Callable[..., Any] = pt.compile if compiled else lambda f: f
        self.compiled = compiled

        def loss(x: Any, words: Any, y: Any) -> Any:
            return F.cross_entropy(self.model(x, words) / self.temperature, y)

        def step(x: Any, words: Any, y: Any) -> Any:
            if self.opt is None:
                return pt.nn.value_and_grad(self.model, lambda: loss(x, words, y))()
            slots = [slot for _, slot in self.opt.params]
            value, grads = pt.nn.value_and_grad(slots, lambda: loss(x, words, y))()
            self.opt.update(grads)
            return value

        def silent_step(x: Any, words: Any, y: Any) -> None:
            step(x, words, y)

        self.loss, self.step, self.silent_step = wrap(loss), wrap(step), wrap(silent_step)
        self.predict = wrap(lambda x, words: pt.softmax(self.model(x, words)))

    def change_data(self, rows: int) -> None:
        self.x = self.rng.standard_normal((rows, WIDE)).astype("float32")
        self.words = self.rng.integers(0, 5, rows)
        self.y = self.rng.integers(0, CLASSES, rows)

    @property
    def batch(self) -> tuple[Any, Any, Any]:
        return self.x, self.words, self.y

    def slots(self) -> dict[str, Any]:
        named = dict(self.model.named_slots())
        if self.opt is not None:
            named.update(self.opt.named_slots())
        named["random"] = pt.random.default_generator().slot
        return {name: np.array(slot.numpy()) for name, slot in named.items()}

    def restore(self, values: dict[str, Any]) -> None:
        named = {**dict(self.model.named_slots()), **(dict(self.opt.named_slots()) if self.opt else {})}
        named["random"] = pt.random.default_generator().slot
        for name, slot in named.items():
            slot.value = pt.tensor(values[name])

    def keep(self, tree: Any) -> None:
        if isinstance(tree, (list, tuple, dict)):
            for item in tree.values() if isinstance(tree, dict) else tree:
                self.keep(item)
        elif tree is not None:
            self.results.append(np.array(tree.numpy()))

    def fails(self, call: Callable[[], Any]) -> None:
        """An error of one kind; a compiled step changes nothing then, and no step does from here on."""
        before = self.slots()
        try:
            call()
        except pt.Error as error:
            self.results.append(type(error).__name__)
        else:
            self.results.append("no error")
        if self.compiled:
            after = self.slots()
            assert all(same_bits(before[name], after[name]) for name in before)
        self.restore(before)


VERBS: dict[str, Callable[[World], None]] = {}


def verb(act: Callable[[World], None]) -> Callable[[World], None]:
    VERBS[act.__name__] = act
    return act


@verb
def step(w: World) -> None:
    w.keep(w.step(*w.batch))


@verb
def silent_step(w: World) -> None:
    w.silent_step(*w.batch)


@verb
def predict(w: World) -> None:
    w.keep(w.predict(w.x, w.words))


@verb
def to_eval(w: World) -> None:
    w.model.eval()


@verb
def to_train(w: World) -> None:
    w.model.train()


@verb
def norm_to_eval(w: World) -> None:
    w.model.norm.eval()


@verb
def freeze(w: World) -> None:
    w.opt = None  # which refuses what is frozen after it was made
    w.model.freeze("first.*")


@verb
def unfreeze(w: World) -> None:
    w.model.unfreeze()


@verb
def make_optimizer(w: World) -> None:
    if w.opt is None:
        w.opt = pt.optim.AdamW(w.model, lr=0.01, clip=1.0)


@verb
def change_rate(w: World) -> None:
    if w.opt is not None:
        w.opt.lr = 0.05


@verb
def change_clip(w: World) -> None:
    if w.opt is not None:
        w.opt.clip = 0.1


@verb
def change_attribute(w: World) -> None:
    w.model.scale = 0.5
    w.model.drop.p = 0.1


@verb
def change_closure(w: World) -> None:
    w.temperature = 2.0


@verb
def replace_module(w: World) -> None:
    w.model.drop = nn.Tanh()


@verb
def replace_value(w: World) -> None:
    w.model.last.weight.value = pt.ones((8, CLASSES)) * 0.25
    w.model.norm.running_mean = pt.ones(8) * 0.5


@verb
def load_state(w: World) -> None:
    w.model.load_state_dict({name: value * 0.5 for name, value in w.model.state_dict().items()})


@verb
def resume(w: World) -> None:
    """Goes on, and back to where it was."""
    state = w.slots()
    w.step(*w.batch)
    w.restore(state)
    w.keep(w.step(*w.batch))


@verb
def another_model(w: World) -> None:
    if w.opt is None:  # which holds on to the parameters of the old one
        w.model = w.model.clone()


@verb
def copied_model(w: World) -> None:
    if w.opt is None:
        w.model = copy.deepcopy(w.model)


@verb
def gradient_around(w: World) -> None:
    w.keep(pt.nn.value_and_grad(w.model, lambda: w.loss(*w.batch))())
    w.keep(pt.grad(lambda x: (w.predict(x, w.words) * pt.tensor(w.x[:, :CLASSES])).sum())(w.x))


@verb
def gradient_only_looked_at(w: World) -> None:
    """A guard that trips later undoes neither a step nor a loaded state."""
    if w.opt is not None:
        pt.nn.value_and_grad(w.model, lambda: w.loss(*w.batch))()
        load_state(w)
        w.keep(w.step(*w.batch))
        with pytest.raises(pt.NonFiniteError):
            pt.guard(pt.tensor(np.inf))


@verb
def rows_around(w: World) -> None:
    """In the mode that is left as it was: random numbers and statistics are no function of a row."""
    modes = [(module, module.training) for _, module in w.model.named_modules()]
    w.model.eval()
    w.keep(pt.vmap(lambda x, word: w.predict(x[None], word[None])[0])(w.x, w.words))
    for module, mode in modes:
        module.training = mode


@verb
def computed_again(w: World) -> None:
    w.keep(pt.grad(lambda x: pt.checkpoint(lambda x: w.loss(x, w.words, w.y))(x))(w.x))


@verb
def in_autocast(w: World) -> None:
    with pt.autocast("bf16"):
        w.keep(w.step(*w.batch))


@verb
def labels_out_of_range(w: World) -> None:
    bad = w.y.copy()
    bad[3] = CLASSES
    w.fails(lambda: w.silent_step(w.x, w.words, bad))


@verb
def words_out_of_range(w: World) -> None:
    bad = w.words.copy()
    bad[0] = -6
    w.fails(lambda: w.step(w.x, bad, w.y))


@verb
def numbers_that_are_not_finite(w: World) -> None:
    if w.opt is not None:
        w.fails(lambda: w.step(w.x * np.float32(np.inf), w.words, w.y))


@verb
def fewer_rows(w: World) -> None:
    w.change_data(4)


@verb
def other_data(w: World) -> None:
    w.change_data(len(w.x))


@verb
def strided_data(w: World) -> None:
    w.x = np.asfortranarray(w.x)
    w.y = np.repeat(w.y, 2)[::2]


@verb
def another_thread(w: World) -> None:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(w.step(*w.batch)))
    thread.start()
    thread.join()
    w.keep(found)


@verb
def fork(w: World) -> None:
    """A child computes what its parent would, and changes nothing of the parent's."""
    before = w.slots()
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of Python 3.12: the process has threads, and is meant to
        child = os.fork()
    if child == 0:
        try:
            os.write(writer, np.array(w.predict(w.x, w.words).numpy()).tobytes())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        w.results.append(np.frombuffer(pipe.read(), "float32"))
    os.waitpid(child, 0)
    assert len(w.results[-1]) == w.x.shape[0] * CLASSES
    after = w.slots()
    assert all(same_bits(before[name], after[name]) for name in before)


@verb
def seed(w: World) -> None:
    pt.random.seed(3)


def lived(verbs: tuple[str, ...], compiled: bool) -> tuple[list[Any], dict[str, Any]]:
    """The verbs one after the other, between steps that everything shows in."""
    world = World(compiled)
    world.keep(world.predict(world.x, world.words))
    for name in verbs:
        VERBS[name](world)
        world.keep(world.step(*world.batch))
    world.keep(world.predict(world.x, world.words))
    return world.results, world.slots()


def check(verbs: tuple[str, ...]) -> None:
    (want, slots), (got, compiled_slots) = lived(verbs, False), lived(verbs, True)
    assert len(got) == len(want)
    for number, (left, right) in enumerate(zip(got, want, strict=True)):
        same = left == right if isinstance(right, str) else same_bits(left, right)
        assert same, f"result {number} of {verbs}: {left} compiled, {right} eagerly"
    assert slots.keys() == compiled_slots.keys()
    for name, value in slots.items():
        assert same_bits(compiled_slots[name], value), f"{name} after {verbs}"


TRIPLES = list(itertools.permutations(VERBS, 3))
SAMPLE = [TRIPLES[i] for i in np.random.default_rng(0).choice(len(TRIPLES), 60, replace=False)]


@pytest.mark.parametrize("first", VERBS)
def test_verbs_two_at_a_time(first: str) -> None:
    for second in VERBS:
        check((first, second))


def test_some_verbs_three_at_a_time() -> None:
    for verbs in SAMPLE:
        check(verbs)


@pytest.mark.long
@pytest.mark.parametrize("first", VERBS)
def test_verbs_three_at_a_time(first: str) -> None:
    for verbs in TRIPLES:
        if verbs[0] == first:
            check(verbs)
