"""The map of examples in a report: of what the last layer is given, or of what a transform has put first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.plugin import points_section
from powertrain.plugin.declared import FieldError
from powertrain.train.explain.embedding_map import FEWEST
from powertrain.train.report.example_map import TITLE, pages

GROUPS = 3


def rows(count: int = 120) -> tuple[Any, Any]:
    """Points around the corners of a triangle in six dimensions, and their corners."""
    y = np.arange(count) % GROUPS
    x = 0.1 * np.random.default_rng(0).normal(size=(count, 6))
    x[np.arange(count), y] += 3
    return x.astype(np.float32), y


def trained(model: pt.nn.Module, count: int = 120, **more: Any) -> Any:
    return pt.fit(model=model, data=rows(count), validation=0.25, epochs=5, lr=1e-2, verbose=False, **more).run


def hidden() -> pt.nn.Module:
    return pt.nn.Sequential(pt.nn.Linear(6, 16), pt.nn.ReLU(), pt.nn.Linear(16, GROUPS))


def drawn(run: Any) -> Any:
    """The axes of the one map."""
    from matplotlib.figure import Figure

    (section,), figure = pages(run), Figure()
    section.draw(figure)
    return section, figure.axes[0]


def test_examples_lie_at_what_the_last_layer_is_given(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    run = trained(hidden(), folder=tmp_path / "r")
    assert f"<h2>{TITLE}</h2><p>30 examples of valid, at the first two" in (tmp_path / "r" / "report.html").read_text()
    _, axes = drawn(run)
    fields = run.dataset.splits["valid"].fetch(np.arange(30))
    layers = run.table.modules["model"]
    given = np.maximum(layers[0](pt.tensor(fields["x"])).numpy(), 0).astype(np.float64)
    wanted = pt.solvers.principal_components(given, 2)
    points = (given - wanted.mean) @ wanted.components.T
    found = [np.asarray(dots.get_offsets()) for dots in axes.collections]
    for kind, dots in enumerate(found):
        np.testing.assert_allclose(dots, points[fields["y"] == kind], rtol=1e-4, atol=1e-4)
    # Classes that lie apart in the inputs lie apart on the map.
    middles = np.array([dots.mean(axis=0) for dots in found])
    assert min(np.linalg.norm(middles[a] - middles[b]) for a, b in ((0, 1), (0, 2), (1, 2))) > 1


TRANSFORM = """
import powertrain as pt
class Ordered(pt.plugin.Transform):
    AXIS = "direction"
    def __call__(self, x):
        return x[:, ::-1].copy()
"""


def test_inputs_themselves_are_shown_where_a_transform_has_put_the_first_ones_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "made.py").write_text(TRANSFORM)
    recipe = {
        "data": {"use": "digits", "split": {"test": 0.2}}, "features": ["flatten", "./made.py:Ordered"],
        "model": "linear", "optimizer": "adamw", "run": {"until": "2 steps", "batch_size": 32},
        "report": {"baseline": False},
    }  # fmt: skip
    run = pt.fit(recipe, verbose=False).run
    section, axes = drawn(run)
    assert section.lines[0].startswith("359 examples of test, at the first two directions of the inputs.")
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("first direction", "second")
    fields = run.dataset.splits["test"].fetch(np.arange(359))
    np.testing.assert_allclose(axes.collections[3].get_offsets(), fields["x"][fields["y"] == 3][:, :2])


def test_inputs_as_they_are_and_a_handful_of_examples_have_no_map() -> None:
    assert not pages(trained(pt.nn.Linear(6, GROUPS)))
    assert not pages(trained(hidden(), count=4 * FEWEST - 4))
    assert pages(trained(hidden(), count=4 * FEWEST))


def test_a_map_changes_no_bit() -> None:
    run = trained(hidden())
    model = run.table.modules["model"]

    def state() -> Any:
        drawn = pt.random.default_generator().slot.value.numpy().tolist()
        return drawn, [(name, slot.value.numpy().tolist()) for name, slot in model.named_slots()]

    before = state()
    assert pages(run) and state() == before


def test_points_that_do_not_fit_their_kinds_are_refused() -> None:
    with pytest.raises(FieldError, match=r"^\[points_section\] received points of shape \[3, 2\] with kinds of sh"):
        points_section("Map", np.zeros((3, 2)), [0, 1], ["a", "b"])
    with pytest.raises(FieldError, match=r"points of shape \[3, 4\]; expected \[count, 2\]"):
        points_section("Map", np.zeros((3, 4)))
