"""Damaged pickles, by number; `python tests/attack/pickles.py FIRST COUNT`.

Each number is one object and one thing that is wrong with its pickle: bytes, the class, or the state. What loads is
used. It may work, or end in a `pt.Error`; what pickle, NumPy and scikit-learn say of their own parts is theirs.
"""

from __future__ import annotations

import copyreg
import functools
import pickle
import random
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from attack.commands import in_a_folder
from attack.files import cut, flipped, forged, longer, nested
from attack.judge import OURS
from fuzz_children import serve

SECONDS = 120
X = np.random.default_rng(0).normal(size=(24, 3)).astype("float32")
Y = np.arange(24) % 2
Use = Callable[[Any], object]


@functools.cache
def subjects() -> list[tuple[Any, Use]]:
    """What is pickled, and how it is used."""
    import powertrain as pt
    from powertrain.sklearn import PCA, Classifier, KMeans, Regressor

    net = pt.nn.Sequential(pt.nn.Linear(3, 4), pt.nn.BatchNorm1d(4), pt.nn.ReLU(), pt.nn.Linear(4, 2))
    adam = pt.optim.AdamW(net.clone(), lr=0.1)
    estimators = [Classifier(), Regressor(), KMeans(2, random_state=0), Classifier(hidden=(4,), epochs=1)]
    return [
        (pt.tensor(X), lambda x: (repr(x), (x + 1).sum().item())),
        (pt.tensor(X, dtype="bfloat16"), lambda x: (x * 2).sum().item()),
        (pt.bfloat16, lambda dtype: pt.zeros(2, dtype)),
        (net, lambda m: (repr(m), m.eval(), m(X), m.state_dict(), m.clone())),
        (pt.nn.LSTM(3, 2), lambda m: (repr(m), m(X[None]), m.parameters())),
        (pt.nn.CrossEntropyLoss(label_smoothing=0.1), lambda m: m(pt.ones((24, 2)), Y)),
        (adam.state_dict(), lambda state: pt.optim.AdamW(net.clone(), lr=0.1).load_state_dict(state)),
        *[(one.fit(X, Y), lambda one: (repr(one), one.predict(X))) for one in estimators],
        (PCA(2).fit(X), lambda one: one.transform(X)),
    ]


class Forged:
    """Pickles as what another object becomes, with changes."""

    def __init__(self, *reduced: Any) -> None:
        self.reduced = reduced

    def __reduce__(self) -> tuple[Any, ...]:
        return self.reduced


def made(cls: Any, *arguments: Any) -> Any:
    """An object before its state, as pickle makes it."""
    return cls.__new__(cls, *arguments)


def reduced(value: Any) -> tuple[Any, ...]:
    """What an object becomes in a pickle: a function, its arguments, and perhaps a state."""
    function, arguments, *rest = value.__reduce_ex__(2)
    is_new = function is copyreg.__newobj__  # type: ignore[attr-defined]  # that is for the class of who is pickled
    return made if is_new else function, arguments, *rest


def other_values(draw: random.Random) -> Any:
    return draw.choice([None, 3, -1.5, "x", b"y", (), [1], {}, {"a": 1}, set(), X, X[:0], dict, len])


def other_state(value: Any, draw: random.Random) -> Any:
    """The object with one part of its state left out, changed or added; of what has no state, its arguments."""
    function, arguments, *rest = reduced(value)
    if rest and isinstance(rest[0], dict):
        state = dict(rest[0])
        name = draw.choice(sorted(state))
        if draw.random() < 0.4:
            del state[name]
        elif isinstance(state[name], dict) and state[name] and draw.random() < 0.5:
            state[name] = {**state[name], draw.choice(sorted(state[name])): other_values(draw)}
        else:
            state[name] = other_values(draw)
        return Forged(function, arguments, draw.choice([state, state, state, other_values(draw)]))
    changed = list(arguments)
    changed[draw.randrange(len(changed))] = other_values(draw)
    return Forged(function, tuple(changed))


def other_class(value: Any, draw: random.Random) -> Any:
    import powertrain as pt
    from powertrain.sklearn import Regressor

    classes = [pt.nn.Linear, pt.nn.Module, pt.Tensor, pt.Slot, pt.nn.LSTM, Regressor, dict, object, pt.optim.Adam]
    _, _, *rest = reduced(value)
    return Forged(made, (draw.choice(classes),), rest[0] if rest else other_values(draw))


BYTES = (cut, *[flipped] * 4, forged, nested, longer)
OBJECTS = (other_state, other_state, other_class)


def spoil(value: Any, draw: random.Random) -> tuple[str, bytes]:
    protocol = draw.randrange(2, pickle.HIGHEST_PROTOCOL + 1)
    if draw.random() < 0.5:
        how = draw.choice(OBJECTS)
        return how.__name__, pickle.dumps(how(value, draw), protocol)
    damage = draw.choice(BYTES)
    return damage.__name__, damage(pickle.dumps(value, protocol), draw)


def wrong_with(error: Exception) -> list[str]:
    import powertrain as pt

    if isinstance(error, pt.Error):
        return [] if OURS.match(str(error)) else [f"no message of our form: {error}"]
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(pt.__file__).parent in Path(frame.filename).parents]
    if not ours or type(error).__name__ == "NotFittedError":
        return []
    told = " ".join(str(error).split())
    return [f"{type(error).__name__} in {Path(ours[-1].filename).name}:{ours[-1].lineno}: {told}"]


def examine(number: int) -> tuple[str | None, Sequence[str]]:
    draw = random.Random(number)
    value, use = subjects()[number % len(subjects())]
    with in_a_folder(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            how, data = spoil(value, draw)
        except TypeError:  # a state that does not pickle says nothing of loading
            return None, []
        step = "loading"
        try:
            loaded = pickle.loads(data)
            step = "use"
            use(loaded)
        except Exception as error:
            return f"{how}: {type(error).__name__}", [f"{how}, {step}: {one}" for one in wrong_with(error)]
    return f"{how}: used", []


if __name__ == "__main__":
    first, count = map(int, sys.argv[1:3])
    subjects()
    serve(range(first, first + count), examine, SECONDS)
