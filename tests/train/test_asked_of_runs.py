"""What users of Keras and scikit-learn ask of a run in words of those libraries: the error shows the line to write."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import powertrain as pt

X, Y = np.random.default_rng(0).normal(size=(32, 4)).astype("float32"), np.arange(32) % 2


@pytest.mark.parametrize(
    ("ask", "text"),
    [
        (lambda run: run.history["loss"], "expected one of step, epoch, train.loss; did you mean train.loss?"),
        (lambda run: run.history["val_loss"], "train.loss; pass validation=0.2 to pt.fit, which holds examples out"),
        (lambda run: run.history["speed"], "expected one of step, epoch, train.loss; write run.history.names"),
        (lambda run: run.history.history, "write run.history['train.loss'] for a column, run.history[-1] for a row"),
        (lambda run: run.evaluate(X, Y), "expected at most 1; write run.evaluate((x, y)), a tuple of both"),
        (lambda run: run.predict_proba(X), "write run.predict(x).probabilities"),
    ],
)
def test_what_keras_users_ask_of_a_run(ask: Any, text: str) -> None:
    run = pt.fit(model=pt.nn.Linear(4, 2), data=(X, Y), epochs=1, verbose=False)
    with pytest.raises(pt.Error) as caught:
        ask(run)
    assert str(caught.value).endswith(text)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"epochs": 0}, "[fit] received epochs=0; expected a whole number >= 1; such as 10"),
        ({"steps": -1}, "[fit] received steps=-1; expected a whole number >= 1; such as 10"),
        ({"epochs": 2.5}, "[fit] received epochs=2.5; expected a whole number >= 1; such as 10"),
        ({"epochs": True}, "[fit] received epochs=True; expected a whole number >= 1; such as 10"),
    ],
)
def test_a_length_that_is_none_is_named_as_it_was_given(given: Any, text: str) -> None:
    with pytest.raises(pt.Error) as caught:
        pt.fit(model=pt.nn.Linear(4, 2), data=(X, Y), verbose=False, **given)
    assert str(caught.value) == text


@pytest.mark.parametrize("given", [X, (X, Y), 3])
def test_data_as_the_recipe_are_refused_with_the_line_to_write(given: Any) -> None:
    """Their text was looked up as the path of a recipe."""
    with pytest.raises(
        pt.Error, match=r"as the recipe; expected its name, .*; write pt.fit\(model=..., data=\(x, y\)\)"
    ):
        pt.fit(given)
